//! Pieces of lines.

use chrono::{DateTime, Utc};

use crate::operations::LogItem;

/// Moves to the start of the terminal's line and empties it.
pub(super) const CLEAR_LINE: &str = "\r\x1b[K";

/// The 29 characters in front of each line, in UTC.
pub(in crate::output) fn stamp(time: DateTime<Utc>) -> String {
    time.format("[%Y-%m-%d %H:%M:%S%.6f] ").to_string()
}

pub(super) fn gap(item: &LogItem) -> String {
    let lost = match item.lost_bytes {
        Some(bytes) => format!("{bytes} bytes"),
        None => "a part".to_owned(),
    };
    format!("… {lost} of the log of run {} are missing …", item.run)
}

/// What a terminal shows of a text with carriage returns: what follows one overwrites from the start.
pub(super) fn settle(text: &str) -> String {
    if !text.contains('\r') {
        return text.to_owned();
    }
    let mut shown: Vec<char> = Vec::new();
    for layer in text.split('\r') {
        for (column, char) in layer.chars().enumerate() {
            match shown.get_mut(column) {
                Some(place) => *place = char,
                None => shown.push(char),
            }
        }
    }
    shown.into_iter().collect()
}

/// As much of a line as fits without being wrapped.
pub(super) fn cut(line: &str, width: u16) -> String {
    line.chars()
        .take(usize::from(width.saturating_sub(1)))
        .collect()
}
