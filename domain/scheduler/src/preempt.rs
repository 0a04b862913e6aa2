//! At whose expense: what lower levels have to give up so that a task can start.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use crate::admit::Candidate;
use crate::loss::{Gains, Loss, least};
use crate::place::share;
use crate::plan::earliest;
use crate::stock::{Occupancy, Reservation, Stock, count};
use crate::survey::{Run, Survey};
use crate::{Decision, Millis, NodeName, TaskKey};

/// What became of the attempt to make room.
pub(crate) enum Attempt {
    Success(Vec<Decision>),
    Failure {
        /// When a run that is protected now may first be asked.
        until: Option<Millis>,
    },
}

/// Sets aside what is reserved for tasks in line, and gives up what serves nobody any more: the
/// task left the line, its reservation is not all it needs, or it cannot use one of the nodes.
pub(crate) fn uphold(survey: &mut Survey<'_>, in_line: &[Vec<Candidate<'_>>]) -> Vec<Decision> {
    let reservations = std::mem::take(&mut survey.reservations);
    if reservations.is_empty() {
        return Vec::new();
    }
    let in_line: BTreeMap<TaskKey, &Candidate<'_>> = (in_line.iter().flatten())
        .map(|each| (each.task.key, each))
        .collect();
    let mut released = Vec::new();
    for (task, names) in reservations {
        let kept = in_line.get(&task).and_then(|candidate| {
            let stock = survey.stocks.get_mut(&candidate.task.group)?;
            let nodes = all_it_needs(stock, candidate, &names)?;
            let level = candidate.level;
            stock.reserve(task, Reservation { level, nodes });
            Some(())
        });
        if kept.is_none() {
            released.push(Decision::Release { task });
        }
    }
    released
}

/// The nodes of these names, if they are as many as the task needs and it can use every one.
fn all_it_needs(
    stock: &Stock<'_>,
    candidate: &Candidate<'_>,
    names: &[&NodeName],
) -> Option<BTreeSet<usize>> {
    let Candidate { task, excluded, .. } = candidate;
    let mut nodes = BTreeSet::new();
    for name in names {
        let index = stock.find_ready(task.zone.as_ref(), name)?;
        match stock.spot(index).occupancy {
            Occupancy::Free | Occupancy::Draining(_) if !excluded.contains_key(&index) => {
                nodes.insert(index);
            }
            Occupancy::Free | Occupancy::Draining(_) | Occupancy::Held(_) | Occupancy::Taken => {
                return None;
            }
        }
    }
    (count(nodes.len()) == task.nodes).then_some(nodes)
}

/// Whose reservations have to be given up so that the task can start at once: often nobody's.
/// `None` if that is not enough.
pub(crate) fn overtake(stock: &Stock<'_>, candidate: &Candidate<'_>) -> Option<Vec<TaskKey>> {
    let Candidate {
        task,
        level,
        excluded,
    } = candidate;
    let pin = task.zone.as_ref();
    let free = |reservation: &Reservation| -> Vec<usize> {
        let nodes = reservation.nodes.iter().copied();
        nodes
            .filter(|&index| stock.spot(index).occupancy == Occupancy::Free)
            .filter(|&index| stock.is_in(pin, index) && !excluded.contains_key(&index))
            .collect()
    };
    let usable = stock.usable(pin, excluded);
    let own = stock.reservation(task.key).map(free).unwrap_or_default();
    let have = usable.iter().map(|(_, usable)| usable).sum::<u32>() + count(own.len());
    let lower = stock.reservations().filter(|(_, each)| each.level < *level);
    let gains = lower.map(|(key, each)| {
        let loss = Loss::Reservation {
            level: each.level,
            task: Reverse(key),
        };
        (loss, free(each))
    });
    let losses = least(&gains.collect(), have, task.nodes)?;
    Some(losses.into_iter().map(Loss::task).collect())
}

