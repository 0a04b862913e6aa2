//! What lines must have in them so that a regular expression can occur in one of them: whole blocks of lines are sorted out
//! with it, stamps and all.

use regex_syntax::ParserBuilder;
use regex_syntax::hir::{
    Class, ClassBytes, ClassBytesRange, ClassUnicode, ClassUnicodeRange, Hir, HirKind, Repetition,
};

/// A regular expression that occurs wherever `source` does, and looks at nothing around that: so it is the same for a line
/// and for many. None if it would occur everywhere.
pub(super) fn sieve(source: &str, case_sensitive: bool) -> Option<String> {
    let mut parser = ParserBuilder::new()
        .case_insensitive(!case_sensitive)
        .utf8(false)
        .build();
    let loose = loosened(&parser.parse(source).ok()?);
    let says_something = loose
        .properties()
        .minimum_len()
        .is_some_and(|least| least > 0);
    says_something.then(|| loose.to_string())
}

/// Without ends of lines and words, and within a line: else each line would be searched up to the end of the last one.
fn loosened(hir: &Hir) -> Hir {
    let all = |parts: &[Hir]| parts.iter().map(loosened).collect();
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => Hir::empty(),
        HirKind::Literal(_) => hir.clone(),
        HirKind::Class(class) => Hir::class(within_line(class.clone())),
        HirKind::Repetition(repetition) => Hir::repetition(Repetition {
            sub: Box::new(loosened(&repetition.sub)),
            ..repetition.clone()
        }),
        HirKind::Capture(capture) => loosened(&capture.sub),
        HirKind::Concat(parts) => Hir::concat(all(parts)),
        HirKind::Alternation(parts) => Hir::alternation(all(parts)),
    }
}

fn within_line(mut class: Class) -> Class {
    match &mut class {
        Class::Unicode(class) => {
            let line_feed = ClassUnicodeRange::new('\n', '\n');
            class.difference(&ClassUnicode::new([line_feed]));
        }
        Class::Bytes(class) => {
            let line_feed = ClassBytesRange::new(b'\n', b'\n');
            class.difference(&ClassBytes::new([line_feed]));
        }
    }
    class
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_around_an_occurrence_is_left_out() {
        for (source, expected) in [
            ("^loss$", "(?:loss)"),
            ("\\bstep (\\d)\\b", "(?:(?:step )\\d)"),
            ("a.b", "(?:a[^\\n]b)"),
        ] {
            let plain = |source: &str| regex_syntax::parse(source).unwrap();
            let sieve = sieve(source, true).unwrap();
            assert_eq!(plain(&sieve), plain(expected), "{source}");
        }
    }

    #[test]
    fn it_stays_within_a_line() {
        let sieve = regex::Regex::new(&sieve("[^x]+!", true).unwrap()).unwrap();
        assert_eq!(sieve.find("a\nb!").unwrap().as_str(), "b!");
    }

    #[test]
    fn what_occurs_everywhere_is_no_sieve() {
        for source in ["", "^", "a*", "x|$", "(a|b?)"] {
            assert_eq!(sieve(source, true), None, "{source}");
        }
    }
}
