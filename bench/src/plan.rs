//! How long one plan takes on a full cluster with a long line, on one thread: `cargo xtask bench plan`.
//!
//! Between two plans one task is submitted and another leaves the line, so no plan is the same as the one before. What is
//! measured is `plan` alone: not reading rows, not committing decisions.

use std::time::{Duration, Instant};

use scheduler::testing::{grant, node, policy, snapshot, task, user};
use scheduler::{Holder, Level, Priority, Snapshot, TaskKey, plan};

use crate::figure::{Goal, say_times};

/// A cluster and who uses it.
struct Size {
    name: &'static str,
    nodes: usize,
    tasks: usize,
    users: usize,
    plans: usize,
    goal: Duration,
}

const SIZES: [Size; 2] = [
    Size {
        name: "1500 nodes, 5000 tasks, 200 users",
        nodes: 1_500,
        tasks: 5_000,
        users: 200,
        plans: 200,
        goal: Duration::from_millis(25),
    },
    Size {
        name: "10000 nodes, 100000 tasks, 2000 users",
        nodes: 10_000,
        tasks: 100_000,
        users: 2_000,
        plans: 30,
        goal: Duration::from_millis(250),
    },
];

/// Nodes a task asks for: most are small, some are not.
const SIZES_OF_TASKS: [u32; 8] = [1, 1, 1, 2, 2, 4, 8, 16];

const LEVELS: [Level; 4] = [Level::Low, Level::Normal, Level::Normal, Level::High];

/// Measures both sizes.
pub(crate) fn run() {
    for size in &SIZES {
        let mut snapshot = cluster(size);
        let mut took: Vec<Duration> = (0..size.plans)
            .map(|round| {
                change(&mut snapshot, size, round);
                let start = Instant::now();
                let plan = plan(&snapshot, &policy());
                let took = start.elapsed();
                assert!(!plan.report.waiting.is_empty(), "the line is long");
                took
            })
            .collect();
        let goal = Goal::AtMost(size.goal.as_secs_f64() * 1e3);
        say_times("plan", size.name, &mut took, Goal::None, goal);
    }
}

/// Nodes full of runs, and everybody else in line.
fn cluster(size: &Size) -> Snapshot {
    let mut rows = snapshot();
    rows.quotas = LEVELS
        .map(|level| grant("@public", 4_000).at(level))
        .to_vec();
    rows.users = (0..size.users)
        .map(|number| user(&format!("user{number}")).member_of(&["public"]))
        .collect();
    rows.nodes = (0..size.nodes)
        .map(|number| node(&format!("node{number}")).in_zone(["a", "b", "c"][number % 3]))
        .collect();
    let mut taken = 0;
    for key in 0..size.tasks {
        let wanted = SIZES_OF_TASKS[key % SIZES_OF_TASKS.len()];
        let row = task(key_of(key).0)
            .of(&format!("user{}", key * 7 % size.users))
            .at(Priority::Fixed(LEVELS[key % LEVELS.len()]))
            .wants(wanted);
        let end = taken + wanted as usize;
        if end > size.nodes {
            rows.tasks.push(row);
            continue;
        }
        let names: Vec<String> = (taken..end).map(|number| format!("node{number}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        for node in &mut rows.nodes[taken..end] {
            node.holder = Holder::Task(row.key);
        }
        rows.tasks.push(row.active_on(&names));
        taken = end;
    }
    rows
}

/// The last in line leaves, and a new one comes; now and then a run ends and its nodes are free.
fn change(rows: &mut Snapshot, size: &Size, round: usize) {
    rows.tasks.pop();
    let new = task(key_of(size.tasks + round).0)
        .of(&format!("user{}", round % size.users))
        .wants(4);
    rows.tasks.push(new);
    if round.is_multiple_of(4) {
        let ended = rows.tasks.remove(round / 4).key;
        for node in &mut rows.nodes {
            if node.holder == Holder::Task(ended) {
                node.holder = Holder::Free;
            }
        }
    }
}

fn key_of(number: usize) -> TaskKey {
    TaskKey(i64::try_from(number).expect("few tasks") + 1)
}
