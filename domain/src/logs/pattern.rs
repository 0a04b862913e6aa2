//! What somebody looks for in logs.

use std::ops::Range;

use regex::bytes::{Regex, RegexBuilder};

use super::sieve::sieve;

/// Most characters of a pattern.
const MOST_CHARS: usize = 1000;
/// Most memory of a compiled pattern, in bytes.
const MOST_COMPILED: usize = 1 << 20;

/// How a pattern is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PatternKind {
    /// As it is written.
    Literal,
    /// As a regular expression, whose time is linear in the text.
    Regex,
}

/// What somebody looks for, in bytes of a line without its stamp. `^` and `$` are the ends of the line.
#[derive(Debug, Clone)]
pub struct Pattern {
    exact: Regex,
    /// What occurs in every line in which it occurs, whatever is around; absent if that says nothing.
    sieve: Option<Regex>,
}

/// The text is not a pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MalformedPattern {
    /// It is empty.
    #[error("must not be empty")]
    Empty,
    /// It has too many characters.
    #[error("must not have more than {MOST_CHARS} characters")]
    Long,
    /// It would need too much memory.
    #[error("is too large a regular expression: repeat less")]
    Large,
    /// It is no regular expression.
    #[error("is not a regular expression: {0}")]
    Syntax(String),
}

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// If the text is none, or too large.
    pub fn new(
        text: &str,
        kind: PatternKind,
        case_sensitive: bool,
    ) -> Result<Self, MalformedPattern> {
        if text.is_empty() {
            return Err(MalformedPattern::Empty);
        }
        if text.chars().count() > MOST_CHARS {
            return Err(MalformedPattern::Long);
        }
        let source = match kind {
            PatternKind::Literal => regex::escape(text),
            PatternKind::Regex => text.to_owned(),
        };
        let compile = |source: &str| {
            RegexBuilder::new(source)
                .case_insensitive(!case_sensitive)
                .size_limit(MOST_COMPILED)
                .dfa_size_limit(MOST_COMPILED)
                .build()
        };
        let exact = compile(&source).map_err(|error| match error {
            regex::Error::CompiledTooBig(_) => MalformedPattern::Large,
            error => MalformedPattern::Syntax(reason(&error.to_string())),
        })?;
        let sieve = sieve(&source, case_sensitive).and_then(|source| compile(&source).ok());
        Ok(Self { exact, sieve })
    }

    /// Where in some lines the first one may be in which it occurs: no line in front of that has it.
    pub(super) fn first_in(&self, lines: &[u8]) -> Option<usize> {
        match &self.sieve {
            Some(sieve) => sieve.find(lines).map(|found| found.start()),
            None => Some(0),
        }
    }

    /// The occurrences that begin in a range of the text; `None` if there is none. What is around the range is looked at
    /// too: an occurrence may end behind it, and `^` is only the beginning of all of the text.
    pub(super) fn find(&self, text: &[u8], begin_in: Range<usize>) -> Option<Occurrences> {
        let mut found: Option<Occurrences> = None;
        let mut at = begin_in.start;
        while let Some(occurrence) = (at <= text.len())
            .then(|| self.exact.find_at(text, at))
            .flatten()
            .filter(|occurrence| begin_in.contains(&occurrence.start()))
        {
            let (start, end) = (occurrence.start(), occurrence.end());
            at = end + usize::from(occurrence.is_empty());
            // Nothing, directly behind an occurrence, is none.
            if occurrence.is_empty() && found.as_ref().is_some_and(|it| it.end == end) {
                continue;
            }
            let found = found.get_or_insert(Occurrences {
                first: (start, end),
                count: 0,
                end,
            });
            (found.count, found.end) = (found.count + 1, end);
        }
        found
    }
}

/// Where a pattern occurs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Occurrences {
    /// Where the first one begins and ends.
    pub(super) first: (usize, usize),
    /// How many there are; they do not overlap.
    pub(super) count: u64,
    /// Where the last one ends.
    pub(super) end: usize,
}

/// The sentence in a message that draws a picture before it.
fn reason(message: &str) -> String {
    let last = message.lines().last().unwrap_or_default();
    last.strip_prefix("error: ").unwrap_or(last).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(text: &str, kind: PatternKind, case_sensitive: bool, line: &[u8]) -> Option<u64> {
        let pattern = Pattern::new(text, kind, case_sensitive).unwrap();
        let whole = 0..line.len() + 1;
        pattern.find(line, whole).map(|found| found.count)
    }

    #[test]
    fn a_literal_is_found_as_it_is_written() {
        let literal = PatternKind::Literal;
        assert_eq!(find("a.b", literal, true, b"a.b axb a.b"), Some(2));
        assert_eq!(find("a.b", literal, true, b"axb"), None);
        assert_eq!(find("LOSS", literal, true, b"loss"), None);
        assert_eq!(find("LÖSS", literal, false, "löss".as_bytes()), Some(1));
    }

    #[test]
    fn a_regular_expression_also_matches_beside_bytes_that_are_no_text() {
        let regex = PatternKind::Regex;
        assert_eq!(find("^los+ \\d+$", regex, true, b"loss 12"), Some(1));
        assert_eq!(find("loss", regex, true, b"\xff\xfeloss\xff"), Some(1));
        assert_eq!(find("50%$", regex, true, b"10%\r50%"), Some(1));
    }

    #[test]
    fn what_is_no_pattern_says_why() {
        let new = |text: &str| Pattern::new(text, PatternKind::Regex, true).unwrap_err();
        assert_eq!(new(""), MalformedPattern::Empty);
        assert_eq!(new(&"x".repeat(1001)), MalformedPattern::Long);
        assert_eq!(new("((a{1000}){1000}){1000}"), MalformedPattern::Large);
        assert_eq!(
            new("(a").to_string(),
            "is not a regular expression: unclosed group"
        );
    }

    #[test]
    fn occurrences_are_counted_as_anywhere_else() {
        for (text, line) in [
            ("a*", "aab"),
            ("", "é"),
            ("x|", "axxb"),
            ("aa", "aaaaa"),
            ("\\b", "a b"),
            ("$", "a"),
        ] {
            let expected = Regex::new(text).unwrap().find_iter(line.as_bytes()).count();
            let pattern = Pattern {
                exact: Regex::new(text).unwrap(),
                sieve: None,
            };
            let found = pattern.find(line.as_bytes(), 0..line.len() + 1).unwrap();
            assert_eq!(found.count, expected as u64, "{text:?} in {line:?}");
        }
    }

    #[test]
    fn an_occurrence_belongs_to_where_it_begins() {
        let find = |text: &str, range| {
            let pattern = Pattern::new(text, PatternKind::Regex, true).unwrap();
            let found = pattern.find(b"ab ab ab", range)?;
            Some((found.first, found.count, found.end))
        };
        assert_eq!(find("ab", 1..4), Some(((3, 5), 1, 5)));
        assert_eq!(find("ab", 4..6), None);
        assert_eq!(find("^ab", 3..9), None);
        assert_eq!(find("\\bb", 1..9), None);
        assert_eq!(find("ab$", 0..6), None);
    }
}
