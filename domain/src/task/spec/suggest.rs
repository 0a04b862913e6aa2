//! Guesses what somebody meant who wrote a word that the schema does not know.

use super::error::Suggestion;
use super::keys::SECTIONS;

/// Jaro-Winkler similarity from which a word is taken for another one misspelt.
const ALIKE: f64 = 0.84;

/// From so many letters on, the start of a word is taken for the word.
const SHORTEST_START: usize = 3;

/// Longer words are no misspelling of ours, only work.
const LONGEST_WORD_BYTES: usize = 64;

/// The known key most like `unknown`, of any section.
pub(super) fn key(unknown: &str) -> Option<Suggestion> {
    SECTIONS
        .iter()
        .flat_map(|section| section.keys.iter().map(|key| (section.name, key.name)))
        .filter_map(|(section, key)| Some((likeness(unknown, key)?, Suggestion { section, key })))
        .max_by(|(likeness, _), (other, _)| likeness.total_cmp(other))
        .map(|(_, suggestion)| suggestion)
}

/// The word most like `unknown`.
pub(super) fn word(
    unknown: &str,
    words: impl IntoIterator<Item = &'static str>,
) -> Option<&'static str> {
    words
        .into_iter()
        .filter_map(|word| Some((likeness(unknown, word)?, word)))
        .max_by(|(likeness, _), (other, _)| likeness.total_cmp(other))
        .map(|(_, word)| word)
}

/// How alike two words are, up to 1; `None` when they have nothing to do with each other.
fn likeness(unknown: &str, word: &str) -> Option<f64> {
    if unknown.len() > LONGEST_WORD_BYTES {
        return None;
    }
    let (unknown, word) = (bare(unknown), bare(word));
    let likeness = strsim::jaro_winkler(&unknown, &word);
    let is_start = unknown.len() >= SHORTEST_START && word.starts_with(&unknown);
    (likeness >= ALIKE || is_start).then_some(likeness)
}

/// `nodeCount`, `node-count` and `node_count` are one word.
fn bare(word: &str) -> String {
    word.chars()
        .filter(|c| !matches!(c, '_' | '-'))
        .flat_map(char::to_lowercase)
        .collect()
}
