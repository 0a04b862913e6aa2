//! What tasks may be told, and the sentence that says what became of it.

use cynic::MutationBuilder;

use crate::{
    client::Client,
    error::Result,
    operations::{
        OrderTo, ResumeTask, StopAs, StopOrder, StopTask, SuspendTask, Task, TaskDesired,
        TaskState, TaskSummary,
    },
};

/// What a task may be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::commands) enum Order {
    Stop(StopAs),
    Suspend,
    Resume,
}

impl Order {
    /// Tells it. Gives the task as it is afterwards.
    pub(super) async fn give(self, client: &Client, id: cynic::Id) -> Result<Task> {
        Ok(match self {
            Self::Stop(stop_as) => {
                let order = StopOrder { id, stop_as };
                client.ask(&StopTask::build(order)).await?.stop_task
            }
            Self::Suspend => {
                let order = SuspendTask::build(OrderTo { id });
                client.ask(&order).await?.suspend_task
            }
            Self::Resume => {
                let order = ResumeTask::build(OrderTo { id });
                client.ask(&order).await?.resume_task
            }
        })
    }

    /// The one line that says what became of the order.
    pub(super) fn told(self, before: &TaskSummary, after: &TaskSummary) -> String {
        let did = match self {
            Self::Stop(_) => stopped(before, after),
            Self::Suspend => suspended(before, after),
            Self::Resume => resumed(before, after),
        };
        format!("task {} `{}` {did}\n", after.id.inner(), after.name)
    }
}

fn stopped(before: &TaskSummary, after: &TaskSummary) -> String {
    let how = match &after.outcome {
        Some(outcome) => format!(": {outcome}"),
        None => String::new(),
    };
    match (&before.state, &after.state) {
        (TaskState::Finished, _) => format!("had already ended{how}"),
        (_, TaskState::Finished) => format!("has ended{how}"),
        _ => "is being stopped".to_owned(),
    }
}

fn suspended(before: &TaskSummary, after: &TaskSummary) -> String {
    let did = match (&before.desired, &after.state) {
        (TaskDesired::Hold, TaskState::Running) => "is already being suspended",
        (TaskDesired::Hold, _) => "was already on hold",
        (_, TaskState::Running) => "is being suspended: it saves and gives its nodes back",
        _ => "is on hold",
    };
    did.to_owned()
}

fn resumed(before: &TaskSummary, after: &TaskSummary) -> String {
    let did = match (&before.state, &before.desired, &after.state) {
        (TaskState::Finished, ..) => "runs again as soon as it has nodes",
        (_, TaskDesired::Run, TaskState::Running) => "runs already",
        (_, TaskDesired::Run, _) => {
            // The only case where the reason is not one from before the order.
            let why = after
                .wait
                .as_ref()
                .map(|wait| format!(": {}", wait.message));
            let why = why.unwrap_or_default();
            return format!("was not on hold, it waits for nodes{why}");
        }
        (_, _, TaskState::Running) => "goes on as soon as its run has ended",
        _ => "goes on as soon as it has nodes",
    };
    did.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        operations::{Outcome, Wait},
        output::task_for_tests,
    };

    fn at(state: TaskState, desired: TaskDesired) -> TaskSummary {
        let mut task = task_for_tests().summary;
        task.state = state;
        task.desired = desired;
        task
    }

    fn running() -> TaskSummary {
        at(TaskState::Running, TaskDesired::Run)
    }

    fn draining() -> TaskSummary {
        at(TaskState::Running, TaskDesired::Hold)
    }

    fn held() -> TaskSummary {
        at(TaskState::Suspended, TaskDesired::Hold)
    }

    /// On its way back.
    fn waiting() -> TaskSummary {
        at(TaskState::Suspended, TaskDesired::Run)
    }

    #[test]
    fn the_confirmation_of_a_stop_says_how_far_the_end_is() {
        let mut ended = at(TaskState::Finished, TaskDesired::Stop);
        ended.outcome = Some(Outcome::Stopped);
        let told = |before: &_, after: &_| Order::Stop(StopAs::Stopped).told(before, after);
        assert_eq!(
            told(&running(), &running()),
            "task 12 `train.py` is being stopped\n"
        );
        assert_eq!(
            told(&running(), &ended),
            "task 12 `train.py` has ended: stopped\n"
        );
        assert_eq!(
            told(&ended, &ended),
            "task 12 `train.py` had already ended: stopped\n"
        );
    }

    #[test]
    fn the_confirmation_of_a_suspension_says_whether_anything_runs() {
        let waiting = at(TaskState::WaitingInit, TaskDesired::Run);
        assert!(suspended(&running(), &draining()).contains("saves and gives its nodes back"));
        assert_eq!(
            suspended(&draining(), &draining()),
            "is already being suspended"
        );
        assert_eq!(suspended(&waiting, &held()), "is on hold");
        assert_eq!(suspended(&held(), &held()), "was already on hold");
    }

    #[test]
    fn a_reason_from_before_a_resumption_is_not_repeated() {
        let mut waiting = waiting();
        waiting.wait = Some(Wait {
            reason: "HELD".to_owned(),
            message: "held by its owner".to_owned(),
            position: None,
            until: None,
        });
        assert!(!resumed(&held(), &waiting).contains("held"));
        assert!(resumed(&waiting, &waiting).ends_with(": held by its owner"));
    }

    #[test]
    fn the_confirmation_of_a_resumption_says_what_is_awaited() {
        let ended = at(TaskState::Finished, TaskDesired::Stop);
        assert_eq!(resumed(&running(), &running()), "runs already");
        assert_eq!(
            resumed(&held(), &waiting()),
            "goes on as soon as it has nodes"
        );
        assert_eq!(
            resumed(&draining(), &running()),
            "goes on as soon as its run has ended"
        );
        assert_eq!(
            resumed(&ended, &waiting()),
            "runs again as soon as it has nodes"
        );
        assert_eq!(
            resumed(&waiting(), &waiting()),
            "was not on hold, it waits for nodes"
        );
    }
}
