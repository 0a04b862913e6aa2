//! What holds for any document at all.

use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use serde_json::{Map, Value, json};

use scheduler::Priority;

use super::super::{TaskSpec, shell_line};

/// Words of the schema, so that random documents get past its keys.
const WORDS: &[&str] = &[
    "version",
    "name",
    "task_type",
    "priority",
    "spec",
    "resource",
    "options",
    "services",
    "workspace",
    "entrypoint",
    "parameters",
    "environments",
    "image",
    "group",
    "node_count",
    "tags",
    "timeout",
    "training",
    "/w",
    "a#b",
    "AUTO",
    "prioritty",
];

fn config() -> ProptestConfig {
    ProptestConfig {
        cases: 512,
        rng_seed: RngSeed::Fixed(2),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

fn word() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => prop::sample::select(WORDS).prop_map(str::to_owned),
        1 => any::<String>(),
    ]
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-2_i64..12).prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        word().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 64, 8, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((word(), inner), 0..8)
                .prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    })
}

/// Pieces of YAML: put together at random they are often almost a document.
fn yaml_soup() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => prop::sample::select(WORDS).prop_map(|word| format!("{word}: ")),
        4 => prop::sample::select(&[
            "\n", "\n  ", "\n- ", "[", "]", "{", "}", ",", "&a ", "*a", "<<: ", "? ", "|\n", ">-\n",
            "'", "\"", "# ", "---\n", "...\n", "!!str ", "!x ", "%YAML 1.2\n", "\t", "2", "1e999", ".nan",
            "~", "\\", "\0", "\u{feff}",
        ][..]).prop_map(str::to_owned),
        1 => any::<String>(),
    ];
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

fn path_step() -> impl Strategy<Value = String> {
    "[a-z0-9_.é-]{1,12}".prop_filter("`..` is refused", |step| step != "..")
}

fn valid_document() -> impl Strategy<Value = Value> {
    let top = (
        "[a-zé/#:'\"{} -]{0,20}[a-z]",
        prop::sample::select(&Priority::ALL[..]),
        prop::option::of(Just("training")),
    );
    let spec = (
        prop::collection::vec(path_step(), 1..5),
        "[ -~]{0,20}[a-z]",
        any::<bool>(),
        "[ -~]{0,60}",
        prop::collection::btree_map("[A-Za-z_][A-Za-z0-9_]{0,8}", "[\\n\\t\\P{C}]{0,20}", 0..5),
    );
    let resource = (
        "[a-z0-9:/.]{1,20}",
        "[a-z0-9]{1,9}(#[a-z0-9]{1,9})?",
        1..=100_000_u32,
    );
    let seconds = || prop::option::of(1..=2_147_483_647_u32);
    let options = (
        0..=2_147_483_647_u32,
        seconds(),
        seconds(),
        prop::collection::vec("[a-zé][a-z _-]{0,9}", 0..5),
    );
    (top, spec, resource, options).prop_map(|(top, spec, resource, options)| {
        let (name, priority, task_type) = top;
        let priority = if spec.2 {
            json!(priority.value())
        } else {
            json!(priority.name())
        };
        let mut document = json!({
            "version": 2,
            "name": name,
            "priority": priority,
            "spec": {
                "workspace": format!("/{}", spec.0.join("/")),
                "entrypoint": spec.1,
                "entrypoint_executable": spec.2,
                "parameters": spec.3,
                "environments": spec.4,
            },
            "resource": {"image": resource.0, "group": resource.1, "node_count": resource.2},
            "options": {
                "whole_life_state": options.0,
                "watchdog_time": options.1,
                "timeout": options.2,
                "tags": options.3,
            },
        });
        if let Some(task_type) = task_type {
            document["task_type"] = json!(task_type);
        }
        document
    })
}

/// A document with random sections: deep enough to reach every rule.
fn sectioned_json() -> impl Strategy<Value = Value> {
    (
        valid_document(),
        prop::collection::vec((word(), word(), any_json()), 1..6),
    )
        .prop_map(|(mut document, changes)| {
            for (section, key, value) in changes {
                let place = document
                    .as_object_mut()
                    .and_then(|top| top.get_mut(&section));
                match place {
                    Some(Value::Object(place)) => _ = place.insert(key, value),
                    Some(place) => *place = value,
                    None => _ = document.as_object_mut().map(|top| top.insert(key, value)),
                }
            }
            document
        })
}

fn names_its_fields(outcome: Result<TaskSpec, super::super::SpecErrors>) {
    let Err(errors) = outcome else { return };
    assert_ne!(errors.iter().count(), 0);
    for error in &errors {
        assert!(
            !error.field.is_empty() && !error.problem.to_string().is_empty(),
            "{error:?}"
        );
        assert!(error.to_string().len() < 4_000, "{error}");
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn any_json_is_a_spec_or_has_named_problems(document in any_json()) {
        names_its_fields(TaskSpec::from_json(&document));
    }

    #[test]
    fn a_document_changed_at_random_is_a_spec_or_has_named_problems(document in sectioned_json()) {
        names_its_fields(TaskSpec::from_json(&document));
    }

    #[test]
    fn any_text_is_a_spec_or_has_named_problems(text in any::<String>()) {
        names_its_fields(TaskSpec::from_yaml(&text).map(|(spec, _)| spec));
    }

    #[test]
    fn any_pieces_of_yaml_are_a_spec_or_have_named_problems(text in yaml_soup()) {
        names_its_fields(TaskSpec::from_yaml(&text).map(|(spec, _)| spec));
    }

    #[test]
    fn a_valid_document_is_accepted_and_survives_storage(document in valid_document()) {
        let spec = TaskSpec::from_json(&document).unwrap();
        let stored = serde_json::to_value(&spec).unwrap();
        prop_assert_eq!(&serde_json::from_value::<TaskSpec>(stored.clone()).unwrap(), &spec);
        prop_assert_eq!(&TaskSpec::from_json(&stored).unwrap(), &spec);
        prop_assert!(shell_line(&spec).starts_with("exec "));
        prop_assert!(spec.command().starts_with('/'));
    }

    #[test]
    fn yaml_and_json_of_a_document_mean_the_same(document in valid_document()) {
        let from_json = TaskSpec::from_json(&document).unwrap();
        for yaml in [document.to_string(), serde_saphyr::to_string(&document).unwrap()] {
            let (from_yaml, raw) = TaskSpec::from_yaml(&yaml).unwrap();
            prop_assert_eq!(&from_yaml, &from_json);
            prop_assert_eq!(&raw, &document);
        }
    }

    #[test]
    fn a_stored_spec_with_a_broken_rule_is_not_loaded(document in valid_document()) {
        let mut stored = serde_json::to_value(TaskSpec::from_json(&document).unwrap()).unwrap();
        stored["resource"]["node_count"] = json!(0);
        prop_assert!(serde_json::from_value::<TaskSpec>(stored).is_err());
    }
}

#[test]
fn an_empty_mapping_misses_what_is_required() {
    let errors = TaskSpec::from_json(&Value::Object(Map::new())).unwrap_err();
    let fields: Vec<_> = errors.iter().map(|error| error.field.as_str()).collect();
    assert_eq!(
        fields,
        ["version", "name", "spec.workspace", "spec.entrypoint"]
    );
}
