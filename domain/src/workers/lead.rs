//! Leads: takes the lease, and lets the workers drive for as long as it has it.

use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::{Janitor, NodeWatcher, Worker, start};
use crate::app::App;
use crate::error::{Error, Result};
use crate::lease::{self, Fence, Term};

/// How long a term lasts unless it is renewed. Whoever dies is followed within this and [`LOOK`].
const TERM: Duration = Duration::from_millis(1500);
/// How often it is renewed.
const RENEWAL: Duration = Duration::from_millis(400);
/// How often those who wait look.
const LOOK: Duration = Duration::from_millis(100);
/// How long the workers of a term that is over may still take. What they write after it is refused.
const PATIENCE: Duration = Duration::from_secs(1);

/// Drives the platform whenever no other process does, until the token is cancelled. `first_look` is dropped when it is
/// clear who leads, and if it is this process, when the nodes are known and strays are swept.
pub async fn lead(
    app: App,
    holder: String,
    first_look: oneshot::Sender<()>,
    stop: CancellationToken,
) {
    let mut first_look = Some(first_look);
    while !stop.is_cancelled() {
        // Counted from before, so that our term ends for us before it does for others.
        let begun = Instant::now();
        let taken = match app.store.is_shared() {
            true => lease::take(&app.store, &holder, TERM).await,
            false => lease::seize(&app.store, &holder).await.map(Term::Ours),
        };
        match taken {
            Ok(Term::Ours(epoch)) => {
                tracing::info!(epoch, holder, "this process drives the platform now");
                term(&app, epoch, begun, first_look.take(), &stop).await;
            }
            Ok(Term::Theirs { left }) => {
                first_look.take();
                pause(left.min(LOOK), &stop).await;
            }
            Err(error) => {
                tracing::warn!(error = error.chain(), "it is not known who leads");
                pause(LOOK, &stop).await;
            }
        }
    }
}

/// One term, from its beginning to its end.
async fn term(
    app: &App,
    epoch: i64,
    begun: Instant,
    first_look: Option<oneshot::Sender<()>>,
    stop: &CancellationToken,
) {
    let over = stop.child_token();
    let workers = TaskTracker::new();
    let metrics = &app.metrics.lead;
    metrics.begins(epoch);
    workers.spawn({
        let (app, workers, over) = (app.in_term(Fence { epoch }), workers.clone(), over.clone());
        async move {
            tokio::select! {
                () = over.cancelled() => return,
                () = prepare(&app) => {}
            }
            drop(first_look);
            start(&app, &workers, &over);
        }
    });
    let kept = match app.store.is_shared() {
        true => keep(app, epoch, begun, &over).await,
        false => {
            over.cancelled().await;
            Ok(())
        }
    };
    over.cancel();
    workers.close();
    let rested = timeout(PATIENCE, workers.wait()).await;
    metrics.ends();
    if let Err(error) = kept {
        tracing::warn!(
            epoch,
            error = error.chain(),
            "the term of this process is over"
        );
    } else if rested.is_ok()
        && app.store.is_shared()
        && let Err(error) = lease::release(&app.store, epoch).await
    {
        tracing::warn!(
            error = error.chain(),
            "the lease is not given back: it expires"
        );
    }
}

/// Nodes are known, and what belongs to no open run is gone, before the first plan. What resists is tried again.
async fn prepare(app: &App) {
    let ticks = async {
        NodeWatcher::new(app.clone()).tick().await?;
        Janitor::new(app.clone()).tick().await
    };
    if let Err(error) = ticks.await {
        tracing::warn!(error = error.chain(), "not everything is swept");
    }
}

/// Renews the lease until the term is over, for whatever reason: an error if it is lost.
async fn keep(app: &App, epoch: i64, begun: Instant, over: &CancellationToken) -> Result<()> {
    let mut renewed = begun;
    loop {
        tokio::select! {
            () = over.cancelled() => return Ok(()),
            () = sleep(RENEWAL) => {}
        }
        let asked = Instant::now();
        let left = (renewed + TERM).saturating_duration_since(asked);
        match timeout(left, lease::renew(&app.store, epoch, TERM)).await {
            Ok(Ok(())) => renewed = asked,
            Ok(Err(Error::Deposed)) => return Err(Error::Deposed),
            // There is time to try again.
            Ok(Err(error)) if renewed.elapsed() < TERM => {
                tracing::warn!(error = error.chain(), "the lease was not renewed");
            }
            Ok(Err(error)) => return Err(error),
            Err(late) => {
                return Err(Error::Unavailable {
                    what: "the database",
                    source: late.into(),
                });
            }
        }
    }
}

async fn pause(time: Duration, stop: &CancellationToken) {
    tokio::select! {
        () = stop.cancelled() => {}
        () = sleep(time) => {}
    }
}
