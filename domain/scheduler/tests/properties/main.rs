//! What is true of every plan, whatever the snapshot.

mod oracle;
mod preemption;
mod relevel;
mod world;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::mem::discriminant;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngSeed, TestRunner};
use scheduler::{
    Decision, Holder, Node, NodeName, Plan, Policy, Snapshot, TaskKey, Wait, WaitReason, plan,
};

use crate::oracle::{Answer, count, starts};
use crate::world::{NOW, crowds, messes, moments, policies, shuffled, worlds};

const N_CASES: u32 = 500;

/// The same cases in every run, and nothing written beside the sources.
fn config() -> Config {
    Config {
        cases: N_CASES,
        rng_seed: RngSeed::Fixed(20_260_901),
        failure_persistence: None,
        ..Config::default()
    }
}

/// What is after a plan was carried out, and the plan for that.
fn carried_out(snapshot: Snapshot, policy: &Policy) -> (Snapshot, Plan) {
    let first = plan(&snapshot, policy);
    let after = snapshot.after(&first);
    let second = plan(&after, policy);
    (after, second)
}

/// What is when nothing but the releases was carried out.
fn released(mut snapshot: Snapshot, plan: &Plan) -> Snapshot {
    for decision in &plan.decisions {
        if let Decision::Release { .. } = decision {
            snapshot.carry_out(decision);
        }
    }
    snapshot
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_start_gets_all_its_nodes_and_only_usable_ones(
        snapshot in worlds(), policy in policies(),
    ) {
        let plan = plan(&snapshot, &policy);
        let released = released(snapshot.clone(), &plan);
        for (key, _, nodes) in starts(&plan) {
            let task = oracle::task(&snapshot, key);
            let usable = oracle::usable(&released, task);
            prop_assert_eq!(count(nodes.len()), task.nodes);
            prop_assert!(nodes.iter().all(|node| usable.contains(node)), "task {}", key);
        }
    }

    #[test]
    fn no_node_is_given_twice_nor_taken_from_anybody(
        snapshot in messes(), policy in policies(),
    ) {
        let mut taken: BTreeSet<NodeName> = oracle::claimed(&snapshot);
        for (key, _, nodes) in starts(&plan(&snapshot, &policy)) {
            prop_assert_eq!(count(nodes.len()), oracle::task(&snapshot, key).nodes);
            for node in nodes {
                prop_assert!(oracle::is_free(&snapshot, node), "{} is not free", node);
                prop_assert!(taken.insert(node.clone()), "{} has two tasks", node);
            }
        }
    }

    #[test]
    fn only_tasks_that_wait_are_started_and_each_once(
        snapshot in messes(), policy in policies(),
    ) {
        let mut started = BTreeSet::new();
        for (key, _, _) in starts(&plan(&snapshot, &policy)) {
            let mut rows = snapshot.tasks.iter().filter(|task| task.key == key);
            prop_assert!(rows.all(oracle::is_waiting), "task {} runs", key);
            prop_assert!(started.insert(key), "task {} is started twice", key);
        }
    }

    #[test]
    fn a_start_never_exceeds_a_quota(snapshot in worlds(), policy in policies()) {
        let plan = plan(&snapshot, &policy);
        let after = snapshot.after(&plan);
        for (key, level, _) in starts(&plan) {
            let task = oracle::task(&after, key);
            prop_assert!(oracle::used(&after, task, level) <= oracle::limit(&after, task, level));
        }
    }

    #[test]
    fn a_task_takes_the_first_level_of_its_choice_with_room(
        snapshot in worlds(), policy in policies(),
    ) {
        let answer = Answer::of(&snapshot, &plan(&snapshot, &policy));
        for (task, level) in answer.everybody() {
            let first = oracle::choices(task, &policy).into_iter().find(|&level| {
                let used = oracle::used(&snapshot, task, level);
                let gone = used + answer.promised_before(task, level);
                gone + task.nodes <= oracle::limit(&snapshot, task, level)
            });
            prop_assert_eq!(first, Some(level), "task {}", task.key);
        }
    }

    #[test]
    fn nobody_in_line_is_passed(snapshot in worlds(), policy in policies()) {
        let plan = plan(&snapshot, &policy);
        let answer = Answer::of(&snapshot, &plan);
        let reserved: BTreeSet<TaskKey> = (starts(&plan))
            .filter(|(key, _, nodes)| {
                let reserved = oracle::reserved(&snapshot, *key);
                reserved.iter().map(|node| &node.name).collect::<BTreeSet<_>>()
                    == nodes.iter().collect()
            })
            .map(|(key, _, _)| key)
            .collect();
        for line in answer.lines() {
            let places: Vec<_> = (line.iter())
                .filter(|(task, _)| !reserved.contains(&task.key))
                .map(|(task, level)| answer.place(task, *level))
                .collect();
            prop_assert!(places.is_sorted(), "{:?}", places);
        }
    }

    #[test]
    fn a_line_is_a_head_that_does_not_fit_and_those_behind_it(
        snapshot in worlds(), policy in policies(),
    ) {
        let (after, plan) = carried_out(snapshot, &policy);
        for line in Answer::of(&after, &plan).lines() {
            for (n_ahead, (task, _)) in (0..).zip(line) {
                let wait = entry(&plan, task.key);
                prop_assert_eq!(wait.position, Some(n_ahead + 1));
                let reserved = oracle::reserved(&after, task.key);
                let expected = if !reserved.is_empty() {
                    let is_free = |node: &&&Node| node.holder == Holder::Free;
                    let free = count(reserved.iter().filter(is_free).count());
                    prop_assert!(free < task.nodes, "task {} fits", task.key);
                    WaitReason::Draining {
                        needed: count(reserved.len()),
                        free,
                        tasks: oracle::holders(&reserved),
                    }
                } else if n_ahead == 0 {
                    let free = count(oracle::usable(&after, task).len());
                    prop_assert!(free < task.nodes, "task {} fits", task.key);
                    WaitReason::NotEnoughNodes {
                        needed: task.nodes,
                        free,
                        ready: count(oracle::ready(&after, task).len()),
                        draining: count(oracle::draining(&after, task).len()),
                        reserved: count(oracle::ready(&after, task).into_iter()
                            .filter(|node| node.reserved_for.is_some()).count()),
                        excluded: count(oracle::excluded(&after, task).len()),
                        disabled: count(oracle::disabled(&after, task).len()),
                    }
                } else {
                    WaitReason::Behind { head: line[0].0.key, n_ahead }
                };
                prop_assert_eq!(&wait.reason, &expected);
            }
        }
    }

    #[test]
    fn every_waiting_task_has_exactly_one_entry(snapshot in messes(), policy in policies()) {
        let (after, plan) = carried_out(snapshot, &policy);
        let entries: Vec<TaskKey> = plan.report.waiting.iter().map(|wait| wait.task).collect();
        let waiting: BTreeSet<TaskKey> = (after.tasks.iter())
            .filter(|task| oracle::is_waiting(task))
            .map(|task| task.key)
            .collect();
        prop_assert_eq!(entries, waiting.into_iter().collect::<Vec<_>>());
    }

    #[test]
    fn every_reason_is_true(snapshot in worlds(), policy in policies()) {
        let (after, plan) = carried_out(snapshot, &policy);
        let line = Answer::of(&after, &plan);
        for wait in &plan.report.waiting {
            let task = oracle::task(&after, wait.task);
            let is_true = oracle::holds(&after, &policy, &line, task, &wait.reason);
            prop_assert!(is_true, "task {}: {:?}", wait.task, wait.reason);
        }
    }

    #[test]
    fn a_plan_that_was_carried_out_leaves_nothing_to_do_and_the_same_report(
        snapshot in messes(), policy in policies(),
    ) {
        let first = plan(&snapshot, &policy);
        let (_, second) = carried_out(snapshot, &policy);
        prop_assert_eq!(second, Plan { decisions: vec![], ..first });
    }

    #[test]
    fn the_order_of_the_rows_does_not_matter(
        (snapshot, other) in messes().prop_flat_map(shuffled), policy in policies(),
    ) {
        prop_assert_eq!(plan(&snapshot, &policy), plan(&other, &policy));
    }

    #[test]
    fn a_plan_survives_being_stored(snapshot in messes(), policy in policies()) {
        let plan = plan(&snapshot, &policy);
        let json = serde_json::to_string(&plan).expect("a plan is plain data");
        prop_assert_eq!(serde_json::from_str::<Plan>(&json).expect("it was written so"), plan);
    }

    #[test]
    fn nothing_changes_before_wake_at(snapshot in worlds(), policy in policies()) {
        let (after, settled) = carried_out(snapshot, &policy);
        let moments = moments(&after, &policy);
        if let Some(wake_at) = settled.wake_at {
            prop_assert!(wake_at > NOW && moments.contains(&wake_at), "woken at {}", wake_at);
        }
        for moment in moments.into_iter().flat_map(|moment| [moment - 1, moment]) {
            if moment > NOW && settled.wake_at.is_none_or(|wake_at| moment < wake_at) {
                let later = plan(&after.clone().at(moment), &policy);
                prop_assert_eq!(&later, &settled, "at {}", moment);
            }
        }
    }
}

