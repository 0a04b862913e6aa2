//! The time stamp in front of each line.

use chrono::{DateTime, NaiveDate, Utc};

/// Length of a stamp and the space after it, in bytes.
pub(super) const STAMP_LEN: usize = SHAPE.len();

/// `0` stands for any digit.
const SHAPE: &[u8; 29] = b"[0000-00-00 00:00:00.000000] ";

/// Splits a whole line into its time and its text. A line without a stamp is all text.
pub(super) fn split(line: &[u8]) -> (Option<DateTime<Utc>>, &[u8]) {
    match line.split_first_chunk::<STAMP_LEN>() {
        Some((stamp, text)) => match parse(stamp) {
            Some(time) => (Some(time), text),
            None => (None, line),
        },
        None => (None, line),
    }
}

fn parse(stamp: &[u8; STAMP_LEN]) -> Option<DateTime<Utc>> {
    let fits = stamp.iter().zip(SHAPE).all(|(byte, shape)| match shape {
        b'0' => byte.is_ascii_digit(),
        _ => byte == shape,
    });
    if !fits {
        return None;
    }
    let number = |from: usize, to: usize| {
        stamp[from..to]
            .iter()
            .fold(0, |sum, digit| sum * 10 + u32::from(digit - b'0'))
    };
    let year = i32::try_from(number(1, 5)).ok()?;
    NaiveDate::from_ymd_opt(year, number(6, 8), number(9, 11))?
        .and_hms_micro_opt(
            number(12, 14),
            number(15, 17),
            number(18, 20),
            number(21, 27),
        )
        .map(|time| time.and_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamped_line_is_time_and_text() {
        let (time, text) = split(b"[2026-09-01 23:05:09.000123] step 1");
        assert_eq!(
            time.unwrap().to_rfc3339(),
            "2026-09-01T23:05:09.000123+00:00"
        );
        assert_eq!(text, b"step 1");
        assert_eq!(split(b"[2026-09-01 23:05:09.000123] ").1, b"");
    }

    #[test]
    fn a_line_without_a_valid_stamp_is_all_text() {
        for line in [
            "",
            "step 1",
            "[2026-09-01 23:05:09.000123]",
            "[2026-13-01 23:05:09.000123] x",
        ] {
            assert_eq!(split(line.as_bytes()), (None, line.as_bytes()));
        }
    }
}
