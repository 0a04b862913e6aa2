//! A log for tests, and what its readers may rely on: [`pages`] by example, [`properties`] for arbitrary logs, the same
//! from the end with [`back`], by [`time`], by [`search`], as it is with [`raw`], and while
//! it grows with [`tail`].

mod back;
mod pages;
mod properties;
mod raw;
mod search;
mod tail;
mod time;

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::PathBuf;

use chrono::{DateTime, TimeDelta, Utc};
use tempfile::TempDir;

use super::segment::segment_name;
use super::{Cursor, Item, LogStore, Page, PageRequest, Place, RankLog};

const RANK: u32 = 3;

/// The logs of one rank of one task, written as an agent writes them.
struct Fixture {
    root: TempDir,
}

impl Fixture {
    fn new() -> Self {
        Self {
            root: tempfile::tempdir().unwrap(),
        }
    }

    fn store(&self) -> LogStore {
        LogStore::new(self.root.path().into())
    }

    fn dir(&self, run: i32) -> PathBuf {
        self.store().rank_dir("ann", 7, run, RANK)
    }

    fn append(&self, run: i32, segment: u64, bytes: &[u8]) {
        fs::create_dir_all(self.dir(run)).unwrap();
        let path = self.dir(run).join(segment_name(segment));
        OpenOptions::new()
            .create(true)
            .append(true)
            .open(path)
            .unwrap()
            .write_all(bytes)
            .unwrap();
    }

    /// Appends `bytes`, whose first has the logical offset `at`, with segments that begin at `cuts`.
    fn append_cut(&self, run: i32, cuts: &[usize], at: usize, bytes: &[u8]) {
        for (index, &start) in cuts.iter().enumerate() {
            let end = cuts.get(index + 1).copied().unwrap_or(usize::MAX);
            let from = start.clamp(at, at + bytes.len());
            let to = end.clamp(at, at + bytes.len());
            if from < to {
                self.append(run, start as u64, &bytes[from - at..to - at]);
            }
        }
    }

    fn read(&self, request: &PageRequest) -> Page {
        self.store().read_page(request).unwrap()
    }

    /// All items from `request.place` on, page by page.
    fn read_all(&self, mut request: PageRequest) -> Vec<Item> {
        let mut items = Vec::new();
        loop {
            let page = self.read(&request);
            assert!(page.items.len() <= request.max_items);
            assert!(
                !page.has_next || !page.items.is_empty(),
                "a page without progress"
            );
            assert_eq!(
                page.items.last().map(|item| item.cursor_after),
                page.items.last().map(|_| page.cursor)
            );
            items.extend(page.items);
            request.place = Place::Behind(Some(page.cursor));
            if !page.has_next {
                return items;
            }
        }
    }
}

/// A segment of a terabyte without a line feed, on disk nearly nothing, and then these bytes.
fn append_to_a_terabyte(logs: &Fixture, bytes: &[u8]) {
    logs.append(1, 0, b"");
    let path = logs.dir(1).join(segment_name(0));
    let segment = OpenOptions::new().append(true).open(path).unwrap();
    segment.set_len(1 << 40).unwrap();
    logs.append(1, 0, bytes);
}

fn request(runs: &[i32]) -> PageRequest {
    PageRequest {
        log: RankLog {
            user: "ann".into(),
            task: 7,
            rank: RANK,
            runs: runs.to_vec(),
        },
        place: Place::Behind(None),
        max_items: 1000,
        max_bytes: 1 << 20,
        partial: false,
    }
}

fn cursor(run: i32, offset: u64) -> Cursor {
    Cursor {
        run,
        rank: RANK,
        offset,
    }
}

fn time(seconds: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::microseconds(seconds * 1_000_000 + 42)
}

fn stamped(seconds: i64, text: &[u8]) -> Vec<u8> {
    let stamp = time(seconds).format("[%Y-%m-%d %H:%M:%S%.6f] ").to_string();
    [stamp.as_bytes(), text].concat()
}
