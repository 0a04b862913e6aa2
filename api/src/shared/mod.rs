//! One evaluation for everybody who asks for the same.
//!
//! ```text
//! events ──▶ evaluation ──▶ newest answer or last answers ──┬──▶ subscriber
//!            one tracked task                               └──▶ subscriber
//! ```
//!
//! Of a state the newest answer is all that counts, so a subscriber needs no queue: whoever is slow, or comes later, gets
//! the newest. Of changes each counts: an evaluation keeps the last ones for all its subscribers together, and who is
//! further behind, or comes with a position, reads alone what it missed and then joins.
//!
//! Where a subscriber goes on is no part of the question: of a state nobody is given twice in a row what has the same
//! cursor, and whoever comes with one begins as if it had been given the state of that cursor.

mod after;
mod each;
mod newest;
mod question;
#[cfg(test)]
mod tests;

pub(crate) use each::Each;
pub(crate) use newest::Newest;
pub(crate) use question::{Asked, Question, Wanted};

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::task::{Position, Snapshot};
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use question::Kind;
use tokio_util::task::TaskTracker;

use crate::answer::Answer;
use crate::id;

/// For whom an evaluation reads.
#[derive(Debug, Clone)]
pub(crate) enum Share {
    /// For all who follow a state.
    Newest(Arc<Newest>),
    /// For all who follow changes.
    Each(Arc<Each>),
    /// For one who knows everything up to a position, and will join the others behind what is visible in the snapshot.
    Until(Position, Snapshot),
}

/// Begins an evaluation.
pub(crate) type Begin = Arc<dyn Fn(Share) -> BoxStream<'static, Answer> + Send + Sync>;

/// Where the answers of an evaluation go. The channel closes after the last.
#[derive(Debug, Clone)]
enum Answers {
    Newest(Arc<Newest>),
    Each(Arc<Each>),
}

impl Answers {
    fn new(kind: Kind) -> Self {
        match kind {
            Kind::State => Self::Newest(Arc::default()),
            Kind::Changes | Kind::Log => Self::Each(Arc::default()),
        }
    }

    fn share(&self) -> Share {
        match self {
            Self::Newest(newest) => Share::Newest(Arc::clone(newest)),
            Self::Each(each) => Share::Each(Arc::clone(each)),
        }
    }

    fn give(&self, answer: Answer) {
        match self {
            Self::Newest(newest) => newest.give(answer),
            Self::Each(each) => each.give(answer),
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
            Self::Newest(newest) => newest.is_left(),
            Self::Each(each) => each.is_left(),
        }
    }

    fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Newest(one), Self::Newest(other)) => Arc::ptr_eq(one, other),
            (Self::Each(one), Self::Each(other)) => Arc::ptr_eq(one, other),
            _ => false,
        }
    }

    /// What a subscriber gets that comes now.
    fn listen(&self, after: Option<String>, begin: &Begin) -> BoxStream<'static, Answer> {
        match self {
            Self::Newest(newest) => newest.listen(after),
            Self::Each(each) => {
                let known = after.as_deref().and_then(|after| id::position(after).ok());
                each.listen(known, Arc::clone(begin))
            }
        }
    }
}

/// The evaluations that run, by their question.
#[derive(Debug, Clone, Default)]
pub(crate) struct Evaluations(Arc<Mutex<HashMap<Question, Answers>>>);

impl Evaluations {
    /// The answers to a question: of the evaluation that runs already, else of a new one on the tracker, which runs
    /// until it is over or nobody listens any more.
    pub(crate) fn join(
        &self,
        wanted: Wanted,
        tracker: &TaskTracker,
        begin: &Begin,
    ) -> BoxStream<'static, Answer> {
        let question = wanted.question;
        let mut running = self.lock();
        if let Some(answers) = running.get(&question) {
            return answers.listen(wanted.after, begin);
        }
        let answers = Answers::new(wanted.kind);
        let results = answers.listen(wanted.after, begin);
        running.insert(question.clone(), answers.clone());
        drop(running);
        let reading = begin(answers.share());
        let evaluation = Evaluation {
            evaluations: self.clone(),
            question,
            answers,
        };
        tracker.spawn(evaluation.run(reading));
        results
    }

    /// How many run.
    pub(crate) fn count(&self) -> usize {
        self.lock().len()
    }

    /// No step leaves the map half changed, so a panic elsewhere does not matter.
    fn lock(&self) -> MutexGuard<'_, HashMap<Question, Answers>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One that runs.
struct Evaluation {
    evaluations: Evaluations,
    question: Question,
    answers: Answers,
}

impl Evaluation {
    async fn run(self, mut results: BoxStream<'static, Answer>) {
        loop {
            tokio::select! {
                answer = results.next() => match answer {
                    Some(answer) => self.answers.give(answer),
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
    fn forget(&self, running: &mut HashMap<Question, Answers>) {
        if let Some(answers) = running.get(&self.question)
            && answers.is(&self.answers)
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
