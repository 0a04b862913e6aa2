//! What holds for every log, however it is written, rotated and read.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed};

use super::*;
use crate::logs::ItemKind;
use crate::logs::line::MAX_PIECE;

/// Contents of a line: mostly short and of all kinds, now and then longer than a piece.
fn content() -> impl Strategy<Value = Vec<u8>> {
    let any_bytes = vec(any::<u8>(), 0..40);
    let text = "[\\PC]{0,30}".prop_map(String::into_bytes);
    let stamp_like = Just(stamped(9, b"printed by the user"));
    let long = (MAX_PIECE - 60..MAX_PIECE * 5 / 2, "[a-z€😀é]{5}").prop_map(|(n_bytes, text)| {
        text.into_bytes()
            .into_iter()
            .cycle()
            .take(n_bytes)
            .collect()
    });
    prop_oneof![8 => any_bytes, 8 => text, 2 => stamp_like, 1 => long].prop_map(
        |mut bytes: Vec<u8>| {
            bytes.retain(|byte| *byte != b'\n');
            bytes
        },
    )
}

/// A log of whole lines and how it is written and read.
#[derive(Debug, Clone)]
pub(super) struct Scenario {
    pub(super) contents: Vec<Vec<u8>>,
    /// Second in which the first line is printed; the others follow second by second.
    pub(super) shift: i64,
    /// Where segments begin, ascending from 0; any offset, also inside a line.
    pub(super) cuts: Vec<usize>,
    /// Where the writer's single writes end, ascending.
    writes: Vec<usize>,
    max_items: usize,
    max_bytes: usize,
}

impl Scenario {
    pub(super) fn bytes(&self) -> Vec<u8> {
        let lines = self.contents.iter().zip(self.shift..);
        lines
            .flat_map(|(content, seconds)| [stamped(seconds, content), b"\n".to_vec()].concat())
            .collect()
    }

    fn expected(&self) -> Vec<(Option<DateTime<Utc>>, String)> {
        let lines = self.contents.iter().zip(self.shift..);
        lines
            .map(|(content, seconds)| {
                (Some(time(seconds)), String::from_utf8_lossy(content).into())
            })
            .collect()
    }

    /// Offsets of the lines.
    pub(super) fn line_starts(&self) -> impl Iterator<Item = usize> {
        self.contents.iter().scan(0, |next, content| {
            let start = *next;
            *next += stamped(0, content).len() + 1;
            Some(start)
        })
    }

    pub(super) fn request(&self) -> PageRequest {
        PageRequest {
            max_items: self.max_items,
            max_bytes: self.max_bytes,
            ..request(&[1])
        }
    }
}

pub(super) fn scenario() -> impl Strategy<Value = Scenario> {
    let page = (1..9_usize, prop_oneof![1..200_usize, Just(1 << 20)]);
    (
        vec(content(), 0..12),
        vec(any::<prop::sample::Index>(), 0..6),
        vec(any::<prop::sample::Index>(), 0..9),
        page,
    )
        .prop_map(|(contents, cuts, writes, (max_items, max_bytes))| {
            let mut scenario = Scenario {
                contents,
                shift: 0,
                cuts: vec![],
                writes: vec![],
                max_items,
                max_bytes,
            };
            let n_bytes = scenario.bytes().len();
            let places = |indices: Vec<prop::sample::Index>, always: usize| {
                let mut places: Vec<_> = indices
                    .iter()
                    .map(|index| index.index(n_bytes + 1))
                    .collect();
                places.push(always);
                places.sort_unstable();
                places.dedup();
                places
            };
            scenario.cuts = places(cuts, 0);
            scenario.writes = places(writes, n_bytes);
            scenario
        })
}

/// Puts the parts of lines together again.
fn joined(items: &[Item]) -> Vec<(Option<DateTime<Utc>>, String)> {
    let mut lines = Vec::new();
    let mut open = None;
    for item in items {
        let ItemKind::Line {
            time,
            text,
            partial,
        } = &item.kind
        else {
            panic!("a gap in {items:?}")
        };
        let (_, line) = open.get_or_insert((*time, String::new()));
        line.push_str(text);
        if !partial {
            lines.extend(open.take());
        }
    }
    assert_eq!(open, None, "a line without an end");
    lines
}

