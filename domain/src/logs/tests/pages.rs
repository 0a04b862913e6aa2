//! What a page holds, by example.

use std::fs;

use super::*;
use crate::logs::{ItemKind, LogError};

fn finished(seconds: i64, text: &str) -> Vec<u8> {
    [stamped(seconds, text.as_bytes()), b"\n".to_vec()].concat()
}

fn line(seconds: i64, text: &str) -> ItemKind {
    ItemKind::Line {
        time: Some(time(seconds)),
        text: text.into(),
        partial: false,
    }
}

fn rest(text: &str) -> ItemKind {
    ItemKind::Line {
        time: None,
        text: text.into(),
        partial: false,
    }
}

fn kinds(items: &[Item]) -> Vec<ItemKind> {
    items.iter().map(|item| item.kind.clone()).collect()
}

#[test]
fn a_log_that_does_not_exist_yet_is_an_empty_page() {
    let logs = Fixture::new();
    for runs in [&[][..], &[1], &[1, 2]] {
        let page = logs.read(&request(runs));
        assert_eq!(
            page,
            Page {
                items: vec![],
                start: cursor(0, 0),
                cursor: cursor(0, 0),
                has_previous: false,
                has_next: false
            }
        );
    }
}

#[test]
fn a_page_ends_at_its_limits_and_says_where_to_go_on() {
    let logs = Fixture::new();
    logs.append(
        1,
        0,
        &[finished(1, "one"), finished(2, "two"), finished(3, "three")].concat(),
    );
    let mut request = PageRequest {
        max_items: 2,
        ..request(&[1])
    };
    let first = logs.read(&request);
    assert_eq!(kinds(&first.items), [line(1, "one"), line(2, "two")]);
    assert!(first.has_next);
    request.place = Place::Behind(Some(first.cursor));
    let second = logs.read(&request);
    assert_eq!(kinds(&second.items), [line(3, "three")]);
    assert!(!second.has_next);

    let by_bytes = PageRequest {
        max_bytes: 6,
        ..self::request(&[1])
    };
    assert_eq!(logs.read(&by_bytes), first);
    let too_small = PageRequest {
        max_bytes: 1,
        ..self::request(&[1])
    };
    assert_eq!(kinds(&logs.read(&too_small).items), [line(1, "one")]);
    let nothing = PageRequest {
        max_items: 0,
        ..self::request(&[1])
    };
    assert_eq!(
        logs.read(&nothing),
        Page {
            items: vec![],
            start: cursor(0, 0),
            cursor: cursor(0, 0),
            has_previous: false,
            has_next: true
        }
    );
}

#[test]
fn reading_goes_on_from_run_to_run() {
    let logs = Fixture::new();
    logs.append(1, 0, &finished(1, "first run"));
    logs.append(4, 0, &finished(2, "fourth run"));
    let items = logs.read_all(PageRequest {
        max_items: 1,
        ..request(&[1, 2, 4, 5])
    });
    assert_eq!(kinds(&items), [line(1, "first run"), line(2, "fourth run")]);
    assert_eq!(
        items.iter().map(|item| item.run).collect::<Vec<_>>(),
        [1, 4]
    );
}

#[test]
fn an_unfinished_line_waits_for_its_end() {
    let logs = Fixture::new();
    logs.append(1, 0, &stamped(1, b"load"));
    assert_eq!(logs.read(&request(&[1])).items, []);
    logs.append(1, 0, b"ed\n");
    assert_eq!(kinds(&logs.read(&request(&[1])).items), [line(1, "loaded")]);
}

#[test]
fn an_unfinished_line_is_given_out_in_parts_on_request() {
    let logs = Fixture::new();
    let mut request = PageRequest {
        partial: true,
        ..request(&[1])
    };
    let mut next = |logs: &Fixture| {
        let page = logs.read(&request);
        request.place = Place::Behind(Some(page.cursor));
        kinds(&page.items)
    };
    let part = |time, text: &str| ItemKind::Line {
        time,
        text: text.into(),
        partial: true,
    };
    logs.append(1, 0, &stamped(1, b"")[..10]);
    assert_eq!(next(&logs), [], "half a stamp says nothing");
    logs.append(1, 0, &stamped(1, b"price: 5 \xe2\x82")[10..]);
    assert_eq!(next(&logs), [part(Some(time(1)), "price: 5 ")]);
    assert_eq!(next(&logs), [], "half a character says nothing");
    logs.append(1, 0, b"\xac,");
    assert_eq!(next(&logs), [part(None, "€,")]);
    logs.append(1, 0, b"\n");
    assert_eq!(next(&logs), [rest("")], "the line is finished");
}

