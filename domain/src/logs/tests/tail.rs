//! The end of a log that grows while it is read.

use super::*;
use crate::logs::{ItemKind, Most, Tail};

const ALL: Most = Most {
    items: 100,
    bytes: 1 << 20,
};

fn tail(fixture: &Fixture, runs: Vec<i32>) -> Tail {
    let log = RankLog {
        user: "ann".to_owned(),
        task: 7,
        rank: RANK,
        runs,
    };
    let after = log.beginning();
    fixture.store().tail(log, after)
}

fn read(tail: &mut Tail, partial: bool) -> Vec<String> {
    let items = tail.read(ALL, partial).unwrap().items;
    let text = |item: &Item| match &item.kind {
        ItemKind::Line { text, partial, .. } if *partial => format!("{text}…"),
        ItemKind::Line { text, .. } => text.clone(),
        ItemKind::Gap { lost_bytes } => format!("{lost_bytes} lost"),
    };
    items.iter().map(text).collect()
}

#[test]
fn a_tail_goes_on_from_segment_to_segment_and_from_run_to_run() {
    let fixture = Fixture::new();
    let mut tail = tail(&fixture, vec![1]);
    assert!(read(&mut tail, false).is_empty(), "there is no file yet");
    fixture.append(1, 0, b"one\ntw");
    assert_eq!(read(&mut tail, false), ["one"]);
    assert!(tail.has_unfinished());
    fixture.append(1, 0, b"o\n");
    fixture.append(1, 8, b"three\n");
    fixture.append(1, 14, b"");
    assert_eq!(read(&mut tail, false), ["two", "three"]);
    fixture.append(1, 14, b"four");
    assert!(read(&mut tail, false).is_empty());
    tail.set_runs(vec![1, 2]);
    assert_eq!(read(&mut tail, false), ["four"], "the run is over");
    assert!(read(&mut tail, false).is_empty());
    fixture.append(2, 0, b"five\n");
    assert_eq!(read(&mut tail, false), ["five"]);
    assert_eq!(tail.cursor().to_string(), format!("2.{RANK}.5"));
}

#[test]
fn a_tail_gives_each_byte_once_and_is_counted_while_it_lives() {
    let fixture = Fixture::new();
    let store = fixture.store();
    let log = RankLog {
        user: "ann".to_owned(),
        task: 7,
        rank: RANK,
        runs: vec![1],
    };
    let mut tail = store.tail(log.clone(), log.beginning());
    let stamp = "[2026-01-02 03:04:05.000006] ";
    fixture.append(1, 0, format!("{stamp}10 %").as_bytes());
    assert_eq!(read(&mut tail, true), ["10 %…"]);
    fixture.append(1, 0, b" done\n");
    assert_eq!(read(&mut tail, true), [" done"]);
    assert!(!tail.has_unfinished());
    assert_eq!((store.n_tailers(), store.n_tailed_bytes()), (1, 39));
    drop(tail);
    assert_eq!(store.n_tailers(), 0);
}

#[test]
fn a_tail_that_rotation_has_overtaken_tells_what_is_lost() {
    let fixture = Fixture::new();
    let mut tail = tail(&fixture, vec![1]);
    fixture.append(1, 0, b"one\n");
    assert_eq!(read(&mut tail, false), ["one"]);
    fs::remove_file(fixture.dir(1).join(segment_name(0))).unwrap();
    fixture.append(1, 20, b"two\n");
    tail.look_again();
    assert_eq!(read(&mut tail, false), ["16 lost", "two"]);
}

#[test]
fn a_tail_tells_of_holes_that_a_full_disk_has_left_when_the_run_is_over() {
    let fixture = Fixture::new();
    let mut tail = tail(&fixture, vec![1]);
    fixture.append(1, 0, b"one\n");
    assert_eq!(read(&mut tail, false), ["one"]);
    fixture.append(1, 24, b"two\nthr");
    fixture.append(1, 40, b"");
    tail.set_runs(vec![1, 2]);
    assert_eq!(read(&mut tail, false), ["20 lost", "two", "thr", "9 lost"]);
    fixture.append(2, 0, b"four\n");
    assert_eq!(read(&mut tail, false), ["four"]);
}

#[test]
fn a_tail_stops_where_it_has_read_enough() {
    let fixture = Fixture::new();
    let mut tail = tail(&fixture, vec![1]);
    fixture.append(1, 0, b"one\ntwo\nthree\n");
    let most = Most {
        items: 2,
        bytes: 1 << 20,
    };
    let growth = tail.read(most, false).unwrap();
    assert_eq!((growth.items.len(), growth.has_more), (2, true));
    assert_eq!(read(&mut tail, false), ["three"]);
}

#[test]
fn a_mark_is_passed_by_more_bytes_and_by_the_next_segment_and_not_by_what_was_read() {
    let fixture = Fixture::new();
    let mut tail = tail(&fixture, vec![1]);
    assert_eq!(tail.mark(), None, "nothing was looked at");
    let look = |tail: &mut Tail| {
        read(tail, false);
        let mark = tail.mark().unwrap();
        assert!(!mark.is_passed(), "{mark:?}");
        mark
    };
    let before = look(&mut tail);
    fixture.append(1, 0, b"");
    assert!(before.is_passed(), "the first segment was begun");
    let empty = look(&mut tail);
    fixture.append(1, 0, b"one\ntw");
    assert!(empty.is_passed());
    let unfinished = look(&mut tail);
    fixture.append(1, 0, b"o\n");
    assert!(unfinished.is_passed());
    let full = look(&mut tail);
    fixture.append(1, 8, b"three\n");
    assert!(full.is_passed());
    look(&mut tail);
}
