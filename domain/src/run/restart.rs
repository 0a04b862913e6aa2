//! Why a task ran again, in a sentence: derived from the run before, nothing of it is stored.

use entity::run::DrainReason;
use entity::task::Outcome;
use entity::{pod, run};

/// The stop code of a run that failed by itself, and was not stopped to count as failed.
const FAILED_BY_ITSELF: i32 = 128;

/// A run that was spoilt, and where the next one is.
#[derive(Debug, Clone, Copy, Default)]
pub struct Moved<'a> {
    /// The ranks of the run before.
    pub from: &'a [pod::Model],
    /// The ranks of the run that followed.
    pub to: &'a [pod::Model],
}

/// Why the run after this one began; absent while this one has not ended.
///
/// `moved` may be empty unless [`is_spoilt`].
pub fn why_again(previous: &run::Model, moved: Moved<'_>) -> Option<String> {
    let before = format!("run {}", previous.number);
    Some(match previous.outcome? {
        Outcome::Suspended if previous.drain_reason == Some(DrainReason::Stop) => {
            format!("it was resumed while {before} was being stopped")
        }
        Outcome::Suspended => format!("it goes on where {before} was suspended"),
        Outcome::Lost => format!("it runs again after {before} was lost{}", moved.away()),
        Outcome::StartFailed => format!(
            "it runs again after {before} could not be started{}",
            moved.away()
        ),
        // Because of `options.max_restarts` or of its owner: the rows do not say which.
        Outcome::Failed if previous.stop_code == FAILED_BY_ITSELF => {
            format!("it runs again after {before} failed")
        }
        Outcome::Failed | Outcome::Stopped => format!("it was resumed after {before} was stopped"),
        Outcome::Succeeded => format!("it was resumed after {before} had succeeded"),
        Outcome::Timeout => format!("it was resumed after {before} had run out of time"),
    })
}

/// Whether the platform or a node has spoilt this run, so that the next may be on other nodes because of it.
pub fn is_spoilt(run: &run::Model) -> bool {
    matches!(run.outcome, Some(Outcome::Lost | Outcome::StartFailed))
}

impl Moved<'_> {
    /// From which nodes, of those where a rank was lost or failed.
    fn away(&self) -> String {
        let is_used = |node: &str| self.to.iter().any(|pod| pod.node_name == node);
        let left: Vec<&str> = self
            .from
            .iter()
            .filter(|pod| matches!(pod.state, pod::State::Lost | pod::State::Failed))
            .map(|pod| pod.node_name.as_str())
            .filter(|node| !is_used(node))
            .collect();
        match left.as_slice() {
            [] => String::new(),
            nodes => format!(", but not on {}", nodes.join(", ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{pod_row, run_row};

    fn ended(outcome: Outcome, reason: DrainReason, stop_code: i32) -> run::Model {
        run::Model {
            number: 3,
            state: run::State::Ended,
            drain_reason: Some(reason),
            outcome: Some(outcome),
            stop_code,
            ..run_row()
        }
    }

    #[test]
    fn every_end_says_why_there_is_another_run() {
        use DrainReason as Reason;
        for (outcome, reason, stop_code, expected) in [
            (
                Outcome::Suspended,
                Reason::Suspend,
                16,
                "it goes on where run 3 was suspended",
            ),
            (
                Outcome::Suspended,
                Reason::Stop,
                16,
                "it was resumed while run 3 was being stopped",
            ),
            (
                Outcome::Lost,
                Reason::Lost,
                32,
                "it runs again after run 3 was lost",
            ),
            (
                Outcome::StartFailed,
                Reason::StartFailed,
                256,
                "it runs again after run 3 could not be started",
            ),
            (
                Outcome::Failed,
                Reason::RankFailed,
                128,
                "it runs again after run 3 failed",
            ),
            (
                Outcome::Failed,
                Reason::Stop,
                8192,
                "it was resumed after run 3 was stopped",
            ),
            (
                Outcome::Stopped,
                Reason::Stop,
                1024,
                "it was resumed after run 3 was stopped",
            ),
            (
                Outcome::Succeeded,
                Reason::Done,
                1,
                "it was resumed after run 3 had succeeded",
            ),
            (
                Outcome::Timeout,
                Reason::Timeout,
                512,
                "it was resumed after run 3 had run out of time",
            ),
        ] {
            let previous = ended(outcome, reason, stop_code);
            assert_eq!(
                why_again(&previous, Moved::default()).as_deref(),
                Some(expected)
            );
        }
        assert_eq!(why_again(&run_row(), Moved::default()), None, "it runs");
    }

    #[test]
    fn a_node_is_named_only_if_a_rank_was_spoilt_there_and_it_is_left() {
        let at = |rank, node: &str, state| pod::Model {
            node_name: node.to_owned(),
            state,
            ..pod_row(rank)
        };
        let from = [
            at(0, "node-1", pod::State::Stopped),
            at(1, "node-2", pod::State::Lost),
            at(2, "node-3", pod::State::Failed),
        ];
        let to = [
            at(0, "node-4", pod::State::Created),
            at(1, "node-3", pod::State::Created),
        ];
        let previous = ended(Outcome::Lost, DrainReason::Lost, 32);
        assert!(is_spoilt(&previous));
        let moved = Moved {
            from: &from,
            to: &to,
        };
        assert_eq!(
            why_again(&previous, moved).as_deref(),
            Some("it runs again after run 3 was lost, but not on node-2")
        );
    }
}
