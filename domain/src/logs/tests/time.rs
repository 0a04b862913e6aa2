//! The place of a moment, by halving and the slow way.

use proptest::prelude::*;

use super::properties::{config, scenario};
use super::*;
use crate::logs::ItemKind;

/// Where the first line of `items` is that was printed at `moment` or later.
fn slowly(items: &[Item], moment: DateTime<Utc>) -> usize {
    let is_late = |item: &Item| matches!(item.kind, ItemKind::Line { time: Some(time), .. } if time >= moment);
    items.iter().position(is_late).unwrap_or(items.len())
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn halving_finds_the_same_line_as_reading_everything(
        first in scenario(),
        second in scenario(),
        removed: prop::sample::Index,
        seconds in -1..14_i64,
        late: bool,
    ) {
        let logs = Fixture::new();
        let bytes = first.bytes();
        logs.append_cut(1, &first.cuts, 0, &bytes);
        let segments: Vec<_> = first.cuts.iter().filter(|cut| **cut < bytes.len()).collect();
        for start in segments.iter().take(removed.index(first.cuts.len())) {
            fs::remove_file(logs.dir(1).join(segment_name(**start as u64))).unwrap();
        }
        // The second run begins when the first has ended.
        let mut second = second;
        second.shift = 20;
        logs.append_cut(2, &second.cuts, 0, &second.bytes());
        let moment = time(if late { seconds + 20 } else { seconds }) + TimeDelta::microseconds(late.into());
        let request = PageRequest { log: request(&[1, 2]).log, ..first.request() };
        let items = logs.read_all(request.clone());
        let place = logs.store().find_time(&request.log, moment).unwrap();
        let found = logs.read_all(PageRequest { place: Place::Behind(Some(place)), ..request });
        prop_assert_eq!(&found[..], &items[slowly(&items, moment)..]);
    }
}

#[test]
fn a_moment_in_an_empty_log_is_its_beginning_and_a_late_one_its_end() {
    let logs = Fixture::new();
    let log = request(&[1, 2]).log;
    let find = |seconds| logs.store().find_time(&log, time(seconds)).unwrap();
    assert_eq!(find(5), cursor(0, 0));
    logs.append(1, 0, &stamped(1, b"only\n"));
    assert_eq!(find(1), cursor(1, 0));
    assert_eq!(find(2), cursor(1, 34));
}
