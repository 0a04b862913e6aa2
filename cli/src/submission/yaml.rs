//! YAML in and out, and values at dotted paths.

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::Entry;

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
pub(super) fn set(document: &mut Value, path: &str, value: Value) -> Result<(), DocumentError> {
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
pub(super) fn read(text: &str) -> Result<Value, Box<serde_saphyr::Error>> {
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

/// A document as text.
pub(crate) fn write(document: &impl Serialize) -> Result<String, DocumentError> {
    serde_saphyr::to_string(document).map_err(|source| DocumentError::Unwritable(Box::new(source)))
}
