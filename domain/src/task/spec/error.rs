//! What is wrong with a document: every problem, each with the field it is in.

use std::fmt;

/// Problems noted at most; a document with more is read again after these are repaired.
const MOST_PROBLEMS: usize = 50;

/// Characters of a user's words repeated in a message.
const CLIPPED_CHARS: usize = 120;

/// All problems of one document: at least one, at most 50, section by section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpecErrors(Vec<SpecError>);

/// One problem.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {problem}")]
pub struct SpecError {
    /// Dotted path such as `spec.entrypoint` or `options.tags[1]`; `document` when the whole document is meant.
    pub field: String,
    /// What is wrong with it.
    pub problem: Problem,
}

/// What can be wrong with a field. The text does not repeat the field.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// The field must be there and is not, or is null.
    #[error("is missing")]
    Missing,
    /// The value is of another kind than the field.
    #[error("must be {expected}, not {found}")]
    Kind {
        /// What belongs there.
        expected: &'static str,
        /// What is there.
        found: &'static str,
    },
    /// A rule that says itself what must be.
    #[error("{0}")]
    Rule(&'static str),
    /// A number outside its bounds, both inclusive.
    #[error("must be between {least} and {most}, not {found}")]
    OutOfRange {
        /// Smallest accepted number.
        least: u32,
        /// Largest accepted number.
        most: u32,
        /// The number as written.
        found: String,
    },
    /// A text or a list longer than accepted.
    #[error("must be at most {most} {unit}, not {length}")]
    TooLong {
        /// Largest accepted length.
        most: usize,
        /// What is counted: characters, bytes, tags.
        unit: &'static str,
        /// The length found.
        length: usize,
    },
    /// The value is not one of a fixed set.
    #[error("`{value}` is not one of {allowed}{}", did_you_mean(*suggestion))]
    NotOneOf {
        /// The value as written.
        value: String,
        /// All accepted values, separated by commas.
        allowed: String,
        /// The accepted value that was probably meant.
        suggestion: Option<&'static str>,
    },
    /// The schema does not know the key.
    #[error("unknown key `{key}` {}{}", place(section), hint(key, section, suggestion.as_ref()))]
    UnknownKey {
        /// The key as written.
        key: String,
        /// The section in which it was found; empty for the top level.
        section: &'static str,
        /// What was probably meant.
        suggestion: Option<Suggestion>,
    },
    /// The original platform knows this and ours does not yet.
    #[error("not supported yet: {reason}")]
    Unsupported {
        /// Why, or what to do instead.
        reason: &'static str,
    },
    /// The text is not one YAML document within the limits.
    #[error("line {line}, column {column}: {message}")]
    Yaml {
        /// Line, from 1.
        line: u64,
        /// Column in characters, from 1.
        column: u64,
        /// What the parser says.
        message: String,
    },
}

/// A known key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Suggestion {
    /// The section it belongs in; empty for the top level.
    pub section: &'static str,
    /// Its name.
    pub key: &'static str,
}

impl SpecErrors {
    /// The problems, in order.
    pub fn iter(&self) -> std::slice::Iter<'_, SpecError> {
        self.0.iter()
    }
}

impl fmt::Display for SpecErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { "; " };
            write!(f, "{separator}{error}")?;
        }
        Ok(())
    }
}

impl std::error::Error for SpecErrors {}

impl From<SpecError> for SpecErrors {
    fn from(error: SpecError) -> Self {
        Self(vec![error])
    }
}

impl IntoIterator for SpecErrors {
    type Item = SpecError;
    type IntoIter = std::vec::IntoIter<SpecError>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'a> IntoIterator for &'a SpecErrors {
    type Item = &'a SpecError;
    type IntoIter = std::slice::Iter<'a, SpecError>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// A problem of the document as a whole.
pub(super) fn of_document(problem: Problem) -> SpecErrors {
    SpecError {
        field: "document".to_owned(),
        problem,
    }
    .into()
}

/// The problems found so far.
#[derive(Default)]
pub(super) struct Problems(Vec<SpecError>);

impl Problems {
    pub(super) fn note(&mut self, field: String, problem: Problem) {
        if !self.is_full() {
            self.0.push(SpecError { field, problem });
        }
    }

    pub(super) fn is_full(&self) -> bool {
        self.0.len() >= MOST_PROBLEMS
    }

    /// What was read, if there were no problems.
    pub(super) fn into_result<T>(self, read: T) -> Result<T, SpecErrors> {
        if self.0.is_empty() {
            Ok(read)
        } else {
            Err(SpecErrors(self.0))
        }
    }
}

/// A user's words as a message shows them: on one line, not endless, and to be seen even if empty.
pub(super) fn clip(words: &str) -> String {
    if words.is_empty() {
        return "\"\"".to_owned();
    }
    let mut shown = String::new();
    for (index, char) in words.chars().enumerate() {
        match char {
            _ if index == CLIPPED_CHARS => return shown + "…",
            '\'' | '"' | '\\' => shown.push(char),
            _ => shown.extend(char.escape_debug()),
        }
    }
    shown
}

fn place(section: &str) -> String {
    match section {
        "" => "at the top level".to_owned(),
        section => format!("in `{section}`"),
    }
}

fn hint(key: &str, section: &str, suggestion: Option<&Suggestion>) -> String {
    match suggestion {
        Some(meant) if meant.section == section => did_you_mean(Some(meant.key)),
        Some(meant) if meant.key == key => format!(", it belongs {}", place(meant.section)),
        Some(meant) => format!(", did you mean `{}` {}?", meant.key, place(meant.section)),
        None => String::new(),
    }
}

fn did_you_mean(suggestion: Option<&str>) -> String {
    suggestion
        .map(|word| format!(", did you mean `{word}`?"))
        .unwrap_or_default()
}
