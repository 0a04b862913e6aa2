//! Pages from the end: the same lines and cursors as from the beginning.

use proptest::prelude::*;

use super::properties::{Scenario, config, scenario};
use super::*;
use crate::logs::ItemKind;
use crate::logs::line::MAX_PIECE;

/// All items before `before`, page by page from the end.
fn read_all_back(logs: &Fixture, mut request: PageRequest, before: Option<Cursor>) -> Vec<Item> {
    let mut pages = Vec::new();
    request.place = Place::Before(before);
    loop {
        let page = logs.read(&request);
        assert!(page.items.len() <= request.max_items);
        if before.is_none() {
            assert_eq!(page.has_next, !pages.is_empty());
        }
        request.place = Place::Before(Some(page.start));
        pages.push(page.items);
        if !page.has_previous {
            return pages.into_iter().rev().flatten().collect();
        }
    }
}

/// Items whose lines are whole again, so that it does not matter where long lines were cut.
fn flattened(items: &[Item]) -> Vec<(i32, ItemKind)> {
    let mut flat: Vec<(i32, ItemKind)> = Vec::new();
    for item in items {
        match (flat.last_mut(), &item.kind) {
            (
                Some((_, ItemKind::Line { text, partial, .. })),
                ItemKind::Line {
                    text: more,
                    partial: goes_on,
                    time: None,
                },
            ) if *partial => {
                text.push_str(more);
                *partial = *goes_on;
            }
            (_, kind) => flat.push((item.run, kind.clone())),
        }
    }
    flat
}

fn has_long_lines(scenario: &Scenario) -> bool {
    let longest = scenario.contents.iter().map(Vec::len).max();
    longest.is_some_and(|longest| longest + 29 > MAX_PIECE)
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn both_directions_give_the_same(
        scenario in scenario(),
        written: prop::sample::Index,
        removed: prop::sample::Index,
        is_over: bool,
    ) {
        let logs = Fixture::new();
        let bytes = scenario.bytes();
        let n_written = written.index(bytes.len() + 1);
        logs.append_cut(1, &scenario.cuts, 0, &bytes[..n_written]);
        let segments: Vec<_> = scenario.cuts.iter().filter(|cut| **cut < n_written).collect();
        for start in segments.iter().take(removed.index(scenario.cuts.len())) {
            fs::remove_file(logs.dir(1).join(segment_name(**start as u64))).unwrap();
        }
        let runs: &[i32] = if is_over { &[1, 2] } else { &[1] };
        let request = PageRequest {
            partial: true,
            log: request(runs).log,
            ..scenario.request()
        };
        let forwards = logs.read_all(request.clone());
        let backwards = read_all_back(&logs, request.clone(), None);
        prop_assert_eq!(flattened(&backwards), flattened(&forwards));
        if has_long_lines(&scenario) {
            return Ok(());
        }
        prop_assert_eq!(&backwards, &forwards);
        for (index, item) in forwards.iter().enumerate() {
            let cursor = Some(item.cursor_after);
            let until_there = read_all_back(&logs, request.clone(), cursor);
            prop_assert_eq!(&until_there[..], &forwards[..=index]);
        }
    }

    #[test]
    fn no_place_makes_a_reader_from_the_end_fail(
        bytes in proptest::collection::vec(any::<u8>(), 0..300),
        start in 0..200_u64,
        before in 0..600_u64,
    ) {
        let logs = Fixture::new();
        logs.append(1, start, &bytes);
        let place = Place::Before(Some(cursor(1, before)));
        let page = logs.read(&PageRequest { place, ..request(&[1]) });
        let behind = page.items.last().map_or(0, |item| item.cursor_after.offset);
        prop_assert!(behind <= before);
    }
}

fn texts(page: &Page) -> Vec<&str> {
    let text = |item| match item {
        &Item {
            kind: ItemKind::Line { ref text, .. },
            ..
        } => text.as_str(),
        _ => "(gap)",
    };
    page.items.iter().map(text).collect()
}

#[test]
fn the_end_of_a_log_goes_back_from_run_to_run() {
    let logs = Fixture::new();
    logs.append(1, 0, &stamped(1, b"killed he"));
    logs.append(
        3,
        0,
        &[stamped(2, b"again\n"), stamped(3, b"10 %")].concat(),
    );
    let last = |place, max_items| {
        logs.read(&PageRequest {
            place: Place::Before(place),
            max_items,
            partial: true,
            ..request(&[1, 2, 3, 4])
        })
    };
    let page = last(None, 2);
    assert_eq!(texts(&page), ["again", "10 %"]);
    assert_eq!((page.has_previous, page.has_next), (true, false));
    let page = last(Some(page.start), 2);
    assert_eq!(texts(&page), ["killed he"]);
    assert_eq!((page.has_previous, page.has_next), (false, true));
    assert_eq!(texts(&last(Some(page.start), 2)), Vec::<&str>::new());
}

#[test]
fn a_line_whose_rest_was_removed_is_as_whole_as_it_will_be() {
    let logs = Fixture::new();
    logs.append(1, 0, &stamped(1, b"begin"));
    logs.append(1, 100, b"end\n");
    let items = read_all_back(&logs, request(&[1]), None);
    assert_eq!(items, logs.read_all(request(&[1])));
    assert_eq!(items.len(), 3, "the line, the gap and a rest");
}

#[test]
fn a_follower_goes_on_behind_the_end_that_was_read() {
    let logs = Fixture::new();
    logs.append(1, 0, &stamped(1, b"price: 5 \xe2\x82"));
    let request = PageRequest {
        place: Place::Before(None),
        partial: true,
        ..request(&[1])
    };
    let page = logs.read(&request);
    assert_eq!(texts(&page), ["price: 5 "], "half a character says nothing");
    logs.append(1, 0, b"\xac\n");
    let place = Place::Behind(Some(page.cursor));
    assert_eq!(texts(&logs.read(&PageRequest { place, ..request })), ["€"]);
}

#[test]
fn the_end_of_a_terabyte_is_read_without_the_rest() {
    let logs = Fixture::new();
    append_to_a_terabyte(&logs, &[b"\n", &stamped(1, b"the last\n")[..]].concat());
    let page = logs.read(&PageRequest {
        place: Place::Before(None),
        max_items: 2,
        ..request(&[1])
    });
    assert_eq!(texts(&page)[1], "the last");
    assert!((MAX_PIECE..MAX_PIECE + 4).contains(&texts(&page)[0].len()));
    assert!(page.has_previous);
}
