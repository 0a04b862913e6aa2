//! Whether a task runs again after a run has ended, and when: a pure function. `docs/lifecycle.md` has the table.

use chrono::{DateTime, TimeDelta, Utc};
use entity::task::{self, Desired, Outcome};
use entity::{pod, run};

/// The first pause after a spoilt run; it doubles with each one in a row.
const FIRST_PAUSE: TimeDelta = TimeDelta::seconds(5);
/// The longest pause.
const LONGEST_PAUSE: TimeDelta = TimeDelta::minutes(5);
/// Spoilt runs in a row after which the task is given up.
const MOST_SPOILT_RUNS: i32 = 8;
/// A run that lasted so long proves that the task can run.
const PROOF: TimeDelta = TimeDelta::minutes(15);
/// How long a task stays away from a node on which a run of it was spoilt.
const EXCLUSION: TimeDelta = TimeDelta::minutes(30);

/// What becomes of the task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// It is over.
    Over,
    /// It goes back to its place in the line.
    Again(Again),
}

/// How it runs again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Again {
    /// Not before.
    pub not_before: Option<DateTime<Utc>>,
    /// Spoilt runs in a row, this one included.
    pub spoilt_runs: i32,
    /// Runs that failed by themselves, this one included.
    pub failed_runs: i32,
    /// Nodes to stay away from, and until when.
    pub excluded: Vec<(String, DateTime<Utc>)>,
}

/// What becomes of a task after a run with this outcome.
///
/// `max_restarts` is how often a run that failed by itself is repeated.
pub fn requeue(
    task: &task::Model,
    run: &run::Model,
    pods: &[pod::Model],
    outcome: Outcome,
    max_restarts: u32,
    now: DateTime<Utc>,
) -> Next {
    let again = Again {
        not_before: None,
        spoilt_runs: if has_proved_itself(run, now) {
            0
        } else {
            task.spoilt_runs
        },
        failed_runs: task.failed_runs,
        excluded: Vec::new(),
    };
    match (task.desired, outcome) {
        (Desired::Stop, _) | (_, Outcome::Succeeded | Outcome::Stopped | Outcome::Timeout) => {
            Next::Over
        }
        (_, Outcome::Suspended) => Next::Again(Again {
            spoilt_runs: 0,
            ..again
        }),
        (_, Outcome::Failed) if i64::from(task.failed_runs) < i64::from(max_restarts) => {
            Next::Again(Again {
                failed_runs: task.failed_runs + 1,
                ..again
            })
        }
        (_, Outcome::Failed) => Next::Over,
        (_, Outcome::Lost | Outcome::StartFailed) => spoilt(again, pods, now),
    }
}

fn spoilt(again: Again, pods: &[pod::Model], now: DateTime<Utc>) -> Next {
    let spoilt_runs = again.spoilt_runs + 1;
    if spoilt_runs > MOST_SPOILT_RUNS {
        return Next::Over;
    }
    let of = |state| pods.iter().filter(move |pod| pod.state == state);
    // Where one was lost, others failed because they missed it.
    let culprit = match of(pod::State::Lost).next() {
        Some(_) => pod::State::Lost,
        None => pod::State::Failed,
    };
    let culprits = of(culprit).map(|pod| (pod.node_name.clone(), now + EXCLUSION));
    Next::Again(Again {
        not_before: Some(now + pause(spoilt_runs)),
        spoilt_runs,
        excluded: culprits.collect(),
        ..again
    })
}

/// The pause after so many spoilt runs in a row: 5 s, 10 s, 20 s, …, 5 min.
fn pause(spoilt_runs: i32) -> TimeDelta {
    let doublings = u32::try_from(spoilt_runs - 1).unwrap_or(0).min(16);
    (FIRST_PAUSE * 2_i32.pow(doublings)).min(LONGEST_PAUSE)
}

fn has_proved_itself(run: &run::Model, now: DateTime<Utc>) -> bool {
    run.started_at.is_some_and(|started| now - started >= PROOF)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{pod_row, run_row};

    #[test]
    fn pauses_double_up_to_five_minutes() {
        let seconds: Vec<i64> = (1..=8).map(|runs| pause(runs).num_seconds()).collect();
        assert_eq!(seconds, [5, 10, 20, 40, 80, 160, 300, 300]);
    }

    #[test]
    fn a_run_of_fifteen_minutes_proves_that_the_task_can_run() {
        let run = run_row();
        let begun = DateTime::UNIX_EPOCH;
        assert!(!has_proved_itself(
            &run,
            begun + PROOF - TimeDelta::seconds(1)
        ));
        assert!(has_proved_itself(&run, begun + PROOF));
    }

    #[test]
    fn a_node_is_not_to_blame_for_a_rank_that_missed_one_that_was_lost() {
        use pod::State::{Failed, Lost, Stopped};
        let away_from = |states: [pod::State; 3]| {
            let numbered = (0..).zip(states);
            let pods = numbered.map(|(rank, state)| pod::Model {
                state,
                ..pod_row(rank)
            });
            let pods: Vec<_> = pods.collect();
            let again = Again {
                not_before: None,
                spoilt_runs: 0,
                failed_runs: 0,
                excluded: Vec::new(),
            };
            match spoilt(again, &pods, DateTime::UNIX_EPOCH) {
                Next::Again(again) => again.excluded.into_iter().map(|(node, _)| node).collect(),
                Next::Over => Vec::new(),
            }
        };
        assert_eq!(away_from([Failed, Lost, Stopped]), ["node-1"]);
        assert_eq!(away_from([Failed, Stopped, Failed]), ["node-0", "node-2"]);
    }

    #[test]
    fn after_eight_spoilt_runs_in_a_row_the_task_is_given_up() {
        let again = |spoilt_runs| Again {
            not_before: None,
            spoilt_runs,
            failed_runs: 0,
            excluded: Vec::new(),
        };
        assert!(matches!(
            spoilt(again(7), &[], DateTime::UNIX_EPOCH),
            Next::Again(_)
        ));
        assert_eq!(spoilt(again(8), &[], DateTime::UNIX_EPOCH), Next::Over);
    }
}
