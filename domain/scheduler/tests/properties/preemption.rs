//! What is true of every plan that makes somebody give way.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use scheduler::{
    Decision, Holder, Level, NodeName, Plan, Policy, Snapshot, Task, TaskKey, TaskState,
    WaitReason, plan,
};

use crate::oracle::{self, Answer, count, starts};
use crate::world::{crowds, is_draining, messes, policies};
use crate::{carried_out, config, entry};

proptest! {
    #![proptest_config(config())]

    #[test]
    fn nobody_makes_room_but_for_a_higher_level(snapshot in messes(), policy in policies()) {
        let plan = plan(&snapshot, &policy);
        for (state, Preemption { level, victims, .. }) in preemptions(&snapshot, &plan) {
            let runs = interruptible(&state, &policy, level);
            for victim in victims {
                prop_assert!(runs.contains_key(victim), "victim {}", victim);
                let rows = state.tasks.iter().filter(|task| task.key == *victim);
                prop_assert_eq!(rows.count(), 1);
            }
        }
    }

    #[test]
    fn all_victims_are_enough_and_none_of_them_can_be_spared(
        snapshot in crowds(), policy in policies(),
    ) {
        let plan = plan(&snapshot, &policy);
        for (state, Preemption { task, level, victims, nodes }) in
            preemptions(&snapshot, &plan)
        {
            let task = oracle::task(&state, task);
            let losses = interruptible(&state, &policy, level);
            let enough = soon_free(&state, task, victims);
            let is_release = |each: &Decision| matches!(each, Decision::Release { .. });
            prop_assert!(!victims.is_empty() || plan.decisions.iter().any(is_release));
            prop_assert_eq!(count(nodes.len()), task.nodes);
            prop_assert!(nodes.iter().all(|node| enough.contains(node)));
            for spared in victims {
                let others = victims.iter().filter(|victim| *victim != spared);
                let lesser = losses.keys().filter(|run| losses[*run] < losses[spared]);
                let instead: Vec<TaskKey> = others.chain(lesser).copied().collect();
                let left = soon_free(&state, task, &instead);
                prop_assert!(count(left.len()) < task.nodes, "{} could be spared", spared);
            }
        }
    }

    #[test]
    fn who_waits_for_nodes_would_not_have_enough_at_anybodys_expense(
        snapshot in crowds(), policy in policies(),
    ) {
        let (after, plan) = carried_out(snapshot, &policy);
        let answer = Answer::of(&after, &plan);
        for line in answer.lines() {
            let (head, level) = line[0];
            let WaitReason::NotEnoughNodes { needed, .. } = entry(&plan, head.key).reason else {
                continue;
            };
            let mut generous = after.clone();
            for (lower, _) in line.iter().filter(|(_, at)| *at < level) {
                generous.carry_out(&Decision::Release { task: lower.key });
            }
            let everybody: Vec<TaskKey> =
                interruptible(&after, &policy, level).into_keys().collect();
            let best = soon_free(&generous, head, &everybody);
            let is_coming = count(soon_free(&after, head, &[]).len()) >= needed;
            prop_assert!(is_coming || count(best.len()) < needed, "task {}", head.key);
            prop_assert!(count(oracle::usable(&generous, head).len()) < needed);
        }
    }

    #[test]
    fn a_preemptor_starts_as_soon_as_its_victims_are_gone(
        snapshot in crowds(), policy in policies(), come_back in any::<bool>(),
    ) {
        let first = plan(&snapshot, &policy);
        let later = drained(snapshot.clone().after(&first), come_back);
        let second = plan(&later, &policy);
        for (_, Preemption { task, nodes, .. }) in preemptions(&snapshot, &first) {
            let start = starts(&second).find(|(key, _, _)| *key == task);
            let is_overtaken = second.decisions.contains(&Decision::Release { task });
            match start {
                Some((_, _, given)) => prop_assert_eq!(given, nodes),
                // Who ran at the level that was left for `AUTO` may find a better one now.
                None => prop_assert!(come_back && is_overtaken, "task {}", task),
            }
        }
    }

    #[test]
    fn what_is_reserved_is_given_to_nobody_else(snapshot in messes(), policy in policies()) {
        let mut state = snapshot.clone();
        for decision in plan(&snapshot, &policy).decisions {
            let (Decision::Start { task, nodes, .. } | Decision::Preempt { task, nodes, .. }) =
                &decision
            else {
                state.carry_out(&decision);
                continue;
            };
            for node in state.nodes.iter().filter(|node| nodes.contains(&node.name)) {
                prop_assert!(node.reserved_for.is_none_or(|holder| holder == *task));
            }
            state.carry_out(&decision);
        }
    }

    #[test]
    fn a_reservation_is_released_only_if_it_is_of_no_use_or_to_a_higher_level(
        snapshot in crowds(), policy in policies(),
    ) {
        let plan = plan(&snapshot, &policy);
        let answer = Answer::of(&snapshot, &plan);
        let level_of = |key| {
            answer.everybody().find(|(task, _)| task.key == key).map(|(_, level)| level)
        };
        for (index, decision) in plan.decisions.iter().enumerate() {
            let Decision::Release { task: key } = decision else {
                continue;
            };
            let nodes = oracle::reserved(&snapshot, *key);
            let Some(level) = level_of(*key) else {
                continue;
            };
            let task = oracle::task(&snapshot, *key);
            let of_use = soon_free(&snapshot, task, &[]);
            let is_of_use = count(nodes.len()) == task.nodes
                && nodes.iter().all(|node| of_use.contains(&node.name));
            let next = plan.decisions[index..].iter().find_map(|decision| match decision {
                Decision::Start { task, nodes, .. } | Decision::Preempt { task, nodes, .. } => {
                    Some((*task, nodes))
                }
                Decision::Relevel { .. } | Decision::Release { .. } => None,
            });
            let is_overtaken = next.is_some_and(|(next, given)| {
                level_of(next) > Some(level)
                    && nodes.iter().any(|node| given.contains(&node.name))
            });
            prop_assert!(!is_of_use || is_overtaken, "task {}", key);
        }
    }
}

