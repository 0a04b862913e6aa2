//! The task that moves output from the pipe to the segments.

use std::{future::pending, time::Duration};

use tokio::{
    io::AsyncReadExt,
    net::unix::pipe::Receiver,
    sync::watch,
    task::spawn_blocking,
    time::{Instant, sleep_until},
};
use tokio_util::sync::CancellationToken;

use super::{Clock, Place, Progress, stamp::Lines, writer::Writer};

/// Largest piece read at once: the capacity of a pipe.
const PIECE_BYTES: usize = 64 << 10;

/// An unfinished line is written when it is this old, so that readers see prompts and progress bars.
const PARTIAL_AFTER: Duration = Duration::from_millis(200);

/// How long output is still taken after the processes are gone: somebody else may hold the pipe open.
const DRAIN: Duration = Duration::from_secs(1);

pub(super) struct Pump {
    output: Receiver,
    progress: watch::Sender<Progress>,
    clock: Clock,
    stop: CancellationToken,
    lines: Lines,
}

impl Pump {
    pub(super) fn new(
        output: Receiver,
        progress: watch::Sender<Progress>,
        clock: Clock,
        stop: CancellationToken,
    ) -> Self {
        Self {
            output,
            progress,
            clock,
            stop,
            lines: Lines::default(),
        }
    }

    /// Works until the output is closed, or a while after the stop.
    ///
    /// Files are written on a thread of their own, one write at a time: a disk that hangs fills the pipe, but the agent
    /// still hears its orders.
    pub(super) async fn run(mut self, place: Place) -> Writer {
        let mut writer = on_a_thread(move || Writer::open(place)).await;
        let mut piece = Vec::with_capacity(PIECE_BYTES);
        let mut partial_since: Option<Instant> = None;
        let mut drained_at: Option<Instant> = None;
        loop {
            let ready = tokio::select! {
                read = self.output.read_buf(&mut piece) => match read {
                    Ok(0) => break,
                    Ok(count) => {
                        self.progress.send_modify(|progress| progress.printed += count as u64);
                        self.lines.feed(&piece, (self.clock)());
                        piece.clear();
                        self.lines.take_whole()
                    }
                    Err(error) => {
                        tracing::error!(%error, "the command's output cannot be read");
                        break;
                    }
                },
                () = at(partial_since.map(|since| since + PARTIAL_AFTER)) => self.lines.take_all(),
                () = self.stop.cancelled(), if drained_at.is_none() => {
                    drained_at = Some(Instant::now() + DRAIN);
                    continue;
                }
                () = at(drained_at) => break,
            };
            let ready = if self.lines.waiting() < PIECE_BYTES {
                ready
            } else {
                [ready, self.lines.take_all()].concat()
            };
            partial_since = match self.lines.waiting() {
                0 => None,
                _ if ready.is_empty() => partial_since.or_else(|| Some(Instant::now())),
                _ => Some(Instant::now()),
            };
            writer = self.store(writer, ready).await;
        }
        let rest = self.lines.take_all();
        self.store(writer, rest).await
    }

    async fn store(&self, mut writer: Writer, bytes: Vec<u8>) -> Writer {
        if bytes.is_empty() {
            return writer;
        }
        let now = (self.clock)();
        let writer = on_a_thread(move || {
            writer.write(&bytes, now);
            writer
        })
        .await;
        self.progress
            .send_modify(|progress| progress.end = writer.end());
        writer
    }
}

async fn at(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline).await,
        None => pending().await,
    }
}

/// Runs what may block. A panic in there continues here.
async fn on_a_thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // Only the end of the runtime cancels it, and this task with it.
            Err(_cancelled) => pending().await,
        },
    }
}
