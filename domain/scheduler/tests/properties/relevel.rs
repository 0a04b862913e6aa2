//! What is true of runs whose owners have changed the priority.

use proptest::prelude::*;
use scheduler::{Decision, Level, Plan, Priority, Snapshot, Task, TaskState, plan};

use crate::world::{policies, wishful_worlds};
use crate::{carried_out, config, oracle};

/// The level of a run that goes on, and the one its owner asks for.
fn wish(task: &Task) -> Option<(Level, Level)> {
    match (&task.state, task.priority) {
        (
            TaskState::Active {
                level,
                draining: false,
                ..
            },
            Priority::Fixed(wanted),
        ) if wanted != *level => Some((*level, wanted)),
        _ => None,
    }
}

fn moves(plan: &Plan) -> impl Iterator<Item = (&Decision, scheduler::TaskKey, Level)> {
    plan.decisions.iter().filter_map(|decision| match decision {
        Decision::Relevel { task, level } => Some((decision, *task, *level)),
        _ => None,
    })
}

/// What is when the runs have moved and nothing else has happened.
fn moved(mut snapshot: Snapshot, plan: &Plan) -> Snapshot {
    for (decision, ..) in moves(plan) {
        snapshot.carry_out(decision);
    }
    snapshot
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_run_moves_only_where_its_owner_wants_it_and_up_only_within_quota(
        snapshot in wishful_worlds(), policy in policies(),
    ) {
        let plan = plan(&snapshot, &policy);
        let after = moved(snapshot.clone(), &plan);
        for (_, key, level) in moves(&plan) {
            let task = oracle::task(&snapshot, key);
            let (from, wanted) = wish(task).expect("it has a wish");
            prop_assert_eq!(wanted, level);
            let used = oracle::used(&after, task, level);
            prop_assert!(level < from || used <= oracle::limit(&after, task, level), "task {}", key);
        }
    }

    #[test]
    fn only_quota_keeps_a_run_from_moving(snapshot in wishful_worlds(), policy in policies()) {
        let plan = plan(&snapshot, &policy);
        let after = moved(snapshot, &plan);
        for task in &after.tasks {
            let (Some((level, wanted)), TaskState::Active { nodes, .. }) = (wish(task), &task.state)
            else {
                continue;
            };
            let needed = oracle::used(&after, task, wanted) + oracle::count(nodes.len());
            prop_assert!(wanted > level, "nothing keeps task {} from stepping down", task.key);
            prop_assert!(needed > oracle::limit(&after, task, wanted), "task {}", task.key);
        }
    }

    #[test]
    fn a_plan_that_was_carried_out_is_followed_by_none(
        snapshot in wishful_worlds(), policy in policies(),
    ) {
        let (_, second) = carried_out(snapshot, &policy);
        prop_assert_eq!(second.decisions, []);
    }
}
