//! The log of one run as it is, byte for byte.

use std::path::PathBuf;

use super::segment::{Chunk, Segments};
use super::{LogError, LogStore, RankLog};

/// Most bytes that are read at once.
const READ_SIZE: usize = 256 * 1024;

/// What one run had written when somebody came. In a hole that a full disk has left, each byte is a line feed: so every
/// byte stands at its place, and the rest of a broken line begins a line.
#[derive(Debug)]
pub struct RawLog {
    dir: PathBuf,
    segments: Segments,
    offset: u64,
    end: u64,
}

impl LogStore {
    /// The bytes of a run from the oldest on that is kept. Blocks on the file system.
    ///
    /// # Errors
    /// If the file system fails.
    pub fn raw(&self, log: &RankLog, run: i32) -> Result<RawLog, LogError> {
        let dir = self.dir_of(log, run);
        let unreadable = |source| LogError::Unreadable {
            dir: dir.clone(),
            source,
        };
        let mut segments = Segments::list(dir.clone()).map_err(unreadable)?;
        let end = segments.end().map_err(unreadable)?;
        Ok(RawLog {
            offset: segments.oldest(),
            segments,
            end,
            dir,
        })
    }
}

impl RawLog {
    /// Leaves out what is in front of a logical offset.
    pub fn skip_to(&mut self, offset: u64) {
        self.offset = self.offset.max(offset);
    }

    /// Logical offset of the next byte.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Logical offset behind the last byte. What is printed later is not read.
    pub fn end(&self) -> u64 {
        self.end
    }

    /// The next bytes, at most 256 KiB; `None` at the end. Blocks on the file system.
    ///
    /// # Errors
    /// [`LogError::Removed`] if rotation was faster, or if the file system fails.
    pub fn read(&mut self) -> Result<Option<Vec<u8>>, LogError> {
        let n_left = self.end.saturating_sub(self.offset);
        let mut bytes = vec![0; usize::try_from(n_left).unwrap_or(READ_SIZE).min(READ_SIZE)];
        if bytes.is_empty() {
            return Ok(None);
        }
        let chunk = self.segments.read_at(self.offset, &mut bytes);
        match chunk.map_err(|source| LogError::Unreadable {
            dir: self.dir.clone(),
            source,
        })? {
            Chunk::Bytes(n_bytes) => {
                bytes.truncate(n_bytes);
                self.offset += n_bytes as u64;
                Ok(Some(bytes))
            }
            // What is in front of it is still there, so this is no work of rotation.
            Chunk::Lost { until } if self.segments.oldest() <= self.offset => {
                let n_lost = usize::try_from(until - self.offset).unwrap_or(READ_SIZE);
                bytes.truncate(n_lost);
                bytes.fill(b'\n');
                self.offset += bytes.len() as u64;
                Ok(Some(bytes))
            }
            Chunk::Lost { .. } | Chunk::End => Err(LogError::Removed {
                offset: self.offset,
            }),
        }
    }
}
