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

/// The levels that tasks may have, by number and by name.
pub(crate) const LEVELS: [(i32, &str); 9] = [
    (50, "EXTREME_HIGH"),
    (40, "VERY_HIGH"),
    (30, "HIGH"),
    (20, "ABOVE_NORMAL"),
    (10, "NORMAL"),
    (8, "UNDER_NORMAL"),
    (5, "BELOW_NORMAL"),
    (0, "LOW"),
    (-1, "AUTO"),
];

impl Priority {
    /// The name of the level; what has none stays as it was typed, for the server to judge.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Name(name) => name.clone(),
            Self::Number(number) => LEVELS
                .iter()
                .find(|(level, _)| level == number)
                .map_or_else(|| number.to_string(), |(_, name)| (*name).to_owned()),
        }
    }
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
