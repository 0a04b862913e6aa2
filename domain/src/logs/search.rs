//! Looking for a pattern in the logs of a task, as far as the bounds allow.

use std::io;

use chrono::{DateTime, Utc};

use super::line::{Lines, Piece, Unfinished, whole_characters};
use super::pattern::Occurrences;
use super::{Cursor, LogError, LogStore, Pattern, RankLog};

/// A longer line is searched in parts of about so many bytes.
const MOST_LINE: usize = 1 << 20;
/// The longest occurrence that is surely found in a line of several parts, in bytes: a part overlaps the next one so far.
const LONGEST: usize = 64 << 10;
/// Most bytes that are shown of an occurrence, and of the line on either side of it.
const SHOWN: usize = 1000;

/// Where to look, and how far.
#[derive(Debug, Clone)]
pub struct SearchRequest {
    /// Owner of the task.
    pub user: String,
    /// Numeric id of the task.
    pub task: i64,
    /// Numbers of the runs that exist, ascending.
    pub runs: Vec<i32>,
    /// Indices of the ranks, ascending.
    pub ranks: Vec<u32>,
    /// What to look for.
    pub pattern: Pattern,
    /// Where to go on; absent: at the beginning of the first rank.
    pub after: Option<Cursor>,
    /// Most matching lines.
    pub max_matches: usize,
    /// No more is read after so many bytes.
    pub max_bytes: u64,
}

/// What was found before a bound was reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Matches {
    /// By rank, then run, then place.
    pub items: Vec<Match>,
    /// Where to go on.
    pub cursor: Cursor,
    /// Whether a bound was reached and something was not looked at.
    pub has_next: bool,
    /// How many bytes were looked at.
    pub n_bytes: u64,
}

/// A line that matches, or a part of one longer than a mebibyte.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Match {
    /// The place in front of the line: a page behind it begins with the line.
    pub start: Cursor,
    /// The place behind the line.
    pub cursor_after: Cursor,
    /// When the line was printed; absent if this is not its beginning.
    pub time: Option<DateTime<Utc>>,
    /// How often the pattern occurs. In a line of several parts an occurrence counts where it begins.
    pub occurrences: u64,
    /// The line in front of the first occurrence; of that the last kilobyte. Bytes that are no UTF-8 are replaced by
    /// U+FFFD.
    pub leading: String,
    /// The first occurrence; of that the first kilobyte.
    pub text: String,
    /// The line behind the first occurrence; of that the first kilobyte.
    pub trailing: String,
}

/// What is searched at once.
struct Line {
    time: Option<DateTime<Utc>>,
    text: Vec<u8>,
    /// How much of the log it is; a gap is nothing of it.
    n_bytes: u64,
    /// Whether only a part of the line was taken.
    goes_on: bool,
}

impl LogStore {
    /// Looks for a pattern, rank by rank, and stops at the first bound, or between two lines when `go_on` says so. At
    /// least one line is looked at. Blocks on the file system and the processor; holds no more memory than the matches
    /// and one line.
    ///
    /// # Errors
    /// If the file system fails.
    pub fn search(
        &self,
        request: &SearchRequest,
        mut go_on: impl FnMut() -> bool,
    ) -> Result<Matches, LogError> {
        let mut found = Matches {
            items: Vec::new(),
            cursor: request.after.unwrap_or(Cursor {
                run: 0,
                rank: request.ranks.first().copied().unwrap_or(0),
                offset: 0,
            }),
            has_next: false,
            n_bytes: 0,
        };
        let from = found.cursor;
        for &rank in request.ranks.iter().filter(|rank| **rank >= from.rank) {
            let log = RankLog {
                user: request.user.clone(),
                task: request.task,
                rank,
                runs: request.runs.clone(),
            };
            let start = if rank == from.rank {
                from
            } else {
                log.beginning()
            };
            self.search_rank(request, &log, start, &mut found, &mut go_on)?;
            if found.has_next {
                break;
            }
        }
        Ok(found)
    }

