//! The log of one run as it is, byte for byte.

use std::path::PathBuf;

use super::segment::{Chunk, Segments};
use super::{LogError, LogStore, RankLog};

/// Most bytes that are read at once.
const READ_SIZE: usize = 256 * 1024;

/// What one run had written when somebody came, from a place on.
#[derive(Debug)]
pub struct RawLog {
    dir: PathBuf,
    segments: Segments,
    offset: u64,
    end: u64,
}

impl LogStore {
    /// The bytes of a run from the logical offset `from` on, or from the oldest that is kept. Blocks on the file system.
    ///
    /// # Errors
    /// If the file system fails.
    pub fn raw(&self, log: &RankLog, run: i32, from: u64) -> Result<RawLog, LogError> {
        let dir = self.dir_of(log, run);
        let unreadable = |source| LogError::Unreadable {
            dir: dir.clone(),
            source,
        };
        let mut segments = Segments::list(dir.clone()).map_err(unreadable)?;
        let end = segments.end().map_err(unreadable)?;
        Ok(RawLog {
            offset: from.max(segments.oldest()),
            segments,
            end,
            dir,
        })
    }
}

impl RawLog {
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
            Chunk::Lost { .. } | Chunk::End => Err(LogError::Removed {
                offset: self.offset,
            }),
        }
    }
}
