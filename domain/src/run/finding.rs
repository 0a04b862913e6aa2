//! What the runtime sees of a rank, compared with what its row says.

use chrono::{DateTime, TimeDelta, Utc};
use entity::pod;
use protocol::ExitRecord;

use super::report::{RankReport, apply, is_over, update};
use crate::error::Result;
use crate::runtime::Observation;
use crate::store::Tx;

/// Something that the row of a pod does not say yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Finding {
    /// It left a record of its end: the server was away when it ended.
    Ended(ExitRecord),
    /// There is neither a process nor a record.
    Missing,
    /// That has been so for too long.
    Lost,
    /// Its process was missing and is there.
    Back,
}

/// What is new about a rank; pure.
pub(crate) fn find(
    pod: &pod::Model,
    seen: &Observation,
    now: DateTime<Utc>,
    reattach: TimeDelta,
) -> Option<Finding> {
    if is_over(pod.state) {
        return None;
    }
    match (seen, pod.missing_since) {
        (Observation::Exited(record), _) => Some(Finding::Ended(record.clone())),
        (Observation::Vanished, Some(since)) => (now - since >= reattach).then_some(Finding::Lost),
        (Observation::Vanished, None) => Some(Finding::Missing),
        (Observation::Alive, Some(_)) => Some(Finding::Back),
        // An agent that died leaves orphans; once they are killed the rank has vanished.
        (Observation::Alive, None) | (Observation::Orphaned, _) => None,
        // A rank that was never started is the launcher's; one that ran and of which nothing is left, not even a
        // directory, is missing like any other.
        (Observation::NotStarted, since) => match (pod.state, since) {
            (pod::State::Created, _) => None,
            (_, None) => Some(Finding::Missing),
            (_, Some(since)) => (now - since >= reattach).then_some(Finding::Lost),
        },
    }
}

/// Writes it.
pub(crate) async fn note(tx: &Tx, pod: &pod::Model, finding: &Finding) -> Result<()> {
    let now = tx.now();
    match finding {
        Finding::Ended(record) => {
            let exit = &record.exit;
            let report = RankReport {
                log_end: i64::try_from(record.log_end).unwrap_or(i64::MAX),
                started: exit.code.is_some() || exit.signal.is_some(),
                suspend: None,
                exit: Some(exit.clone()),
            };
            apply(tx, pod, &report).await.map(|_| ())
        }
        Finding::Missing => update(tx, pod, |row| row.missing_since = Some(now)).await,
        Finding::Lost => {
            update(tx, pod, |row| {
                row.state = pod::State::Lost;
                row.ended_at = row.missing_since;
                row.message = Some("its process is gone and left no record".to_owned());
            })
            .await
        }
        Finding::Back => update(tx, pod, |row| row.missing_since = None).await,
    }
}

/// Of what the platform has killed without a record it is said that it was stopped.
pub(crate) async fn stop_rest(tx: &Tx, pods: &[pod::Model]) -> Result<()> {
    let now = tx.now();
    for pod in pods.iter().filter(|pod| !is_over(pod.state)) {
        update(tx, pod, |row| {
            row.state = pod::State::Stopped;
            row.ended_at = Some(now);
        })
        .await?;
    }
    Ok(())
}
