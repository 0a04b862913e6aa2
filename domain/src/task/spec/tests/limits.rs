//! How large a document and its parts may be, and that a hostile one costs the server nothing.

use serde_json::json;

use super::super::TaskSpec;
use super::{document, problems};

#[test]
fn documents_that_would_exhaust_the_server_are_refused() {
    let large = document("", &format!("# {}", "x".repeat(256 * 1024)));
    let nested_flow = format!("name: {}", "[".repeat(100_000));
    let nested_block: String = (0..400)
        .map(|depth| format!("{}a:\n", " ".repeat(depth)))
        .collect();
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..10 {
        let copies = vec![format!("*a{}", level - 1); 10].join(", ");
        bomb += &format!("a{level}: &a{level} [{copies}]\n");
    }
    let text = "x".repeat(200_000);
    let amplified = format!("a: &a {text}\nb: *a\n");
    for (yaml, expected) in [
        (&large, "must be at most 262144 bytes"),
        (&nested_flow, "recursion limit exceeded"),
        (&nested_block, "Depth { depth: 17 }"),
        (&bomb, "too large or too complex"),
        (&amplified, "ScalarBytes"),
    ] {
        let [problem] = &problems(yaml)[..] else {
            panic!("more than one problem")
        };
        assert!(
            problem.starts_with("document: ") && problem.contains(expected),
            "{problem}"
        );
    }
}

#[test]
fn variables_are_bounded_together_too() {
    let document = |length: usize| {
        let variables =
            json!({"A": "x".repeat(100_000), "B": "x".repeat(100_000), "C": "x".repeat(length)});
        json!({
            "version": 2,
            "name": "n",
            "spec": {"workspace": "/w", "entrypoint": "a", "environments": variables},
        })
    };
    let fitting = 256 * 1024 - 200_000 - "A=B=C=".len();
    let spec = TaskSpec::from_json(&document(fitting)).unwrap();
    assert_eq!(TaskSpec::from_json(&spec.to_json()).unwrap(), spec);
    assert_eq!(
        TaskSpec::from_json(&document(fitting + 1))
            .unwrap_err()
            .to_string(),
        "spec.environments: must be at most 262144 bytes in all, not 262145"
    );
}

#[test]
fn messages_stay_short_whatever_the_document() {
    let key = "k".repeat(100_000);
    let [problem, ..] = &problems(&document("", &format!("? {key}\n: 1")))[..] else {
        panic!()
    };
    assert!(problem.len() < 400, "{}", problem.len());

    let keys: String = (0..5_000).map(|i| format!("k{i}: 1\n")).collect();
    assert_eq!(problems(&document("", &keys)).len(), 50);
}

#[test]
fn a_list_far_too_long_is_told_with_its_length() {
    let tags: Vec<_> = (0..30_000).map(|i| format!("t{i}")).collect();
    let errors = TaskSpec::from_json(&json!({"options": {"tags": tags.join(",")}})).unwrap_err();
    let last = errors.iter().last().unwrap();
    assert_eq!(
        last.to_string(),
        "options.tags: must be at most 64 tags, not 30000"
    );
}

#[test]
fn a_command_too_long_for_its_column_is_refused() {
    let json = |length: usize| {
        json!({
            "version": 2,
            "name": "n",
            "spec": {"workspace": "/w", "entrypoint": "a", "parameters": "é".repeat(length)},
        })
    };
    let fitting = 2047 - "/w/a ".len();
    assert!(TaskSpec::from_json(&json(fitting)).is_ok());
    assert_eq!(
        TaskSpec::from_json(&json(fitting + 1))
            .unwrap_err()
            .to_string(),
        "spec.parameters: must be at most 2047 characters together with workspace and entrypoint, not 2048"
    );
}

#[test]
fn a_variable_too_long_for_the_kernel_is_refused() {
    let lines = format!("environments: {{A: {}}}", "x".repeat(128 * 1024 - 2));
    assert_eq!(
        problems(&document("spec", &lines)),
        ["spec.environments.A: must be at most 131071 bytes with its name, not 131072"]
    );
}

#[test]
fn too_many_tags_are_refused() {
    let tags: Vec<_> = (0..65).map(|i| format!("t{i}")).collect();
    assert_eq!(
        problems(&document(
            "options",
            &format!("tags: [{}]", tags.join(", "))
        )),
        ["options.tags: must be at most 64 tags, not 65"]
    );
}
