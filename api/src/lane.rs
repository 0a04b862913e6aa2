//! Where long operations are computed: beside everything else, on threads of their own that the system favours less.
//!
//! To compute an answer of many thousand fields takes a thread for milliseconds at a stretch. On the threads that serve
//! everybody, a few such questions would let all others wait. Here they wait for each other.

use std::panic::AssertUnwindSafe;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use domain::{Error, Result};
use futures_util::future::BoxFuture;
use futures_util::{FutureExt, StreamExt, stream};
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};
use tracing::{Instrument, Span};

/// How much less its threads are favoured, as `nice` has it.
const NICE: i32 = 19;
/// Operations of one thread that wait, for the database for example, while another is computed.
const SIDE_BY_SIDE: usize = 8;

type Job = BoxFuture<'static, ()>;

/// Threads for what takes long. They begin with the first of it, and end with this.
#[derive(Debug, Default)]
pub(crate) struct Lane {
    threads: OnceLock<Vec<mpsc::UnboundedSender<Job>>>,
    turn: AtomicUsize,
}

impl Lane {
    /// Runs something here. Whoever stops waiting for it ends it. The queue needs no bound of its own: who comes here has a
    /// place among the long operations.
    ///
    /// # Errors
    /// [`Error::Internal`] if it panics.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Result<T> {
        let (sender, answer) = oneshot::channel();
        let work = AssertUnwindSafe(work.instrument(Span::current())).catch_unwind();
        let job = async move {
            let mut sender = sender;
            tokio::select! {
                done = work => if let Ok(done) = done {
                    // Nobody waits for it any more, which is no matter.
                    let _ = sender.send(done);
                },
                () = sender.closed() => {}
            }
        };
        let threads = self.threads.get_or_init(begin);
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let lost = || Error::internal("a long operation ended without an answer");
        let thread = threads.get(turn % threads.len().max(1)).ok_or_else(lost)?;
        thread.send(job.boxed()).map_err(|_| lost())?;
        answer.await.map_err(|_| lost())
    }
}

/// One thread for every second core.
fn begin() -> Vec<mpsc::UnboundedSender<Job>> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let runtime = Handle::current();
    let thread = |number| {
        let (sender, jobs) = mpsc::unbounded_channel();
        let runtime = runtime.clone();
        let named = std::thread::Builder::new().name(format!("long-{number}"));
        match named.spawn(move || work(&runtime, jobs)) {
            Ok(_) => Some(sender),
            Err(error) => {
                tracing::error!(%error, "a thread for long operations cannot be started");
                None
            }
        }
    };
    (0..cores.div_ceil(2)).filter_map(thread).collect()
}

fn work(runtime: &Handle, jobs: mpsc::UnboundedReceiver<Job>) {
    if let Err(error) = rustix::process::nice(NICE) {
        tracing::debug!(%error, "long operations are as urgent as all others");
    }
    let jobs = stream::unfold(jobs, |mut jobs| async move {
        let job = jobs.recv().await?;
        Some((job, jobs))
    });
    runtime.block_on(jobs.for_each_concurrent(SIDE_BY_SIDE, |job| job));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_long_runs_on_another_thread_and_a_panic_there_is_an_error() {
        let lane = Lane::default();
        let here = std::thread::current().id();
        let there = lane
            .run(async { std::thread::current().id() })
            .await
            .unwrap();
        assert_ne!(here, there);
        let panicked = lane.run(async { panic!("as the test wants it") }).await;
        assert!(matches!(panicked, Result::<()>::Err(Error::Internal(_))));
        assert_eq!(lane.run(async { 7 }).await.unwrap(), 7);
    }

    #[tokio::test]
    async fn whoever_stops_waiting_ends_it() {
        let lane = Lane::default();
        let (begun, has_begun) = oneshot::channel();
        let (alive, mut is_dropped) = oneshot::channel::<()>();
        let work = async move {
            let _alive = alive;
            let _ = begun.send(());
            std::future::pending::<()>().await;
        };
        tokio::select! {
            _ = lane.run(work) => panic!("it has no end"),
            begun = has_begun => begun.unwrap(),
        }
        assert!((&mut is_dropped).await.is_err());
    }
}
