//! What a follower is told about the task, beside its log.

use crate::operations::{Outcome, TaskState, TaskSummary};

/// Why a task waits, in one line; `None` if it does not.
pub(super) fn waiting(task: &TaskSummary) -> Option<String> {
    let wait = task.wait.as_ref()?;
    match &task.state {
        TaskState::WaitingInit | TaskState::Suspended | TaskState::Other(_) => {
            let position = wait
                .position
                .map(|n| format!(" (position {n} in its group)"));
            Some(format!(
                "waiting: {}{}",
                wait.message,
                position.unwrap_or_default()
            ))
        }
        TaskState::Running | TaskState::Finished => None,
    }
}

/// How a task ended, in one line.
pub(super) fn farewell(task: &TaskSummary) -> String {
    let id = task.id.inner();
    let how = match &task.outcome {
        Some(outcome) => format!("ended: {outcome}"),
        None => "ended".to_owned(),
    };
    match task.exit_code {
        Some(code) if code != 0 => format!("task {id} {how}, exit code {code}"),
        Some(_) | None => format!("task {id} {how}"),
    }
}

/// The exit code of a finished task for whoever followed it: its own, but never 0 unless it succeeded.
pub(super) fn exit_code(outcome: Option<&Outcome>, code: Option<i32>) -> u8 {
    match outcome {
        Some(Outcome::Succeeded) => 0,
        Some(
            Outcome::Failed
            | Outcome::Stopped
            | Outcome::Suspended
            | Outcome::Timeout
            | Outcome::Lost
            | Outcome::StartFailed
            | Outcome::Other(_),
        )
        | None => match u8::try_from(code.unwrap_or(1) & 0xff) {
            Ok(0) | Err(_) => 1,
            Ok(code) => code,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{operations::Wait, output::task_for_tests};

    #[test]
    fn only_success_is_zero() {
        assert_eq!(exit_code(Some(&Outcome::Succeeded), Some(0)), 0);
        assert_eq!(exit_code(Some(&Outcome::Succeeded), Some(7)), 0);
        assert_eq!(exit_code(Some(&Outcome::Failed), Some(7)), 7);
        assert_eq!(exit_code(Some(&Outcome::Failed), Some(0)), 1);
        assert_eq!(exit_code(Some(&Outcome::Failed), Some(256)), 1);
        assert_eq!(exit_code(Some(&Outcome::Failed), Some(-1)), 255);
        assert_eq!(exit_code(Some(&Outcome::Stopped), None), 1);
        assert_eq!(exit_code(Some(&Outcome::Timeout), Some(143)), 143);
        assert_eq!(exit_code(None, None), 1);
    }

    #[test]
    fn only_a_waiting_task_says_why_it_waits() {
        let mut task = task_for_tests().summary;
        assert_eq!(waiting(&task), None);
        task.wait = Some(Wait {
            reason: "NODES".to_owned(),
            message: "2 nodes are needed, 1 is free".to_owned(),
            position: Some(2),
            until: None,
        });
        assert_eq!(waiting(&task), None, "it runs");
        task.state = TaskState::Suspended;
        assert_eq!(
            waiting(&task).as_deref(),
            Some("waiting: 2 nodes are needed, 1 is free (position 2 in its group)")
        );
    }
}
