//! Submits that share a write: those that come while others are being written wait, and are then written together.

use std::collections::{BTreeSet, VecDeque};
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::FutureExt;
use tokio::sync::oneshot;

use super::{Submit, Wish, check, keys, submit_all};
use crate::app::App;
use crate::auth::Actor;
use crate::error::{Error, Result};
use crate::metrics::Overload;
use crate::task::Task;

/// Most submits of one write: the first of them waits for the last.
const MOST_TOGETHER: usize = 64;
/// Most submits that wait. A client that hangs up leaves its own in the line, so nothing else bounds it.
const MOST_WAITING: usize = 1024;

/// The submits of one process that wait. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct Submits(Arc<Line>);

#[derive(Debug, Default)]
struct Line {
    waiting: Mutex<VecDeque<Waiting>>,
    /// Held by who writes.
    writing: tokio::sync::Mutex<()>,
    /// Whether somebody waits for that who will look at the line then. One is enough, however many submits wait.
    is_attended: AtomicBool,
}

#[derive(Debug)]
struct Waiting {
    wish: Wish,
    answer: oneshot::Sender<Result<Task>>,
}

/// Submits a task in a write that others may share. It comes to its end also if nobody waits for it any more.
///
/// # Errors
/// As for [`super::submit`], and [`Error::Overloaded`] if too many wait already.
pub async fn submit_together(app: &App, actor: &Actor, input: Submit) -> Result<Task> {
    let wish = Wish::new(actor, input)?;
    let (answer, answered) = oneshot::channel();
    if !app.submits.line_up(Waiting { wish, answer }) {
        return Err(app.metrics.load.shed(Overload::Submits));
    }
    if app.submits.is_new_to_attend() {
        app.store.spawn(write_waiting(app.clone()));
    }
    let unanswered = |_| Err(Error::internal("a submit has no answer"));
    answered.await.unwrap_or_else(unanswered)
}

/// Writes those that wait, until none does or somebody else attends to them.
async fn write_waiting(app: App) {
    loop {
        let writing = app.submits.0.writing.lock().await;
        // Whoever comes from now on is not seen for sure.
        app.submits.0.is_attended.store(false, Ordering::SeqCst);
        let (wishes, answers): (Vec<_>, Vec<_>) = app.submits.take().into_iter().unzip();
        let wishes: Vec<&Wish> = wishes.iter().collect();
        let results = AssertUnwindSafe(write_all(&app, &wishes)).catch_unwind();
        let results = results.await.unwrap_or_else(|_| {
            let panicked = || Err(Error::internal("a submit panicked"));
            wishes.iter().map(|_| panicked()).collect()
        });
        for (answer, result) in answers.into_iter().zip(results) {
            // One that is no longer waited for is kept all the same.
            let _ = answer.send(result);
        }
        drop(writing);
        if app.submits.n_waiting() == 0 || !app.submits.is_new_to_attend() {
            return;
        }
    }
}

async fn write_all(app: &App, wishes: &[&Wish]) -> Vec<Result<Task>> {
    if wishes.is_empty() {
        return Vec::new();
    }
    match write(app, wishes).await {
        Ok(results) => results,
        Err(error) if wishes.len() == 1 || matches!(error, Error::Unavailable { .. }) => {
            of_all(error, wishes.len())
        }
        // It is the matter of one of them, which is to keep none of the others.
        Err(_) => one_by_one(app, wishes).await,
    }
}

async fn write(app: &App, wishes: &[&Wish]) -> Result<Vec<Result<Task>>> {
    // Nobody else submits here meanwhile, so what is read stays true.
    let checked = check::check(app.reader(), app, wishes, app.now()).await?;
    let mut tx = app.begin().await?;
    let results = submit_all(&mut tx, app, wishes, checked).await?;
    tx.commit().await?;
    Ok(results)
}

async fn one_by_one(app: &App, wishes: &[&Wish]) -> Vec<Result<Task>> {
    let mut results = Vec::new();
    for wish in wishes {
        match write(app, &[*wish]).await {
            Ok(result) => results.extend(result),
            Err(error) => results.push(Err(error)),
        }
    }
    results
}

/// The failure of a write, as each of those who shared it hears of it.
fn of_all(error: Error, count: usize) -> Vec<Result<Task>> {
    if count == 1 {
        return vec![Err(error)];
    }
    let error = Arc::new(error);
    let of_one = || Error::Unavailable {
        what: "the database",
        source: Box::new(Arc::clone(&error)),
    };
    (0..count).map(|_| Err(of_one())).collect()
}

impl Submits {
    /// Puts it at the end of the line, if there is room.
    fn line_up(&self, one: Waiting) -> bool {
        let mut waiting = self.waiting();
        let has_room = waiting.len() < MOST_WAITING;
        if has_room {
            waiting.push_back(one);
        }
        has_room
    }

    /// Whether nobody waits to look at the line yet; from now on somebody does.
    fn is_new_to_attend(&self) -> bool {
        !self.0.is_attended.swap(true, Ordering::SeqCst)
    }

    /// Those that are written next. The same key twice is never in one write: the second is to find the task of the
    /// first.
    fn take(&self) -> Vec<(Wish, oneshot::Sender<Result<Task>>)> {
        let mut waiting = self.waiting();
        let mut keys = BTreeSet::new();
        let is_alone = |one: &&Waiting| match keys::owned_key(&one.wish) {
            Some((user, key)) => keys.insert((user, key.to_owned())),
            None => true,
        };
        let count = waiting.iter().take(MOST_TOGETHER).take_while(is_alone);
        let count = count.count();
        let taken = waiting.drain(..count);
        taken.map(|one| (one.wish, one.answer)).collect()
    }

    /// Lets nobody else write.
    #[cfg(any(test, feature = "testing"))]
    pub async fn writing(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.0.writing.lock().await
    }

    /// How many wait.
    pub fn n_waiting(&self) -> usize {
        self.waiting().len()
    }

    /// No step leaves the line half changed, so a panic elsewhere does not matter.
    fn waiting(&self) -> MutexGuard<'_, VecDeque<Waiting>> {
        let waiting = self.0.waiting.lock();
        waiting.unwrap_or_else(PoisonError::into_inner)
    }
}
