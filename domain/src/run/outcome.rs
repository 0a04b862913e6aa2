//! What the end of a run means: the first matching row of the table in `docs/lifecycle.md`.

use entity::pod;
use entity::run::DrainReason;
use entity::task::{Outcome, StopAs};

use crate::task::{as_outcome, stop_code};

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct End {
    /// In a word.
    pub outcome: Outcome,
    /// In the original's bits.
    pub stop_code: i32,
    /// Exit code of the first rank that failed; 0 if all succeeded; absent if none ran.
    pub exit_code: Option<i32>,
    /// In a sentence, where there is more to say.
    pub message: Option<String>,
}

/// How a run ended that drained for this reason, with these pods, of a task that was perhaps to stop.
pub fn outcome(stop_as: Option<StopAs>, reason: DrainReason, pods: &[pod::Model]) -> End {
    let all_succeeded = pods.iter().all(|pod| pod.state == pod::State::Succeeded);
    let (outcome, code) = match (stop_as, reason) {
        (Some(stop_as), _) => (as_outcome(stop_as), stop_code(stop_as)),
        (None, DrainReason::StartFailed) => (Outcome::StartFailed, 256),
        (None, DrainReason::Lost) => (Outcome::Lost, 32),
        (None, DrainReason::Timeout) => (Outcome::Timeout, 512),
        // Whatever the exit code: `save(); exit(0)` is what people write. Running a finished task again is cheap, losing
        // an unfinished one is not.
        (None, DrainReason::Suspend) if pods.iter().any(gave_way) => (Outcome::Suspended, 16),
        (
            None,
            DrainReason::Stop | DrainReason::Suspend | DrainReason::RankFailed | DrainReason::Done,
        ) => {
            if all_succeeded {
                (Outcome::Succeeded, 1)
            } else {
                (Outcome::Failed, 128)
            }
        }
    };
    let culprit = first_failed(pods);
    End {
        outcome,
        stop_code: code,
        exit_code: match culprit {
            Some(pod) => pod.exit_code,
            None if all_succeeded => Some(0),
            None => None,
        },
        message: culprit.map(describe).or_else(|| told_by(reason, pods)),
    }
}

/// Whether a rank has noticed that it was to give way, or was made to, or never came to run.
fn gave_way(pod: &pod::Model) -> bool {
    pod.suspend.is_some() || pod.state == pod::State::Stopped
}

/// The rank that failed by itself first; of several at once the lowest. Without one, the first that was stopped and has
/// something to say about it.
fn first_failed(pods: &[pod::Model]) -> Option<&pod::Model> {
    let first = |is: &dyn Fn(&pod::Model) -> bool| {
        pods.iter()
            .filter(|pod| is(pod))
            .min_by_key(|pod| (pod.ended_at, pod.rank))
    };
    first(&|pod| matches!(pod.state, pod::State::Failed | pod::State::Lost))
        .or_else(|| first(&|pod| pod.state == pod::State::Stopped && pod.message.is_some()))
}

/// What the reason says where no rank is to blame.
fn told_by(reason: DrainReason, pods: &[pod::Model]) -> Option<String> {
    match reason {
        DrainReason::StartFailed => {
            let late = pods.iter().find(|pod| pod.started_at.is_none())?;
            Some(format!(
                "rank {} on {} did not register in time",
                late.rank, late.node_name
            ))
        }
        DrainReason::Timeout => Some("it ran longer than its options.timeout".to_owned()),
        DrainReason::Stop
        | DrainReason::Suspend
        | DrainReason::RankFailed
        | DrainReason::Lost
        | DrainReason::Done => None,
    }
}

fn describe(pod: &pod::Model) -> String {
    let rank = pod.rank;
    let node = &pod.node_name;
    match (&pod.message, pod.exit_code) {
        (Some(message), _) => format!("rank {rank} on {node}: {message}"),
        (None, Some(code)) => format!("rank {rank} on {node} exited with {code}"),
        (None, None) => format!("rank {rank} on {node} ended without an exit code"),
    }
}
