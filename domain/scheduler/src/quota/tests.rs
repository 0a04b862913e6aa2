//! The rules by which quota rows combine, one test each.

use super::*;
use crate::testing::{ceiling, grant, task, user};

const NOW: Millis = 1_000;

fn limit(rows: &[Quota]) -> u32 {
    let ada = user("ada").member_of(&["public", "lab"]);
    QuotaBook::open(rows, NOW)
        .limits(&ada, &"training".into())
        .at(Level::Normal)
}

#[test]
fn no_row_is_no_quota() {
    assert_eq!(limit(&[]), 0);
    assert_eq!(limit(&[grant("bob", 9), grant("@staff", 9)]), 0);
    assert_eq!(
        limit(&[
            grant("ada", 9).at(Level::High),
            grant("ada", 9).in_group("other")
        ]),
        0
    );
}

#[test]
fn an_own_row_wins_over_a_larger_group_row() {
    assert_eq!(limit(&[grant("@public", 8), grant("ada", 2)]), 2);
}

#[test]
fn an_own_row_of_zero_is_a_denial() {
    assert_eq!(limit(&[grant("@public", 8), grant("ada", 0)]), 0);
}

#[test]
fn the_largest_group_row_counts() {
    assert_eq!(
        limit(&[grant("@public", 2), grant("@lab", 6), grant("@staff", 9)]),
        6
    );
}

#[test]
fn a_user_is_not_a_group_of_the_same_name() {
    let public = user("public");
    let rows = [grant("@public", 5)];
    let limits = QuotaBook::open(&rows, NOW).limits(&public, &"training".into());
    assert_eq!(limits.at(Level::Normal), 0);
}

#[test]
fn an_expired_own_row_falls_back_to_the_group() {
    let expires = |at| [grant("@public", 8), grant("ada", 2).until(at)];
    assert_eq!(limit(&expires(NOW + 1)), 2);
    assert_eq!(limit(&expires(NOW)), 8);
}

#[test]
fn a_ceiling_cuts_a_grant_and_gives_nothing_itself() {
    assert_eq!(limit(&[grant("ada", 8), ceiling("@public", 3)]), 3);
    assert_eq!(limit(&[grant("ada", 2), ceiling("@public", 3)]), 2);
    assert_eq!(limit(&[ceiling("ada", 3)]), 0);
}

#[test]
fn the_smallest_ceiling_counts_but_own_ones_come_first() {
    assert_eq!(
        limit(&[grant("ada", 8), ceiling("@public", 5), ceiling("@lab", 3)]),
        3
    );
    assert_eq!(
        limit(&[grant("ada", 8), ceiling("@public", 3), ceiling("ada", 6)]),
        6
    );
    assert_eq!(
        limit(&[grant("ada", 8), ceiling("ada", 6), ceiling("ada", 4)]),
        4
    );
}

#[test]
fn ceilings_of_other_tags_count_beside_each_other() {
    let rows = |own: &str| {
        [
            grant("ada", 8),
            ceiling("@public", 2).tagged("audit"),
            ceiling("ada", 6).tagged(own),
        ]
    };
    assert_eq!(limit(&rows("")), 2);
    assert_eq!(limit(&rows("audit")), 6);
    assert_eq!(limit(&rows("other")), 2);
    let expired = [
        grant("ada", 8),
        ceiling("ada", 1).tagged("audit").until(NOW),
    ];
    assert_eq!(limit(&expired), 8);
}

#[test]
fn a_limit_says_where_it_comes_from() {
    let ada = user("ada").member_of(&["public"]);
    let rows = [grant("@public", 8), ceiling("ada", 3)];
    let limits = QuotaBook::open(&rows, NOW).limits(&ada, &"training".into());
    let expected = Limit {
        grant: Some(8),
        ceiling: Some(3),
    };
    assert_eq!(limits.of(Level::Normal), expected);
    assert_eq!(limits.of(Level::High), Limit::default());
}

#[test]
fn malformed_rows_do_not_count_and_are_named() {
    let mut bad_level = grant("ada", 4);
    bad_level.level = 7;
    let rows = [bad_level.clone(), grant("ada", -1), grant("@public", 3)];
    assert_eq!(limit(&rows), 3);
    let negative = Issue::MalformedQuota {
        quota: grant("ada", -1),
        fault: QuotaFault::NegativeNodes,
    };
    let unknown = Issue::MalformedQuota {
        quota: bad_level,
        fault: QuotaFault::UnknownLevel,
    };
    assert_eq!(QuotaBook::open(&rows, NOW).issues(), [unknown, negative]);
}

#[test]
fn auto_is_not_a_level_one_can_have_quota_for() {
    let mut row = grant("ada", 4);
    row.level = crate::Priority::AUTO_VALUE;
    assert_eq!(row.check(), Err(QuotaFault::UnknownLevel));
}

#[test]
fn an_enormous_number_is_as_good_as_no_limit() {
    assert_eq!(limit(&[grant("ada", i64::MAX)]), u32::MAX);
}

#[test]
fn limits_say_when_they_may_change() {
    let ada = user("ada").member_of(&["public"]);
    let rows = [
        grant("@public", 8).until(5_000),
        ceiling("ada", 2).until(3_000),
        grant("ada", 2).until(500),
        grant("bob", 2).until(2_000),
    ];
    let limits = QuotaBook::open(&rows, NOW).limits(&ada, &"training".into());
    assert_eq!(limits.valid_until, Some(3_000));
}

#[test]
fn active_tasks_use_quota_and_waiting_ones_do_not() {
    let tasks = [
        task(1).active_on(&["a", "b"]),
        task(2).active_on(&["c"]).draining(),
        task(3).wants(4),
        task(4).of("bob").active_on(&["d"]),
    ];
    let usage = Usage::of(&tasks);
    let at = |user: &str, level| usage.at(&user.into(), &"training".into(), level);
    assert_eq!(at("ada", Level::Normal), 3);
    assert_eq!(at("bob", Level::Normal), 1);
    assert_eq!(at("ada", Level::High), 0);
    assert_eq!(usage.at(&"ada".into(), &"other".into(), Level::Normal), 0);
}
