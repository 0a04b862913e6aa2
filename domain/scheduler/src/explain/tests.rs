//! Every sentence there is.

use super::*;
use crate::plan::Waiting;
use crate::testing::{grant, task};
use crate::{Level, TaskKey};

fn sentences(reasons: &[WaitReason]) -> String {
    let task = task(9).in_zone("A");
    let wait =
        |reason: &WaitReason| Wait::from(Waiting::in_line(&task, Level::Normal, 3, reason.clone()));
    let sentences: Vec<String> = reasons
        .iter()
        .map(|reason| explain(&wait(reason), 10_000))
        .collect();
    sentences.join("\n")
}

#[test]
fn a_task_that_cannot_run_is_told_why() {
    let high = Level::High;
    insta::assert_snapshot!(sentences(&[
        WaitReason::Duplicate,
        WaitReason::UnknownUser,
        WaitReason::InactiveUser,
        WaitReason::NoSuchGroup,
        WaitReason::NoNodesAsked,
        WaitReason::GroupTooSmall { needed: 8, total: 1 },
        WaitReason::NoQuota { priority: Priority::Auto },
        WaitReason::NoQuota { priority: Priority::Fixed(high) },
        WaitReason::QuotaTooSmall { level: high, needed: 2, limit: 1 },
    ]), @r"
    cannot run: the platform holds several rows for it
    cannot run: its owner ada is not known
    cannot run: its owner ada is not active
    cannot run: no node is in group training
    cannot run: it asks for no nodes
    can never run: 8 nodes needed, zone A of group training has 1
    can never run: ada has no quota at any level in group training
    can never run: ada has no quota at HIGH in group training
    can never run: 2 nodes needed, ada has 1 at HIGH in group training
    ");
}

#[test]
fn a_task_that_waits_outside_the_line_is_told_for_what() {
    let level = Level::Low;
    insta::assert_snapshot!(sentences(&[
        WaitReason::Held,
        WaitReason::Backoff { until: 50_000 },
        WaitReason::ExcludedNodes { needed: 2, ready: 3, excluded: 2, until: 1_810_000 },
        WaitReason::OutOfQuota { level, needed: 1, used: 3, promised: 0, limit: 3 },
        WaitReason::OutOfQuota { level, needed: 2, used: 1, promised: 2, limit: 4 },
    ]), @r"
    held by its owner until it is resumed
    failed recently and is tried again in 40 s
    failed recently on 2 of the 3 ready nodes of zone A of group training and needs 2: enough may be used again in 30 min
    waits for quota of ada at LOW in group training: 1 node needed, 3 of 3 in use
    waits for quota of ada at LOW in group training: 2 nodes needed, 1 of 4 in use, 2 promised to earlier tasks
    ");
}

#[test]
fn a_task_in_line_is_told_what_is_missing_or_who_is_before_it() {
    insta::assert_snapshot!(sentences(&[
        WaitReason::Draining { needed: 4, free: 1, tasks: vec![TaskKey(3)] },
        WaitReason::Draining { needed: 4, free: 0, tasks: vec![TaskKey(3), TaskKey(5)] },
        WaitReason::NotEnoughNodes {
            needed: 4, free: 2, ready: 9, draining: 0, reserved: 0, excluded: 0, disabled: 0,
        },
        WaitReason::NotEnoughNodes {
            needed: 4, free: 3, ready: 9, draining: 2, reserved: 3, excluded: 1, disabled: 2,
        },
        WaitReason::Behind { head: TaskKey(7), n_ahead: 1 },
        WaitReason::Behind { head: TaskKey(7), n_ahead: 12 },
    ]), @r"
    starts when task 3 has given back what is reserved for it in zone A of group training: 4 reserved, 1 free
    starts when the tasks 3, 5 have given back what is reserved for it in zone A of group training: 4 reserved, 0 free
    waits for 2 more nodes in zone A of group training: 4 needed, 2 free
    waits for 1 more node in zone A of group training: 4 needed, 3 free, 2 about to be free, 3 reserved for other tasks, 1 excluded because it failed there, 2 disabled
    waits behind task 7, the first in line in group training
    waits behind 12 tasks in group training, first task 7
    ");
}

#[test]
fn a_zone_is_named_only_if_it_is_asked_for() {
    let reason = WaitReason::NotEnoughNodes {
        needed: 4,
        free: 2,
        ready: 4,
        draining: 0,
        reserved: 0,
        excluded: 0,
        disabled: 0,
    };
    let wait = Wait::from(Waiting::in_line(&task(9), Level::Normal, 1, reason));
    assert_eq!(
        explain(&wait, 0),
        "waits for 2 more nodes in group training: 4 needed, 2 free"
    );
}

#[test]
fn moments_are_told_as_seen_from_now_and_rounded_up() {
    for (until, told) in [
        (-1, "now"),
        (0, "now"),
        (1, "in 1 s"),
        (1_000, "in 1 s"),
        (1_001, "in 2 s"),
        (119_000, "in 119 s"),
        (119_001, "in 2 min"),
        (7_199_000, "in 120 min"),
        (7_200_000, "in 2 h"),
        (7_200_001, "in 3 h"),
        (i64::MAX, "in 2562047788016 h"),
    ] {
        assert_eq!(from(0, until), told, "until {until}");
    }
    assert_eq!(from(5_000, 6_000), "in 1 s");
    assert_eq!(from(i64::MIN, i64::MAX), "in 2562047788016 h");
}

#[test]
fn every_issue_names_what_is_wrong() {
    let issues = [
        Issue::DuplicateNode { node: "a".into() },
        Issue::DuplicateUser { user: "ada".into() },
        Issue::DuplicateTask { task: TaskKey(4) },
        Issue::MalformedQuota {
            quota: grant("ada", -2),
            fault: QuotaFault::NegativeNodes,
        },
        Issue::MalformedQuota {
            quota: grant("@lab", 2),
            fault: QuotaFault::UnknownLevel,
        },
        Issue::UnknownNode {
            task: TaskKey(4),
            node: "z".into(),
        },
        Issue::NodeClaimedTwice {
            node: "a".into(),
            tasks: vec![TaskKey(4), TaskKey(5)],
        },
    ];
    insta::assert_snapshot!(issues.map(|issue| issue.to_string()).join("\n"), @r"
    several nodes are named a: none is used
    several users are named ada: none of their tasks is started
    several tasks have the key 4: none of them is started
    a quota row of user ada for group training does not count: it counts less than zero nodes (level 10, nodes -2)
    a quota row of user group lab for group training does not count: its level does not exist (level 10, nodes 2)
    task 4 is on node z, which is not in the cluster
    node a is claimed by the tasks 4, 5
    ");
}
