//! The segments of one run's log as one range of bytes with holes where segments were removed, or the disk was full.

use std::fs::File;
use std::io::ErrorKind;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::{fs, io};

use super::Mark;

const SUFFIX: &str = ".log";
const OFFSET_DIGITS: usize = 20;

/// What is at an offset of a log.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Chunk {
    /// This many bytes were read, at least one.
    Bytes(usize),
    /// The bytes are gone; the next that exist are at `until`.
    Lost {
        /// Offset of the next byte that exists.
        until: u64,
    },
    /// Nothing is there yet.
    End,
}

/// What is in front of an offset of a log.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Ahead {
    /// The bytes that end there, at least one.
    Bytes(Vec<u8>),
    /// The bytes are gone; the last that exist end at `from`.
    Lost {
        /// Offset of the first byte that is gone.
        from: u64,
    },
    /// It is the beginning.
    Start,
}

/// The segments of one run, as they were listed when the reader came.
///
/// A segment is opened only after the listing that shows its successor, so one that has a successor is complete.
#[derive(Debug)]
pub(super) struct Segments {
    dir: PathBuf,
    /// Offsets of the first bytes, ascending.
    starts: Vec<u64>,
    open: Option<(u64, File)>,
}

impl Segments {
    /// Lists the segments in `dir`. A directory that does not exist is a log without bytes.
    pub(super) fn list(dir: PathBuf) -> io::Result<Self> {
        let mut starts = match fs::read_dir(&dir) {
            Ok(entries) => starts_of(entries)?,
            Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(error),
        };
        starts.sort_unstable();
        Ok(Self {
            dir,
            starts,
            open: None,
        })
    }

    /// Reads into `buffer` what one segment has at `offset`.
    pub(super) fn read_at(&mut self, offset: u64, buffer: &mut [u8]) -> io::Result<Chunk> {
        if i64::try_from(offset).is_err() {
            return Ok(Chunk::End); // No file is that long: the kernel would call it an invalid argument.
        }
        loop {
            let n_before = self.starts.partition_point(|start| *start <= offset);
            let until = self.starts.get(n_before).copied();
            if let Some(index) = n_before.checked_sub(1) {
                let start = self.starts[index];
                let room = until.map_or(buffer.len(), |until| {
                    usize::try_from(until - offset)
                        .unwrap_or(usize::MAX)
                        .min(buffer.len())
                });
                match self.read_segment(start, offset - start, &mut buffer[..room]) {
                    Ok(0) => {}
                    Ok(n_bytes) => return Ok(Chunk::Bytes(n_bytes)),
                    Err(error) if is_removed(&error) => {
                        // Rotation was faster than we: look again without it.
                        self.open = None;
                        self.starts.remove(index);
                        continue;
                    }
                    Err(error) => return Err(error),
                }
            }
            return Ok(until.map_or(Chunk::End, |until| Chunk::Lost { until }));
        }
    }

    /// Reads at most `most` bytes which one segment has directly in front of `end`.
    pub(super) fn read_before(&mut self, end: u64, most: usize) -> io::Result<Ahead> {
        if end == 0 {
            return Ok(Ahead::Start);
        }
        loop {
            let n_before = self.starts.partition_point(|start| *start < end);
            let Some(index) = n_before.checked_sub(1) else {
                return Ok(Ahead::Lost { from: 0 });
            };
            let start = self.starts[index];
            match self.segment_before(start, end, most) {
                // Nothing was ever written to it, so what is missing begins further ahead.
                Ok(Ahead::Start) => {}
                Err(error) if is_removed(&error) => self.open = None,
                result => return result,
            }
            self.starts.remove(index);
        }
    }

    /// Closes the file that is open; the next read opens it anew.
    pub(super) fn close(&mut self) {
        self.open = None;
    }

    /// Whether a segment that begins at `offset`, the end of all others, was begun after the listing.
    pub(super) fn find_begun(&mut self, offset: u64) -> bool {
        let is_newer = self.starts.last().is_none_or(|last| *last < offset);
        let is_begun = is_newer && self.dir.join(segment_name(offset)).is_file();
        if is_begun {
            self.starts.push(offset);
        }
        is_begun
    }

