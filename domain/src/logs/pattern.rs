//! What somebody looks for in logs.

use regex::bytes::{Regex, RegexBuilder};

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
pub struct Pattern(Regex);

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
        RegexBuilder::new(&source)
            .case_insensitive(!case_sensitive)
            .size_limit(MOST_COMPILED)
            .dfa_size_limit(MOST_COMPILED)
            .build()
            .map(Self)
            .map_err(|error| match error {
                regex::Error::CompiledTooBig(_) => MalformedPattern::Large,
                error => MalformedPattern::Syntax(reason(&error.to_string())),
            })
    }

    /// Where the first occurrence begins and ends, and how many there are; `None` if there is none.
    pub(super) fn find(&self, text: &[u8]) -> Option<(usize, usize, u64)> {
        let mut occurrences = self.0.find_iter(text);
        let first = occurrences.next()?;
        Some((first.start(), first.end(), 1 + occurrences.count() as u64))
    }
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
        pattern.find(line).map(|(_, _, occurrences)| occurrences)
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
}
