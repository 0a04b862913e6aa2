//! What may be said of a host.

use super::{Describe, Patch};
use crate::error::{Error, Problem, Result};

/// Most characters of a word.
const MOST_CHARS: usize = 64;
/// Most characters of a name, as in the domain name system.
const MOST_OF_NAME: usize = 253;
/// Most levels of the tree of groups.
const MOST_LEVELS: usize = 10;
/// Most flags of a host.
const MOST_FLAGS: usize = 50;
/// Most accelerators of a host.
const MOST_GPUS: i32 = 1024;

/// What is wrong with what is said of a host.
#[derive(Debug, Default)]
pub(super) struct Facts {
    problems: Vec<Problem>,
}

impl Facts {
    /// A field is wrong.
    pub(super) fn wrong(&mut self, field: &str, reason: impl Into<String>) {
        self.problems.push(Problem {
            field: field.to_owned(),
            reason: reason.into(),
        });
    }

    /// # Errors
    /// [`Error::Invalid`] with everything that was wrong.
    pub(super) fn end(self) -> Result<()> {
        match self.problems.is_empty() {
            true => Ok(()),
            false => Err(Error::Invalid(self.problems)),
        }
    }

    /// The name of a host.
    pub(super) fn name(&mut self, name: &str) {
        let is_usable = |char: char| char.is_ascii_alphanumeric() || "-_.".contains(char);
        let begins = name.starts_with(|char: char| char.is_ascii_alphanumeric());
        if !begins || name.len() > MOST_OF_NAME || !name.chars().all(is_usable) {
            self.wrong(
                "name",
                format!(
                    "must have 1 to {MOST_OF_NAME} letters, digits, `-`, `_` or `.`, and begin with a letter or digit"
                ),
            );
        }
    }

    /// Everything else.
    pub(super) fn description(&mut self, said: &Describe) {
        if let Patch::Set(path) = &said.group {
            self.group(path);
        }
        if let Patch::Set(gpus) = said.gpus
            && !(0..=MOST_GPUS).contains(&gpus)
        {
            self.wrong("gpus", format!("must be between 0 and {MOST_GPUS}"));
        }
        for (field, patch) in [
            ("zone", &said.zone),
            ("room", &said.room),
            ("spine", &said.spine),
            ("leaf", &said.leaf),
        ] {
            if let Patch::Set(word) = patch {
                self.word(field, word);
            }
        }
        for (field, word) in [("kind", &said.kind), ("purpose", &said.purpose)] {
            if let Some(word) = word {
                self.word(field, word);
            }
        }
        let flags = said.flags.as_deref().unwrap_or_default();
        if flags.len() > MOST_FLAGS {
            self.wrong("flags", format!("must be at most {MOST_FLAGS}"));
        }
        for (index, flag) in flags.iter().take(MOST_FLAGS).enumerate() {
            self.word(&format!("flags.{index}"), flag);
        }
    }

    fn group(&mut self, path: &str) {
        let is_usable = |char: char| char.is_ascii_alphanumeric() || "-_".contains(char);
        let is_part =
            |part: &str| (1..=MOST_CHARS).contains(&part.len()) && part.chars().all(is_usable);
        let parts = path.split('.');
        if parts.clone().count() > MOST_LEVELS || !parts.clone().all(is_part) {
            self.wrong(
                "group",
                format!(
                    "must have 1 to {MOST_LEVELS} parts with dots between them, each of 1 to {MOST_CHARS} letters, digits, \
                     `-` or `_`"
                ),
            );
        }
    }

    fn word(&mut self, field: &str, word: &str) {
        let is_bad =
            |char: char| char.is_whitespace() || char.is_control() || "#\"\\".contains(char);
        let n_chars = word.chars().count();
        if !(1..=MOST_CHARS).contains(&n_chars) || word.chars().any(is_bad) {
            self.wrong(
                field,
                format!("must have 1 to {MOST_CHARS} characters, no spaces, quotes, `#` or `\\`"),
            );
        }
    }
}
