//! One evaluation for everybody who asks for the same.
//!
//! ```text
//! events ──▶ evaluation ──▶ newest answer or last answers ──┬──▶ subscriber
//!            one tracked task                               └──▶ subscriber
//! ```
//!
//! Of a state the newest answer is all that counts, so a subscriber needs no queue: whoever is slow, or comes later, gets
//! the newest. Of changes each counts, from the moment on at which one comes: an evaluation keeps the last ones for all
//! its subscribers together, and who is further behind is told that some were lost.
//!
//! Where a subscriber goes on is no part of the question: of a state nobody is given twice in a row what has the same
//! cursor, and whoever comes with one begins as if it had been given the state of that cursor.

mod after;
mod place;
mod question;
#[cfg(test)]
mod tests;

pub(crate) use place::Place;
pub(crate) use question::{Asked, Question, Wanted};

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_graphql::Response;
use domain::Error;
use futures_util::stream::BoxStream;
use futures_util::{StreamExt, stream};
use question::Kind;
use tokio::sync::{broadcast, watch};
use tokio_util::task::TaskTracker;

use crate::answer::Answer;
use crate::error;

/// How many changes a subscriber may be behind.
const CAPACITY: usize = 1024;

/// Where the answers of an evaluation go. The channel closes after the last.
#[derive(Debug)]
enum Answers {
    /// The newest, with its cursor if it has one; absent before the first.
    Newest(watch::Sender<Option<State>>),
    /// Each.
    Each(broadcast::Sender<Answer>),
}

impl Answers {
    fn new(kind: Kind) -> Self {
        match kind {
            Kind::State => Self::Newest(watch::Sender::new(None)),
            Kind::Changes | Kind::Log => Self::Each(broadcast::Sender::new(CAPACITY)),
        }
    }

    fn give(&self, answer: Answer, cursor: Option<String>) {
        match self {
            Self::Newest(newest) => {
                _ = newest.send_if_modified(|state| {
                    // What nobody has asked for is no news: the place in the line moves all the time.
                    let shows = cursor.is_none()
                        || state.as_ref().is_none_or(|(before, _)| *before != answer);
                    *state = Some((answer, cursor));
                    shows
                })
            }
            // Nobody listening is fine: that ends the evaluation.
            Self::Each(each) => _ = each.send(answer),
        }
    }

    async fn closed(&self) {
        match self {
            Self::Newest(newest) => newest.closed().await,
            Self::Each(each) => each.closed().await,
        }
    }

    fn is_left(&self) -> bool {
        match self {
            Self::Newest(newest) => newest.receiver_count() == 0,
            Self::Each(each) => each.receiver_count() == 0,
        }
    }

    /// What a subscriber gets that comes now and knows a state already.
    fn listen(&self, after: Option<String>) -> BoxStream<'static, Answer> {
        match self {
            Self::Newest(newest) => {
                let mut newest = newest.subscribe();
                newest.mark_changed();
                stream::unfold((newest, after), newer).boxed()
            }
            Self::Each(each) => stream::unfold(Some(each.subscribe()), next).boxed(),
        }
    }
}

/// An answer of which only the newest counts, and the cursor of the state in it, if it has one.
type State = (Answer, Option<String>);
/// Where the newest comes, and the cursor of the one before.
type Newest = (watch::Receiver<Option<State>>, Option<String>);

/// The next state, unless it is the one before: states that a slow subscriber has missed may have led back to it.
async fn newer((mut newest, before): Newest) -> Option<(Answer, Newest)> {
    loop {
        newest.changed().await.ok()?;
        let state = newest.borrow_and_update().clone();
        let Some((answer, cursor)) = state else {
            continue;
        };
        if cursor.is_none() || cursor != before {
            return Some((answer, (newest, cursor)));
        }
    }
}

type Each = Option<broadcast::Receiver<Answer>>;

async fn next(each: Each) -> Option<(Answer, Each)> {
    let mut each = each?;
    match each.recv().await {
        Ok(answer) => Some((answer, Some(each))),
        Err(broadcast::error::RecvError::Closed) => None,
        Err(broadcast::error::RecvError::Lagged(_)) => {
            let advice = "some changes were lost: subscribe again, then read the list";
            let refusal = error::refusal(Error::Conflict(advice.to_owned()));
            let lost = error::told(Response::from_errors(vec![refusal])).into();
            Some((lost, None))
        }
    }
}

/// The evaluations that run, by their question.
#[derive(Debug, Clone, Default)]
pub(crate) struct Evaluations(Arc<Mutex<HashMap<Question, Arc<Answers>>>>);

impl Evaluations {
    /// The answers to a question: of the evaluation that runs already, else of a new one on the tracker, which runs
    /// until it is over or nobody listens any more. Whoever gives a state notes its cursor in the place.
    pub(crate) fn join(
        &self,
        wanted: Wanted,
        tracker: &TaskTracker,
        begin: impl FnOnce(Place) -> BoxStream<'static, Answer>,
    ) -> BoxStream<'static, Answer> {
        let question = wanted.question;
        let mut running = self.lock();
        if let Some(answers) = running.get(&question) {
            return answers.listen(wanted.after);
        }
        let answers = Arc::new(Answers::new(wanted.kind));
        let results = answers.listen(wanted.after);
        running.insert(question.clone(), Arc::clone(&answers));
        drop(running);
        let place = Place::default();
        let evaluation = Evaluation {
            evaluations: self.clone(),
            question,
            answers,
            place: place.clone(),
        };
        tracker.spawn(evaluation.run(begin(place)));
        results
    }

    /// How many run.
    pub(crate) fn count(&self) -> usize {
        self.lock().len()
    }

    /// No step leaves the map half changed, so a panic elsewhere does not matter.
    fn lock(&self) -> MutexGuard<'_, HashMap<Question, Arc<Answers>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One that runs.
struct Evaluation {
    evaluations: Evaluations,
    question: Question,
    answers: Arc<Answers>,
    place: Place,
}

impl Evaluation {
    async fn run(self, mut results: BoxStream<'static, Answer>) {
        loop {
            tokio::select! {
                answer = results.next() => match answer {
                    Some(answer) => self.answers.give(answer, self.place.take()),
                    None => return,
                },
                () = self.answers.closed() => if self.is_left() {
                    return;
                },
            }
        }
    }

    /// Whether really nobody listens: then nobody joins any more either.
    fn is_left(&self) -> bool {
        let mut running = self.evaluations.lock();
        let is_left = self.answers.is_left();
        if is_left {
            self.forget(&mut running);
        }
        is_left
    }

    /// A successor for the same question stays.
    fn forget(&self, running: &mut HashMap<Question, Arc<Answers>>) {
        if let Some(answers) = running.get(&self.question)
            && Arc::ptr_eq(answers, &self.answers)
        {
            running.remove(&self.question);
        }
    }
}

/// However it ends, nobody joins it afterwards, and those who listen learn of the end.
impl Drop for Evaluation {
    fn drop(&mut self) {
        let mut running = self.evaluations.lock();
        self.forget(&mut running);
    }
}
