//! Reads the fields of one section of a document and notes every problem on the way.

use std::collections::{BTreeMap, HashSet};

use serde_json::{Map, Value};

use super::error::{Problem, Problems, clip};
use super::keys::{Section, Support};
use super::kinds;
use super::suggest;

/// One section of a document, being read. Null is the same as absent.
pub(super) struct Fields<'d, 'p> {
    section: &'static Section,
    /// `None` when the section is absent or no mapping.
    map: Option<&'d Map<String, Value>>,
    /// A section that is no mapping was noted as such; what it lacks is then no news.
    is_readable: bool,
    problems: &'p mut Problems,
}

impl<'d, 'p> Fields<'d, 'p> {
    /// Opens a section: its unknown keys, and those without effect yet, are noted here.
    pub(super) fn open(
        section: &'static Section,
        value: Option<&'d Value>,
        problems: &'p mut Problems,
    ) -> Self {
        let (map, is_readable) = match value.map(kinds::mapping) {
            None => (None, true),
            Some(Ok(map)) => (Some(map), true),
            Some(Err(problem)) => {
                problems.note(section.name.to_owned(), problem);
                (None, false)
            }
        };
        let mut fields = Self {
            section,
            map,
            is_readable,
            problems,
        };
        fields.refuse_strange_keys();
        fields
    }

    /// The value of a field, unread; `None` when it is absent.
    pub(super) fn value(&self, key: &str) -> Option<&'d Value> {
        debug_assert!(
            self.section.key(key).is_some(),
            "{key} is not in the table of keys"
        );
        self.map?.get(key).filter(|value| !value.is_null())
    }

    /// A field that may be absent; `None` also when it is wrong, which is then noted.
    pub(super) fn optional<T>(
        &mut self,
        key: &str,
        read: impl FnOnce(&'d Value) -> Result<T, Problem>,
    ) -> Option<T> {
        match read(self.value(key)?) {
            Ok(value) => Some(value),
            Err(problem) => {
                self.note(key, problem);
                None
            }
        }
    }

    /// A field for whose absence the default of its type stands.
    pub(super) fn defaulted<T: Default>(
        &mut self,
        key: &str,
        read: impl FnOnce(&'d Value) -> Result<T, Problem>,
    ) -> T {
        self.optional(key, read).unwrap_or_default()
    }

    /// A field whose absence is a problem.
    pub(super) fn required<T: Default>(
        &mut self,
        key: &str,
        read: impl FnOnce(&'d Value) -> Result<T, Problem>,
    ) -> T {
        if self.value(key).is_none() && self.is_readable {
            self.note(key, Problem::Missing);
        }
        self.defaulted(key, read)
    }

    /// A field that maps names to values, without the entries that are wrong, which are noted.
    pub(super) fn entries<T>(
        &mut self,
        key: &str,
        read: impl Fn(&str, &Value) -> Result<T, Problem>,
    ) -> BTreeMap<String, T> {
        let mut entries = BTreeMap::new();
        for (name, value) in self.optional(key, kinds::mapping).into_iter().flatten() {
            match read(name, value) {
                Ok(value) => _ = entries.insert(name.clone(), value),
                Err(problem) => self.note(&format!("{key}.{}", clip(name)), problem),
            }
        }
        entries
    }

    /// A field that lists words, as a list or as one text with commas: each word once, without those that are wrong,
    /// which are noted.
    pub(super) fn words(
        &mut self,
        key: &str,
        read: impl Fn(&Value) -> Result<String, Problem>,
    ) -> Vec<String> {
        let mut words = Vec::new();
        let mut seen = HashSet::new();
        let items = self.optional(key, kinds::items).unwrap_or_default();
        for (index, item) in items.iter().enumerate() {
            match read(item) {
                Ok(word) if seen.insert(word.clone()) => words.push(word),
                Ok(_) => {}
                Err(problem) => self.note(&format!("{key}[{index}]"), problem),
            }
        }
        words
    }

    /// Notes what a check of a field found.
    pub(super) fn check(&mut self, key: &str, outcome: Result<(), Problem>) {
        if let Err(problem) = outcome {
            self.note(key, problem);
        }
    }

    fn note(&mut self, key: &str, problem: Problem) {
        self.problems.note(self.section.field(key), problem);
    }

    fn refuse_strange_keys(&mut self) {
        for (name, value) in self.map.into_iter().flatten() {
            if self.problems.is_full() {
                return;
            }
            match self.section.key(name).map(|key| &key.support) {
                Some(Support::Read) => {}
                Some(Support::NotYet { default, .. }) if is_unset(value, default) => {}
                Some(Support::NotYet { reason, .. }) => {
                    self.note(name, Problem::Unsupported { reason });
                }
                None => self.note(&clip(name), self.unknown(name)),
            }
        }
    }

    fn unknown(&self, key: &str) -> Problem {
        Problem::UnknownKey {
            key: clip(key),
            section: self.section.name,
            suggestion: suggest::key(key),
        }
    }
}

/// Whether a key without effect is left at its default, given as JSON.
fn is_unset(value: &Value, default: &str) -> bool {
    value.is_null() || serde_json::from_str::<Value>(default).is_ok_and(|unset| unset == *value)
}
