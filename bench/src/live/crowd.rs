//! Many clients on one core: what they read is looked at as text.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use tokio::task::JoinSet;

use super::LEVELS;
use super::peer::stamp;
use crate::socket::Socket;

/// Tasks that are followed; each socket follows two.
pub(super) const TASKS: usize = 100;
/// Sockets that are being opened at the same time.
const AT_ONCE: usize = 100;

/// Everybody, reading.
pub(super) struct Crowd {
    pub(super) seen: Arc<Seen>,
    readers: JoinSet<Result<()>>,
    n_sockets: usize,
}

/// What was sent and what has arrived.
pub(super) struct Seen {
    start: Instant,
    /// When each task was last sent to each level, in microseconds since the start.
    sent: Vec<[AtomicU64; LEVELS.len()]>,
    times: Mutex<Vec<Duration>>,
}

impl Seen {
    fn new() -> Self {
        Self {
            start: Instant::now(),
            sent: (0..TASKS).map(|_| Default::default()).collect(),
            times: Mutex::default(),
        }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    /// A task is about to be sent to a level.
    pub(super) fn sent(&self, task: usize, level: usize) {
        self.sent[task][level].store(self.now(), Ordering::Relaxed);
    }

    fn note(&self, took: Duration) {
        self.times
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(took);
    }
}

impl Crowd {
    /// Opens the sockets and their subscriptions, and waits until each has its first state.
    pub(super) async fn gather(url: &str, token: &str, ids: &[String], n: usize) -> Result<Self> {
        let seen = Arc::new(Seen::new());
        let mut readers = JoinSet::new();
        let mut opening = JoinSet::new();
        for number in 0..n {
            if opening.len() >= AT_ONCE {
                let (socket, followed) = opening.join_next().await.context("some open")???;
                readers.spawn(read(socket, followed, Arc::clone(&seen)));
            }
            let followed = [number % TASKS, (number + TASKS / 2) % TASKS];
            let ids = followed.map(|task| ids[task].clone());
            opening.spawn(open(url.to_owned(), token.to_owned(), ids, followed));
        }
        while let Some(opened) = opening.join_next().await {
            let (socket, followed) = opened??;
            readers.spawn(read(socket, followed, Arc::clone(&seen)));
        }
        Ok(Self {
            seen,
            readers,
            n_sockets: n,
        })
    }

    /// Opens sockets to the peer, which sends on its own.
    pub(super) async fn gather_at_peer(url: &str, n: usize) -> Result<Self> {
        let seen = Arc::new(Seen::new());
        let mut readers = JoinSet::new();
        for number in 0..n {
            let mut socket = Socket::open(format!("{url}/{number}")).await?;
            let seen = Arc::clone(&seen);
            readers.spawn(async move {
                loop {
                    let text = socket.text().await?;
                    let sent = text.split(' ').next().and_then(|sent| sent.parse().ok());
                    let took = stamp().saturating_sub(sent.unwrap_or_default());
                    seen.note(Duration::from_micros(took));
                }
            });
        }
        // What was sent while others were still coming does not count.
        seen.times
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
        Ok(Self {
            seen,
            readers,
            n_sockets: n,
        })
    }

    /// The times so far.
    pub(super) fn take(&self) -> Vec<Duration> {
        std::mem::take(
            &mut *self
                .seen
                .times
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        )
    }

    /// How many of the updates did not come, of which there were so many for each follower of each task.
    pub(super) fn lost(&self, n_rounds: usize) -> usize {
        let times = self.seen.times.lock();
        let n_seen = times.unwrap_or_else(PoisonError::into_inner).len();
        (2 * self.n_sockets * n_rounds).saturating_sub(n_seen)
    }

    /// Hangs up.
    pub(super) async fn leave(mut self) {
        self.readers.shutdown().await;
    }
}

/// Opens one socket; its subscriptions have the numbers 0 and 1.
async fn open(
    url: String,
    token: String,
    ids: [String; 2],
    followed: [usize; 2],
) -> Result<(Socket, [usize; 2])> {
    let mut socket = Socket::sign_in(&url, &token).await?;
    for (number, id) in ids.iter().enumerate() {
        let query = format!("subscription {{ taskChanged(id: {id}) {{ id priority }} }}");
        socket.subscribe(number, &query).await?;
    }
    let mut n_states = 0;
    while n_states < ids.len() {
        let text = socket.text().await?;
        ensure!(!text.contains("error"), "{text}");
        n_states += usize::from(text.contains("priority"));
    }
    Ok((socket, followed))
}

/// Notes every update until the server hangs up.
async fn read(mut socket: Socket, followed: [usize; 2], seen: Arc<Seen>) -> Result<()> {
    let mut last = [None; 2];
    loop {
        let text = socket.text().await?;
        let level = level_of(&text);
        let number = usize::from(text.contains(r#""type":"next","id":"1""#));
        // A task may be told again because something else of it has changed.
        if let Some(level) = level
            && last[number].replace(level) != Some(level)
        {
            let sent = seen.sent[followed[number]][level].load(Ordering::Relaxed);
            seen.note(Duration::from_micros(seen.now().saturating_sub(sent)));
        }
    }
}

/// Which priority is told.
fn level_of(text: &str) -> Option<usize> {
    let (_, rest) = text.split_once(r#""priority":""#)?;
    let (told, _) = rest.split_once('"')?;
    LEVELS.iter().position(|level| *level == told)
}
