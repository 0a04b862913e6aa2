//! On which nodes: serves the line of one group until somebody does not fit.

use std::cmp::Reverse;

use crate::admit::Candidate;
use crate::stock::{Stock, count};
use crate::{Decision, Level, Millis, NodeName, Task, Wait, WaitReason, ZoneName};

/// What became of the line of one group.
#[derive(Default)]
pub(crate) struct Served<'a> {
    pub(crate) starts: Vec<Start<'a>>,
    pub(crate) waiting: Vec<Wait>,
    /// When the first in line may use a node again.
    pub(crate) wake_at: Option<Millis>,
}

/// A task that got its nodes.
pub(crate) struct Start<'a> {
    pub(crate) task: &'a Task,
    pub(crate) level: Level,
    pub(crate) nodes: Vec<NodeName>,
}

impl From<Start<'_>> for Decision {
    fn from(Start { task, level, nodes }: Start<'_>) -> Self {
        Self::Start {
            task: task.key,
            level,
            nodes,
        }
    }
}

/// Starts the tasks from the front of the line until the first that does not fit: the head, which
/// all others wait for.
pub(crate) fn serve<'a>(stock: &mut Stock<'_>, queue: Vec<Candidate<'a>>) -> Served<'a> {
    let mut served = Served::default();
    let mut queue = queue.into_iter();
    let head = loop {
        let Some(candidate) = queue.next() else {
            return served;
        };
        match choose(stock, &candidate) {
            Some(nodes) => {
                let Candidate { task, level, .. } = candidate;
                served.starts.push(Start { task, level, nodes });
            }
            None => break candidate,
        }
    };

    served.wake_at = head.excluded.values().copied().min();
    served.waiting.push(Wait::in_line(
        head.task,
        head.level,
        1,
        not_enough_nodes(stock, &head),
    ));
    served
        .waiting
        .extend(queue.zip(1..).map(|(candidate, n_ahead)| {
            let reason = WaitReason::Behind {
                head: head.task.key,
                n_ahead,
            };
            Wait::in_line(candidate.task, candidate.level, n_ahead + 1, reason)
        }));
    served
}

/// Takes the nodes for a start, in rank order: all it needs, or `None`.
///
/// One zone is better than several. Among those with room the tightest is taken, so that the
/// largest stays whole for a larger task; if none has room, the emptiest are combined, so that
/// there are few.
fn choose(stock: &mut Stock<'_>, candidate: &Candidate<'_>) -> Option<Vec<NodeName>> {
    let needed = candidate.task.nodes;
    let excluded = candidate.excluded.keys().copied().collect();
    let mut zones = stock.usable(candidate.task.zone.as_ref(), &excluded);

    let tightest = zones
        .iter()
        .filter(|(_, usable)| *usable >= needed)
        .min_by_key(|zone| zone.1);
    if let Some(&(zone, _)) = tightest {
        return Some(stock.take(zone, needed, &excluded));
    }
    if needed > sum(&zones) {
        return None;
    }
    zones.sort_by_key(|(_, usable)| Reverse(*usable));
    let mut nodes = Vec::new();
    for (zone, _) in zones {
        nodes.extend(stock.take(zone, needed - count(nodes.len()), &excluded));
    }
    Some(nodes)
}

fn sum(zones: &[(Option<&ZoneName>, u32)]) -> u32 {
    zones.iter().map(|(_, usable)| usable).sum()
}

fn not_enough_nodes(stock: &Stock<'_>, head: &Candidate<'_>) -> WaitReason {
    let pin = head.task.zone.as_ref();
    let tally = stock.tally(pin);
    WaitReason::NotEnoughNodes {
        needed: head.task.nodes,
        free: sum(&stock.usable(pin, &head.excluded.keys().copied().collect())),
        ready: tally.ready,
        draining: tally.draining,
        excluded: count(head.excluded.len()),
    }
}
