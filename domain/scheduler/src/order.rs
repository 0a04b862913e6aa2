//! In which order the tasks that may run are served.

use std::cmp::{Ordering, Reverse};
use std::collections::BTreeMap;

use crate::admit::Candidate;
use crate::{GroupName, Level, Task, TaskKey};

/// The order of one user's tasks among themselves.
pub(crate) fn own_order(left: &Task, right: &Task) -> Ordering {
    rank(left)
        .total_cmp(&rank(right))
        .then(left.key.cmp(&right.key))
}

fn rank(task: &Task) -> f64 {
    task.custom_rank
        .filter(|rank| rank.is_finite())
        .unwrap_or(task.key.0 as f64)
}

/// The line of each group: by level, then first come, first served.
///
/// A task's place is its key, or that of the youngest of its owner's tasks that go before it by
/// rank. So an owner's own order holds without anyone getting ahead of another user's earlier task.
///
/// The candidates arrive by owner, those of each in [`own_order`].
pub(crate) fn queues<'a>(
    in_line: Vec<Vec<Candidate<'a>>>,
) -> BTreeMap<&'a GroupName, Vec<Candidate<'a>>> {
    let mut queues = BTreeMap::<_, Vec<_>>::new();
    for own in in_line {
        let Some(first) = own.first() else {
            continue;
        };
        let queue = queues.entry(&first.task.group).or_default();
        let mut youngest = BTreeMap::<Level, TaskKey>::new();
        for candidate in own {
            let key = candidate.task.key;
            let place = youngest.entry(candidate.level).or_insert(key);
            *place = (*place).max(key);
            queue.push((*place, candidate));
        }
    }
    queues
        .into_iter()
        .map(|(group, queue)| (group, sorted(queue)))
        .collect()
}

/// Only candidates of one owner share a place; the sort is stable and keeps their order.
fn sorted(mut queue: Vec<(TaskKey, Candidate<'_>)>) -> Vec<Candidate<'_>> {
    queue.sort_by_key(|(place, candidate)| (Reverse(candidate.level), *place));
    queue.into_iter().map(|(_, candidate)| candidate).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::task;

    /// The keys of one user's tasks, in their order.
    fn ordered(mut tasks: Vec<Task>) -> Vec<i64> {
        tasks.sort_by(own_order);
        tasks.iter().map(|task| task.key.0).collect()
    }

    #[test]
    fn without_ranks_the_older_task_goes_first() {
        assert_eq!(ordered(vec![task(3), task(1), task(2)]), [1, 2, 3]);
    }

    #[test]
    fn a_rank_is_compared_with_the_keys_of_tasks_without_one() {
        let tasks = vec![task(1), task(2), task(3).ranked(1.5), task(4).ranked(-1.0)];
        assert_eq!(ordered(tasks), [4, 1, 3, 2]);
    }

    #[test]
    fn of_equal_ranks_the_older_task_goes_first() {
        assert_eq!(
            ordered(vec![task(5).ranked(2.0), task(4).ranked(2.0), task(2)]),
            [2, 4, 5]
        );
    }

    #[test]
    fn a_rank_that_is_not_finite_counts_as_none() {
        let ranks = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY];
        let tasks = [3, 1, 2].into_iter().zip(ranks);
        assert_eq!(
            ordered(tasks.map(|(key, rank)| task(key).ranked(rank)).collect()),
            [1, 2, 3]
        );
    }
}
