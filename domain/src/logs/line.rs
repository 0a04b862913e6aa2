//! The log of one run cut into lines and gaps.

use std::path::PathBuf;
use std::{io, str};

use chrono::{DateTime, Utc};

use super::segment::{Ahead, Chunk, Segments};
use super::stamp::STAMP_LEN;
use super::{ItemKind, Mark, stamp};

/// A longer line is given out in pieces of at most this many bytes, its stamp included.
pub(super) const MAX_PIECE: usize = 64 * 1024;

/// How much is read at once, in bytes.
pub(super) const READ_SIZE: usize = 64 * 1024;

/// Length of the longest character, in bytes.
const LONGEST_CHARACTER: usize = 4;

/// What to do with a last line that has no end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unfinished {
    /// Leave it until it is finished.
    Withhold,
    /// Give out what is there; the rest follows.
    GiveOut,
    /// The run is over and nothing will follow: it is a line.
    IsWhole,
}

/// An item as it is in the log.
#[derive(Debug)]
pub(super) enum Piece {
    /// A line without its end, or a part of one.
    Line {
        /// Its stamp; absent if this is not the beginning of a line.
        time: Option<DateTime<Utc>>,
        /// What was printed.
        text: Vec<u8>,
        /// Whether the line goes on in the next piece.
        partial: bool,
    },
    /// Bytes that were removed, or never written.
    Gap {
        /// How many.
        lost_bytes: u64,
    },
}

/// Reads the lines and gaps of one run, in order. Holds at most a piece and one read of bytes.
#[derive(Debug)]
pub(super) struct Lines {
    segments: Segments,
    unfinished: Unfinished,
    /// Logical offset of the next byte to give out.
    offset: u64,
    /// Whether `offset` is where a line begins.
    at_start: bool,
    /// What has been read; the bytes from `head` on are not yet given out.
    buffer: Vec<u8>,
    head: usize,
}

impl Lines {
    /// Reads the log in `dir` from `offset` on.
    pub(super) fn open(dir: PathBuf, offset: u64, unfinished: Unfinished) -> io::Result<Self> {
        let mut lines = Self::of(Segments::list(dir)?, unfinished);
        lines.seek(offset)?;
        Ok(lines)
    }

    /// Reads these segments from the beginning on.
    pub(super) fn of(segments: Segments, unfinished: Unfinished) -> Self {
        Self {
            segments,
            unfinished,
            offset: 0,
            at_start: true,
            buffer: Vec::new(),
            head: 0,
        }
    }

    /// Goes on at `offset`.
    pub(super) fn seek(&mut self, offset: u64) -> io::Result<()> {
        let mut before = [b'\n'];
        if let Some(previous) = offset.checked_sub(1) {
            // If the byte before was removed, we stand at the start of a segment, and those start with lines.
            self.segments.read_at(previous, &mut before)?;
        }
        self.offset = offset;
        self.at_start = before == [b'\n'];
        self.buffer.clear();
        self.head = 0;
        Ok(())
    }

    /// The last character of the same line in front of `offset`, or more: it decides what is the beginning of a word.
    pub(super) fn context(&mut self, offset: u64) -> io::Result<Vec<u8>> {
        let Ahead::Bytes(mut bytes) = self.segments.read_before(offset, LONGEST_CHARACTER)? else {
            return Ok(Vec::new());
        };
        let start = bytes.iter().rposition(|byte| *byte == b'\n');
        Ok(bytes.split_off(start.map_or(0, |at| at + 1)))
    }

    /// Logical offset behind what was given out.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// Whether something was read that is not yet given out.
    pub(super) fn has_unread(&self) -> bool {
        !self.unread().is_empty()
    }

    /// Where the log ended when it was read.
    pub(super) fn mark(&self) -> Mark {
        self.segments.mark(self.offset + self.unread().len() as u64)
    }

    /// Looks for what was added since: the files are opened anew, because a shared file system tells the length of a file
    /// only then.
    pub(super) fn look_on(&mut self, unfinished: Unfinished) {
        self.unfinished = unfinished;
        self.segments.close();
    }

    /// Keeps no more memory than what is not yet given out, and no file open.
    pub(super) fn rest(&mut self) {
        self.buffer.drain(..self.head);
        self.head = 0;
        self.buffer.shrink_to_fit();
        self.segments.close();
    }

    /// Passes over whole lines that were read already and lie within the next `most` bytes, up to the line in which `first`
    /// finds something. Gives how many bytes these are.
    pub(super) fn pass_over(
        &mut self,
        most: u64,
        first: impl FnOnce(&[u8]) -> Option<usize>,
    ) -> usize {
        let unread = self.unread();
        let most = usize::try_from(most).map_or(unread.len(), |most| most.min(unread.len()));
        let start_at = |at: usize| {
            let before = unread[..at].iter().rposition(|byte| *byte == b'\n');
            before.map_or(0, |end| end + 1)
        };
        let whole = if self.at_start { start_at(most) } else { 0 };
        if whole == 0 {
            return 0;
        }
        let n_passed = first(&unread[..whole]).map_or(whole, start_at);
        self.head += n_passed;
        self.offset += n_passed as u64;
        n_passed
    }

