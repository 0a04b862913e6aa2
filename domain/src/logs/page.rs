//! One page of a rank's log, across the runs of its task.

use std::io;
use std::path::PathBuf;

use chrono::{DateTime, Utc};

use super::line::{Lines, Unfinished};
use super::{Cursor, LogStore};

/// Which part of which log.
#[derive(Debug, Clone)]
pub struct PageRequest {
    /// Owner of the task.
    pub user: String,
    /// Numeric id of the task.
    pub task: i64,
    /// Index of the rank.
    pub rank: u32,
    /// Numbers of the runs that exist, ascending. All but the last are over: what they left unfinished is whole.
    pub runs: Vec<i32>,
    /// Where to go on; absent: at the beginning of the first run. A run that does not exist stands for the
    /// beginning of the next one that does.
    pub after: Option<Cursor>,
    /// Most items in the page.
    pub max_items: usize,
    /// Most bytes of text in the page. A page always holds one item if there is one, even if that is longer (it
    /// is at most 192 KiB).
    pub max_bytes: usize,
    /// Whether a last line that has no end yet is given out, with its rest as an item of its own later on.
    pub partial: bool,
}

/// A page of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Lines and gaps, oldest first.
    pub items: Vec<Item>,
    /// Where to go on.
    pub cursor: Cursor,
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
    /// Bytes that were removed because the log was over its budget.
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

impl LogStore {
    /// Reads one page. Blocks on the file system; holds no more memory than the page and one piece of a line.
    ///
    /// A log that does not exist yet, and a cursor behind its end, give an empty page.
    ///
    /// # Errors
    /// If the cursor is of another rank, or the file system fails. That segments vanish meanwhile is no failure.
    pub fn read_page(&self, request: &PageRequest) -> Result<Page, LogError> {
        let mut cursor = first_position(request)?;
        let mut items = Vec::new();
        let mut n_bytes = 0;
        let from = request.runs.partition_point(|run| *run < cursor.run);
        let runs = &request.runs[from..];
        for (index, &run) in runs.iter().enumerate() {
            let offset = if run == cursor.run { cursor.offset } else { 0 };
            let unfinished = match (index + 1 < runs.len(), request.partial) {
                (true, _) => Unfinished::IsWhole,
                (false, true) => Unfinished::GiveOut,
                (false, false) => Unfinished::Withhold,
            };
            let dir = self.rank_dir(&request.user, request.task, run, request.rank);
            let unreadable = |source| LogError::Unreadable {
                dir: dir.clone(),
                source,
            };
            let mut lines = Lines::open(dir.clone(), offset, unfinished).map_err(unreadable)?;
            while let Some(kind) = lines.next().map_err(unreadable)? {
                let n_more = n_text_bytes(&kind);
                let fits = items.is_empty() || n_bytes + n_more <= request.max_bytes;
                if items.len() >= request.max_items || !fits {
                    return Ok(Page {
                        items,
                        cursor,
                        has_next: true,
                    });
                }
                n_bytes += n_more;
                cursor = Cursor {
                    run,
                    rank: request.rank,
                    offset: lines.offset(),
                };
                items.push(Item {
                    kind,
                    run,
                    cursor_after: cursor,
                });
            }
        }
        Ok(Page {
            items,
            cursor,
            has_next: false,
        })
    }
}

fn first_position(request: &PageRequest) -> Result<Cursor, LogError> {
    match request.after {
        Some(cursor) if cursor.rank != request.rank => Err(LogError::OtherRank {
            cursor: cursor.rank,
            asked: request.rank,
        }),
        Some(cursor) => Ok(cursor),
        None => Ok(Cursor {
            run: 0,
            rank: request.rank,
            offset: 0,
        }),
    }
}

fn n_text_bytes(kind: &ItemKind) -> usize {
    match kind {
        ItemKind::Line { text, .. } => text.len(),
        ItemKind::Gap { .. } => 0,
    }
}