pub(super) fn config() -> Config {
    Config {
        cases: 64,
        rng_seed: RngSeed::Fixed(20_260_901),
        failure_persistence: None,
        ..Config::default()
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn pages_of_any_size_give_every_line_once_and_in_order(scenario in scenario()) {
        let logs = Fixture::new();
        logs.append_cut(1, &scenario.cuts, 0, &scenario.bytes());
        let items = logs.read_all(scenario.request());
        prop_assert_eq!(joined(&items), scenario.expected());
        for item in &items {
            let ItemKind::Line { text, .. } = &item.kind else { unreachable!() };
            prop_assert!(text.len() <= 3 * MAX_PIECE);
        }
    }

    #[test]
    fn reading_goes_on_exactly_behind_any_item(scenario in scenario()) {
        let logs = Fixture::new();
        logs.append_cut(1, &scenario.cuts, 0, &scenario.bytes());
        let items = logs.read_all(scenario.request());
        for (index, item) in items.iter().enumerate() {
            let cursor = item.cursor_after.to_string().parse().unwrap();
            let following = logs.read_all(PageRequest { place: Place::Behind(Some(cursor)), ..scenario.request() });
            prop_assert_eq!(&following[..], &items[index + 1..]);
        }
    }

    #[test]
    fn a_follower_of_a_growing_log_gets_every_line_once_and_in_order(
        scenario in scenario(),
        partial: bool,
    ) {
        let logs = Fixture::new();
        let bytes = scenario.bytes();
        let mut request = PageRequest { partial, ..scenario.request() };
        let mut items = Vec::new();
        let mut n_written = 0;
        for &end in &scenario.writes {
            logs.append_cut(1, &scenario.cuts, n_written, &bytes[n_written..end]);
            n_written = end;
            items.extend(logs.read_all(request.clone()));
            request.place = Place::Behind(items.last().map(|item: &Item| item.cursor_after));
        }
        prop_assert_eq!(joined(&items), scenario.expected());
    }

    #[test]
    fn rotation_costs_a_reader_only_what_was_removed(
        scenario in scenario(),
        removed: prop::sample::Index,
        after: prop::sample::Index,
    ) {
        let logs = Fixture::new();
        let bytes = scenario.bytes();
        logs.append_cut(1, &scenario.cuts, 0, &bytes);
        let segments: Vec<_> = scenario.cuts.iter().copied().filter(|cut| *cut < bytes.len()).collect();
        prop_assume!(!segments.is_empty());
        let before = logs.read_all(scenario.request());
        let stop = before[after.index(before.len())].cursor_after;
        let n_removed = removed.index(segments.len());
        for &start in &segments[..n_removed] {
            fs::remove_file(logs.dir(1).join(segment_name(start as u64))).unwrap();
        }
        let oldest = segments[n_removed] as u64;
        let mut items = logs.read_all(PageRequest { place: Place::Behind(Some(stop)), ..scenario.request() });
        if stop.offset < oldest {
            let gap = items.remove(0);
            prop_assert_eq!(gap.kind, ItemKind::Gap { lost_bytes: oldest - stop.offset });
        }
        let first = usize::try_from(oldest.max(stop.offset)).unwrap();
        let n_whole = scenario.line_starts().filter(|start| *start >= first).count();
        let expected = scenario.expected();
        let lines = joined(&items);
        prop_assert!(lines.len() <= n_whole + 1, "at most the rest of one more line");
        prop_assert!(lines.ends_with(&expected[expected.len() - n_whole..]));
    }

    #[test]
    fn no_cursor_and_no_bytes_make_a_reader_fail(
        bytes in vec(any::<u8>(), 0..300),
        start in 0..200_u64,
        after in 0..600_u64,
        partial: bool,
    ) {
        let logs = Fixture::new();
        logs.append(1, start, &bytes);
        logs.read_all(PageRequest { place: Place::Behind(Some(cursor(1, after))), partial, ..request(&[1]) });
    }
}
