//! Who gives way: as few as possible, and those with the least to lose.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use crate::stock::count;
use crate::{Level, Millis, TaskKey};

/// What somebody of a lower level would lose, the least first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Loss {
    /// A reservation: nothing but time.
    Reservation {
        level: Level,
        task: Reverse<TaskKey>,
    },
    /// A run: what it has done since it began.
    Run {
        level: Level,
        since: Reverse<Millis>,
        task: Reverse<TaskKey>,
    },
}

impl Loss {
    pub(crate) fn level(self) -> Level {
        match self {
            Self::Reservation { level, .. } | Self::Run { level, .. } => level,
        }
    }

    pub(crate) fn task(self) -> TaskKey {
        match self {
            Self::Reservation { task, .. } | Self::Run { task, .. } => task.0,
        }
    }
}

/// The nodes that each loss would bring.
pub(crate) type Gains = BTreeMap<Loss, Vec<usize>>;

/// The losses that bring `have` nodes up to `needed`: the least ones, and none that could be left
/// out. `None` if all of them together do not.
pub(crate) fn least(gains: &Gains, have: u32, needed: u32) -> Option<Vec<Loss>> {
    let mut sum = have;
    let mut losses = Vec::new();
    for (loss, nodes) in gains {
        if sum >= needed {
            break;
        }
        sum += count(nodes.len());
        losses.push(*loss);
    }
    if sum < needed {
        return None;
    }
    // The greatest is spared first.
    let mut kept = Vec::new();
    for loss in losses.into_iter().rev() {
        let without = sum - count(gains[&loss].len());
        if without >= needed {
            sum = without;
        } else {
            kept.push(loss);
        }
    }
    kept.reverse();
    Some(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(level: Level, since: Millis, key: i64) -> Loss {
        Loss::Run {
            level,
            since: Reverse(since),
            task: Reverse(TaskKey(key)),
        }
    }

    fn reservation(level: Level, key: i64) -> Loss {
        Loss::Reservation {
            level,
            task: Reverse(TaskKey(key)),
        }
    }

    fn gains(losses: &[(Loss, usize)]) -> Gains {
        let nodes = |(loss, n_nodes): &(Loss, usize)| (*loss, (0..*n_nodes).collect());
        losses.iter().map(nodes).collect()
    }

    fn chosen(losses: &[(Loss, usize)], have: u32, needed: u32) -> Option<Vec<i64>> {
        let losses = least(&gains(losses), have, needed)?;
        Some(losses.into_iter().map(|loss| loss.task().0).collect())
    }

    #[test]
    fn losses_are_ordered_by_what_is_lost() {
        let losses = [
            reservation(Level::Low, 2),
            reservation(Level::Low, 1),
            reservation(Level::High, 9),
            run(Level::Low, 20, 3),
            run(Level::Low, 10, 8),
            run(Level::Low, 10, 4),
            run(Level::Normal, 30, 5),
        ];
        assert!(losses.is_sorted());
    }

    #[test]
    fn nothing_is_lost_if_there_is_enough() {
        assert_eq!(chosen(&[(run(Level::Low, 0, 1), 2)], 2, 2), Some(vec![]));
    }

    #[test]
    fn nothing_is_lost_in_vain() {
        assert_eq!(chosen(&[(run(Level::Low, 0, 1), 2)], 1, 4), None);
    }

    #[test]
    fn who_turns_out_not_to_be_needed_is_spared() {
        let losses = [
            (reservation(Level::Low, 1), 1),
            (run(Level::Low, 9, 2), 1),
            (run(Level::Low, 5, 3), 2),
            (run(Level::Normal, 9, 4), 4),
            (run(Level::Normal, 5, 5), 1),
        ];
        assert_eq!(chosen(&losses, 0, 1), Some(vec![1]));
        assert_eq!(chosen(&losses, 0, 4), Some(vec![1, 2, 3]));
        assert_eq!(chosen(&losses, 0, 5), Some(vec![1, 4]));
        assert_eq!(chosen(&losses, 0, 6), Some(vec![1, 2, 4]));
    }
}
