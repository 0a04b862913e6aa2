//! From a moment to a place in a log, without reading the log.

use std::io;
use std::path::PathBuf;

use chrono::{DateTime, Utc};

use super::line::{Lines, Piece, Unfinished};
use super::segment::Segments;
use super::{Cursor, LogError, LogStore, RankLog};

/// What a run has from a moment on.
enum Since {
    /// A line that begins at this offset.
    Line(u64),
    /// Nothing; it ends at this offset.
    Nothing(u64),
}

impl LogStore {
    /// The place in front of the first line that was printed at `moment` or later; behind everything if there is none.
    ///
    /// The stamps of the lines are the index: they rise, so halving finds the place with some dozen reads. Where a clock
    /// was set back, the place is one at which the stamps pass the moment. Blocks on the file system.
    ///
    /// # Errors
    /// If the file system fails.
    pub fn find_time(&self, log: &RankLog, moment: DateTime<Utc>) -> Result<Cursor, LogError> {
        let mut behind = log.beginning();
        for &run in &log.runs {
            let dir = self.dir_of(log, run);
            let since = first_since(dir.clone(), moment)
                .map_err(|source| LogError::Unreadable { dir, source })?;
            let at = |offset| Cursor {
                run,
                rank: log.rank,
                offset,
            };
            match since {
                Since::Line(offset) => return Ok(at(offset)),
                Since::Nothing(0) => {}
                Since::Nothing(end) => behind = at(end),
            }
        }
        Ok(behind)
    }
}

fn first_since(dir: PathBuf, moment: DateTime<Utc>) -> io::Result<Since> {
    let mut segments = Segments::list(dir)?;
    let end = segments.end()?;
    let mut from = segments.oldest();
    let mut until = end;
    let mut lines = Lines::of(segments, Unfinished::GiveOut);
    let mut found = None;
    // Invariant: no line that begins before `from` is late enough; one that begins at `until` or later is, or there is
    // none.
    while from < until {
        let middle = from + (until - from) / 2;
        match first_stamp(&mut lines, middle, until)? {
            Some((start, time)) if time < moment => from = start + 1,
            Some((start, _)) => {
                found = Some(start);
                until = middle;
            }
            None => until = middle,
        }
    }
    Ok(found.map_or(Since::Nothing(end), Since::Line))
}

/// The first line that begins in this range and has a stamp: its offset and its time.
fn first_stamp(
    lines: &mut Lines,
    from: u64,
    until: u64,
) -> io::Result<Option<(u64, DateTime<Utc>)>> {
    lines.seek(from)?;
    loop {
        let start = lines.offset();
        if start >= until {
            return Ok(None);
        }
        match lines.next_piece()? {
            Some(Piece::Line {
                time: Some(time), ..
            }) => return Ok(Some((start, time))),
            Some(Piece::Line { .. } | Piece::Gap { .. }) => {}
            None => return Ok(None),
        }
    }
}
