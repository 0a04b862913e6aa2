//! The end of a rank's log, read on again and again: nothing is read twice.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use super::line::{Lines, Unfinished};
use super::page::n_text_bytes;
use super::{Cursor, Item, LogError, LogStore, Mark, RankLog};

/// How many tails there are, and what they have read.
#[derive(Debug, Default)]
pub(super) struct Tailed {
    n_tailers: AtomicUsize,
    n_bytes: AtomicU64,
}

/// Reads on from a place. What it has read of an unfinished line it keeps, at most 128 KiB.
#[derive(Debug)]
pub struct Tail {
    store: LogStore,
    log: RankLog,
    cursor: Cursor,
    /// The run that is being read.
    reading: Option<(i32, Lines)>,
}

/// What a log grew by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Growth {
    /// Lines and gaps, oldest first.
    pub items: Vec<Item>,
    /// Whether there may be more already.
    pub has_more: bool,
}

/// How much is read at once.
#[derive(Debug, Clone, Copy)]
pub struct Most {
    /// Most items.
    pub items: usize,
    /// No more follows when there are so many bytes of text.
    pub bytes: usize,
}

impl LogStore {
    /// Reads on behind a cursor. Touches no file yet.
    pub fn tail(&self, log: RankLog, after: Cursor) -> Tail {
        self.tailed.n_tailers.fetch_add(1, Ordering::Relaxed);
        Tail {
            store: self.clone(),
            log,
            cursor: after,
            reading: None,
        }
    }

    /// How many tails there are now.
    pub fn n_tailers(&self) -> usize {
        self.tailed.n_tailers.load(Ordering::Relaxed)
    }

    /// How many bytes of logs all tails have given out so far.
    pub fn n_tailed_bytes(&self) -> u64 {
        self.tailed.n_bytes.load(Ordering::Relaxed)
    }
}

impl Tail {
    /// The place behind what was given out.
    pub fn cursor(&self) -> Cursor {
        self.cursor
    }

    /// Whether the beginning of a line was read that was not given out.
    pub fn has_unfinished(&self) -> bool {
        let lines = self.reading.as_ref().map(|(_, lines)| lines);
        lines.is_some_and(Lines::has_unread)
    }

    /// Where the log ended at the last look; absent before the first.
    pub fn mark(&self) -> Option<Mark> {
        self.reading.as_ref().map(|(_, lines)| lines.mark())
    }

    /// There are so many runs by now.
    pub fn set_runs(&mut self, runs: Vec<i32>) {
        self.log.runs = runs;
    }

    /// Lists the files anew at the next look: rotation may have been faster than the reader.
    pub fn look_again(&mut self) {
        self.reading = None;
    }

    /// What came since the last time; with `partial` also the beginning of an unfinished line. Blocks on the file system.
    ///
    /// # Errors
    /// If the file system fails.
    pub fn read(&mut self, most: Most, partial: bool) -> Result<Growth, LogError> {
        let mut growth = Growth {
            items: Vec::new(),
            has_more: false,
        };
        let mut n_bytes = 0;
        let from = self.cursor;
        let run = self.reading.as_ref().map_or(from.run, |(run, _)| *run);
        let first = self.log.runs.partition_point(|other| *other < run);
        for (index, &run) in self.log.runs.clone().iter().enumerate().skip(first) {
            let is_over = index + 1 < self.log.runs.len();
            let unfinished = match (is_over, partial) {
                (true, _) => Unfinished::IsWhole,
                (false, true) => Unfinished::GiveOut,
                (false, false) => Unfinished::Withhold,
            };
            let dir = self.store.dir_of(&self.log, run);
            let unreadable = |source| LogError::Unreadable {
                dir: dir.clone(),
                source,
            };
            let mut lines = match self.reading.take() {
                // Of a run that is over the files are listed anew: the last may have begun behind a hole.
                Some((reading, lines)) if reading == run && !is_over => lines,
                _ => {
                    let offset = if run == from.run { from.offset } else { 0 };
                    Lines::open(dir.clone(), offset, unfinished).map_err(unreadable)?
                }
            };
            lines.look_on(unfinished);
            while !growth.has_more {
                let before = lines.offset();
                let Some(kind) = lines.next().map_err(unreadable)? else {
                    break;
                };
                self.cursor = Cursor {
                    run,
                    rank: self.log.rank,
                    offset: lines.offset(),
                };
                let given = lines.offset() - before;
                self.store
                    .tailed
                    .n_bytes
                    .fetch_add(given, Ordering::Relaxed);
                n_bytes += n_text_bytes(&kind);
                growth.items.push(Item {
                    kind,
                    run,
                    cursor_after: self.cursor,
                });
                growth.has_more = growth.items.len() >= most.items || n_bytes >= most.bytes;
            }
            lines.rest();
            self.reading = Some((run, lines));
            if growth.has_more {
                break;
            }
        }
        Ok(growth)
    }
}

impl Drop for Tail {
    fn drop(&mut self) {
        self.store.tailed.n_tailers.fetch_sub(1, Ordering::Relaxed);
    }
}
