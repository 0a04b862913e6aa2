//! What the live view knows: pure, changed by news and keys.

use crate::operations::{ClusterOverview, TaskState, TaskSummary};

/// What the platform told.
#[derive(Debug)]
pub(super) enum News {
    /// Everything that the user may see and that has not ended, and the node groups.
    All {
        tasks: Vec<TaskSummary>,
        /// How many older tasks were too many to be read.
        n_left_out: usize,
        cluster: ClusterOverview,
    },
    /// One task, after a change.
    Changed(Box<TaskSummary>),
    /// The connection is lost, for this reason; it is tried again.
    Lost(String),
}

/// What is shown.
#[derive(Debug)]
pub(super) struct View {
    /// The user behind the token.
    pub(super) user: String,
    /// Address of the platform.
    pub(super) address: String,
    /// The user's own tasks, the newest first; ended ones only if they ended while this ran.
    pub(super) own: Vec<TaskSummary>,
    /// Tasks that wait, in the order of their groups' lines.
    pub(super) queue: Vec<TaskSummary>,
    /// The node groups; absent before the first answer.
    pub(super) cluster: Option<ClusterOverview>,
    /// How many older tasks are not among these.
    pub(super) n_left_out: usize,
    /// Why nothing new arrives.
    pub(super) lost: Option<String>,
    /// How many of the user's tasks are above the upper edge.
    pub(super) n_above: usize,
}

impl View {
    /// Knows nothing yet.
    pub(super) fn new(user: String, address: String) -> Self {
        Self {
            user,
            address,
            own: vec![],
            queue: vec![],
            cluster: None,
            n_left_out: 0,
            lost: None,
            n_above: 0,
        }
    }

    /// Takes in what the platform told.
    pub(super) fn learn(&mut self, news: News) {
        match news {
            News::All {
                tasks,
                n_left_out,
                cluster,
            } => {
                self.lost = None;
                self.n_left_out = n_left_out;
                self.cluster = Some(cluster);
                let ended = |task: &TaskSummary| {
                    task.state == TaskState::Finished && tasks.iter().all(|new| new.id != task.id)
                };
                self.own.retain(ended);
                self.queue.clear();
                for task in tasks {
                    self.place(task);
                }
            }
            News::Changed(task) => {
                self.own.retain(|old| old.id != task.id);
                self.queue.retain(|old| old.id != task.id);
                self.place(*task);
            }
            News::Lost(why) => self.lost = Some(why),
        }
        self.scroll(0);
    }

    /// Moves the user's tasks by so many lines.
    pub(super) fn scroll(&mut self, lines: isize) {
        let last = self.own.len().saturating_sub(1);
        self.n_above = self.n_above.saturating_add_signed(lines).min(last);
    }

    fn place(&mut self, task: TaskSummary) {
        if matches!(task.state, TaskState::WaitingInit | TaskState::Suspended) {
            self.queue.push(task.clone());
            self.queue.sort_by_key(|task| {
                let position = task.wait.as_ref().and_then(|wait| wait.position);
                (
                    task.group.clone(),
                    position.unwrap_or(i32::MAX),
                    number(task),
                )
            });
        }
        if task.user.name == self.user {
            self.own.push(task);
            self.own.sort_by_key(|task| std::cmp::Reverse(number(task)));
        }
    }
}

fn number(task: &TaskSummary) -> u64 {
    task.id.inner().parse().unwrap_or(u64::MAX)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::{operations::Wait, output::task_for_tests};

    pub(in crate::top) fn task(id: u32, user: &str, state: TaskState) -> TaskSummary {
        let mut task = task_for_tests().summary;
        task.id = cynic::Id::new(id.to_string());
        task.user.name = user.to_owned();
        task.state = state;
        task
    }

    pub(in crate::top) fn waiting(id: u32, user: &str, position: i32) -> TaskSummary {
        let mut task = task(id, user, TaskState::WaitingInit);
        task.wait = Some(Wait {
            reason: "BEHIND".to_owned(),
            message: "waits behind task 3".to_owned(),
            position: Some(position),
            until: None,
        });
        task
    }

    pub(in crate::top) fn all(tasks: Vec<TaskSummary>) -> News {
        let cluster = serde_json::from_value(serde_json::json!({
            "queuedTasks": 2, "runningTasks": 1,
            "groups": [{ "name": "training", "nodes": 8, "ready": 7, "free": 1, "working": 6, "disabled": 0 }],
        }));
        News::All {
            tasks,
            n_left_out: 0,
            cluster: cluster.unwrap(),
        }
    }

    fn ids(tasks: &[TaskSummary]) -> Vec<&str> {
        tasks.iter().map(|task| task.id.inner()).collect()
    }

    #[test]
    fn own_tasks_are_the_newest_first_and_the_queue_is_in_order() {
        let mut view = View::new("ada".to_owned(), String::new());
        view.learn(all(vec![
            task(3, "ada", TaskState::Running),
            waiting(9, "bob", 1),
            waiting(10, "ada", 2),
        ]));
        assert_eq!(ids(&view.own), ["10", "3"]);
        assert_eq!(ids(&view.queue), ["9", "10"]);
    }

    #[test]
    fn an_ended_task_stays_and_a_started_one_leaves_the_queue() {
        let mut view = View::new("ada".to_owned(), String::new());
        view.learn(all(vec![waiting(4, "ada", 1), waiting(5, "bob", 2)]));
        view.learn(News::Changed(Box::new(task(4, "ada", TaskState::Finished))));
        view.learn(News::Changed(Box::new(task(5, "bob", TaskState::Running))));
        assert_eq!((ids(&view.own), view.queue.len()), (vec!["4"], 0));
        view.learn(all(vec![]));
        assert_eq!(ids(&view.own), ["4"], "it ended while this ran");
        view.learn(all(vec![waiting(4, "ada", 1)]));
        assert_eq!((ids(&view.own), ids(&view.queue)), (vec!["4"], vec!["4"]));
    }

    #[test]
    fn a_lost_connection_is_told_until_everything_was_read_again() {
        let mut view = View::new("ada".to_owned(), String::new());
        view.learn(News::Lost("refused".to_owned()));
        assert!(view.lost.is_some());
        view.learn(all(vec![]));
        assert_eq!(view.lost, None);
    }

    #[test]
    fn scrolling_ends_at_both_ends() {
        let mut view = View::new("ada".to_owned(), String::new());
        view.learn(all((1..=3).map(|id| waiting(id, "ada", 1)).collect()));
        view.scroll(9);
        assert_eq!(view.n_above, 2);
        view.scroll(-9);
        assert_eq!(view.n_above, 0);
    }
}
