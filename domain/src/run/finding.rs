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
    /// It was given up, for good.
    Fenced,
    /// Its process was missing and is there.
    Back,
    /// This keeps it from its start.
    Stuck(String),
    /// That keeps it no more.
    Freed,
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
        (Observation::Fenced, _) => Some(Finding::Fenced),
        (Observation::Alive | Observation::Stuck(_), Some(_)) => Some(Finding::Back),
        (Observation::Stuck(why), None) => {
            let is_news = pod.message.as_ref() != Some(why);
            is_news.then(|| Finding::Stuck(why.clone()))
        }
        // What has not ended says nothing by itself.
        (Observation::Alive, None) => pod.message.as_ref().map(|_| Finding::Freed),
        // An agent that died leaves orphans; once they are killed the rank has vanished.
        (Observation::Orphaned, _) => None,
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
        Finding::Fenced => {
            update(tx, pod, |row| {
                row.state = pod::State::Lost;
                row.ended_at = row.missing_since.or(Some(now));
                row.message =
                    Some("nobody could reach it any more, and it was given up".to_owned());
            })
            .await
        }
        Finding::Back => update(tx, pod, |row| row.missing_since = None).await,
        Finding::Stuck(why) => update(tx, pod, |row| row.message = Some(why.clone())).await,
        Finding::Freed => update(tx, pod, |row| row.message = None).await,
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::fake::exit_record;
    use crate::testing::pod_row;

    const REATTACH: TimeDelta = TimeDelta::seconds(30);

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds)
    }

    #[test]
    fn what_is_new_about_a_rank_is_as_the_table_says() {
        use Observation::{Alive, Exited, Fenced, NotStarted, Orphaned, Stuck, Vanished};
        use pod::State::{Created, Registered, Running, Succeeded};
        let record = exit_record(3);
        let ended = || Some(Finding::Ended(record.clone()));
        let stuck = || Stuck("no image".to_owned());
        let table = [
            ("nothing to say", Running, None, Alive, None),
            ("ended", Running, None, Exited(record.clone()), ended()),
            (
                "ended while it was missing",
                Running,
                Some(0),
                Exited(record.clone()),
                ended(),
            ),
            (
                "known to be over",
                Succeeded,
                None,
                Exited(record.clone()),
                None,
            ),
            ("given up", Running, None, Fenced, Some(Finding::Fenced)),
            (
                "given up while it was missing",
                Running,
                Some(1),
                Fenced,
                Some(Finding::Fenced),
            ),
            ("gone", Running, None, Vanished, Some(Finding::Missing)),
            ("gone for a while", Running, Some(1), Vanished, None),
            (
                "gone for too long",
                Running,
                Some(0),
                Vanished,
                Some(Finding::Lost),
            ),
            ("there again", Running, Some(0), Alive, Some(Finding::Back)),
            ("only orphans are left", Running, Some(0), Orphaned, None),
            ("not started yet", Created, None, NotStarted, None),
            (
                "kept from its start",
                Created,
                None,
                stuck(),
                Some(Finding::Stuck("no image".to_owned())),
            ),
            (
                "there again",
                Created,
                Some(0),
                stuck(),
                Some(Finding::Back),
            ),
            (
                "no trace of what was there",
                Registered,
                None,
                NotStarted,
                Some(Finding::Missing),
            ),
            (
                "no trace for too long",
                Registered,
                Some(0),
                NotStarted,
                Some(Finding::Lost),
            ),
        ];
        for (what, state, missing_since, seen, expected) in table {
            let pod = pod::Model {
                state,
                missing_since: missing_since.map(at),
                ..pod_row(0)
            };
            assert_eq!(find(&pod, &seen, at(30), REATTACH), expected, "{what}");
        }
        let kept = pod::Model {
            state: Created,
            message: Some("no image".to_owned()),
            ..pod_row(0)
        };
        let freed = find(&kept, &Alive, at(30), REATTACH);
        assert_eq!(freed, Some(Finding::Freed));
        assert_eq!(find(&kept, &stuck(), at(30), REATTACH), None, "it is known");
    }
}
