//! What conditions mean, held against a table made with Python, and what is refused.

use entity::user::Role;
use proptest::prelude::*;

use super::*;
use crate::mount::{TaskFacts, UserFacts};

fn user() -> UserFacts {
    UserFacts {
        name: "ana".to_owned(),
        uid: 1007,
        shared_group: "vision".to_owned(),
        role: Role::External,
        active: true,
        groups: ["external", "public", "ana", "ops"]
            .map(str::to_owned)
            .into(),
    }
}

fn task() -> TaskFacts {
    TaskFacts {
        id: 42,
        name: "llm".to_owned(),
        group: "alpha_big".to_owned(),
        nodes: 6,
        task_type: "training".to_owned(),
        backend: "default".to_owned(),
        workspace: "/w/ana".to_owned(),
        priority: 30,
        whole_life_state: 0,
    }
}

fn holds(text: &str) -> Result<bool, String> {
    let (user, task) = (user(), task());
    let facts = Facts {
        user: &user,
        task: Some(&task),
    };
    let condition = Condition::parse(text)?;
    condition.holds(facts).map_err(|Void(reason)| reason)
}

#[test]
fn what_holds_in_python_holds_here() {
    for text in [
        "task.task_type == 'training'",
        "task.group.startswith('alpha')",
        "task.group.endswith((\"_small\", '_big',))",
        "user.in_group('ops')",
        "user.in_any_group(['admins', 'ops'])",
        "task.user.role == 'external'",
        "task.user.in_group('public')",
        "task.group[:5] == 'alpha'",
        "task.group[-3:] == \"big\" and task.group[0] == 'a' and task.group[6:100] == 'big'",
        "task.group[None:2] == 'al' and task.group[-99:1] == 'a' and task.group[3:2] == ''",
        "user.group_list[1] == 'public'",
        "user.group_list[:2] == ['external', 'public']",
        "1 < task.nodes <= 6 < 7",
        "task.nodes % 4 == 2 and -7 % 3 == 2 and -7 // 2 == -4 and 7 % -3 == -2 and 7 // -2 == -4",
        "-2 ** 2 == -4 and 2 ** 3 ** 2 == 512 and 2 ** -1 == 0.5 and 6 / 4 == 1.5",
        "1 + 2 * 3 == 7 and (1 + 2) * 3 == 9 and 1 | 2 ^ 3 & 6 << 1 == 1 or 1",
        "task.priority & 2 == 2 or (task.priority & 2) == 2",
        "~0 == -1 and 0x1f == 31 and 1_000 == 1000 and 1e3 == 1000 and .5 == 1/2 and 1.5e-1 == 0.15",
        "None is None and task.group is None or 'x'",
        "(task is None) == (user is None)",
        "'a' 'b' == \"ab\" and 'a' + 'b' == 'ab' and 'it\\'s' == \"it's\"",
        "'a' < 'b' and 1 < 1.5 and (1 == 1) == 1 and 1 != 'x' and (1,) != [1]",
        "'' or 0 or [] or () or None or task",
        "user.shared_group == 'vision'",
        "user.user_id == 1007 and user.active and task.user_name == user.user_name",
        "1 == 1.0 == (2 > 1)",
    ] {
        assert_eq!(holds(text), Ok(true), "{text}");
    }
}

#[test]
fn what_does_not_hold_in_python_does_not_hold_here() {
    for text in [
        "''",
        "0",
        "0.0 or None or ()",
        "task is None",
        "task.group == 'alpha'",
        "task.task_type == 'jupyter' and 1 / 0",
        "user.in_group('admins')",
        "1 < 2 < 2",
        "task.nodes == '6'",
        "task.priority & 1",
        "task.group[9:]",
    ] {
        assert_eq!(holds(text), Ok(false), "{text}");
    }
}

#[test]
fn what_python_fails_at_or_what_is_too_large_has_no_value() {
    for text in [
        "1 / 0",
        "7 % 0",
        "1 < 'a'",
        "task < 1",
        "None < None",
        "-'a'",
        "'a' + 1",
        "'a' * 1000000",
        "task.group[99]",
        "task.group['a']",
        "task.nodes[0]",
        "task.group.startswith(['a'])",
        "task.group.startswith(1)",
        "task.nodes.startswith('a')",
        "user.in_any_group([1])",
        "9223372036854775807 + 1",
        "2 ** 63",
        "1 << 63",
        "1 << -1",
    ] {
        let condition = Condition::parse(text);
        assert!(condition.is_ok(), "{text}: {condition:?}");
        assert!(holds(text).is_err(), "{text}");
    }
}