    /// The next line, part of a line or gap; `None` if there is no more for now.
    pub(super) fn next(&mut self) -> io::Result<Option<ItemKind>> {
        Ok(self.next_piece()?.map(ItemKind::from))
    }

    /// The same, byte for byte.
    pub(super) fn next_piece(&mut self) -> io::Result<Option<Piece>> {
        loop {
            let unread = self.unread();
            let n_searched = unread.len().min(MAX_PIECE + 1);
            if let Some(end) = unread[..n_searched].iter().position(|byte| *byte == b'\n') {
                return Ok(Some(self.take_line(end)));
            }
            if unread.len() > MAX_PIECE {
                let n_bytes = whole_characters(&unread[..MAX_PIECE]);
                return Ok(Some(self.take_part(n_bytes, true)));
            }
            match self.refill()? {
                Chunk::Bytes(_) => {}
                Chunk::Lost { until } if self.unread().is_empty() => {
                    let lost_bytes = until - self.offset;
                    self.offset = until;
                    self.at_start = true;
                    return Ok(Some(Piece::Gap { lost_bytes }));
                }
                Chunk::Lost { .. } => return Ok(Some(self.take_part(self.unread().len(), false))),
                Chunk::End => return Ok(self.take_unfinished()),
            }
        }
    }

    fn unread(&self) -> &[u8] {
        &self.buffer[self.head..]
    }

    fn refill(&mut self) -> io::Result<Chunk> {
        self.buffer.drain(..self.head);
        self.head = 0;
        let n_held = self.buffer.len();
        let at = self.offset + n_held as u64;
        self.buffer.resize(n_held + READ_SIZE, 0);
        let mut chunk = self.segments.read_at(at, &mut self.buffer[n_held..]);
        if let Ok(Chunk::End) = chunk
            && self.segments.find_begun(at)
        {
            chunk = self.segments.read_at(at, &mut self.buffer[n_held..]);
        }
        let n_read = if let Ok(Chunk::Bytes(n_read)) = chunk {
            n_read
        } else {
            0
        };
        self.buffer.truncate(n_held + n_read);
        chunk
    }

    fn take_unfinished(&mut self) -> Option<Piece> {
        let n_bytes = self.unread().len();
        match self.unfinished {
            Unfinished::Withhold => None,
            Unfinished::IsWhole => (n_bytes > 0).then(|| self.take_part(n_bytes, false)),
            Unfinished::GiveOut => {
                let n_bytes = whole_characters(self.unread());
                // A stamp is never given out without text, as it may itself be still on its way.
                let n_min = if self.at_start { STAMP_LEN + 1 } else { 1 };
                (n_bytes >= n_min).then(|| self.take_part(n_bytes, true))
            }
        }
    }

    /// Takes `n_bytes` and the line feed behind them.
    fn take_line(&mut self, n_bytes: usize) -> Piece {
        let piece = self.take_part(n_bytes, false);
        self.head += 1;
        self.offset += 1;
        self.at_start = true;
        piece
    }

    fn take_part(&mut self, n_bytes: usize, partial: bool) -> Piece {
        let bytes = &self.unread()[..n_bytes];
        let piece = Piece::new(bytes, self.at_start, partial);
        self.head += n_bytes;
        self.offset += n_bytes as u64;
        self.at_start = false;
        piece
    }
}

impl Piece {
    /// A line or a part of one, with its stamp if it is `at_start`.
    pub(super) fn new(bytes: &[u8], at_start: bool, partial: bool) -> Self {
        let (time, text) = if at_start {
            stamp::split(bytes)
        } else {
            (None, bytes)
        };
        Self::Line {
            time,
            text: text.to_vec(),
            partial,
        }
    }
}

impl From<Piece> for ItemKind {
    fn from(piece: Piece) -> Self {
        match piece {
            Piece::Line {
                time,
                text,
                partial,
            } => Self::Line {
                time,
                text: String::from_utf8_lossy(&text).into_owned(),
                partial,
            },
            Piece::Gap { lost_bytes } => Self::Gap { lost_bytes },
        }
    }
}

/// Number of bytes before a character that is cut off by the end of `bytes`.
pub(super) fn whole_characters(bytes: &[u8]) -> usize {
    const LONGEST_CUT: usize = 3;
    (1..=LONGEST_CUT.min(bytes.len()))
        .map(|n_cut| bytes.len() - n_cut)
        .find(|start| {
            str::from_utf8(&bytes[*start..])
                .is_err_and(|error| error.valid_up_to() == 0 && error.error_len().is_none())
        })
        .unwrap_or(bytes.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_character_that_may_still_be_completed_is_held_back() {
        for (bytes, n_whole) in [
            (&b""[..], 0),
            (b"ab", 2),
            ("aé".as_bytes(), 3),
            (b"a\xc3", 1),
            (b"a\xe2\x82", 1),
            (b"a\xf0\x9f\x98", 1),
            (b"\xf0\x9f", 0),
            (b"a\xff", 2),
            (b"a\x80\x80\x80\x80", 5),
            (b"a\xe0\x80", 3),
        ] {
            assert_eq!(whole_characters(bytes), n_whole, "{bytes:?}");
        }
    }
}
