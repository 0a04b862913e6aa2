//! Tests of the document.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{yaml::read, *};

fn submission(parameters: &str) -> Submission {
    Submission {
        version: 2,
        name: "train.py".to_owned(),
        priority: Priority::Number(30),
        spec: Spec {
            workspace: "/data/me".to_owned(),
            entrypoint: "train.py".to_owned(),
            parameters: parameters.to_owned(),
            environments: BTreeMap::from([("K".to_owned(), "yes".to_owned())]),
            entrypoint_executable: false,
        },
        resource: Resource {
            image: "default".to_owned(),
            group: "training".to_owned(),
            node_count: 2,
        },
        options: options(&["timeout=60".parse().unwrap()]).unwrap(),
    }
}

#[test]
fn the_document_is_readable_yaml_in_a_fixed_order() {
    let yaml = submission("--lr 0.1").to_yaml().unwrap();
    assert_eq!(
        yaml,
        "version: 2\n\
         name: train.py\n\
         priority: 30\n\
         spec:\n\
         \x20 workspace: /data/me\n\
         \x20 entrypoint: train.py\n\
         \x20 parameters: --lr 0.1\n\
         \x20 environments:\n\
         \x20   K: \"yes\"\n\
         resource:\n\
         \x20 image: default\n\
         \x20 group: training\n\
         \x20 node_count: 2\n\
         options:\n\
         \x20 timeout: 60\n"
    );
}

#[test]
fn every_text_survives_the_document() {
    let long = "--flag value ".repeat(60);
    for text in [
        "a: b # c",
        "- x",
        "'it'\\''s'",
        "\"q\"",
        "0755",
        "yes",
        "null",
        "~",
        "1e3",
        "*a &b !c",
        "tab\there",
        "two\nlines",
        " leading and trailing ",
        "ümläut 訓練",
        "{a: [b]}",
        "%x @y `z`",
        "---",
        "...",
        &long,
    ] {
        let yaml = submission(text).to_yaml().unwrap();
        let document = read(&yaml).unwrap();
        assert_eq!(document["spec"]["parameters"], text, "in:\n{yaml}");
    }
}

#[test]
fn a_script_that_the_platform_would_start_differently_is_objected_to() {
    assert_eq!(Runner::Python.objection("a/x.py"), None);
    assert_eq!(Runner::Bash.objection("x.sh"), None);
    assert_eq!(Runner::Exec.objection("x.py"), None);
    assert!(Runner::Python.objection("x").is_some());
    assert!(Runner::Bash.objection("x.py").is_some());
}

#[test]
fn priorities_are_numbers_or_names() {
    let read = |text: &str| json!(text.parse::<Priority>().unwrap());
    assert_eq!(read("30"), json!(30));
    assert_eq!(read("-1"), json!(-1));
    assert_eq!(read("above-normal"), json!("ABOVE_NORMAL"));
    assert_eq!(read("High"), json!("HIGH"));
}

#[test]
fn an_entry_ends_its_key_at_the_first_equals_sign() {
    let entry: Entry = "A=b=c".parse().unwrap();
    assert_eq!((entry.key.as_str(), entry.value.as_str()), ("A", "b=c"));
    assert!("A".parse::<Entry>().is_err());
    assert!("=b".parse::<Entry>().is_err());
    assert_eq!("A=".parse::<Entry>().unwrap().value, "");
}

#[test]
fn dotted_options_become_nested_mappings() {
    let entries: Vec<Entry> = ["profile.time=10", "profile.recorder=gpu", "tags=[a, b=c]"]
        .iter()
        .map(|text| text.parse().unwrap())
        .collect();
    assert_eq!(
        Value::Object(options(&entries).unwrap()),
        json!({ "profile": { "time": 10, "recorder": "gpu" }, "tags": ["a", "b=c"] })
    );
    let clash = ["a=1", "a.b=2"].map(|text| text.parse().unwrap());
    assert!(matches!(
        options(&clash),
        Err(DocumentError::NoMapping { .. })
    ));
}

#[test]
fn overrides_replace_only_what_they_name() {
    let file = "version: 2\nname: '007'\nresource: {group: a, image: b}\n";
    let overrides = Overrides {
        nodes: Some(3),
        group: None,
        priority: Some(Priority::Name("HIGH".to_owned())),
    };
    assert_eq!(
        read(&overrides.apply(file).unwrap()).unwrap(),
        json!({
            "version": 2, "name": "007", "priority": "HIGH",
            "resource": { "group": "a", "image": "b", "node_count": 3 },
        })
    );
}

#[test]
fn without_overrides_the_text_stays_as_it_is_even_if_it_is_no_yaml() {
    let file = "# a comment\nversion: [";
    assert_eq!(Overrides::default().apply(file).unwrap(), file);
}

#[test]
fn a_documents_name_is_found() {
    assert_eq!(name_in("name: x\nversion: 2").as_deref(), Some("x"));
    assert_eq!(name_in("version: 2"), None);
    assert_eq!(name_in("[1"), None);
}
