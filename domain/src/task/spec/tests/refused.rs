//! What is refused, and in which words.

use serde_json::json;

use super::super::TaskSpec;
use super::super::error::Problem;
use super::{document, problems};

/// (section, lines added to the smallest document, all problems)
const REFUSED: &[(&str, &str, &[&str])] = &[
    // Keys.
    (
        "",
        "prioritty: 30",
        &["prioritty: unknown key `prioritty` at the top level, did you mean `priority`?"],
    ),
    (
        "resource",
        "prioritty: 30",
        &[
            "resource.prioritty: unknown key `prioritty` in `resource`, did you mean `priority` at the top level?",
        ],
    ),
    (
        "",
        "node_count: 3",
        &["node_count: unknown key `node_count` at the top level, it belongs in `resource`"],
    ),
    (
        "resource",
        "nodeCount: 3",
        &["resource.nodeCount: unknown key `nodeCount` in `resource`, did you mean `node_count`?"],
    ),
    (
        "spec",
        "env: {}",
        &["spec.env: unknown key `env` in `spec`, did you mean `environments`?"],
    ),
    (
        "options",
        "\"a\\nb\": 1",
        &["options.a\\nb: unknown key `a\\nb` in `options`"],
    ),
    // Keys without effect yet.
    (
        "",
        "services: [{name: ssh}]",
        &["services: not supported yet: a task runs its command only"],
    ),
    (
        "resource",
        "gpu: 8\ncpu: 1\nmemory: 1\nis_spot: true",
        &[
            "resource.gpu: not supported yet: a training task gets whole nodes",
            "resource.cpu: not supported yet: a training task gets whole nodes",
            "resource.memory: not supported yet: a training task gets whole nodes",
            "resource.is_spot: not supported yet: there are no spot nodes",
        ],
    ),
    (
        "options",
        "py_venv: torch[ana]\nmount_code: 0",
        &[
            "options.py_venv: not supported yet: activate it in the entrypoint",
            "options.mount_code: not supported yet: every mount of the user is mounted",
        ],
    ),
    (
        "",
        "task_type: jupyter",
        &["task_type: not supported yet: the only type of task is `training`"],
    ),
    // The top level.
    (
        "",
        "task_type: trainning",
        &["task_type: `trainning` is not one of training, did you mean `training`?"],
    ),
    (
        "",
        "priority: high",
        &[
            "priority: `high` is not one of 50 EXTREME_HIGH, 40 VERY_HIGH, 30 HIGH, 20 ABOVE_NORMAL, 10 NORMAL, 8 UNDER_NORMAL, 5 BELOW_NORMAL, 0 LOW, -1 AUTO, did you mean `HIGH`?",
        ],
    ),
    (
        "",
        "priority: 7",
        &[
            "priority: `7` is not one of 50 EXTREME_HIGH, 40 VERY_HIGH, 30 HIGH, 20 ABOVE_NORMAL, 10 NORMAL, 8 UNDER_NORMAL, 5 BELOW_NORMAL, 0 LOW, -1 AUTO",
        ],
    ),
    (
        "",
        "priority: [30]",
        &["priority: must be a number or a name, not a list"],
    ),
    // spec
    (
        "spec",
        "parameters: 3",
        &["spec.parameters: must be text (put it in quotes), not a number"],
    ),
    (
        "spec",
        "parameters: [a, b]",
        &["spec.parameters: must be text, not a list"],
    ),
    (
        "spec",
        "parameters: |\n  --a 1\n  --b 2",
        &[
            "spec.parameters: must not contain a line break outside of quotes: what follows it would not be passed",
        ],
    ),
    (
        "spec",
        r#"parameters: "a\0""#,
        &["spec.parameters: must not contain NUL"],
    ),
    (
        "spec",
        "entrypoint_executable: yes",
        &["spec.entrypoint_executable: must be true or false, not text"],
    ),
    (
        "spec",
        "environments: [A]",
        &["spec.environments: must be a mapping, not a list"],
    ),
    (
        "spec",
        "environments: {B: 1.10, C: true, E: , 1a: x, '': x, HAI_RANK_DIR: x, Z: \"\\0\"}",
        &[
            "spec.environments.B: must be text (put it in quotes), not a number",
            "spec.environments.C: must be text (put it in quotes), not true or false",
            "spec.environments.E: must be text, not null",
            "spec.environments.1a: must have a name of letters, digits and `_` that does not start with a digit",
            "spec.environments.\"\": must have a name of letters, digits and `_` that does not start with a digit",
            "spec.environments.HAI_RANK_DIR: is set by the platform and cannot be changed",
            "spec.environments.Z: must not contain NUL",
        ],
    ),
    // resource
    (
        "resource",
        "node_count: 0",
        &["resource.node_count: must be between 1 and 100000, not 0"],
    ),
    (
        "resource",
        "node_count: -1",
        &["resource.node_count: must be between 1 and 100000, not -1"],
    ),
    (
        "resource",
        "node_count: 100001",
        &["resource.node_count: must be between 1 and 100000, not 100001"],
    ),
    (
        "resource",
        "node_count: 2.0",
        &["resource.node_count: must be a whole number"],
    ),
    (
        "resource",
        "node_count: '2'",
        &["resource.node_count: must be a whole number, not text"],
    ),
    (
        "resource",
        "group: a#b#c",
        &["resource.group: must be `group` or `group#zone`"],
    ),
    (
        "resource",
        "group: 'a#'",
        &["resource.group: must be `group` or `group#zone`"],
    ),
    (
        "resource",
        "group: '#b'",
        &["resource.group: must be `group` or `group#zone`"],
    ),
    (
        "resource",
        "group: a b",
        &["resource.group: must not contain spaces"],
    ),
    // options
    (
        "options",
        "watchdog_time: 0\ntimeout: 2147483648",
        &[
            "options.watchdog_time: must be between 1 and 2147483647, not 0",
            "options.timeout: must be between 1 and 2147483647, not 2147483648",
        ],
    ),
    (
        "options",
        "tags: [ok, _star, '', 'a,b', 3]",
        &[
            "options.tags[1]: must not start with `_`: such tags belong to the platform",
            "options.tags[2]: must not be empty",
            "options.tags[3]: must not contain a comma",
            "options.tags[4]: must be text (put it in quotes), not a number",
        ],
    ),
    (
        "options",
        "tags: {}",
        &["options.tags: must be a list or text with commas, not a mapping"],
    ),
];

