//! Whole logs on a real disk.

use std::{fs, io::Write, os::unix::fs::symlink, path::Path};

use chrono::{DateTime, Utc};
use proptest::{prelude::*, test_runner::RngSeed};

use super::{stamp::Lines, *};

fn at(second: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(second, 0).unwrap()
}

fn place(directory: &Path, segment_bytes: u64, budget_bytes: u64) -> Place {
    let limits = LogLimits {
        segment_bytes,
        budget_bytes,
    };
    Place {
        directory: directory.to_owned(),
        limits,
    }
}

/// The segments in a directory with their first bytes, oldest first.
fn segments(directory: &Path) -> Vec<(u64, Vec<u8>)> {
    let mut segments: Vec<_> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            (
                segment::first_byte(path.file_name().unwrap()).unwrap(),
                fs::read(path).unwrap(),
            )
        })
        .collect();
    segments.sort();
    segments
}

fn text(directory: &Path) -> String {
    let bytes = segments(directory)
        .into_iter()
        .flat_map(|(_first, bytes)| bytes)
        .collect();
    String::from_utf8(bytes).unwrap()
}

/// A piece of output, the second in which it is read, and whether its partial line is written at once.
type Piece = (Vec<u8>, i64, bool);

fn pieces() -> impl Strategy<Value = Vec<Piece>> {
    let byte = prop_oneof![
        3 => any::<u8>(),
        1 => Just(b'\n'),
        1 => Just(b'\r'),
    ];
    let piece = (
        prop::collection::vec(byte, 0..200),
        0..100_000i64,
        any::<bool>(),
    );
    prop::collection::vec(piece, 0..40)
}

/// The log as it should be, one byte at a time.
fn expected(pieces: &[Piece]) -> Vec<u8> {
    let mut expected = Vec::new();
    for (output, second, _) in pieces {
        for byte in output {
            if expected.is_empty() || expected.ends_with(b"\n") {
                expected.extend(at(*second).format("[%F %T.000000] ").to_string().bytes());
            }
            expected.push(*byte);
        }
    }
    expected
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 48,
        rng_seed: RngSeed::Fixed(20_261_123),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn any_chunking_gives_the_same_stamped_bytes(pieces in pieces(), limit in 20..400u64) {
        let directory = tempfile::tempdir().unwrap();
        let mut writer = Writer::open(place(directory.path(), limit, u64::MAX));
        let mut lines = Lines::default();
        for (output, second, partial) in &pieces {
            lines.feed(output, at(*second));
            let ready = if *partial { lines.take_all() } else { lines.take_whole() };
            writer.write(&ready, at(0));
        }
        writer.write(&lines.take_all(), at(0));
        let end = writer.end();

        let segments = segments(directory.path());
        let mut offset = 0;
        for (first, bytes) in &segments {
            prop_assert_eq!(*first, offset, "a segment is named by its first byte");
            prop_assert!((bytes.len() as u64) < 2 * limit);
            let split_line = !bytes.ends_with(b"\n") && offset + (bytes.len() as u64) < end;
            let last_line = bytes.rsplit(|byte| *byte == b'\n').next().unwrap();
            prop_assert!(!split_line || last_line.len() as u64 == limit, "a short line is split");
            offset += bytes.len() as u64;
        }
        prop_assert_eq!(end, offset);
        let bytes: Vec<u8> = segments.into_iter().flat_map(|(_first, bytes)| bytes).collect();
        prop_assert_eq!(bytes, expected(&pieces));
    }
}

#[test]
fn a_log_stays_within_its_budget_and_keeps_its_offsets() {
    let directory = tempfile::tempdir().unwrap();
    let mut writer = Writer::open(place(directory.path(), 100, 300));
    for number in 0..100 {
        writer.write(format!("line {number:04}\n").as_bytes(), at(0));
        let kept: usize = segments(directory.path())
            .iter()
            .map(|(_, bytes)| bytes.len())
            .sum();
        assert!(kept <= 300);
    }
    assert_eq!(writer.finish(), 1000);
    let segments = segments(directory.path());
    let firsts: Vec<u64> = segments.iter().map(|(first, _)| *first).collect();
    assert_eq!(firsts, [700, 800, 900]);
    assert!(segments[0].1.starts_with(b"line 0070\n"));
}

