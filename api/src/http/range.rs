//! Which part of a log a download asks for.
//!
//! The file that a client gets begins with the oldest byte that was kept when it began, and that byte is its entity tag. A
//! range counts from there. Rotation may have removed a beginning since, so a range is answered only if it is sure where
//! the client's file begins: `If-Range` says so, and as long as nothing was removed every file begins with the log.

use axum::http::HeaderMap;
use axum::http::header::{IF_RANGE, RANGE};

/// What to answer; offsets are those of the log.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// A file of its own: all that is kept.
    Whole,
    /// The rest, from this byte on, of a file that begins with the byte `base`.
    Rest { base: u64, from: u64 },
    /// Nothing: the client has all of the file that begins with the byte `base`.
    Nothing { base: u64 },
}

/// What to answer to these headers, of a log that is kept from `oldest` to `end`.
pub(super) fn asked(headers: &HeaderMap, oldest: u64, end: u64) -> Part {
    let Some(n_held) = first_of_range(headers) else {
        return Part::Whole;
    };
    let base = match text(headers, IF_RANGE.as_str()) {
        Some(tag) => base_of(tag),
        None => (oldest == 0 && !headers.contains_key(IF_RANGE)).then_some(0),
    };
    let Some((base, from)) = base.and_then(|base| Some((base, base.checked_add(n_held)?))) else {
        return Part::Whole;
    };
    if from < oldest {
        Part::Whole
    } else if from < end {
        Part::Rest { base, from }
    } else {
        Part::Nothing { base }
    }
}

/// The entity tag of a file that begins with this byte of the log.
pub(super) fn tag(base: u64) -> String {
    format!("\"{base}\"")
}

/// The first byte of such a file; `None` for what is no tag of ours.
fn base_of(text: &str) -> Option<u64> {
    let base = text.strip_prefix('"')?.strip_suffix('"')?.parse().ok()?;
    (tag(base) == text).then_some(base)
}

/// The first byte of a range that has no end; ranges of other kinds are ignored.
fn first_of_range(headers: &HeaderMap) -> Option<u64> {
    let first = text(headers, RANGE.as_str())?;
    first
        .strip_prefix("bytes=")?
        .strip_suffix('-')?
        .parse()
        .ok()
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn part(range: &str, if_range: Option<&str>, oldest: u64) -> Part {
        let mut headers = HeaderMap::new();
        headers.insert(RANGE, HeaderValue::from_str(range).unwrap());
        if let Some(tag) = if_range {
            headers.insert(IF_RANGE, HeaderValue::from_str(tag).unwrap());
        }
        asked(&headers, oldest, 100)
    }

    #[test]
    fn while_nothing_is_removed_a_range_counts_from_the_beginning_of_the_log() {
        assert_eq!(part("bytes=7-", None, 0), Part::Rest { base: 0, from: 7 });
        assert_eq!(part("bytes=100-", None, 0), Part::Nothing { base: 0 });
        assert_eq!(part("bytes=7-", None, 1), Part::Whole, "from where?");
    }

    #[test]
    fn with_a_tag_a_range_counts_from_the_beginning_of_its_file() {
        let part = |range, oldest| part(range, Some("\"30\""), oldest);
        let rest = |from| Part::Rest { base: 30, from };
        assert_eq!(part("bytes=0-", 30), rest(30));
        assert_eq!(part("bytes=20-", 30), rest(50));
        assert_eq!(
            part("bytes=20-", 50),
            rest(50),
            "all that is removed is held"
        );
        assert_eq!(part("bytes=20-", 51), Part::Whole, "a byte is missing");
        assert_eq!(part("bytes=70-", 50), Part::Nothing { base: 30 });
    }

    #[test]
    fn what_is_not_understood_gives_a_whole_file() {
        for range in [
            "bytes=-5",
            "bytes=5-9",
            "bytes=1-,3-",
            "lines=5-",
            "bytes=x-",
        ] {
            assert_eq!(part(range, None, 0), Part::Whole, "{range}");
        }
        let date = "Sun, 01 Nov 2026 08:00:00 GMT";
        for tag in [
            "W/\"0\"",
            "\"00\"",
            "\"x\"",
            "0",
            "*",
            "\"0",
            date,
            "\"\u{e9}\"",
        ] {
            assert_eq!(part("bytes=5-", Some(tag), 0), Part::Whole, "{tag}");
        }
        let most = u64::MAX.to_string();
        assert_eq!(
            part(&format!("bytes={most}-"), Some("\"30\""), 30),
            Part::Whole
        );
    }
}
