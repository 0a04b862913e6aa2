//! Where something stands in the files, with what there is to say of it.

use std::fmt;
use std::sync::Arc;

/// A line of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Name of the file.
    pub file: Arc<str>,
    /// Its line, from 1 on.
    pub line: u64,
}

/// What there is to say of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// The line.
    pub place: Place,
    /// What there is to say. It never has a token in it.
    pub text: String,
}

impl Place {
    /// Another line of the same file.
    pub(super) fn at(&self, line: u64) -> Self {
        Self {
            file: Arc::clone(&self.file),
            line,
        }
    }

    /// What there is to say of it.
    pub(super) fn says(&self, text: impl Into<String>) -> Note {
        Note {
            place: self.clone(),
            text: text.into(),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.text)
    }
}
