//! One page of a rank's log, from either end, across the runs of its task.

use std::collections::VecDeque;
use std::io;
use std::path::PathBuf;

use chrono::{DateTime, Utc};

use super::back::LinesBack;
use super::line::{Lines, Unfinished};
use super::{Cursor, LogStore};

/// Which log.
#[derive(Debug, Clone)]
pub struct RankLog {
    /// Owner of the task.
    pub user: String,
    /// Numeric id of the task.
    pub task: i64,
    /// Index of the rank.
    pub rank: u32,
    /// Numbers of the runs that exist, ascending. All but the last are over: what they left unfinished is whole.
    pub runs: Vec<i32>,
}

/// Where a page is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Directly behind a cursor; absent: at the beginning of the first run. A run that does not exist stands for the
    /// beginning of the next one that does.
    Behind(Option<Cursor>),
    /// Directly before a cursor; absent: at the end of the last run.
    Before(Option<Cursor>),
}

/// Which part of which log.
#[derive(Debug, Clone)]
pub struct PageRequest {
    /// Which log.
    pub log: RankLog,
    /// From where on, and in which direction.
    pub place: Place,
    /// Most items in the page.
    pub max_items: usize,
    /// Most bytes of text in the page. A page always holds one item if there is one, even if that is longer (it
    /// is at most 193 KiB).
    pub max_bytes: usize,
    /// Whether a last line that has no end yet is given out, with its rest as an item of its own later on. A page
    /// before a place always gives it out.
    pub partial: bool,
}

/// A page of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Lines and gaps, oldest first.
    pub items: Vec<Item>,
    /// Where to go on towards the beginning.
    pub start: Cursor,
    /// Where to go on towards the end.
    pub cursor: Cursor,
    /// Whether there is something before it.
    pub has_previous: bool,
    /// Whether there is more already.
    pub has_next: bool,
}

/// A line, a part of a long line, or a gap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// What it is.
    pub kind: ItemKind,
    /// Number of the run that it belongs to.
    pub run: i32,
    /// Where to go on behind it.
    pub cursor_after: Cursor,
}

/// What an item of a log is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ItemKind {
    /// A line without its end, or a part of one.
    Line {
        /// When it was printed; absent if this is not the beginning of a line.
        time: Option<DateTime<Utc>>,
        /// What was printed. Bytes that are no UTF-8 are replaced by U+FFFD.
        text: String,
        /// Whether the line goes on in the next item of this run.
        partial: bool,
    },
    /// Bytes that are missing: removed because the log was over its budget, or never written because the disk was full.
    Gap {
        /// How many.
        lost_bytes: u64,
    },
}

