//! Segments on disk.

use std::{
    collections::VecDeque,
    fs::{self, File, OpenOptions},
    io::{self, Write},
};

use chrono::{DateTime, Utc};

use super::{
    Place,
    segment::{self, Cut, Cutter, Segment},
    stamp::stamp,
};

/// Writes stamped lines. It never fails: what cannot be written is a hole in the log, as long as what is missing.
///
/// Behind a hole a new segment begins, so its name tells readers how much is missing.
pub(super) struct Writer {
    place: Place,
    /// The newest segment, once there is something for it.
    file: Option<File>,
    /// All segments, oldest first.
    segments: VecDeque<Segment>,
    cutter: Cutter,
    end: u64,
    loss: Option<Loss>,
}

/// The hole at the end of the log.
struct Loss {
    bytes: u64,
    /// Whether the last missing byte was in the middle of a line.
    mid_line: bool,
}

/// A write that stopped early.
struct Unwritten {
    written: usize,
    reason: io::Error,
}

impl Writer {
    /// Continues the log in its directory, which need not exist yet.
    pub(super) fn open(place: Place) -> Self {
        let mut segments: Vec<Segment> = fs::read_dir(&place.directory)
            .into_iter()
            .flatten()
            .filter_map(|entry| {
                let entry = entry.ok()?;
                let first = segment::first_byte(&entry.file_name())?;
                let bytes = entry.metadata().ok()?.len();
                Some(Segment { first, bytes })
            })
            .collect();
        segments.sort_unstable();
        let end = segments
            .last()
            .map_or(0, |newest| newest.first + newest.bytes);
        Self {
            cutter: Cutter::new(place.limits.segment_bytes),
            place,
            file: None,
            segments: segments.into(),
            end,
            loss: None,
        }
    }

    /// Logical length of the log in bytes.
    pub(super) fn end(&self) -> u64 {
        self.end
    }

    /// Appends bytes that continue what was written before; `now` is for the rest of a line whose beginning is lost.
    pub(super) fn write(&mut self, bytes: &[u8], now: DateTime<Utc>) {
        let written = self.begin_rest(now).and_then(|()| self.append(bytes));
        match written {
            Ok(()) => {
                if let Some(Loss { bytes, .. }) = self.loss.take() {
                    tracing::warn!(bytes, "the log can be written again behind a hole");
                }
            }
            Err(Unwritten { written, reason }) => self.lose(&bytes[written..], reason),
        }
    }

    /// Has the newest segment written through to the disk and gives the logical length.
    pub(super) fn finish(mut self) -> u64 {
        if self.loss.is_some() {
            // An empty segment is the end of the hole.
            match begin(&self.place, self.end, &mut self.segments) {
                Ok(file) => self.file = Some(file),
                Err(error) => tracing::warn!(%error, "readers do not learn of the hole at the end"),
            }
        }
        if let Some(file) = &self.file {
            let directory = || File::open(&self.place.directory)?.sync_all();
            if let Err(error) = file.sync_all().and_then(|()| directory()) {
                tracing::warn!(%error, "the end of the log may not survive a power failure");
            }
        }
        self.end
    }

    /// Starts the rest of a broken line as a line of its own.
    fn begin_rest(&mut self, now: DateTime<Utc>) -> Result<(), Unwritten> {
        if !self.loss.as_ref().is_some_and(|loss| loss.mid_line) {
            return Ok(());
        }
        let stamped = self.append(stamp(now).as_bytes());
        stamped.map_err(|Unwritten { reason, .. }| Unwritten { written: 0, reason })
    }

    /// Leaves a hole for these bytes.
    fn lose(&mut self, bytes: &[u8], reason: io::Error) {
        if self.loss.is_none() {
            tracing::warn!(%reason, "the log cannot be written, output is lost");
        }
        let before = self.loss.as_ref().map_or(0, |loss| loss.bytes);
        self.end += bytes.len() as u64;
        self.loss = Some(Loss {
            bytes: before + bytes.len() as u64,
            mid_line: bytes.last() != Some(&b'\n'),
        });
    }

    /// A full disk often takes a file, but nothing into it: left there, it would make one hole look like two.
    fn discard_empty(&mut self) {
        if let Some(empty) = self.segments.pop_back_if(|newest| newest.bytes == 0) {
            let path = self.place.directory.join(segment::name(empty.first));
            if let Err(error) = fs::remove_file(&path) {
                tracing::debug!(path = %path.display(), %error, "an empty segment stays");
            }
        }
    }

    fn append(&mut self, bytes: &[u8]) -> Result<(), Unwritten> {
        let mut written = 0;
        while written < bytes.len() {
            match self.append_some(&bytes[written..]) {
                Ok(count) => written += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(reason) => {
                    // The next attempt begins a segment, because this one may be stale, and a hole follows.
                    self.file = None;
                    self.cutter.begun();
                    self.discard_empty();
                    return Err(Unwritten { written, reason });
                }
            }
        }
        Ok(())
    }

    /// Appends at least one byte, or begins a segment.
    fn append_some(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let file = match &mut self.file {
            Some(file) => file,
            None => self
                .file
                .insert(begin(&self.place, self.end, &mut self.segments)?),
        };
        match self.cutter.next(bytes) {
            Cut::Begin => {
                self.file = None;
                self.cutter.begun();
                Ok(0)
            }
            Cut::Append(count) => {
                let count = file.write(&bytes[..count])?;
                if count == 0 {
                    return Err(io::ErrorKind::WriteZero.into());
                }
                self.cutter.appended(&bytes[..count]);
                self.end += count as u64;
                if let Some(newest) = self.segments.back_mut() {
                    newest.bytes += count as u64;
                }
                self.keep_budget();
                Ok(count)
            }
        }
    }

    fn keep_budget(&mut self) {
        let surplus = segment::surplus(&self.segments, self.place.limits.budget_bytes);
        for oldest in self.segments.drain(..surplus) {
            let path = self.place.directory.join(segment::name(oldest.first));
            if let Err(error) = fs::remove_file(&path) {
                tracing::warn!(path = %path.display(), %error, "an old segment cannot be removed");
            }
        }
    }
}

fn begin(place: &Place, first: u64, segments: &mut VecDeque<Segment>) -> io::Result<File> {
    fs::create_dir_all(&place.directory)?;
    let path = place.directory.join(segment::name(first));
    let file = OpenOptions::new().append(true).create(true).open(path)?;
    if segments.back().is_none_or(|newest| newest.first != first) {
        segments.push_back(Segment { first, bytes: 0 });
    }
    Ok(file)
}
