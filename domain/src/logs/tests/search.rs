//! What a search finds, and where it stops.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed};

use super::*;
use crate::logs::{Match, Matches, Pattern, PatternKind, SearchRequest};

const MEBIBYTE: usize = 1 << 20;

fn search(pattern: &str, runs: &[i32]) -> SearchRequest {
    SearchRequest {
        user: "ann".into(),
        task: 7,
        runs: runs.to_vec(),
        ranks: vec![RANK],
        pattern: Pattern::new(pattern, PatternKind::Regex, true).unwrap(),
        after: None,
        max_matches: 100,
        max_bytes: u64::MAX,
    }
}

fn found(logs: &Fixture, request: &SearchRequest) -> Matches {
    logs.store().search(request, || true).unwrap()
}

fn texts(matches: &Matches) -> Vec<&str> {
    matches
        .items
        .iter()
        .map(|item| item.text.as_str())
        .collect()
}

fn lines(numbers: std::ops::Range<i64>) -> Vec<u8> {
    numbers
        .flat_map(|number| stamped(number, format!("step {number}\n").as_bytes()))
        .collect()
}

#[test]
fn a_match_says_where_its_line_is_and_what_stands_around_it() {
    let logs = Fixture::new();
    logs.append(1, 0, &stamped(1, b"loss is 2, was 3\xff\n"));
    logs.append(1, 47, &stamped(2, b"end\n"));
    let matches = found(&logs, &search("\\d", &[1]));
    let expected = Match {
        start: cursor(1, 0),
        cursor_after: cursor(1, 47),
        time: Some(time(1)),
        occurrences: 2,
        leading: "loss is ".into(),
        text: "2".into(),
        trailing: ", was 3\u{fffd}".into(),
    };
    assert_eq!(matches.items, [expected]);
    assert_eq!((matches.has_next, matches.n_bytes), (false, 80));
}

#[test]
fn a_stamp_is_not_searched() {
    let logs = Fixture::new();
    logs.append(1, 0, &stamped(1, b"nothing\n"));
    assert_eq!(found(&logs, &search("1970", &[1])).items, []);
}

#[test]
fn a_search_goes_on_through_runs_and_ranks_in_order() {
    let logs = Fixture::new();
    logs.append(1, 0, &stamped(1, b"hit 1, not finished"));
    logs.append(2, 0, &stamped(2, b"hit 2, going on"));
    let other = logs.store().rank_dir("ann", 7, 2, RANK + 2);
    fs::create_dir_all(&other).unwrap();
    fs::write(other.join(segment_name(0)), stamped(3, b"hit 3\n")).unwrap();
    let mut request = SearchRequest {
        ranks: vec![RANK, RANK + 1, RANK + 2],
        ..search("hit \\d", &[1, 2])
    };
    assert_eq!(texts(&found(&logs, &request)), ["hit 1", "hit 2", "hit 3"]);
    request.ranks = vec![RANK + 2];
    let matches = found(&logs, &request);
    assert_eq!(texts(&matches), ["hit 3"]);
    assert_eq!(matches.items[0].start.rank, RANK + 2);
}

/// Goes on until nothing is left.
fn in_steps(
    logs: &Fixture,
    mut request: SearchRequest,
    mut go_on: impl FnMut() -> bool,
) -> (usize, Vec<Match>) {
    let (mut n_steps, mut all) = (0, Vec::new());
    loop {
        let matches = logs.store().search(&request, &mut go_on).unwrap();
        n_steps += 1;
        all.extend(matches.items);
        request.after = Some(matches.cursor);
        if !matches.has_next {
            return (n_steps, all);
        }
    }
}

#[test]
fn whatever_stops_a_search_its_cursor_goes_on_exactly_there() {
    let logs = Fixture::new();
    logs.append(1, 0, &lines(0..50));
    logs.append(2, 500, &lines(50..60));
    let whole = found(&logs, &search("step", &[1, 2])).items;
    assert_eq!(whole.len(), 60);
    let by_matches = SearchRequest {
        max_matches: 7,
        ..search("step", &[1, 2])
    };
    assert_eq!(in_steps(&logs, by_matches, || true), (9, whole.clone()));
    let by_bytes = SearchRequest {
        max_bytes: 300,
        ..search("step", &[1, 2])
    };
    let (n_steps, items) = in_steps(&logs, by_bytes, || true);
    assert!((7..=9).contains(&n_steps), "{n_steps}");
    assert_eq!(items, whole);
    let (n_steps, items) = in_steps(&logs, search("step", &[1, 2]), || false);
    assert!(n_steps >= 60, "a line at a time");
    assert_eq!(items, whole);
}

#[test]
fn empty_lines_count_against_the_bound_too() {
    let logs = Fixture::new();
    logs.append(1, 0, &stamped(1, b"\n").repeat(100));
    let request = SearchRequest {
        max_bytes: 300,
        ..search("x", &[1])
    };
    let matches = found(&logs, &request);
    assert_eq!((matches.has_next, matches.cursor), (true, cursor(1, 300)));
}

