//! Stamping lines, whatever pieces they come in.

use chrono::{DateTime, Utc};

/// `[2026-11-23 08:15:00.123456] `, 29 bytes, in UTC.
pub(super) fn stamp(at: DateTime<Utc>) -> String {
    at.format("[%Y-%m-%d %H:%M:%S%.6f] ").to_string()
}

/// Stamped output on its way to the log.
#[derive(Debug, Default)]
pub(super) struct Lines {
    /// Whether the last byte fed was in the middle of a line.
    mid_line: bool,
    stamped: Vec<u8>,
}

impl Lines {
    /// Takes the next piece of output, read at this time. Only `\n` ends a line.
    pub(super) fn feed(&mut self, output: &[u8], read_at: DateTime<Utc>) {
        let stamp = stamp(read_at);
        for piece in output.split_inclusive(|byte| *byte == b'\n') {
            if !self.mid_line {
                self.stamped.extend_from_slice(stamp.as_bytes());
            }
            self.stamped.extend_from_slice(piece);
            self.mid_line = piece.last() != Some(&b'\n');
        }
    }

    /// Gives the whole lines and keeps the rest.
    pub(super) fn take_whole(&mut self) -> Vec<u8> {
        let end = self
            .stamped
            .iter()
            .rposition(|byte| *byte == b'\n')
            .map_or(0, |at| at + 1);
        let rest = self.stamped.split_off(end);
        std::mem::replace(&mut self.stamped, rest)
    }

    /// Gives all there is.
    pub(super) fn take_all(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.stamped)
    }

    /// Number of bytes that wait to be taken.
    pub(super) fn waiting(&self) -> usize {
        self.stamped.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(second, 123_456_789).unwrap()
    }

    fn fed(pieces: &[(&str, i64)]) -> Lines {
        let mut lines = Lines::default();
        for (output, second) in pieces {
            lines.feed(output.as_bytes(), at(*second));
        }
        lines
    }

    #[test]
    fn a_stamp_has_29_characters() {
        assert_eq!(stamp(at(0)), "[1970-01-01 00:00:00.123456] ");
        assert_eq!(stamp(at(0)).len(), 29);
    }

    #[test]
    fn a_line_has_the_time_of_its_first_byte() {
        let mut lines = fed(&[("a\nb", 1), ("c\r1%\r2%", 2), ("\n\n", 3)]);
        let expected = "[1970-01-01 00:00:01.123456] a\n\
            [1970-01-01 00:00:01.123456] bc\r1%\r2%\n\
            [1970-01-01 00:00:03.123456] \n";
        assert_eq!(String::from_utf8(lines.take_all()).unwrap(), expected);
    }

    #[test]
    fn whole_lines_are_given_before_the_rest() {
        let mut lines = fed(&[("a\nbc", 1)]);
        assert_eq!(lines.take_whole(), b"[1970-01-01 00:00:01.123456] a\n");
        assert_eq!(lines.take_whole(), b"");
        assert_eq!(lines.waiting(), 31);
        lines.feed(b"d\n", at(2));
        assert_eq!(lines.take_all(), b"[1970-01-01 00:00:01.123456] bcd\n");
        assert_eq!(lines.waiting(), 0);
    }
}