    fn search_rank(
        &self,
        request: &SearchRequest,
        log: &RankLog,
        start: Cursor,
        found: &mut Matches,
        go_on: &mut impl FnMut() -> bool,
    ) -> Result<(), LogError> {
        for (index, &run) in log.runs.iter().enumerate() {
            if run < start.run {
                continue;
            }
            let offset = if run == start.run { start.offset } else { 0 };
            let unfinished = match index + 1 < log.runs.len() {
                true => Unfinished::IsWhole,
                false => Unfinished::GiveOut,
            };
            let dir = self.dir_of(log, run);
            let unreadable = |source| LogError::Unreadable {
                dir: dir.clone(),
                source,
            };
            let mut lines = Lines::open(dir.clone(), offset, unfinished).map_err(unreadable)?;
            let mut context = lines.context(offset).map_err(unreadable)?;
            loop {
                let place = |offset| Cursor {
                    run,
                    rank: log.rank,
                    offset,
                };
                let is_full =
                    found.items.len() >= request.max_matches || found.n_bytes >= request.max_bytes;
                let is_enough = found.n_bytes > 0 && (is_full || !go_on());
                if !is_enough {
                    let n_left = request.max_bytes.saturating_sub(found.n_bytes);
                    let n_passed = lines.pass_over(n_left, |lines| request.pattern.first_in(lines));
                    if n_passed > 0 {
                        found.n_bytes += n_passed as u64;
                        found.cursor = place(lines.offset());
                        continue;
                    }
                }
                let start = place(lines.offset());
                let Some(mut line) = next_line(&mut lines).map_err(unreadable)? else {
                    break;
                };
                if is_enough {
                    found.has_next = true;
                    return Ok(());
                }
                let n_context = context.len();
                line.text.splice(..0, context.drain(..));
                let until = match line.goes_on {
                    true => whole_characters(&line.text[..line.text.len() - LONGEST]),
                    false => line.text.len() + 1,
                };
                let occurrences = request.pattern.find(&line.text, n_context..until);
                if line.goes_on {
                    let next = occurrences.map_or(until, |it| it.end.max(until));
                    let n_left = line.text.len() - next;
                    let offset = lines.offset() - n_left as u64;
                    lines.seek(offset).map_err(unreadable)?;
                    context = lines.context(offset).map_err(unreadable)?;
                    line.n_bytes -= n_left as u64;
                }
                let cursor_after = place(lines.offset());
                found.n_bytes += line.n_bytes;
                found.cursor = cursor_after;
                if let Some(Occurrences { first, count, .. }) = occurrences {
                    found.items.push(Match {
                        start,
                        cursor_after,
                        time: line.time,
                        occurrences: count,
                        leading: end_of(&line.text[n_context..first.0]),
                        text: start_of(&line.text[first.0..first.1]),
                        trailing: start_of(&line.text[first.1..]),
                    });
                }
            }
        }
        Ok(())
    }
}

/// The next line, or as much of it as is searched at once. A gap is a line without text.
fn next_line(lines: &mut Lines) -> io::Result<Option<Line>> {
    let start = lines.offset();
    let mut whole: Option<Line> = None;
    while let Some(piece) = lines.next_piece()? {
        let Piece::Line {
            time,
            text,
            partial,
        } = piece
        else {
            // A line that a gap cuts is as whole as it will be.
            return Ok(whole.or(Some(Line {
                time: None,
                text: Vec::new(),
                n_bytes: 0,
                goes_on: false,
            })));
        };
        let line = whole.get_or_insert_with(|| Line {
            time,
            text: Vec::new(),
            n_bytes: 0,
            goes_on: false,
        });
        line.text.extend_from_slice(&text);
        line.n_bytes = lines.offset() - start;
        line.goes_on = partial && line.text.len() >= MOST_LINE;
        if !partial || line.goes_on {
            break;
        }
    }
    Ok(whole)
}

fn start_of(text: &[u8]) -> String {
    let shown = match text.get(..SHOWN) {
        Some(start) => &start[..whole_characters(start)],
        None => text,
    };
    String::from_utf8_lossy(shown).into_owned()
}

fn end_of(text: &[u8]) -> String {
    let from = match text.len().checked_sub(SHOWN) {
        Some(from) => whole_characters(&text[..from]),
        None => 0,
    };
    String::from_utf8_lossy(&text[from..]).into_owned()
}