/// Each decision to make room, with the snapshot at that point.
fn preemptions<'a>(snapshot: &Snapshot, plan: &'a Plan) -> Vec<(Snapshot, Preemption<'a>)> {
    let mut found = Vec::new();
    let mut state = snapshot.clone();
    for decision in &plan.decisions {
        if let Decision::Preempt {
            task,
            level,
            victims,
            nodes,
        } = decision
        {
            let preemption = Preemption {
                task: *task,
                level: *level,
                victims,
                nodes,
            };
            found.push((state.clone(), preemption));
        }
        state.carry_out(decision);
    }
    found
}

/// What [`Decision::Preempt`] says.
struct Preemption<'a> {
    task: TaskKey,
    level: Level,
    victims: &'a [TaskKey],
    nodes: &'a [NodeName],
}

/// The nodes that the task can count on when these victims are on their way out: free or about to
/// be, reserved for nobody else, and not excluded.
fn soon_free<'a>(
    snapshot: &'a Snapshot,
    task: &Task,
    victims: &[TaskKey],
) -> BTreeSet<&'a NodeName> {
    let excluded = oracle::excluded(snapshot, task);
    (oracle::ready(snapshot, task).into_iter())
        .filter(|node| !excluded.contains(node) && oracle::is_kept_from_nobody_but(task, node))
        .filter(|node| match node.holder {
            Holder::Free => true,
            Holder::Task(holder) => {
                is_draining(&snapshot.tasks, holder) || victims.contains(&holder)
            }
            Holder::Other => false,
        })
        .map(|node| &node.name)
        .collect()
}

/// The runs a task of this level may interrupt, with what sorts them by their loss.
fn interruptible(
    snapshot: &Snapshot,
    policy: &Policy,
    above: Level,
) -> BTreeMap<TaskKey, impl Ord + use<>> {
    let runs = snapshot.tasks.iter().filter_map(|task| match task.state {
        TaskState::Active {
            level,
            draining: false,
            since,
            suspendable: true,
            ..
        } if level < above && (snapshot.now - since).max(0) >= policy.protect_from_higher => {
            Some((task.key, (level, Reverse(since), Reverse(task.key))))
        }
        TaskState::Active { .. } | TaskState::Waiting { .. } => None,
    });
    runs.collect()
}

/// What is when all who were on their way out are gone, or wait again.
fn drained(mut snapshot: Snapshot, come_back: bool) -> Snapshot {
    let mut gone = BTreeSet::new();
    for task in &mut snapshot.tasks {
        if let TaskState::Active { draining: true, .. } = task.state {
            gone.insert(task.key);
            task.state = TaskState::Waiting {
                not_before: None,
                excluded: vec![],
                held: !come_back,
            };
        }
    }
    for node in &mut snapshot.nodes {
        if matches!(node.holder, Holder::Task(task) if gone.contains(&task)) {
            node.holder = Holder::Free;
        }
    }
    snapshot
}