#[test]
fn a_log_is_continued_where_it_ended() {
    let directory = tempfile::tempdir().unwrap();
    for line in ["one\n", "two\n"] {
        let mut writer = Writer::open(place(directory.path(), 100, 300));
        writer.write(line.as_bytes(), at(0));
        writer.finish();
    }
    assert_eq!(
        segments(directory.path()),
        [(0, b"one\n".to_vec()), (4, b"two\n".to_vec())]
    );
}

/// A segment that can be begun, but every write to it fails with "no space left on device".
fn fill_disk(directory: &Path, first: u64) {
    symlink("/dev/full", directory.join(segment::name(first))).unwrap();
}

#[test]
fn output_that_no_disk_takes_is_one_hole_as_long_as_what_is_missing() {
    let directory = tempfile::tempdir().unwrap();
    let open = || Writer::open(place(directory.path(), 1000, 10_000));
    let mut writer = open();
    writer.write(b"[...] kept\n", at(0));
    writer.finish();
    let mut writer = open();
    fill_disk(directory.path(), 11);
    fill_disk(directory.path(), 22);
    writer.write(b"[...] lost\n", at(1));
    writer.write(b"[...] half of a", at(2));
    assert_eq!(writer.end(), 37);
    writer.write(b" line\n[...] kept\n", at(3));
    writer.write(b"[...] too\n", at(4));

    let before = b"[...] kept\n".to_vec();
    let behind = b"[1970-01-01 00:00:03.000000]  line\n[...] kept\n[...] too\n".to_vec();
    let end = 37 + behind.len() as u64;
    let expected = [(0, before), (37, behind)];
    assert_eq!(segments(directory.path()), expected);
    assert_eq!(writer.finish(), end);
}

#[test]
fn a_hole_at_the_end_has_an_end() {
    let directory = tempfile::tempdir().unwrap();
    let mut writer = Writer::open(place(directory.path(), 1000, 10_000));
    fill_disk(directory.path(), 0);
    writer.write(b"[...] lost\n", at(1));
    assert_eq!(segments(directory.path()), []);
    assert_eq!(writer.finish(), 11);
    assert_eq!(segments(directory.path()), [(11, vec![])]);
}

#[test]
fn a_directory_that_is_gone_costs_what_was_printed_meanwhile() {
    let parent = tempfile::tempdir().unwrap();
    let directory = parent.path().join("log");
    let mut writer = Writer::open(place(&directory, 6, 10_000));
    writer.write(b"[...]a", at(1));
    // The next segment finds a file where its directory was.
    fs::rename(&directory, parent.path().join("gone")).unwrap();
    fs::write(&directory, "").unwrap();
    writer.write(b"bc\n", at(2));
    fs::remove_file(&directory).unwrap();
    writer.write(b"[...]k", at(3));
    assert_eq!(segments(&directory), [(9, b"[...]k".to_vec())]);
    assert_eq!(writer.finish(), 15);
}

fn clock() -> DateTime<Utc> {
    at(7)
}

const UNLIMITED: u64 = u64::MAX;

#[tokio::test]
async fn an_unfinished_line_is_written_before_it_ends() {
    let directory = tempfile::tempdir().unwrap();
    let (output, mut input) = io::pipe().unwrap();
    let place = place(directory.path(), UNLIMITED, UNLIMITED);
    let mut log = Log::follow(output, place, clock).unwrap();
    input.write_all(b"password: ").unwrap();
    let mut progress = Progress::default();
    while progress.end == 0 {
        progress = log.advanced().await;
    }
    assert_eq!(
        progress,
        Progress {
            printed: 10,
            end: 39
        }
    );
    assert_eq!(
        text(directory.path()),
        "[1970-01-01 00:00:07.000000] password: "
    );

    input.write_all(b"secret\n").unwrap();
    drop(input);
    assert_eq!(log.finish().await, 46);
    assert_eq!(
        text(directory.path()),
        "[1970-01-01 00:00:07.000000] password: secret\n"
    );
}

#[tokio::test]
async fn a_pipe_that_somebody_keeps_open_does_not_hold_up_the_end() {
    let directory = tempfile::tempdir().unwrap();
    let (output, mut input) = io::pipe().unwrap();
    let place = place(directory.path(), UNLIMITED, UNLIMITED);
    let log = Log::follow(output, place, clock).unwrap();
    input.write_all(b"last words").unwrap();
    assert_eq!(log.finish().await, 39);
    drop(input);
}