/// A page cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The cursor was given out for another rank.
    #[error("the cursor belongs to rank {cursor}, not to rank {asked}")]
    OtherRank {
        /// Rank of the cursor.
        cursor: u32,
        /// Rank of the request.
        asked: u32,
    },
    /// Bytes that were still there a moment ago were removed by rotation.
    #[error("the log was removed from byte {offset} on while it was read")]
    Removed {
        /// Logical offset of the first of them.
        offset: u64,
    },
    /// The file system failed.
    #[error("the log in {dir} cannot be read")]
    Unreadable {
        /// Directory of the rank's log.
        dir: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl RankLog {
    /// Where it begins, also before there is anything in it.
    pub(super) fn beginning(&self) -> Cursor {
        Cursor {
            run: 0,
            rank: self.rank,
            offset: 0,
        }
    }
}

/// What was read in one direction.
struct Part {
    /// Oldest first.
    items: VecDeque<Item>,
    /// Where to go on in this direction.
    cursor: Cursor,
    /// Whether there is more in this direction.
    has_more: bool,
}

impl LogStore {
    /// Reads one page. Blocks on the file system; holds no more memory than the page and one piece of a line, and reads
    /// no more than that.
    ///
    /// A log that does not exist yet, and a cursor behind its end, give an empty page. Pages in both directions give
    /// the same lines and the same cursors; only the pieces of lines longer than 64 KiB are cut from that end from
    /// which one comes.
    ///
    /// # Errors
    /// If the cursor is of another rank, or the file system fails. That segments vanish meanwhile is no failure.
    pub fn read_page(&self, request: &PageRequest) -> Result<Page, LogError> {
        let (Place::Behind(cursor) | Place::Before(cursor)) = request.place;
        let asked = request.log.rank;
        if let Some(Cursor { rank, .. }) = cursor.filter(|cursor| cursor.rank != asked) {
            return Err(LogError::OtherRank {
                cursor: rank,
                asked,
            });
        }
        match request.place {
            Place::Behind(after) => {
                let start = after.unwrap_or_else(|| request.log.beginning());
                let part = self.forwards(request, start, request.max_items)?;
                let has_previous =
                    start.offset > 0 || self.backwards(request, Some(start), 0)?.has_more;
                Ok(Page {
                    items: part.items.into(),
                    start,
                    cursor: part.cursor,
                    has_previous,
                    has_next: part.has_more,
                })
            }
            Place::Before(before) => {
                let part = self.backwards(request, before, request.max_items)?;
                let last = part.items.back().map(|item| item.cursor_after);
                let cursor = last.unwrap_or(part.cursor);
                Ok(Page {
                    items: part.items.into(),
                    start: part.cursor,
                    cursor,
                    has_previous: part.has_more,
                    has_next: self.forwards(request, cursor, 0)?.has_more,
                })
            }
        }
    }

    fn forwards(
        &self,
        request: &PageRequest,
        start: Cursor,
        max_items: usize,
    ) -> Result<Part, LogError> {
        let log = &request.log;
        let mut part = Part {
            items: VecDeque::new(),
            cursor: start,
            has_more: false,
        };
        let mut n_bytes = 0;
        let from = log.runs.partition_point(|run| *run < start.run);
        let runs = &log.runs[from..];
        for (index, &run) in runs.iter().enumerate() {
            let offset = if run == start.run { start.offset } else { 0 };
            let unfinished = match (index + 1 < runs.len(), request.partial) {
                (true, _) => Unfinished::IsWhole,
                (false, true) => Unfinished::GiveOut,
                (false, false) => Unfinished::Withhold,
            };
            let dir = self.dir_of(log, run);
            let unreadable = |source| LogError::Unreadable {
                dir: dir.clone(),
                source,
            };
            let mut lines = Lines::open(dir.clone(), offset, unfinished).map_err(unreadable)?;
            while let Some(kind) = lines.next().map_err(unreadable)? {
                n_bytes += n_text_bytes(&kind);
                if part.is_full(max_items, n_bytes, request.max_bytes) {
                    part.has_more = true;
                    return Ok(part);
                }
                part.cursor = Cursor {
                    run,
                    rank: log.rank,
                    offset: lines.offset(),
                };
                part.items.push_back(Item {
                    kind,
                    run,
                    cursor_after: part.cursor,
                });
            }
        }
        Ok(part)
    }

    fn backwards(
        &self,
        request: &PageRequest,
        before: Option<Cursor>,
        max_items: usize,
    ) -> Result<Part, LogError> {
        let log = &request.log;
        let mut part = Part {
            items: VecDeque::new(),
            cursor: before.unwrap_or_else(|| log.beginning()),
            has_more: false,
        };
        let mut n_bytes = 0;
        let n_runs = before.map_or(log.runs.len(), |before| {
            log.runs.partition_point(|run| *run <= before.run)
        });
        for (index, &run) in log.runs[..n_runs].iter().enumerate().rev() {
            let end = before.filter(|before| before.run == run);
            let is_over = index + 1 < log.runs.len();
            let dir = self.dir_of(log, run);
            let unreadable = |source| LogError::Unreadable {
                dir: dir.clone(),
                source,
            };
            let mut lines = LinesBack::open(dir.clone(), end.map(|end| end.offset), is_over)
                .map_err(unreadable)?;
            loop {
                let cursor = |offset| Cursor {
                    run,
                    rank: log.rank,
                    offset,
                };
                let cursor_after = cursor(lines.offset());
                let Some(kind) = lines.next_back().map_err(unreadable)? else {
                    break;
                };
                n_bytes += n_text_bytes(&kind);
                if part.is_full(max_items, n_bytes, request.max_bytes) {
                    part.has_more = true;
                    return Ok(part);
                }
                part.cursor = cursor(lines.offset());
                part.items.push_front(Item {
                    kind,
                    run,
                    cursor_after,
                });
            }
        }
        Ok(part)
    }
}

impl Part {
    /// Whether it has no room for one more item, with which it would have `n_bytes`.
    fn is_full(&self, max_items: usize, n_bytes: usize, max_bytes: usize) -> bool {
        let fits = self.items.is_empty() || n_bytes <= max_bytes;
        self.items.len() >= max_items || !fits
    }
}

/// How many bytes of text an item has.
pub(super) fn n_text_bytes(kind: &ItemKind) -> usize {
    match kind {
        ItemKind::Line { text, .. } => text.len(),
        ItemKind::Gap { .. } => 0,
    }
}
