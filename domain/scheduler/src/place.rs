//! On which nodes: serves the line of one group.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use crate::admit::Candidate;
use crate::plan::Waiting;
use crate::preempt::{Attempt, overtake, preempt};
use crate::stock::{Occupancy, Reservation, Stock, count};
use crate::survey::Run;
use crate::{Decision, Millis, NodeName, TaskKey, WaitReason};

/// What became of the line of one group.
#[derive(Default)]
pub(crate) struct Served<'a> {
    pub(crate) decisions: Vec<Decision>,
    pub(crate) waiting: Vec<Waiting<'a>>,
    /// When time alone may change something for the first in line.
    pub(crate) wake_at: Option<Millis>,
}

/// Starts the tasks from the front of the line until the first that does not fit: the head, which
/// all others wait for, except those for whom everything is reserved and free. Nobody but the head
/// may preempt.
pub(crate) fn serve<'a>(
    stock: &mut Stock<'a>,
    queue: Vec<Candidate<'a>>,
    runs: &BTreeMap<TaskKey, Run>,
) -> Served<'a> {
    let mut served = Served::default();
    let mut queue = queue.into_iter();
    let head = loop {
        let Some(candidate) = queue.next() else {
            return served;
        };
        match start(stock, &candidate) {
            Some(decisions) => served.decisions.extend(decisions),
            None => break candidate,
        }
    };
    served.wake_at = head.excluded.values().copied().min();
    if stock.reservation(head.task.key).is_none() {
        match preempt(stock, &head, runs) {
            Attempt::Success(decisions) => served.decisions.extend(decisions),
            Attempt::Failure { until } => {
                served.wake_at = served.wake_at.into_iter().chain(until).min()
            }
        }
    }

    let mut waiting = vec![head];
    for candidate in queue {
        match stock.take_reserved(candidate.task.key) {
            Some(nodes) => served.decisions.push(decision(&candidate, nodes)),
            None => waiting.push(candidate),
        }
    }
    served.waiting = reasons(stock, &waiting);
    served
}

/// Starts a task that is at the front of the line: on what is reserved for it, or else on whatever
/// it may use, at the expense of lower levels' reservations if need be.
fn start(stock: &mut Stock<'_>, candidate: &Candidate<'_>) -> Option<Vec<Decision>> {
    if let Some(nodes) = stock.take_reserved(candidate.task.key) {
        return Some(vec![decision(candidate, nodes)]);
    }
    let overtaken = overtake(stock, candidate)?;
    stock.release(candidate.task.key);
    for &task in &overtaken {
        stock.release(task);
    }
    let nodes = choose(stock, candidate)?;
    let releases = overtaken.into_iter().map(|task| Decision::Release { task });
    Some(releases.chain([decision(candidate, nodes)]).collect())
}

fn decision(candidate: &Candidate<'_>, nodes: Vec<NodeName>) -> Decision {
    Decision::Start {
        task: candidate.task.key,
        level: candidate.level,
        nodes,
    }
}

/// Takes the nodes for a start, in rank order: all it needs, or `None`.
fn choose(stock: &mut Stock<'_>, candidate: &Candidate<'_>) -> Option<Vec<NodeName>> {
    let Candidate { task, excluded, .. } = candidate;
    let shares = share(stock.usable(task.zone.as_ref(), excluded), task.nodes)?;
    let mut nodes = Vec::new();
    for (zone, n_nodes) in shares {
        nodes.extend(stock.take(zone, n_nodes, excluded));
    }
    Some(nodes)
}

/// How many nodes to use of each zone, given how many there are: `needed` in all, or `None`.
///
/// One zone is better than several. Among those with room the tightest is taken, so that the
/// largest stays whole for a larger task; if none has room, the emptiest are combined, so that
/// there are few.
pub(crate) fn share<Zone: Copy>(
    mut zones: Vec<(Zone, u32)>,
    needed: u32,
) -> Option<Vec<(Zone, u32)>> {
    let with_room = zones.iter().filter(|(_, usable)| *usable >= needed);
    if let Some(&(zone, _)) = with_room.min_by_key(|(_, usable)| *usable) {
        return Some(vec![(zone, needed)]);
    }
    zones.sort_by_key(|(_, usable)| Reverse(*usable));
    let mut missing = needed;
    for (_, usable) in &mut zones {
        *usable = missing.min(*usable);
        missing -= *usable;
    }
    (missing == 0).then_some(zones)
}

/// Why those wait who are left in line.
fn reasons<'a>(stock: &Stock<'_>, waiting: &[Candidate<'a>]) -> Vec<Waiting<'a>> {
    let head = waiting.first().map(|head| head.task.key);
    let reason = |candidate: &Candidate<'_>, n_ahead| {
        let key = candidate.task.key;
        match (stock.reservation(key), head) {
            (Some(reservation), _) => not_yet_free(stock, reservation),
            (None, Some(head)) if head != key => WaitReason::Behind { head, n_ahead },
            (None, _) => not_enough_nodes(stock, candidate),
        }
    };
    let waits = waiting.iter().zip(0..).map(|(candidate, n_ahead)| {
        let reason = reason(candidate, n_ahead);
        Waiting::in_line(candidate.task, candidate.level, n_ahead + 1, reason)
    });
    waits.collect()
}

fn not_yet_free(stock: &Stock<'_>, reservation: &Reservation) -> WaitReason {
    let mut free = 0;
    let mut tasks = BTreeSet::new();
    for &index in &reservation.nodes {
        match &stock.spot(index).occupancy {
            Occupancy::Free => free += 1,
            Occupancy::Draining(holders) | Occupancy::Held(holders) => tasks.extend(holders),
            Occupancy::Taken => {}
        }
    }
    WaitReason::Draining {
        needed: count(reservation.nodes.len()),
        free,
        tasks: tasks.into_iter().collect(),
    }
}

fn not_enough_nodes(stock: &Stock<'_>, head: &Candidate<'_>) -> WaitReason {
    let pin = head.task.zone.as_ref();
    let tally = stock.tally(pin);
    let usable = stock.usable(pin, &head.excluded);
    WaitReason::NotEnoughNodes {
        needed: head.task.nodes,
        free: usable.iter().map(|(_, usable)| usable).sum(),
        ready: tally.ready,
        draining: tally.draining,
        reserved: stock.n_reserved(pin),
        excluded: count(head.excluded.len()),
        disabled: tally.disabled,
    }
}
