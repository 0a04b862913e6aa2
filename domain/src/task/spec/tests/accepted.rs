//! What is accepted, and what it then means.

use std::time::Duration;

use serde_json::json;

use scheduler::Priority;

use super::super::{TaskSpec, TaskType};
use super::{document, parsed};

#[test]
fn the_smallest_document_gets_the_defaults_of_the_schema() {
    let spec = parsed("version: 2\nname: n\nspec: {workspace: /w, entrypoint: a.sh}");
    assert_eq!(spec.name(), "n");
    assert_eq!(spec.task_type(), TaskType::Training);
    assert_eq!(spec.priority(), Priority::Auto);
    assert_eq!(spec.workspace(), "/w");
    assert_eq!(spec.entrypoint(), "a.sh");
    assert!(!spec.is_entrypoint_executable());
    assert_eq!(spec.parameters(), "");
    assert!(spec.environments().is_empty());
    assert_eq!(spec.image(), "default");
    assert_eq!((spec.group(), spec.zone()), ("default", None));
    assert_eq!(spec.node_count(), 1);
    assert_eq!(spec.whole_life_state(), 0);
    assert_eq!((spec.watchdog_time(), spec.timeout()), (None, None));
    assert!(spec.tags().is_empty());
}

#[test]
fn every_field_of_a_full_document_is_read() {
    let spec = parsed(
        r#"
version: 2
name: gpt/küche 7
task_type: training
priority: ABOVE_NORMAL
spec:
  workspace: /home/ana/gpt
  entrypoint: bin/run it
  entrypoint_executable: true
  parameters: >
    --lr 0.1
    --name "$USER's run"
  environments: {OMP_NUM_THREADS: 8, WORLD_SIZE: "3", MARSV2_X: "yes", LINES: "a\nb", _e: ""}
resource: {image: registry/team/torch:2, group: a100#zone-b, node_count: 100000}
options: {whole_life_state: 2147483647, watchdog_time: 600, timeout: 86400, tags: [b, a, b]}
"#,
    );
    assert_eq!(spec.name(), "gpt/küche 7");
    assert_eq!(spec.priority().name(), "ABOVE_NORMAL");
    assert_eq!(spec.entrypoint(), "bin/run it");
    assert!(spec.is_entrypoint_executable());
    assert_eq!(spec.parameters(), r#"--lr 0.1 --name "$USER's run""#);
    assert_eq!(
        spec.command(),
        r#"/home/ana/gpt/bin/run it --lr 0.1 --name "$USER's run""#
    );
    let environments: Vec<_> = spec
        .environments()
        .iter()
        .map(|(k, v)| (&**k, &**v))
        .collect();
    let expected = [
        ("LINES", "a\nb"),
        ("MARSV2_X", "yes"),
        ("OMP_NUM_THREADS", "8"),
        ("WORLD_SIZE", "3"),
        ("_e", ""),
    ];
    assert_eq!(environments, expected);
    assert_eq!(spec.image(), "registry/team/torch:2");
    assert_eq!((spec.group(), spec.zone()), ("a100", Some("zone-b")));
    assert_eq!(spec.node_count(), 100_000);
    assert_eq!(spec.whole_life_state(), 2_147_483_647);
    assert_eq!(spec.watchdog_time(), Some(Duration::from_secs(600)));
    assert_eq!(spec.timeout(), Some(Duration::from_secs(86_400)));
    assert_eq!(spec.tags(), ["b", "a"]);
}

#[test]
fn null_is_the_same_as_absent() {
    let spec = parsed(
        "version: 2\nname: n\ntask_type:\npriority: ~\n\
         spec: {workspace: /w, entrypoint: a, parameters: , environments: , entrypoint_executable: }\n\
         resource:\noptions: {tags: , timeout: null}",
    );
    assert_eq!(
        spec,
        parsed("version: 2\nname: n\nspec: {workspace: /w, entrypoint: a}")
    );
}

#[test]
fn a_priority_has_a_number_and_a_name() {
    for (number, name) in [
        (50, "EXTREME_HIGH"),
        (40, "VERY_HIGH"),
        (30, "HIGH"),
        (20, "ABOVE_NORMAL"),
        (10, "NORMAL"),
        (8, "UNDER_NORMAL"),
        (5, "BELOW_NORMAL"),
        (0, "LOW"),
        (-1, "AUTO"),
    ] {
        for written in [number.to_string(), name.to_owned()] {
            let priority = parsed(&document("", &format!("priority: {written}"))).priority();
            assert_eq!((priority.value(), priority.name()), (number, name));
        }
    }
}

#[test]
fn keys_without_effect_may_stand_at_their_default() {
    parsed(&document("", "services: []"));
    parsed(&document(
        "spec",
        "git_remote_repo: ''\ngit_target_revision:",
    ));
    parsed(&document(
        "resource",
        "is_spot: false\ngpu: 0\ncpu: 0\nmemory: 0",
    ));
    parsed(&document(
        "options",
        "mount_code: 2\npy_venv: ''\noverride_node_resource: {}\n\
         record_git_revision: false\nassigned_nodes: []\nprofile: {}\nsidecar: []\nfffs: {}\n\
         fffs_enable_fuse: false",
    ));
}

#[test]
fn tags_may_be_one_text_with_commas() {
    assert_eq!(
        parsed(&document("options", "tags: ' a,b c ,, a,'")).tags(),
        ["a", "b c"]
    );
}

#[test]
fn an_empty_group_is_the_default_one() {
    assert_eq!(
        parsed(&document("resource", "group: ''")).group(),
        "default"
    );
}

#[test]
fn words_that_old_yaml_took_for_other_things_stay_words() {
    for word in ["yes", "off", "0755", "1_000", "1:30", "=", "2024-01-01"] {
        let yaml = format!("version: 2\nname: {word}\nspec: {{workspace: /w, entrypoint: a}}");
        assert_eq!(parsed(&yaml).name(), word);
    }
}

#[test]
fn anchors_and_merge_keys_are_read_as_yaml_has_them() {
    let spec = parsed(&document(
        "spec",
        "environments: {<<: &base {A: x, B: y}, B: z}\nparameters: &p '-v'",
    ));
    assert_eq!(spec.environments().values().collect::<Vec<_>>(), ["x", "z"]);
}

#[test]
fn parameters_may_go_on_after_a_backslash_or_inside_quotes() {
    for parameters in [
        "--a 1 \\\n--b 2",
        "--text 'one\ntwo'",
        "--text \"one \\\" \ntwo\"",
    ] {
        let yaml = json!({
            "version": 2,
            "name": "n",
            "spec": {"workspace": "/w", "entrypoint": "a", "parameters": parameters},
        });
        let spec = TaskSpec::from_json(&yaml).unwrap();
        assert_eq!(spec.parameters(), parameters);
    }
}

#[test]
fn the_document_is_returned_as_it_was_written() {
    let (_, raw) = TaskSpec::from_yaml(
        "name: n\nversion: 2\nspec: {entrypoint: a, workspace: /w}\noptions: {tags: 'a,b'}",
    )
    .unwrap();
    let written = json!({
        "name": "n",
        "version": 2,
        "spec": {"entrypoint": "a", "workspace": "/w"},
        "options": {"tags": "a,b"},
    });
    assert_eq!(raw, written);
}

#[test]
fn another_priority_changes_nothing_else() {
    let spec = parsed(&document("", "priority: 30"));
    let auto = spec.clone().with_priority(Priority::Auto);
    assert_eq!(auto.priority(), Priority::Auto);
    assert_eq!(auto.with_priority(spec.priority()), spec);
}
