//! A place in the log of one rank of a task, in the form that clients keep and hand back.

use std::fmt;
use std::str::FromStr;

/// A place in the log of one rank of a task. It survives rotation, restarts and reconnects.
///
/// As text it is opaque to clients and needs no escaping in a URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cursor {
    /// Number of the run within the task; 0 is before the first run.
    pub run: i32,
    /// Index of the rank.
    pub rank: u32,
    /// Logical offset of the next byte in the log of that run.
    pub offset: u64,
}

/// The text is not a cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the text is not a place in a log")]
pub struct MalformedCursor;

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.run, self.rank, self.offset)
    }
}

impl FromStr for Cursor {
    type Err = MalformedCursor;

    fn from_str(text: &str) -> Result<Self, MalformedCursor> {
        let cursor = parse(text).ok_or(MalformedCursor)?;
        // Only the one spelling that we give out: `+1` and `01` are numbers to Rust, but not ours.
        if cursor.to_string() == text {
            Ok(cursor)
        } else {
            Err(MalformedCursor)
        }
    }
}

fn parse(text: &str) -> Option<Cursor> {
    let mut parts = text.split('.');
    let cursor = Cursor {
        run: parts.next()?.parse().ok()?,
        rank: parts.next()?.parse().ok()?,
        offset: parts.next()?.parse().ok()?,
    };
    parts.next().is_none().then_some(cursor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_survives_the_way_through_a_client() {
        for (run, rank, offset) in [(0, 0, 0), (7, 3, 1_048_576), (i32::MAX, u32::MAX, u64::MAX)] {
            let cursor = Cursor { run, rank, offset };
            assert_eq!(cursor.to_string().parse(), Ok(cursor));
        }
    }

    #[test]
    fn any_other_text_is_refused() {
        for text in [
            "", "1", "1.2", "1.2.3.4", "1.2.x", "+1.2.3", "1.2.03", "1.-2.3", "1.2.3 ",
        ] {
            assert_eq!(text.parse::<Cursor>(), Err(MalformedCursor), "{text:?}");
        }
    }
}