#[test]
fn what_the_original_refuses_or_could_run_code_is_refused() {
    for (text, word) in [
        ("", "empty"),
        ("not user.active", "`not`"),
        ("'ops' in user.group_list", "`in`"),
        ("user.active == True", "`True`"),
        ("1 # one", "`#`"),
        ("user.role.upper()", "`.upper`"),
        ("task.config_json.schema", "`config_json`"),
        ("user.user_name.__class__", "`.__class__`"),
        ("user.token == 'x'", "`token`"),
        ("len(user.group_list)", "`len`"),
        ("1 if 1 else 2", "`if`"),
        ("lambda: 1", "`lambda`"),
        ("open('/etc/passwd')", "`open`"),
        ("f'{1}'", "`f`"),
        ("b'x' == 'x'", "`b`"),
        ("'''x'''", "triple"),
        ("{'a': 1}", "`{`"),
        ("x := 1", "`=`"),
        ("1, 2", "`,`"),
        ("1 2", "`2`"),
        ("(1", "ends too early"),
        ("user.in_group", "ends too early"),
        ("user.in_group('a', 'b')", "one argument"),
        ("task.group.startswith", "ends too early"),
        ("user.user_name is 'ana'", "`is`"),
        ("'ana", "no end"),
        ("'\\x41'", "`\\x`"),
        ("1 == 012", "`012`"),
        ("99999999999999999999 == 1", "no number"),
        ("1j == 1", "no number"),
        ("a", "`a`"),
        ("task.group[::2]", "`:`"),
        ("1 @ 2", "`@`"),
        ("user.active; 1", "`;`"),
    ] {
        let refusal = Condition::parse(text).expect_err(text);
        assert!(refusal.contains(word), "{text}: {refusal}");
    }
    let deep = "(".repeat(50) + "1" + &")".repeat(50);
    assert!(Condition::parse(&deep).unwrap_err().contains("deep"));
    let long = "1+".repeat(600) + "1";
    assert!(Condition::parse(&long).unwrap_err().contains("1000"));
}

#[test]
fn members_of_root_belong_to_all_groups_and_who_is_shut_out_to_none() {
    let condition = Condition::parse("user.in_group('anything')").unwrap();
    let mut it = user();
    let ask = |user: &UserFacts| condition.holds(Facts { user, task: None });
    assert_eq!(ask(&it), Ok(false));
    it.groups.push("root".to_owned());
    assert_eq!(ask(&it), Ok(true));
    it.active = false;
    assert_eq!(ask(&it), Ok(false));
}

#[test]
fn a_condition_says_whether_it_needs_a_task_and_whether_it_joins() {
    for (text, needs_task, is_joined) in [
        ("user.active", false, false),
        ("task is None", false, false),
        ("task.nodes > 1", true, false),
        ("task.user.role == 'external'", true, false),
        ("user.active or (task.id,)[0]", true, true),
        ("'a and b or c'", false, false),
        ("[1 and 2]", false, true),
    ] {
        let condition = Condition::parse(text).unwrap();
        assert_eq!(
            (condition.needs_task(), condition.is_joined()),
            (needs_task, is_joined),
            "{text}"
        );
    }
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in any::<String>()) {
        let _ = holds(&text);
    }

    #[test]
    fn no_words_make_it_panic(words in prop::collection::vec(prop::sample::select(WORDS), 0..40)) {
        let _ = holds(&words.join(" "));
    }
}

const WORDS: &[&str] = &[
    "1",
    "0.5",
    "'a'",
    "None",
    "user",
    "task",
    ".",
    "role",
    "group",
    "nodes",
    "startswith",
    "(",
    ")",
    "[",
    "]",
    ",",
    ":",
    "==",
    "<",
    "is",
    "and",
    "or",
    "-",
    "~",
    "**",
    "//",
    "%",
    "<<",
    "&",
    "in_group",
];