/// A property says nothing about what is never drawn.
#[test]
fn the_snapshots_show_every_reason_and_much_of_everything() {
    let mut runner = TestRunner::new(config());
    let mut reasons = HashSet::new();
    let mut seen = BTreeMap::<&str, u32>::new();
    for _ in 0..N_CASES {
        for strategy in [worlds().boxed(), crowds().boxed(), messes().boxed()] {
            let tree = (strategy, policies())
                .new_tree(&mut runner)
                .expect("nothing is rejected");
            let (snapshot, policy) = tree.current();
            let plan = plan(&snapshot, &policy);
            for what in plan
                .decisions
                .iter()
                .filter_map(|each| kind(&snapshot, each))
            {
                *seen.entry(what).or_default() += 1;
            }
            let waiting = plan.report.waiting.into_iter();
            reasons.extend(waiting.map(|wait| discriminant(&wait.reason)));
        }
    }
    assert_eq!(reasons.len(), 15);
    assert_eq!(seen.len(), 6, "{seen:?}");
    assert!(
        seen.values().all(|times| *times >= N_CASES / 50),
        "{seen:?}"
    );
}

fn kind(snapshot: &Snapshot, decision: &Decision) -> Option<&'static str> {
    match decision {
        Decision::Start { task, .. } => match oracle::reserved(snapshot, *task).len() {
            0 => Some("start"),
            _ => Some("start of a task with a reservation"),
        },
        Decision::Relevel { .. } => None,
        Decision::Preempt { victims, .. } => match victims.len() {
            0 => None,
            1 => Some("one victim"),
            _ => Some("several victims"),
        },
        Decision::Release { task } => {
            let mut tasks = snapshot.tasks.iter();
            let is_waiting = tasks.any(|each| each.key == *task && oracle::is_waiting(each));
            Some(if is_waiting {
                "release"
            } else {
                "release for nobody"
            })
        }
    }
}

fn entry(plan: &Plan, task: TaskKey) -> &Wait {
    plan.report
        .waiting
        .iter()
        .find(|wait| wait.task == task)
        .expect("it waits, so it has one")
}