#[test]
fn every_problem_is_named_with_its_field() {
    for (section, lines, expected) in REFUSED {
        assert_eq!(&problems(&document(section, lines)), expected, "{lines}");
    }
}

#[test]
fn a_value_that_breaks_a_rule_says_the_rule() {
    let slashes = format!("/{}", "a".repeat(255));
    let long = "é".repeat(512);
    for (pointer, value, expected) in [
        ("/name", "", "name: must not be empty"),
        ("/name", "  ", "name: must not be empty"),
        ("/name", "a(1)", "name: must not contain parentheses"),
        ("/name", "a\tb", "name: must not contain control characters"),
        (
            "/name",
            &long,
            "name: must be at most 511 characters, not 512",
        ),
        (
            "/spec/workspace",
            "home/ana",
            "spec.workspace: must be an absolute path",
        ),
        (
            "/spec/workspace",
            "/home/an a",
            "spec.workspace: must not contain spaces",
        ),
        (
            "/spec/workspace",
            "/home/../root",
            "spec.workspace: must not contain `..`",
        ),
        (
            "/spec/workspace",
            "/a\0",
            "spec.workspace: must not contain control characters",
        ),
        (
            "/spec/workspace",
            &slashes,
            "spec.workspace: must be at most 255 characters, not 256",
        ),
        (
            "/spec/workspace",
            "oss://bucket/x",
            "spec.workspace: not supported yet: it must be a folder that the nodes can see",
        ),
        ("/spec/entrypoint", "", "spec.entrypoint: must not be empty"),
        (
            "/spec/entrypoint",
            "bin/",
            "spec.entrypoint: must be a file, not a folder",
        ),
        (
            "/spec/entrypoint",
            "a\nb",
            "spec.entrypoint: must not contain control characters",
        ),
    ] {
        let mut document = json!({
            "version": 2,
            "name": "n",
            "spec": {"workspace": "/w", "entrypoint": "a"},
        });
        *document.pointer_mut(pointer).unwrap() = json!(value);
        assert_eq!(
            TaskSpec::from_json(&document).unwrap_err().to_string(),
            expected
        );
    }
}

#[test]
fn all_problems_of_a_document_are_told_at_once() {
    let expected = [
        "resources: unknown key `resources` at the top level, did you mean `resource`?",
        "version: must be 2, the version of the task schema",
        "name: must not contain parentheses",
        "spec.workspace: is missing",
        "spec.entrypoint: is missing",
        "options: must be a mapping, not a list",
    ];
    let yaml = "version: 1\nname: f(x)\nresources: {}\noptions: []";
    assert_eq!(problems(yaml), expected);
    let joined = TaskSpec::from_yaml(yaml).unwrap_err().to_string();
    assert_eq!(joined, expected.join("; "));
}

#[test]
fn of_a_section_that_is_no_mapping_nothing_is_missing() {
    assert_eq!(
        problems("version: 2\nname: n\nspec: x"),
        ["spec: must be a mapping, not text"]
    );
}

#[test]
fn what_is_no_single_yaml_document_says_line_and_column() {
    for (yaml, expected) in [
        (
            "version: 2\nname: [",
            "line 2, column 7: unclosed bracket '['",
        ),
        (
            "name: a\nname: b",
            "line 2, column 1: duplicate mapping key `name` is not allowed here",
        ),
        (
            "name: a: b",
            "line 1, column 8: mapping values are not allowed in this context",
        ),
        (
            "a: 1\n---\nb: 2",
            "line 3, column 1: only single YAML document expected but multiple found",
        ),
        (
            "name: !secret x",
            "line 1, column 15: unsupported tag `!secret`",
        ),
        ("", "must be a mapping, not null"),
        ("- a", "must be a mapping, not a list"),
    ] {
        assert_eq!(problems(yaml), [format!("document: {expected}")]);
    }
}

#[test]
fn what_is_not_supported_can_be_told_from_what_is_wrong() {
    let errors = TaskSpec::from_yaml(&document("resource", "gpu: 8")).unwrap_err();
    let error = errors.iter().next().unwrap();
    assert_eq!(error.field, "resource.gpu");
    assert!(matches!(error.problem, Problem::Unsupported { .. }));
}
