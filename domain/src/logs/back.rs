//! The log of one run cut into lines and gaps, from its end to its beginning.

use std::io;
use std::path::PathBuf;

use super::ItemKind;
use super::line::{MAX_PIECE, Piece, READ_SIZE, whole_characters};
use super::segment::{Ahead, Chunk, Segments};
use super::stamp::STAMP_LEN;

/// A line of so many bytes is still given out whole, so that no piece ends within a stamp.
const MAX_WHOLE: usize = MAX_PIECE + STAMP_LEN + 4;

/// Reads the lines and gaps of one run, the last first. Holds at most a piece and one read of bytes.
///
/// Lines are cut exactly as [`Lines`](super::line::Lines) cuts them, except those longer than a piece: their pieces are
/// counted from the end, because their beginning may be far away.
#[derive(Debug)]
pub(super) struct LinesBack {
    segments: Segments,
    /// Whether nothing will be added to this run.
    is_over: bool,
    /// Logical offset behind the next item.
    offset: u64,
    /// The bytes in front of it that have been read.
    buffer: Vec<u8>,
}

/// What is in front of the bytes that have been read.
#[derive(Debug, PartialEq, Eq)]
enum Front {
    /// More of them than a piece may have.
    Bytes,
    /// A hole that begins there.
    Lost(u64),
    /// Nothing.
    Start,
}

impl LinesBack {
    /// Reads the log in `dir` from `before` back; from its end if that is absent or further ahead.
    ///
    /// Of a run that is not over, the beginning of an unfinished line is given out, but no cut character and no stamp
    /// without text.
    pub(super) fn open(dir: PathBuf, before: Option<u64>, is_over: bool) -> io::Result<Self> {
        let mut segments = Segments::list(dir)?;
        let end = segments.end()?;
        let mut lines = Self {
            segments,
            is_over,
            offset: before.unwrap_or(end).min(end),
            buffer: Vec::new(),
        };
        if lines.offset == end && !is_over {
            lines.leave_unsettled()?;
        }
        Ok(lines)
    }

    /// Logical offset of the first byte that was given out.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// The line, part of a line or gap in front; `None` at the beginning.
    pub(super) fn next_back(&mut self) -> io::Result<Option<ItemKind>> {
        let front = self.fill()?;
        if self.buffer.is_empty() {
            return Ok(match front {
                Front::Lost(from) => {
                    let lost_bytes = self.offset - from;
                    self.offset = from;
                    Some(ItemKind::Gap { lost_bytes })
                }
                Front::Bytes | Front::Start => None,
            });
        }
        let has_end = self.buffer.ends_with(b"\n");
        let partial = !has_end && self.goes_on()?;
        let body = self.buffer.len() - usize::from(has_end);
        let start = match line_start(&self.buffer[..body]) {
            Some(start) => Some(start),
            None if front == Front::Bytes => None,
            None => Some(0),
        };
        let whole = start.filter(|start| body - start <= MAX_WHOLE);
        let from = whole
            .unwrap_or_else(|| whole_characters(&self.buffer[..body.saturating_sub(MAX_PIECE)]));
        let piece = Piece::new(&self.buffer[from..body], whole.is_some(), partial);
        self.drop_behind(from);
        Ok(Some(piece.into()))
    }

    /// Reads until there is enough for an item, or no more in one piece.
    fn fill(&mut self) -> io::Result<Front> {
        while self.buffer.len() <= MAX_WHOLE + 1 {
            let end = self.offset - self.buffer.len() as u64;
            match self.segments.read_before(end, READ_SIZE)? {
                Ahead::Bytes(mut bytes) => {
                    bytes.append(&mut self.buffer);
                    self.buffer = bytes;
                }
                Ahead::Lost { from } => return Ok(Front::Lost(from)),
                Ahead::Start => return Ok(Front::Start),
            }
        }
        Ok(Front::Bytes)
    }

    /// Whether the line that stops at `offset` goes on behind it, or may do so.
    fn goes_on(&mut self) -> io::Result<bool> {
        Ok(match self.segments.read_at(self.offset, &mut [0])? {
            Chunk::Bytes(_) => true,
            Chunk::Lost { .. } => false,
            Chunk::End => !self.is_over,
        })
    }

    /// Steps back over what may still be completed.
    fn leave_unsettled(&mut self) -> io::Result<()> {
        let front = self.fill()?;
        let start = line_start(&self.buffer);
        let is_long = start.is_none() && front == Front::Bytes;
        let start = start.unwrap_or(0);
        let n_whole = whole_characters(&self.buffer[start..]);
        // A stamp is never given out without text, as it may itself be still on its way.
        let is_stamp = !is_long && n_whole <= STAMP_LEN;
        self.drop_behind(if is_stamp { start } else { start + n_whole });
        Ok(())
    }

    /// Keeps the first `n_bytes` of what has been read.
    fn drop_behind(&mut self, n_bytes: usize) {
        self.offset -= (self.buffer.len() - n_bytes) as u64;
        self.buffer.truncate(n_bytes);
    }
}

/// Where the last line begins, if the end of the one before it is there.
fn line_start(bytes: &[u8]) -> Option<usize> {
    bytes
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map(|at| at + 1)
}
