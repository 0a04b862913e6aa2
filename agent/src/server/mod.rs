//! The connection to the server: keeps it up, says what the rank does, and hears what is wanted.
//!
//! Being unable to reach the server never ends a rank. Only an order does, or the server's word that it does not know
//! the run any more.

mod backoff;
mod errand;
mod file;
mod operation;
mod pace;
mod session;
mod token;

use std::{error::Error, path::PathBuf, sync::Arc, time::Duration};

use protocol::{Desired, Launch, Order, ProcessId, RankExit, SuspendEnd};
use tokio::{
    sync::{mpsc, watch},
    time::{Instant, sleep},
};

use crate::log::Clock;
use session::Ended;

pub(crate) use errand::{Errand, Wish};

/// An agent comes again after this time, whatever the server says.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// What the server has to know of a rank.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Status {
    /// Logical length of the log in bytes.
    pub(crate) log_end: u64,
    /// Whether the command was started.
    pub(crate) started: bool,
    /// How the suspension is going, while one is under way.
    pub(crate) suspend: Option<SuspendEnd>,
    /// How the rank ended, once the record of it was written.
    pub(crate) exit: Option<RankExit>,
}

impl Status {
    /// Whether nothing but the log is different. The server sees that by itself where it shares a file system with us.
    fn only_grew_since(&self, known: &Self) -> bool {
        let log_end = self.log_end;
        *self
            == Self {
                log_end,
                ..known.clone()
            }
    }
}

/// What comes from the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Said {
    /// What it wants.
    Order(Order),
    /// It knows the exit.
    Acknowledged,
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("{} cannot be used", path.display())]
    File {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("the server that published its address has ended")]
    Stale,
    #[error("the server failed at {what}")]
    Server {
        what: &'static str,
        source: transport::Error,
    },
    #[error("the server stopped to give orders")]
    Ended,
    #[error("the server's answer to {what} cannot be read")]
    Answer {
        what: &'static str,
        source: serde_json::Error,
    },
}

impl Failure {
    /// Whether the server says that it does not know the run, or knows it as ended.
    fn is_over(&self) -> bool {
        match self {
            Self::Server { source, .. } => {
                matches!(source.code(), Some("UNAUTHENTICATED" | "NOT_FOUND"))
            }
            Self::File { .. } | Self::Stale | Self::Ended | Self::Answer { .. } => false,
        }
    }

    /// When to come again, if the server has too much to do. Not later than a rank may be without its server.
    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Server { source, .. } => source.retry_after().map(|wait| wait.min(LONGEST_WAIT)),
            Self::File { .. } | Self::Stale | Self::Ended | Self::Answer { .. } => None,
        }
    }
}

/// One agent's end of the line.
pub(crate) struct Link {
    pub(crate) launch: Arc<Launch>,
    pub(crate) me: ProcessId,
    pub(crate) status: watch::Receiver<Status>,
    pub(crate) said: mpsc::Sender<Said>,
    /// What the command wants of the server.
    pub(crate) errands: mpsc::Receiver<Errand>,
    /// The one that is under way. It outlives a connection, and is tried again on the next one.
    pub(crate) errand: Option<Errand>,
    pub(crate) clock: Clock,
    /// When this process last got a new token.
    pub(crate) renewed: Option<Instant>,
}

impl Link {
    /// Connects again and again until dropped.
    pub(crate) async fn run(mut self) {
        let seed = backoff::seed(&self.launch);
        let mut attempt = 0;
        // Agents spread over all servers, and leave one that does not answer.
        let mut turn = seed;
        let mut last_failure = String::new();
        loop {
            let (ended, registered) = self.session(turn).await;
            if registered {
                attempt = 0;
            }
            let turned_away;
            match ended {
                Ended::RenewalDue => continue,
                Ended::Failed(failure) => {
                    turned_away = failure.retry_after();
                    let text = whole(&failure);
                    // The same failure every two seconds for a day is no news.
                    if registered || text != last_failure {
                        tracing::warn!(error = text, "no connection to the server");
                        last_failure = text;
                    }
                    if failure.is_over() {
                        let order = Order {
                            desired: Desired::Over,
                            grace_ms: 0,
                            suspend: None,
                        };
                        self.say(Said::Order(order)).await;
                    }
                }
            }
            turn = turn.wrapping_add(1);
            let pause = backoff::delay(attempt, seed);
            sleep(turned_away.map_or(pause, |wait| pause.max(wait))).await;
            attempt = attempt.saturating_add(1);
        }
    }

    /// Tells the supervisor. It only stops to listen when it ends, and this with it.
    async fn say(&self, said: Said) {
        let _ = self.said.send(said).await;
    }
}

/// An error with all its causes in one line.
pub(crate) fn whole(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
