//! Runs one worker: on wake-ups, on its own deadline, and every period in any case.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use chrono::{DateTime, Utc};
use entity::RunId;
use futures_util::FutureExt;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::error::{Error, Result};
use crate::events::Event;
use crate::metrics::TickOutcome;

/// After a failed tick, the time before the next one: what failed may be there again soon, and is waited for.
const PAUSE: Duration = Duration::from_millis(250);

/// A tick that takes longer than this may be followed by a rest.
const LONG_TICK: Duration = Duration::from_millis(20);

/// How often a worker looks while it hears nothing of other servers.
const CUT_OFF_PERIOD: Duration = Duration::from_millis(500);

/// The longest rest. A tick may have taken long because it waited for a database, which costs nobody anything.
const LONGEST_REST: Duration = Duration::from_millis(500);

/// Something that must be done again and again.
pub trait Worker: Send {
    /// Name, for the log and the metrics.
    const NAME: &'static str;

    /// After a long tick it rests so many times as long and leaves the processor to others: the more there is to look
    /// at, the more wake-ups one look serves.
    const REST: u32 = 0;

    /// Whether this wake-up is a reason to look.
    fn wakes_on(event: Event) -> bool;

    /// Reads what is, and makes one step towards what should be.
    fn tick(&mut self) -> impl Future<Output = Result<Tick>> + Send;
}

/// What a tick has to say.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tick {
    /// Whether anything was changed; then another tick may find more to do.
    pub progress: bool,
    /// When time alone will give it something to do.
    pub wake_at: Option<DateTime<Utc>>,
}

impl Tick {
    /// Notes another moment at which there is something to do.
    pub(super) fn also_at(&mut self, at: Option<DateTime<Utc>>) {
        self.wake_at = self.wake_at.into_iter().chain(at).min();
    }
}

/// What failed in a tick over many runs: one that fails must not keep the others waiting.
#[derive(Debug, Default)]
pub(super) struct Failures(Option<Error>);

impl Failures {
    /// Notes that the step of one run failed.
    pub(super) fn note(&mut self, run: RunId, error: Error) {
        if matches!(error, Error::Deposed) {
            // This is no failure of one run: it ends the work on all.
            self.0 = Some(error);
            return;
        }
        if !error.is_conflict() {
            tracing::warn!(
                run.id = run.0,
                error = error.chain(),
                "the step of a run failed"
            );
        }
        self.0.get_or_insert(error);
    }

    /// The tick, or the first failure: then the driver repeats it soon.
    pub(super) fn or(self, tick: Tick) -> Result<Tick> {
        self.0.map_or(Ok(tick), Err)
    }
}

/// Runs a worker until the token is cancelled, which it does itself if its term is over. Any other failed or panicked
/// tick is logged and repeated, never fatal.
pub(super) async fn drive<W: Worker>(mut worker: W, app: App, stop: CancellationToken) {
    let mut listener = app.events.subscribe();
    let mut has_failed = false;
    loop {
        listener.drain();
        let begun = Instant::now();
        let result = AssertUnwindSafe(worker.tick())
            .catch_unwind()
            .await
            .unwrap_or_else(|_| Err(Error::internal("the worker panicked")));
        let outcome = TickOutcome::of(&result);
        let metrics = &app.metrics.workers;
        metrics.ticked(W::NAME, outcome, begun.elapsed());
        let wait = match result {
            Ok(tick) if tick.progress => Duration::ZERO,
            Ok(tick) => until(tick.wake_at, app.now()).min(period(&app)),
            Err(Error::Deposed) => {
                stop.cancel();
                return;
            }
            // Somebody else was faster: look again at once.
            Err(error) if error.is_conflict() => Duration::ZERO,
            Err(error) => {
                // What goes on is said once.
                if !std::mem::replace(&mut has_failed, true) {
                    tracing::error!(worker = W::NAME, error = error.chain(), "a tick failed");
                }
                if pause(PAUSE, &stop).await {
                    return;
                }
                continue;
            }
        };
        if std::mem::take(&mut has_failed) {
            tracing::info!(worker = W::NAME, "ticks succeed again");
        }
        let rest = rest_after(begun.elapsed(), W::REST).min(app.settings.period);
        if !rest.is_zero() && pause(rest, &stop).await {
            return;
        }
        let woken = async { while !W::wakes_on(listener.next().await) {} };
        tokio::select! {
            () = stop.cancelled() => return,
            () = woken => {}
            () = tokio::time::sleep(wait) => {}
        }
    }
}

/// How often a worker looks even if nobody wakes it.
fn period(app: &App) -> Duration {
    let usual = app.settings.period;
    match app.events.is_cut_off() {
        true => usual.min(CUT_OFF_PERIOD),
        false => usual,
    }
}

/// Waits a little; says whether to stop.
async fn pause(time: Duration, stop: &CancellationToken) -> bool {
    tokio::select! {
        () = stop.cancelled() => true,
        () = tokio::time::sleep(time) => false,
    }
}

/// How long a worker rests after a tick of this length.
fn rest_after(tick: Duration, times: u32) -> Duration {
    if tick > LONG_TICK {
        (times * tick).min(LONGEST_REST)
    } else {
        Duration::ZERO
    }
}

fn until(at: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Duration {
    at.map_or(Duration::MAX, |at| {
        (at - now).to_std().unwrap_or(Duration::ZERO)
    })
}