    /// Where the log ends for whoever has read everything in front of `offset`.
    pub(super) fn mark(&self, offset: u64) -> Mark {
        let path = |start| self.dir.join(segment_name(start));
        let newest = self.starts.last().copied();
        Mark {
            newest: newest.map(|start| (path(start), offset.saturating_sub(start))),
            next: (newest != Some(offset)).then(|| path(offset)),
        }
    }

    /// Offset of the oldest byte that may exist.
    pub(super) fn oldest(&self) -> u64 {
        self.starts.first().copied().unwrap_or(0)
    }

    /// Offset behind the newest byte.
    pub(super) fn end(&mut self) -> io::Result<u64> {
        while let Some(&start) = self.starts.last() {
            match self.file(start).and_then(|file| file.metadata()) {
                Ok(metadata) => return Ok(start.saturating_add(metadata.len())),
                Err(error) if is_removed(&error) => self.open = None,
                Err(error) => return Err(error),
            }
            self.starts.pop();
        }
        Ok(0)
    }

    /// What the segment has in front of `end`; [`Ahead::Start`] if it has nothing at all.
    fn segment_before(&mut self, start: u64, end: u64, most: usize) -> io::Result<Ahead> {
        let file = self.file(start)?;
        let stop = start.saturating_add(file.metadata()?.len());
        if stop == start {
            return Ok(Ahead::Start);
        }
        if stop < end {
            return Ok(Ahead::Lost { from: stop });
        }
        let n_bytes = usize::try_from(end - start).unwrap_or(most).min(most);
        let mut bytes = vec![0; n_bytes];
        file.read_exact_at(&mut bytes, end - start - n_bytes as u64)?;
        Ok(Ahead::Bytes(bytes))
    }

    fn read_segment(&mut self, start: u64, at: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let file = self.file(start)?;
        loop {
            match file.read_at(buffer, at) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                result => return result,
            }
        }
    }

    fn file(&mut self, start: u64) -> io::Result<&File> {
        let held = self.open.take().filter(|(open, _)| *open == start);
        let open = match held {
            Some(open) => open,
            None => (start, File::open(self.dir.join(segment_name(start)))?),
        };
        Ok(&self.open.insert(open).1)
    }
}

/// File name of the segment whose first byte has this offset.
pub(super) fn segment_name(start: u64) -> String {
    format!("{start:0width$}{SUFFIX}", width = OFFSET_DIGITS)
}

fn starts_of(entries: fs::ReadDir) -> io::Result<Vec<u64>> {
    let mut starts = Vec::new();
    for entry in entries {
        let entry = entry?;
        if let Some(start) = entry.file_name().to_str().and_then(start_of)
            && entry.file_type()?.is_file()
        {
            starts.push(start);
        }
    }
    Ok(starts)
}

fn start_of(name: &str) -> Option<u64> {
    let digits = name.strip_suffix(SUFFIX)?;
    let is_offset = digits.len() == OFFSET_DIGITS && digits.bytes().all(|b| b.is_ascii_digit());
    is_offset.then(|| digits.parse().ok()).flatten()
}