#[test]
fn what_a_past_run_left_unfinished_is_a_line() {
    let logs = Fixture::new();
    logs.append(1, 0, &stamped(1, b"killed he"));
    logs.append(2, 0, &finished(2, "again"));
    assert_eq!(
        kinds(&logs.read(&request(&[1, 2])).items),
        [line(1, "killed he"), line(2, "again")]
    );
}

#[test]
fn what_rotation_removed_is_one_gap_with_its_size() {
    let logs = Fixture::new();
    logs.append(1, 500, &finished(1, "late"));
    for (after, lost_bytes) in [(None, 500), (Some(cursor(1, 120)), 380)] {
        let page = logs.read(&PageRequest {
            place: Place::Behind(after),
            ..request(&[1])
        });
        assert_eq!(
            kinds(&page.items),
            [ItemKind::Gap { lost_bytes }, line(1, "late")]
        );
        assert_eq!(page.items[0].cursor_after, cursor(1, 500));
    }
}

#[test]
fn a_line_whose_rest_was_removed_is_followed_by_the_gap() {
    let logs = Fixture::new();
    logs.append(1, 0, &stamped(1, b"begin"));
    logs.append(1, 100, b"end\n");
    let gap = ItemKind::Gap {
        lost_bytes: 100 - 29 - 5,
    };
    assert_eq!(
        kinds(&logs.read(&request(&[1])).items),
        [line(1, "begin"), gap, rest("end")]
    );
}

#[test]
fn a_hole_at_the_end_is_one_gap_from_both_ends() {
    let logs = Fixture::new();
    logs.append(1, 0, &stamped(1, b"begin"));
    logs.append(1, 100, b"");
    let gap = ItemKind::Gap {
        lost_bytes: 100 - 29 - 5,
    };
    for place in [Place::Behind(None), Place::Before(None)] {
        let page = logs.read(&PageRequest {
            place,
            ..request(&[1])
        });
        assert_eq!(kinds(&page.items), [line(1, "begin"), gap.clone()]);
        assert_eq!(page.cursor, cursor(1, 100));
    }
}

#[test]
fn a_cursor_from_nowhere_is_harmless() {
    let logs = Fixture::new();
    logs.append(2, 0, &finished(1, "a€"));
    logs.append(3, 0, &finished(2, "b"));
    let read = |after| {
        kinds(
            &logs
                .read(&PageRequest {
                    place: Place::Behind(Some(after)),
                    ..request(&[2, 3])
                })
                .items,
        )
    };
    assert_eq!(
        read(cursor(-5, 9)),
        [line(1, "a€"), line(2, "b")],
        "before all runs"
    );
    assert_eq!(
        read(cursor(2, 4000)),
        [line(2, "b")],
        "behind the end of a past run"
    );
    assert_eq!(read(cursor(3, u64::MAX)), [], "behind the end");
    assert_eq!(read(cursor(9, 0)), [], "of a run that does not exist yet");
    assert_eq!(
        read(cursor(2, 31))[0],
        rest("\u{fffd}\u{fffd}"),
        "inside a character"
    );
    let other_rank = Cursor {
        rank: RANK + 1,
        ..cursor(2, 0)
    };
    let error = logs.store().read_page(&PageRequest {
        place: Place::Behind(Some(other_rank)),
        ..request(&[2])
    });
    assert!(matches!(
        error,
        Err(LogError::OtherRank {
            cursor: 4,
            asked: 3
        })
    ));
}

#[test]
fn a_directory_that_cannot_be_listed_is_an_error() {
    let logs = Fixture::new();
    fs::create_dir_all(logs.dir(1).parent().unwrap()).unwrap();
    fs::write(logs.dir(1), "a file").unwrap();
    let error = logs.store().read_page(&request(&[1])).unwrap_err();
    assert!(matches!(error, LogError::Unreadable { dir, .. } if dir == logs.dir(1)));
}
