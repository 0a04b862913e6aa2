//! Why a run ends, in a sentence, as far as people, the user's code or the machine have ended it.
//!
//! What a rank says of its own end is in [`outcome`](super::outcome()); for whom a run gives way the scheduler says.

use entity::run::DrainReason;
use entity::task::{self, Desired, StopAs};
use entity::{pod, run};

use super::outcome::End;

/// Why a run begins to drain; absent where its ranks will say it, or the scheduler has.
pub(crate) fn ordered(
    task: &task::Model,
    pods: &[pod::Model],
    reason: DrainReason,
) -> Option<&'static str> {
    match reason {
        DrainReason::Stop => Some(match task.stop_as {
            Some(StopAs::Succeeded) => "it was stopped, to count as succeeded",
            Some(StopAs::Failed) => "it was stopped, to count as failed",
            Some(StopAs::Stopped) | None => "it was stopped",
        }),
        DrainReason::Suspend if is_ready(pods) => Some("its own code asked to be suspended"),
        DrainReason::Suspend if task.desired == Desired::Hold => Some("it was put on hold"),
        DrainReason::Suspend
        | DrainReason::StartFailed
        | DrainReason::RankFailed
        | DrainReason::Lost
        | DrainReason::Timeout
        | DrainReason::Done => None,
    }
}

/// The whole sentence on the end of a run: what was said when it began to drain, and what its ranks say.
pub(crate) fn message(
    task: &task::Model,
    run: &run::Model,
    pods: &[pod::Model],
    end: &End,
) -> Option<String> {
    let was_taken_back = run.drain_reason == Some(DrainReason::Stop) && task.stop_as.is_none();
    let resumed = was_taken_back.then_some("it was resumed before it had ended");
    let said: Vec<&str> = [run.message.as_deref(), resumed, end.message.as_deref()]
        .into_iter()
        .flatten()
        .collect();
    if said.is_empty() {
        return unsaid(run.drain_reason, pods);
    }
    Some(said.join("; "))
}

/// Only a loss may have nobody who says it.
fn unsaid(reason: Option<DrainReason>, pods: &[pod::Model]) -> Option<String> {
    let stopped = pods.iter().find(|pod| pod.state == pod::State::Stopped)?;
    (reason == Some(DrainReason::Lost)).then(|| {
        format!(
            "rank {} on {} was ended, but not by the platform",
            stopped.rank, stopped.node_name
        )
    })
}

fn is_ready(pods: &[pod::Model]) -> bool {
    pods.iter()
        .any(|pod| pod.suspend == Some(pod::Suspend::Ready))
}

#[cfg(test)]
mod tests {
    use entity::task::Outcome;

    use super::*;
    use crate::testing::{TestApp, pod_row, run_row};

    fn end(message: Option<&str>) -> End {
        End {
            outcome: Outcome::Failed,
            stop_code: 128,
            exit_code: None,
            message: message.map(str::to_owned),
        }
    }

    #[tokio::test]
    async fn whoever_orders_an_end_is_told() {
        let task = TestApp::with_nodes(1).await.submit("t", 1).await;
        let wanted = |desired, stop_as| task::Model {
            desired,
            stop_as,
            ..task.clone()
        };
        let runs = wanted(Desired::Run, None);
        let held = wanted(Desired::Hold, None);
        let ready = pod::Model {
            suspend: Some(pod::Suspend::Ready),
            ..pod_row(0)
        };
        let stopped = |stop_as| wanted(Desired::Stop, Some(stop_as));
        use DrainReason::{Done, Lost, RankFailed, StartFailed, Stop, Suspend, Timeout};
        for (task, pod, reason, expected) in [
            (
                stopped(StopAs::Stopped),
                pod_row(0),
                Stop,
                Some("it was stopped"),
            ),
            (
                stopped(StopAs::Succeeded),
                pod_row(0),
                Stop,
                Some("it was stopped, to count as succeeded"),
            ),
            (
                stopped(StopAs::Failed),
                pod_row(0),
                Stop,
                Some("it was stopped, to count as failed"),
            ),
            (
                held.clone(),
                pod_row(0),
                Suspend,
                Some("it was put on hold"),
            ),
            (
                runs.clone(),
                ready,
                Suspend,
                Some("its own code asked to be suspended"),
            ),
            // The scheduler has said for whom.
            (runs.clone(), pod_row(0), Suspend, None),
            (held, pod_row(0), Lost, None),
            (runs.clone(), pod_row(0), StartFailed, None),
            (runs.clone(), pod_row(0), RankFailed, None),
            (runs.clone(), pod_row(0), Timeout, None),
            (runs, pod_row(0), Done, None),
        ] {
            assert_eq!(ordered(&task, &[pod], reason), expected, "{reason:?}");
        }
    }

    #[tokio::test]
    async fn what_the_ranks_say_comes_behind_the_order_and_hides_it_not() {
        let task = TestApp::with_nodes(1).await.submit("t", 1).await;
        let draining = |reason, message: Option<&str>| run::Model {
            drain_reason: Some(reason),
            message: message.map(str::to_owned),
            ..run_row()
        };
        let stopped = pod::Model {
            state: pod::State::Stopped,
            ..pod_row(1)
        };
        let gives_way = draining(DrainReason::Suspend, Some("it gives way"));
        let taken_back = draining(DrainReason::Stop, Some("it was stopped"));
        let lost = draining(DrainReason::Lost, None);
        let failed = draining(DrainReason::RankFailed, None);
        let done = draining(DrainReason::Done, None);
        for (run, said, expected) in [
            (&gives_way, None, Some("it gives way")),
            (
                &gives_way,
                Some("rank 0 exited with 1"),
                Some("it gives way; rank 0 exited with 1"),
            ),
            (
                &taken_back,
                None,
                Some("it was stopped; it was resumed before it had ended"),
            ),
            (
                &failed,
                Some("rank 0 exited with 1"),
                Some("rank 0 exited with 1"),
            ),
            (
                &lost,
                None,
                Some("rank 1 on node-1 was ended, but not by the platform"),
            ),
            (&done, None, None),
        ] {
            let pods = [stopped.clone()];
            assert_eq!(
                message(&task, run, &pods, &end(said)).as_deref(),
                expected,
                "{run:?}"
            );
        }
    }
}