fn is_removed(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::NotFound | ErrorKind::StaleNetworkFileHandle
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dir_with(segments: &[(u64, &str)]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for (start, text) in segments {
            fs::write(dir.path().join(segment_name(*start)), text).unwrap();
        }
        dir
    }

    fn read(segments: &mut Segments, offset: u64) -> (Chunk, String) {
        let mut buffer = [0; 8];
        let chunk = segments.read_at(offset, &mut buffer).unwrap();
        let n_bytes = if let Chunk::Bytes(n_bytes) = chunk {
            n_bytes
        } else {
            0
        };
        (
            chunk,
            String::from_utf8(buffer[..n_bytes].to_vec()).unwrap(),
        )
    }

    #[test]
    fn a_read_finds_the_right_segment_and_stays_in_it() {
        let dir = dir_with(&[(0, "abc"), (3, "defg"), (7, "hijklmnopq")]);
        let mut segments = Segments::list(dir.path().into()).unwrap();
        assert_eq!(read(&mut segments, 1), (Chunk::Bytes(2), "bc".into()));
        assert_eq!(read(&mut segments, 3), (Chunk::Bytes(4), "defg".into()));
        assert_eq!(read(&mut segments, 8), (Chunk::Bytes(8), "ijklmnop".into()));
        assert_eq!(read(&mut segments, 17), (Chunk::End, String::new()));
        assert_eq!(read(&mut segments, u64::MAX), (Chunk::End, String::new()));
    }

    #[test]
    fn a_segment_removed_after_the_listing_is_lost_and_the_rest_is_read() {
        let dir = dir_with(&[(0, "abc"), (3, "defg"), (7, "hi")]);
        let mut segments = Segments::list(dir.path().into()).unwrap();
        fs::remove_file(dir.path().join(segment_name(0))).unwrap();
        fs::remove_file(dir.path().join(segment_name(3))).unwrap();
        assert_eq!(
            read(&mut segments, 1),
            (Chunk::Lost { until: 3 }, String::new())
        );
        assert_eq!(
            read(&mut segments, 3),
            (Chunk::Lost { until: 7 }, String::new())
        );
        assert_eq!(read(&mut segments, 7), (Chunk::Bytes(2), "hi".into()));
    }

    #[test]
    fn a_segment_removed_while_it_is_read_is_read_to_its_end() {
        let dir = dir_with(&[(0, "abc"), (3, "defg")]);
        let mut segments = Segments::list(dir.path().into()).unwrap();
        assert_eq!(read(&mut segments, 0), (Chunk::Bytes(3), "abc".into()));
        fs::remove_file(dir.path().join(segment_name(0))).unwrap();
        assert_eq!(read(&mut segments, 1), (Chunk::Bytes(2), "bc".into()));
    }

    #[test]
    fn a_read_backwards_stays_in_its_segment_and_tells_what_is_gone() {
        let dir = dir_with(&[(3, "defg"), (7, "hij"), (12, ""), (20, "uvw")]);
        let mut segments = Segments::list(dir.path().into()).unwrap();
        assert_eq!((segments.oldest(), segments.end().unwrap()), (3, 23));
        let mut before = |end| segments.read_before(end, 2).unwrap();
        assert_eq!(before(23), Ahead::Bytes(b"vw".to_vec()));
        assert_eq!(before(21), Ahead::Bytes(b"u".to_vec()));
        assert_eq!(before(20), Ahead::Lost { from: 10 }, "not at the empty one");
        assert_eq!(before(10), Ahead::Bytes(b"ij".to_vec()));
        assert_eq!(before(7), Ahead::Bytes(b"fg".to_vec()));
        assert_eq!(before(3), Ahead::Lost { from: 0 });
        assert_eq!(before(0), Ahead::Start);
    }

    #[test]
    fn a_segment_removed_after_the_listing_is_lost_backwards_too() {
        let dir = dir_with(&[(0, "abc"), (3, "defg"), (7, "hi")]);
        let mut segments = Segments::list(dir.path().into()).unwrap();
        fs::remove_file(dir.path().join(segment_name(3))).unwrap();
        assert_eq!(segments.read_before(7, 9).unwrap(), Ahead::Lost { from: 3 });
        fs::remove_file(dir.path().join(segment_name(7))).unwrap();
        let mut segments = Segments::list(dir.path().into()).unwrap();
        fs::remove_file(dir.path().join(segment_name(0))).unwrap();
        assert_eq!(segments.end().unwrap(), 0);
    }

    #[test]
    fn what_is_not_a_segment_is_not_read() {
        let dir = dir_with(&[(0, "abc")]);
        fs::write(dir.path().join("3.log"), "no").unwrap();
        fs::write(dir.path().join("00000000000000000003.log.tmp"), "no").unwrap();
        fs::write(dir.path().join("99999999999999999999.log"), "no").unwrap();
        fs::create_dir(dir.path().join(segment_name(3))).unwrap();
        let mut segments = Segments::list(dir.path().into()).unwrap();
        assert_eq!(read(&mut segments, 3), (Chunk::End, String::new()));
    }

    #[test]
    fn a_missing_directory_is_an_empty_log() {
        let dir = tempfile::tempdir().unwrap();
        let mut segments = Segments::list(dir.path().join("none")).unwrap();
        assert_eq!(read(&mut segments, 0), (Chunk::End, String::new()));
    }
}
