//! Values of options as users type them.

use std::str::FromStr;

use serde::Serialize;

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
