//! Segments on disk.

use std::{
    collections::VecDeque,
    fs::{self, File, OpenOptions},
    io::{self, Write},
};

use chrono::{DateTime, Utc};

use super::{
    Place,
    segment::{self, Cut, Cutter},
    stamp::stamp,
};

/// Writes stamped lines. It never fails: what cannot be written is counted and its absence noted in the log as soon as
/// something can be written again.
pub(super) struct Writer {
    place: Place,
    /// The newest segment, once there is something for it.
    file: Option<File>,
    /// First bytes of all segments, oldest first.
    segments: VecDeque<u64>,
    cutter: Cutter,
    end: u64,
    /// Whether the log ends in the middle of a line.
    mid_line: bool,
    loss: Option<Loss>,
}

/// Output that is missing at the end of the log.
struct Loss {
    bytes: u64,
    /// Whether the last missing byte was in the middle of a line.
    mid_line: bool,
    reason: io::Error,
}

/// A write that stopped early.
struct Unwritten {
    written: usize,
    reason: io::Error,
}

impl Writer {
    /// Continues the log in its directory, which need not exist yet.
    pub(super) fn open(place: Place) -> Self {
        let mut segments: Vec<(u64, u64)> = fs::read_dir(&place.directory)
            .into_iter()
            .flatten()
            .filter_map(|entry| {
                let entry = entry.ok()?;
                let first = segment::first_byte(&entry.file_name())?;
                Some((first, entry.metadata().ok()?.len()))
            })
            .collect();
        segments.sort_unstable();
        let end = segments.last().map_or(0, |(first, length)| first + length);
        Self {
            cutter: Cutter::new(place.limits.segment_bytes),
            place,
            file: None,
            segments: segments.into_iter().map(|(first, _length)| first).collect(),
            end,
            mid_line: false,
            loss: None,
        }
    }

    /// Logical length of the log in bytes.
    pub(super) fn end(&self) -> u64 {
        self.end
    }

    /// Appends bytes that continue what was written before; `now` is for a note about lost ones.
    pub(super) fn write(&mut self, bytes: &[u8], now: DateTime<Utc>) {
        if let Err(Unwritten { written: _, reason }) = self.note_loss(now) {
            return self.lose(bytes, reason);
        }
        if let Err(Unwritten { written, reason }) = self.append(bytes) {
            self.lose(&bytes[written..], reason);
        }
    }

    /// Has the newest segment written through to the disk and gives the logical length.
    pub(super) fn finish(&mut self, now: DateTime<Utc>) -> u64 {
        if let Err(Unwritten { written: _, reason }) = self.note_loss(now) {
            tracing::warn!(%reason, "the end of the log is lost");
        }
        if let Some(file) = &self.file {
            let directory = || File::open(&self.place.directory)?.sync_all();
            if let Err(error) = file.sync_all().and_then(|()| directory()) {
                tracing::warn!(%error, "the end of the log may not survive a power failure");
            }
        }
        self.end
    }

    /// Writes about lost output, if there is any, and then starts the rest of a broken line as a line of its own.
    fn note_loss(&mut self, now: DateTime<Utc>) -> Result<(), Unwritten> {
        let Some(loss) = &self.loss else {
            return Ok(());
        };
        let stamp = stamp(now);
        let before = if self.mid_line { "\n" } else { "" };
        let after = if loss.mid_line { stamp.as_str() } else { "" };
        let Loss { bytes, reason, .. } = loss;
        let note = format!(
            "{before}{stamp}hai: {bytes} bytes of output are missing here: {reason}\n{after}"
        );
        self.append(note.as_bytes())?;
        self.loss = None;
        Ok(())
    }

    fn lose(&mut self, bytes: &[u8], reason: io::Error) {
        if self.loss.is_none() {
            tracing::warn!(%reason, "the log cannot be written, output is lost");
        }
        let before = self.loss.as_ref().map_or(0, |loss| loss.bytes);
        let mid_line = bytes.last() != Some(&b'\n');
        self.loss = Some(Loss {
            bytes: before + bytes.len() as u64,
            mid_line,
            reason,
        });
    }

    fn append(&mut self, bytes: &[u8]) -> Result<(), Unwritten> {
        let mut written = 0;
        while written < bytes.len() {
            match self.append_some(&bytes[written..]) {
                Ok(count) => written += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(reason) => {
                    // The next attempt opens a file anew, because this one may be stale.
                    self.file = None;
                    self.cutter.begun();
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
                self.mid_line = bytes[count - 1] != b'\n';
                self.end += count as u64;
                self.keep_budget();
                Ok(count)
            }
        }
    }

    fn keep_budget(&mut self) {
        let surplus = segment::surplus(&self.segments, self.end, self.place.limits.budget_bytes);
        for first in self.segments.drain(..surplus) {
            let path = self.place.directory.join(segment::name(first));
            if let Err(error) = fs::remove_file(&path) {
                tracing::warn!(path = %path.display(), %error, "an old segment cannot be removed");
            }
        }
    }
}

fn begin(place: &Place, first: u64, segments: &mut VecDeque<u64>) -> io::Result<File> {
    fs::create_dir_all(&place.directory)?;
    let path = place.directory.join(segment::name(first));
    let file = OpenOptions::new().append(true).create(true).open(path)?;
    if segments.back() != Some(&first) {
        segments.push_back(first);
    }
    Ok(file)
}
