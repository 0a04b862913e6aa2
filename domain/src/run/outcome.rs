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
        // The others fail when they miss one, and may be known to have done so before it is known to be lost.
        (None, DrainReason::RankFailed) if pods.iter().any(is_lost) => (Outcome::Lost, 32),
        (None, DrainReason::Timeout) => (Outcome::Timeout, 512),
        // Whatever the exit code: `save(); exit(0)` is what people write. Running a finished task again is cheap, losing
        // an unfinished one is not.
        (None, DrainReason::Suspend) if pods.iter().any(gave_way) => (Outcome::Suspended, 16),
        // A stop that was taken back by a resume: the task runs again.
        (None, DrainReason::Stop) if !all_succeeded => (Outcome::Suspended, 16),
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
    let lost = pods.iter().find(|pod| is_lost(pod));
    let lost = lost.filter(|_| outcome == Outcome::Lost);
    End {
        outcome,
        stop_code: code,
        exit_code: match culprit {
            Some(pod) => pod.exit_code,
            None if all_succeeded => Some(0),
            None => None,
        },
        message: { lost.or(culprit) }
            .map(describe)
            .or_else(|| told_by(reason, pods)),
    }
}

fn is_lost(pod: &pod::Model) -> bool {
    pod.state == pod::State::Lost
}

/// Whether a rank has noticed that it was to give way, or was made to, or never came to run, or was lost on the way.
fn gave_way(pod: &pod::Model) -> bool {
    pod.suspend.is_some() || pod.state == pod::State::Stopped || is_lost(pod)
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
            let mut late = pods.iter().filter(|pod| pod.started_at.is_none());
            let first = late.clone().next()?;
            // One of which it is known what kept it says more.
            let late = late.find(|pod| pod.message.is_some()).unwrap_or(first);
            let why = late.message.as_ref().map(|why| format!(": {why}"));
            Some(format!(
                "rank {} on {} did not register in time{}",
                late.rank,
                late.node_name,
                why.unwrap_or_default()
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

#[cfg(test)]
mod tests {
    use pod::{State, Suspend};

    use super::*;
    use crate::testing::pod_row;

    /// Two ranks in these states.
    fn pods(first: State, second: State) -> Vec<pod::Model> {
        let with = |rank, state| pod::Model {
            state,
            exit_code: Some(i32::from(state == State::Failed) * 3),
            ..pod_row(rank)
        };
        vec![with(0, first), with(1, second)]
    }

    #[test]
    fn the_first_matching_row_of_the_table_decides() {
        use DrainReason as Reason;
        let done = pods(State::Succeeded, State::Succeeded);
        let failed = pods(State::Succeeded, State::Failed);
        let stopped = pods(State::Stopped, State::Stopped);
        let lost = pods(State::Failed, State::Lost);
        let mut noticed = failed.clone();
        noticed[0].suspend = Some(Suspend::Received);
        for (stop_as, reason, pods, expected, code) in [
            (
                Some(StopAs::Stopped),
                Reason::Done,
                &done,
                Outcome::Stopped,
                1024,
            ),
            (
                Some(StopAs::Succeeded),
                Reason::RankFailed,
                &failed,
                Outcome::Succeeded,
                4096,
            ),
            (
                Some(StopAs::Failed),
                Reason::Stop,
                &stopped,
                Outcome::Failed,
                8192,
            ),
            (
                None,
                Reason::StartFailed,
                &failed,
                Outcome::StartFailed,
                256,
            ),
            (None, Reason::Lost, &stopped, Outcome::Lost, 32),
            (None, Reason::Suspend, &noticed, Outcome::Suspended, 16),
            (None, Reason::Suspend, &stopped, Outcome::Suspended, 16),
            // It may have saved: nobody knows.
            (None, Reason::Suspend, &lost, Outcome::Suspended, 16),
            (None, Reason::Suspend, &done, Outcome::Succeeded, 1),
            (None, Reason::Suspend, &failed, Outcome::Failed, 128),
            (None, Reason::Timeout, &stopped, Outcome::Timeout, 512),
            (None, Reason::Done, &done, Outcome::Succeeded, 1),
            (None, Reason::RankFailed, &failed, Outcome::Failed, 128),
            (None, Reason::RankFailed, &lost, Outcome::Lost, 32),
            (
                Some(StopAs::Stopped),
                Reason::RankFailed,
                &lost,
                Outcome::Stopped,
                1024,
            ),
            // A stop that was taken back by a resume.
            (None, Reason::Stop, &stopped, Outcome::Suspended, 16),
        ] {
            let end = outcome(stop_as, reason, pods);
            assert_eq!(
                (end.outcome, end.stop_code),
                (expected, code),
                "{stop_as:?} {reason:?}"
            );
        }
    }

    #[test]
    fn a_late_start_says_what_kept_a_rank() {
        let mut late = pods(State::Created, State::Created);
        late.iter_mut().for_each(|pod| pod.started_at = None);
        let said = |pods: &[pod::Model]| outcome(None, DrainReason::StartFailed, pods).message;
        assert_eq!(
            said(&late).as_deref(),
            Some("rank 0 on node-0 did not register in time")
        );
        late[1].message = Some("its image cannot be pulled: ErrImagePull: not found".to_owned());
        assert_eq!(
            said(&late).as_deref(),
            Some(
                "rank 1 on node-1 did not register in time: its image cannot be pulled: ErrImagePull: not found"
            )
        );
    }

    #[test]
    fn what_was_lost_says_more_than_those_that_missed_it() {
        let mut both = pods(State::Failed, State::Lost);
        let at = |seconds| Some(chrono::DateTime::UNIX_EPOCH + chrono::TimeDelta::seconds(seconds));
        (both[0].ended_at, both[1].ended_at) = (at(1), at(60));
        both[1].message = Some("it is gone".to_owned());
        let message = outcome(None, DrainReason::RankFailed, &both).message;
        assert_eq!(message.as_deref(), Some("rank 1 on node-1: it is gone"));
    }

    #[test]
    fn the_exit_code_is_that_of_the_rank_that_failed_first() {
        let mut both = pods(State::Failed, State::Failed);
        both[0].ended_at = Some(chrono::DateTime::UNIX_EPOCH + chrono::TimeDelta::seconds(2));
        both[1].ended_at = Some(chrono::DateTime::UNIX_EPOCH + chrono::TimeDelta::seconds(1));
        both[1].exit_code = Some(7);
        let end = outcome(None, DrainReason::RankFailed, &both);
        assert_eq!(end.exit_code, Some(7));
        assert_eq!(
            end.message.as_deref(),
            Some("rank 1 on node-1 exited with 7")
        );
        let done = pods(State::Succeeded, State::Succeeded);
        assert_eq!(outcome(None, DrainReason::Done, &done).exit_code, Some(0));
    }
}
