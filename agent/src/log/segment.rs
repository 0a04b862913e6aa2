//! Where a log is cut into segments, and which segments have to go.

use std::{collections::VecDeque, ffi::OsStr};

/// Name of the segment whose first byte has this offset in the log.
pub(super) fn name(first: u64) -> String {
    format!("{first:020}.log")
}

/// The offset in a segment's name; `None` for other files.
pub(super) fn first_byte(name: &OsStr) -> Option<u64> {
    let digits = name.to_str()?.strip_suffix(".log")?;
    (digits.len() == 20).then(|| digits.parse().ok()).flatten()
}

/// A segment on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Segment {
    /// Offset of its first byte in the log.
    pub(super) first: u64,
    /// How long it is.
    pub(super) bytes: u64,
}

/// How many of the oldest segments have to go, given all, oldest first. The newest one stays.
pub(super) fn surplus(segments: &VecDeque<Segment>, budget_bytes: u64) -> usize {
    let removable = segments.len().saturating_sub(1);
    let mut kept: u64 = segments.iter().map(|segment| segment.bytes).sum();
    segments
        .iter()
        .take(removable)
        .take_while(|oldest| {
            let is_surplus = kept > budget_bytes;
            kept -= oldest.bytes;
            is_surplus
        })
        .count()
}

/// What to do with bytes for the current segment.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Cut {
    /// Append so many of them; at least one.
    Append(usize),
    /// Begin a new segment first.
    Begin,
}

/// Cuts a log after whole lines as soon as a segment is full, and within a line only if that alone fills a segment.
/// So a segment is shorter than twice its limit.
#[derive(Debug)]
pub(super) struct Cutter {
    limit: u64,
    /// Bytes in the current segment.
    segment: u64,
    /// Bytes of the unfinished line in the current segment.
    line: u64,
}

impl Cutter {
    pub(super) fn new(segment_bytes: u64) -> Self {
        Self {
            limit: segment_bytes.max(1),
            segment: 0,
            line: 0,
        }
    }

    /// Looks at the bytes to come, of which there is at least one.
    pub(super) fn next(&self, bytes: &[u8]) -> Cut {
        let room = |upto: u64| usize::try_from(upto).unwrap_or(usize::MAX).min(bytes.len());
        if self.segment < self.limit {
            return Cut::Append(room(self.limit - self.segment));
        }
        if self.line == 0 || self.line >= self.limit {
            return Cut::Begin;
        }
        let rest_of_line = bytes
            .iter()
            .position(|byte| *byte == b'\n')
            .map_or(bytes.len(), |at| at + 1);
        Cut::Append(room(self.limit - self.line).min(rest_of_line))
    }

    /// Takes note of bytes that were appended.
    pub(super) fn appended(&mut self, bytes: &[u8]) {
        self.segment += bytes.len() as u64;
        self.line = match bytes.iter().rposition(|byte| *byte == b'\n') {
            Some(at) => (bytes.len() - at - 1) as u64,
            None => self.line + bytes.len() as u64,
        };
    }

    /// Takes note of a new segment.
    pub(super) fn begun(&mut self) {
        (self.segment, self.line) = (0, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The segments that a log of these bytes is cut into.
    fn cut(limit: u64, mut bytes: &[u8]) -> Vec<String> {
        let mut cutter = Cutter::new(limit);
        let mut segments = vec![Vec::new()];
        while !bytes.is_empty() {
            match cutter.next(bytes) {
                Cut::Append(count) => {
                    let (now, later) = bytes.split_at(count);
                    cutter.appended(now);
                    segments.last_mut().unwrap().extend_from_slice(now);
                    bytes = later;
                }
                Cut::Begin => {
                    cutter.begun();
                    segments.push(Vec::new());
                }
            }
        }
        segments
            .into_iter()
            .map(|segment| String::from_utf8(segment).unwrap())
            .collect()
    }

    #[test]
    fn segments_end_with_the_line_that_fills_them() {
        assert_eq!(cut(4, b"ab\ncd\nef\n"), ["ab\ncd\n", "ef\n"]);
        assert_eq!(cut(3, b"ab\ncd\n"), ["ab\n", "cd\n"]);
        assert_eq!(cut(100, b"ab\ncd"), ["ab\ncd"]);
    }

    #[test]
    fn a_line_longer_than_a_segment_is_split() {
        assert_eq!(cut(4, b"abcdefghij\nk\n"), ["abcd", "efgh", "ij\nk\n"]);
        assert_eq!(cut(4, b"a\nbcdefghi\n"), ["a\nbcde", "fghi", "\n"]);
    }

    #[test]
    fn names_hold_the_offset() {
        assert_eq!(name(8_388_608), "00000000000008388608.log");
        assert_eq!(first_byte(name(u64::MAX).as_ref()), Some(u64::MAX));
        for other in [
            "1.log",
            "00000000000000000000.tmp",
            "0000000000000000000x.log",
        ] {
            assert_eq!(first_byte(other.as_ref()), None, "{other}");
        }
    }

    #[test]
    fn the_oldest_segments_beyond_the_budget_go_but_never_the_newest() {
        let sizes = [(0, 10), (10, 10), (20, 10), (30, 5)];
        let segments = sizes.map(|(first, bytes)| Segment { first, bytes }).into();
        assert_eq!(surplus(&segments, 100), 0);
        assert_eq!(surplus(&segments, 35), 0);
        assert_eq!(surplus(&segments, 34), 1);
        assert_eq!(surplus(&segments, 15), 2);
        assert_eq!(surplus(&segments, 0), 3);
        assert_eq!(surplus(&VecDeque::new(), 0), 0);
    }

    #[test]
    fn a_hole_takes_nothing_of_the_budget() {
        let sizes = [(0, 10), (1_000_000, 10), (2_000_000, 1)];
        let segments = sizes.map(|(first, bytes)| Segment { first, bytes }).into();
        assert_eq!(surplus(&segments, 21), 0);
        assert_eq!(surplus(&segments, 20), 1);
    }
}
