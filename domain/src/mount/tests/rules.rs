//! Which rules make sense.

use super::*;

fn problems(rule: &Definition) -> Vec<String> {
    match rule.read() {
        Ok(_) => Vec::new(),
        Err(problems) => problems
            .into_iter()
            .map(|it| format!("{}: {}", it.field, it.reason))
            .collect(),
    }
}

#[test]
fn what_makes_no_sense_is_named_by_its_field() {
    let path = |host_path: &str, mount_path: &str| {
        problems(&definition(Action::Add, "ana", host_path, mount_path, &[]))
    };
    for (host_path, mount_path, problem) in [
        ("", "/m", "hostPath: is empty"),
        ("data", "/m", "hostPath: must be an absolute path"),
        ("/a", "m", "mountPath: must be an absolute path"),
        ("/a/../b", "/m", "hostPath: must not contain `..` or NUL"),
        ("/a", "/m\0", "mountPath: must not contain `..` or NUL"),
        ("/a*", "/m", "hostPath: must not contain `*`"),
        (
            "/{user.user_name",
            "/m",
            "hostPath: has a `{` without a `}`",
        ),
        (
            "/user.user_name}",
            "/m",
            "hostPath: has a `}` without a `{`",
        ),
        (
            "/{user.home}",
            "/m",
            "hostPath: has a part that cannot be filled in: `user` has no `home`",
        ),
        (
            "/{user.group_list}",
            "/m",
            "hostPath: has a part that cannot be filled in",
        ),
        (
            "/{user.user_name!r}",
            "/m",
            "hostPath: has a part that cannot be filled in",
        ),
        (
            "/{user.user_name:>9}",
            "/m",
            "hostPath: has a part that cannot be filled in",
        ),
        (
            "/{task.user.role}",
            "/m",
            "hostPath: has a part that cannot be filled in",
        ),
        (
            "/{1 + 1}",
            "/m",
            "hostPath: has a part that cannot be filled in",
        ),
        (
            "/a",
            "/{}",
            "mountPath: has a part that cannot be filled in",
        ),
    ] {
        let found = path(host_path, mount_path);
        assert_eq!(found.len(), 1, "{host_path} {mount_path}: {found:?}");
        assert!(found[0].starts_with(problem), "{found:?}");
    }
    assert_eq!(path(&"/x".repeat(600), &"/x".repeat(600)).len(), 2);
    let conditions = definition(Action::Add, "", "/a", "/a", &["1", "not 1", "x"]);
    let found = problems(&conditions).join("\n");
    for field in ["owner: ", "conditions.1: ", "conditions.2: "] {
        assert!(found.contains(field), "{found}");
    }
}

#[test]
fn what_takes_may_end_with_a_star_and_what_is_no_path_needs_no_slash() {
    for (host_path, mount_path, n_problems) in [
        ("/a*", "/m*", 0),
        ("*", "/m", 0),
        ("/*a", "/m", 1),
        ("/a**", "/m", 1),
        ("claim", "/m", 0),
    ] {
        let rule = definition(Action::Remove, "ana", host_path, mount_path, &[]);
        assert_eq!(problems(&rule).len(), n_problems, "{host_path}");
    }
    for (kind, n_problems) in [
        (Kind::ConfigMap, 0),
        (Kind::VolumeClaim, 0),
        (Kind::Path, 1),
        (Kind::Socket, 1),
    ] {
        let mut rule = definition(Action::Add, "ana", "scripts:start", "/m", &[]);
        rule.kind = kind;
        assert_eq!(problems(&rule).len(), n_problems, "{kind:?}");
    }
}

#[test]
fn the_identity_is_the_same_for_the_same_mount_owners_and_conditions() {
    let mut rule = definition(Action::Add, "ana", "/a", "/m", &["1", "2"]);
    rule.owners.push("bob".to_owned());
    let identity = rule.identity();
    let mut same = rule.clone();
    same.owners.reverse();
    same.conditions.reverse();
    same.conditions.push("1".to_owned());
    (same.kind, same.read_only, same.action) = (Kind::File, true, Action::Remove);
    assert_eq!(same.identity(), identity);
    for change in [
        |it: &mut Definition| it.host_path.push('b'),
        |it: &mut Definition| it.mount_path.push('b'),
        |it: &mut Definition| it.owners.truncate(1),
        |it: &mut Definition| it.conditions.truncate(1),
    ] {
        let mut other = rule.clone();
        change(&mut other);
        assert_ne!(other.identity(), identity);
    }
}
