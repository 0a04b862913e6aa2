//! The YAML document of a task (schema version 2): written from a script call, or changed by `run`'s options.

use std::{collections::BTreeMap, str::FromStr};

use serde::Serialize;
use serde_json::{Map, Value, json};

/// What a script call submits. The field order is the order in the document.
#[derive(Debug, Serialize)]
pub(crate) struct Submission {
    /// Always 2.
    pub(crate) version: u32,
    /// Name of the task.
    pub(crate) name: String,
    /// Its priority.
    pub(crate) priority: Priority,
    /// What runs.
    pub(crate) spec: Spec,
    /// On what.
    pub(crate) resource: Resource,
    /// Everything else.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub(crate) options: Map<String, Value>,
}

/// The section `spec`.
#[derive(Debug, Serialize)]
pub(crate) struct Spec {
    /// Absolute directory in which the task starts.
    pub(crate) workspace: String,
    /// The script, relative to the workspace.
    pub(crate) entrypoint: String,
    /// Its arguments, quoted for a shell.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) parameters: String,
    /// Environment variables.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) environments: BTreeMap<String, String>,
    /// Whether the entrypoint is executed itself, not by an interpreter.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) entrypoint_executable: bool,
}

/// The section `resource`.
#[derive(Debug, Serialize)]
pub(crate) struct Resource {
    /// Environment of the task.
    pub(crate) image: String,
    /// Node group, or group#zone.
    pub(crate) group: String,
    /// Number of nodes.
    pub(crate) node_count: u32,
}

/// What starts a script: the command it was given to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Runner {
    /// `python3 -u`.
    Python,
    /// `bash`.
    Bash,
    /// The script itself.
    Exec,
}

impl Runner {
    /// Why the platform would start a script of this name differently; it goes by the ending alone.
    pub(crate) fn objection(self, script: &str) -> Option<&'static str> {
        let is_python = script.ends_with(".py");
        match self {
            Self::Python if !is_python => {
                Some("the platform gives only scripts named *.py to Python: rename it")
            }
            Self::Bash if is_python => {
                Some("the platform gives scripts named *.py to Python: use `python`, or rename it")
            }
            Self::Python | Self::Bash | Self::Exec => None,
        }
    }
}

/// A priority as the document says it: by number, or by name. Which ones exist the server knows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub(crate) enum Priority {
    /// 50, 40, 30 …; -1 is AUTO.
    Number(i32),
    /// `HIGH`.
    Name(String),
}

impl FromStr for Priority {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        Ok(match text.parse() {
            Ok(number) => Self::Number(number),
            Err(_) => Self::Name(text.to_ascii_uppercase().replace('-', "_")),
        })
    }
}

/// `KEY=VALUE`; the value may contain further `=`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Before the first `=`.
    pub(crate) key: String,
    /// After it.
    pub(crate) value: String,
}

impl FromStr for Entry {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once('=') {
            Some((key, value)) if !key.trim().is_empty() => Ok(Self {
                key: key.trim().to_owned(),
                value: value.to_owned(),
            }),
            _ => Err("must look like KEY=VALUE"),
        }
    }
}

/// Why a document cannot be written or changed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DocumentError {
    #[error("the value of `{key}` is not YAML")]
    Value {
        key: String,
        #[source]
        source: Box<serde_saphyr::Error>,
    },
    #[error("`{key}` cannot be set, `{outer}` is not a mapping")]
    NoMapping { key: String, outer: String },
    #[error("the file is not YAML")]
    Unreadable(#[source] Box<serde_saphyr::Error>),
    #[error("the document cannot be written as YAML")]
    Unwritable(#[source] Box<serde_saphyr::ser::Error>),
}

/// Values of `run`'s options that replace the file's.
#[derive(Debug, Default)]
pub(crate) struct Overrides {
    /// `resource.node_count`.
    pub(crate) nodes: Option<u32>,
    /// `resource.group`.
    pub(crate) group: Option<String>,
    /// `priority`.
    pub(crate) priority: Option<Priority>,
}

impl Overrides {
    /// The file's text with these values in it; untouched if there are none.
    pub(crate) fn apply(&self, text: &str) -> Result<String, DocumentError> {
        let values = [
            (
                "priority",
                self.priority.as_ref().map(|priority| json!(priority)),
            ),
            (
                "resource.group",
                self.group.as_ref().map(|group| json!(group)),
            ),
            ("resource.node_count", self.nodes.map(|nodes| json!(nodes))),
        ];
        if values.iter().all(|(_, value)| value.is_none()) {
            return Ok(text.to_owned());
        }
        let mut document = read(text).map_err(DocumentError::Unreadable)?;
        for (path, value) in values {
            if let Some(value) = value {
                set(&mut document, path, value)?;
            }
        }
        write(&document)
    }
}

impl Submission {
    /// The document as text.
    pub(crate) fn to_yaml(&self) -> Result<String, DocumentError> {
        write(self)
    }
}

/// The mapping that `--options a.b=YAML …` describes.
pub(crate) fn options(entries: &[Entry]) -> Result<Map<String, Value>, DocumentError> {
    let mut options = json!({});
    for Entry { key, value } in entries {
        let value = read(value).map_err(|source| DocumentError::Value {
            key: key.clone(),
            source,
        })?;
        set(&mut options, key, value)?;
    }
    match options {
        Value::Object(options) => Ok(options),
        _ => Ok(Map::new()),
    }
}

/// The `name` in a task's document, if it has one.
pub(crate) fn name_in(text: &str) -> Option<String> {
    let document = read(text).ok()?;
    document.get("name")?.as_str().map(str::to_owned)
}

/// Sets the value at a dotted path, making mappings on the way.
fn set(document: &mut Value, path: &str, value: Value) -> Result<(), DocumentError> {
    let mut place = document;
    let mut outer = "the document";
    for key in path.split('.') {
        if place.is_null() {
            *place = json!({});
        }
        let Value::Object(mapping) = place else {
            return Err(DocumentError::NoMapping {
                key: path.to_owned(),
                outer: outer.to_owned(),
            });
        };
        place = mapping.entry(key).or_insert(Value::Null);
        outer = key;
    }
    *place = value;
    Ok(())
}

/// Reads YAML as the server does: what looks like a word to a user stays a word (`yes`, `0755`).
fn read(text: &str) -> Result<Value, Box<serde_saphyr::Error>> {
    serde_saphyr::from_str_with_options(
        text,
        serde_saphyr::options! {
            strict_booleans: true,
            leading_zero_numbers_as_strings: true,
            underscored_numbers_as_strings: true,
            with_snippet: false,
        },
    )
    .map_err(Box::new)
}

fn write(document: &impl Serialize) -> Result<String, DocumentError> {
    serde_saphyr::to_string(document).map_err(|source| DocumentError::Unwritable(Box::new(source)))
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