#[test]
fn a_line_longer_than_a_page_shows_is_searched_whole_and_a_longer_one_in_parts() {
    let logs = Fixture::new();
    // Across the end of the first piece that readers get.
    let mut long = vec![b'.'; 200_000];
    long[65_500..65_509].copy_from_slice(b"<needle/>");
    logs.append(1, 0, &[&stamped(1, &long)[..], b"\n"].concat());
    let matches = found(&logs, &search("<needle/>", &[1]));
    assert_eq!(texts(&matches), ["<needle/>"]);
    let item = &matches.items[0];
    assert_eq!((item.leading.len(), item.trailing.len()), (1000, 1000));

    let endless = [&stamped(2, b"")[..], &b"needle ".repeat(MEBIBYTE)[..]].concat();
    logs.append(2, 0, &endless);
    let matches = found(&logs, &search("needle", &[2]));
    assert_eq!(matches.items.len(), 8);
    let occurrences: u64 = matches.items.iter().map(|item| item.occurrences).sum();
    assert_eq!(occurrences, MEBIBYTE as u64);
    assert_eq!(matches.n_bytes, endless.len() as u64);
}

/// A line of three mebibytes with this text around each of its bytes at which a part might end.
fn line_with(text: &[u8]) -> Vec<u8> {
    let mut line = vec![b'.'; 3 * MEBIBYTE];
    for around in [MEBIBYTE - (64 << 10), MEBIBYTE, 2 * MEBIBYTE] {
        let start = around - text.len() / 2;
        line[start..start + text.len()].copy_from_slice(text);
    }
    [&stamped(1, &line)[..], b"\n"].concat()
}

#[test]
fn an_occurrence_across_two_parts_of_a_long_line_is_found_once() {
    let short = b"<needle>".to_vec();
    let long = [b"<", &b"needle".repeat(10_000)[..], b">"].concat();
    for text in [short, long] {
        let logs = Fixture::new();
        logs.append(1, 0, &line_with(&text));
        for pattern in ["<(needle)+>", "[^.]+", "<needle"] {
            let (_, one_by_one) = in_steps(&logs, search(pattern, &[1]), || false);
            let at_once = found(&logs, &search(pattern, &[1])).items;
            assert_eq!(at_once, one_by_one);
            let occurrences: u64 = at_once.iter().map(|item| item.occurrences).sum();
            assert_eq!(occurrences, 3, "{pattern} of {}", text.len());
        }
    }
}

#[test]
fn only_the_ends_of_a_long_line_are_its_ends() {
    let logs = Fixture::new();
    logs.append(1, 0, &line_with(b"x"));
    for (pattern, occurrences) in [("^.", 1), (".$", 1), ("\\b\\.", 3), ("^", 1), ("$", 1)] {
        let matches = found(&logs, &search(pattern, &[1])).items;
        let found: u64 = matches.iter().map(|item| item.occurrences).sum();
        assert_eq!(found, occurrences, "{pattern}");
    }
}

/// Patterns of which the ends of lines, the stamps or what may be in between decide.
const TRICKY: [&str; 12] = [
    "ab",
    "^ab",
    "ab$",
    "^$",
    "^ab?$",
    "\\bab\\b",
    "[^b]+b",
    "a.*b",
    "(?i)AB|x",
    "\\d",
    "(?s).b",
    "[[:^alpha:]]a",
];

proptest! {
    #![proptest_config(Config { rng_seed: RngSeed::Fixed(7), ..Config::with_cases(300) })]

    #[test]
    fn lines_that_are_passed_over_have_nothing_in_them(
        contents in vec("[ab1 X\u{e9}]{0,6}", 1..40),
        bound in 1_u64..2000,
        pattern in proptest::sample::select(&TRICKY[..]),
    ) {
        let logs = Fixture::new();
        let lines: Vec<_> = contents.iter().map(|it| stamped(1, format!("{it}\n").as_bytes())).collect();
        logs.append(1, 0, &lines.concat());
        let regex = regex::Regex::new(pattern).unwrap();
        let expected: Vec<_> = contents.iter().enumerate().filter(|(_, it)| regex.is_match(it)).map(|(n, _)| n).collect();
        let request = SearchRequest { max_bytes: bound, ..search(pattern, &[1]) };
        let (_, items) = in_steps(&logs, request, || true);
        let starts: Vec<u64> = lines.iter().scan(0, |next, line| {
            let start = *next;
            *next += line.len() as u64;
            Some(start)
        }).collect();
        let found: Vec<_> = items.iter().map(|it| starts.binary_search(&it.start.offset).unwrap()).collect();
        prop_assert_eq!(found, expected);
    }
}