/// Finds the runs, and reservations, of lower levels that have to give way so that the task can
/// start, and reserves the nodes for it. Nodes on their way out that nobody has reserved are as
/// good as free: if they suffice, the task just waits.
pub(crate) fn preempt(
    stock: &mut Stock<'_>,
    head: &Candidate<'_>,
    runs: &BTreeMap<TaskKey, Run>,
) -> Attempt {
    let (task, level) = (head.task.key, head.level);
    let prospect = Prospect::of(stock, head, runs);
    let have = count(prospect.soon_free.len());
    if have >= head.task.nodes {
        return Attempt::Failure { until: None };
    }
    let until = prospect.protected_until;
    let Some(losses) = least(&prospect.gains, have, head.task.nodes) else {
        return Attempt::Failure { until };
    };

    let gained = losses.iter().flat_map(|loss| &prospect.gains[loss]);
    let mut pool = BTreeMap::<_, Vec<usize>>::new();
    for &index in prospect.soon_free.iter().chain(gained) {
        let zone = stock.spot(index).node.zone.as_ref();
        pool.entry(zone).or_default().push(index);
    }
    let sizes = pool.iter().map(|(zone, nodes)| (*zone, count(nodes.len())));
    let Some(shares) = share(sizes.collect(), head.task.nodes) else {
        return Attempt::Failure { until };
    };
    let nodes: BTreeSet<usize> = (shares.into_iter())
        .flat_map(|(zone, n_nodes)| pool[&zone].iter().copied().take(n_nodes as usize))
        .collect();

    let mut decisions = Vec::new();
    let mut victims = Vec::new();
    for loss in losses {
        match loss {
            Loss::Reservation { task, .. } => {
                stock.release(task.0);
                decisions.push(Decision::Release { task: task.0 });
            }
            Loss::Run { task, .. } => victims.push(task.0),
        }
    }
    decisions.push(Decision::Preempt {
        task,
        level,
        victims,
        nodes: nodes.iter().map(|&index| stock.name(index)).collect(),
    });
    stock.reserve(task, Reservation { level, nodes });
    Attempt::Success(decisions)
}

/// What a task could use if others gave way.
struct Prospect {
    /// Nodes that nobody has to give up, those that are free first.
    soon_free: Vec<usize>,
    gains: Gains,
    /// When the first of the protected runs may be asked.
    protected_until: Option<Millis>,
}

impl Prospect {
    fn of(stock: &Stock<'_>, head: &Candidate<'_>, runs: &BTreeMap<TaskKey, Run>) -> Self {
        let mut free = Vec::new();
        let mut draining = Vec::new();
        let mut gains = Gains::new();
        let mut protected_until = None;
        let run_on = |holders: &BTreeSet<TaskKey>| match (holders.first(), holders.len()) {
            (Some(task), 1) => runs.get(task).map(|run| (Reverse(*task), run)),
            _ => None,
        };
        for (index, spot) in stock.spots(head.task.zone.as_ref(), &head.excluded) {
            let loss = match (&spot.occupancy, spot.reserved_for) {
                (Occupancy::Free, None) => {
                    free.push(index);
                    continue;
                }
                (Occupancy::Draining(_), None) => {
                    draining.push(index);
                    continue;
                }
                (Occupancy::Free | Occupancy::Draining(_), Some(task)) => {
                    let reservation = stock.reservation(task);
                    reservation.map(|Reservation { level, .. }| Loss::Reservation {
                        level: *level,
                        task: Reverse(task),
                    })
                }
                (Occupancy::Held(holders), _) => run_on(holders).map(|(task, run)| Loss::Run {
                    level: run.level,
                    since: Reverse(run.since),
                    task,
                }),
                (Occupancy::Taken, _) => None,
            };
            let Some(loss) = loss.filter(|loss| loss.level() < head.level) else {
                continue;
            };
            let until = runs.get(&loss.task()).and_then(|run| run.protected_until);
            match until {
                None => gains.entry(loss).or_default().push(index),
                Some(until) => protected_until = earliest(protected_until, Some(until)),
            }
        }
        free.extend(draining);
        Self {
            soon_free: free,
            gains,
            protected_until,
        }
    }
}
