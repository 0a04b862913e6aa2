//! Runs whose owner has changed the priority since they began: at which level they go on.

use std::cmp::Reverse;

use crate::plan::earliest;
use crate::stock::count;
use crate::survey::Survey;
use crate::{Decision, Level, Millis, Priority, QuotaBook, Task, TaskState};

/// A run whose task now asks for another level than the run has.
#[derive(Clone, Copy)]
pub(crate) struct Wish<'a> {
    pub(crate) task: &'a Task,
    pub(crate) from: Level,
    pub(crate) to: Level,
    /// The nodes that the run still holds.
    pub(crate) n_nodes: u32,
}

impl<'a> Wish<'a> {
    /// What the task wishes for its run. One that drains has nothing to go on with, and `AUTO` wishes for nothing else
    /// than the level that was found for it.
    pub(crate) fn find(task: &'a Task) -> Option<Self> {
        match (&task.state, task.priority) {
            (
                TaskState::Active {
                    level,
                    nodes,
                    draining: false,
                    since: _,
                    suspendable: _,
                },
                Priority::Fixed(to),
            ) if to != *level => Some(Self {
                task,
                from: *level,
                to,
                n_nodes: count(nodes.len()),
            }),
            (TaskState::Active { .. } | TaskState::Waiting { .. }, _) => None,
        }
    }
}

/// What was decided about the wishes.
pub(crate) struct Relevelled {
    pub(crate) decisions: Vec<Decision>,
    /// When a quota that stands in the way may change by time alone.
    pub(crate) wake_at: Option<Millis>,
}

/// Grants the wishes that quota allows and takes note of them. A lower level is always granted; a higher one only where
/// its owner has room for all nodes of the run, because otherwise anybody could step out of the others' reach. What is
/// not granted stays a wish: the run goes on where it is.
pub(crate) fn relevel(survey: &mut Survey<'_>, book: &QuotaBook<'_>) -> Relevelled {
    let mut wishes = std::mem::take(&mut survey.wishes);
    // Whoever steps down makes room for those who step up; of these the most urgent come first.
    wishes.sort_by_key(|wish| (wish.to > wish.from, Reverse(wish.to), wish.task.key));
    let mut relevelled = Relevelled {
        decisions: Vec::new(),
        wake_at: None,
    };
    for wish in wishes {
        let Wish {
            task,
            from,
            to,
            n_nodes,
        } = wish;
        if to > from && !has_room(survey, book, wish, &mut relevelled.wake_at) {
            continue;
        }
        survey.usage.shift(task, from, to, n_nodes);
        if let Some(run) = survey.runs.get_mut(&task.key) {
            run.level = to;
        }
        relevelled.decisions.push(Decision::Relevel {
            task: task.key,
            level: to,
        });
    }
    relevelled
}

fn has_room(
    survey: &Survey<'_>,
    book: &QuotaBook<'_>,
    wish: Wish<'_>,
    wake_at: &mut Option<Millis>,
) -> bool {
    let Wish {
        task, to, n_nodes, ..
    } = wish;
    let limits = (survey.users.get(&task.user)).map(|user| book.limits(user, &task.group));
    let limit = limits.as_ref().map_or(0, |limits| limits.at(to));
    let used = survey.usage.at(&task.user, &task.group, to);
    let has_room = used.saturating_add(n_nodes) <= limit;
    if !has_room {
        *wake_at = earliest(*wake_at, limits.and_then(|limits| limits.valid_until));
    }
    has_room
}
