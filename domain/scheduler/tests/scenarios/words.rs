//! The words of a line: names, numbers, times, and options that may be left out.

use std::str::FromStr;

use scheduler::{Level, Millis, TaskKey};

/// The optional words of a line, each of which must be taken.
pub(crate) struct Options<'w>(Vec<&'w str>);

impl<'w> Options<'w> {
    pub(crate) fn of(words: &[&'w str]) -> Self {
        Self(words.to_vec())
    }

    /// Takes `name=value`.
    pub(crate) fn take_value(&mut self, name: &str) -> Option<&'w str> {
        let value_of = |word: &&'w str| word.strip_prefix(name)?.strip_prefix('=');
        let index = self.0.iter().position(|word| value_of(word).is_some())?;
        value_of(&self.0.remove(index))
    }

    /// Takes `name`.
    pub(crate) fn take_flag(&mut self, name: &str) -> bool {
        let index = self.0.iter().position(|word| *word == name);
        index.map(|index| self.0.remove(index)).is_some()
    }

    pub(crate) fn end(self) -> Result<(), String> {
        match self.0.first() {
            None => Ok(()),
            Some(word) => Err(format!("`{word}` is not an option here")),
        }
    }
}

pub(crate) fn one<'w>(words: &[&'w str]) -> Result<&'w str, String> {
    match words {
        [word] => Ok(word),
        _ => Err("one word is expected".into()),
    }
}

pub(crate) fn number<N: FromStr>(word: &str) -> Result<N, String> {
    word.parse()
        .map_err(|_| format!("`{word}` is not a number that fits here"))
}

/// `t7`
pub(crate) fn key(word: &str) -> Result<TaskKey, String> {
    let digits = word
        .strip_prefix('t')
        .ok_or_else(|| format!("`{word}` is not a task"))?;
    number(digits).map(TaskKey)
}

pub(crate) fn level(word: &str) -> Result<Level, String> {
    Level::from_name(word).ok_or_else(|| format!("`{word}` is not a level"))
}

/// `60s`
pub(crate) fn millis(word: &str) -> Result<Millis, String> {
    let seconds = word
        .strip_suffix('s')
        .ok_or_else(|| format!("`{word}` is not a time"))?;
    number(seconds).map(|seconds: Millis| seconds * 1_000)
}

/// The other way round.
pub(crate) fn time(millis: Millis) -> String {
    format!("{}s", millis / 1_000)
}
