//! One evaluation for everybody who is at the end of the same log with the same question.
//!
//! ```text
//! tailer ──▶ evaluation ──▶ answers, each from a place to a place ──┬──▶ follower
//!            one per question                                       └──▶ follower
//! ```
//!
//! A follower first has the request evaluated for itself, until there is no more for now, then takes its answers from the
//! feed of its question. One that does not begin where the follower stands is not for it: it reads up to there by itself.
//! So does whoever was too slow. Invariant: each answer that it is given begins where the one before ended.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::logs::Cursor;
use futures_util::stream::BoxStream;
use futures_util::{StreamExt, stream};
use tokio::sync::broadcast;
use tokio_util::task::TaskTracker;

use super::course::{Course, Step, Until};
use crate::answer::Answer;
use crate::shared::Question;

/// How many answers a follower may be behind.
const CAPACITY: usize = 16;

/// Evaluates a question on a course.
pub(crate) type Evaluate =
    Arc<dyn Fn(&Question, Course) -> BoxStream<'static, Answer> + Send + Sync>;

/// An answer for all who stand where it begins.
#[derive(Debug)]
struct Part {
    step: Step,
    answer: Answer,
}

/// The feeds that run, by their question.
#[derive(Clone, Default)]
pub(crate) struct Feeds(Arc<Mutex<Running>>);

type Running = HashMap<Arc<Question>, Arc<Feed>>;

struct Feed {
    parts: broadcast::Sender<Arc<Part>>,
    /// Where the next part begins.
    place: Mutex<Cursor>,
}

impl Feeds {
    /// The answers to a question about a log; `first` is the evaluation of the request as it came.
    pub(crate) fn follow(
        &self,
        question: Question,
        tracker: &TaskTracker,
        first: impl FnOnce(Course) -> BoxStream<'static, Answer>,
        evaluate: Evaluate,
    ) -> BoxStream<'static, Answer> {
        let course = Course::new(None, Until::Now);
        let follower = Follower {
            feeds: self.clone(),
            question: Arc::new(question),
            tracker: tracker.clone(),
            evaluate,
            alone: Some((first(course.clone()), course)),
            beside: None,
            after: None,
        };
        stream::unfold(Some(follower), |follower| async move {
            let mut follower = follower?;
            let (answer, ended) = follower.next().await?;
            Some((answer, (!ended).then_some(follower)))
        })
        .boxed()
    }

    /// How many run.
    pub(crate) fn count(&self) -> usize {
        lock(&self.0).len()
    }

    /// The parts from a place on: of the feed that runs already, which may be somewhere else, or of a new one.
    fn join(&self, follower: &Follower, after: Cursor) -> (broadcast::Receiver<Arc<Part>>, Cursor) {
        let mut running = lock(&self.0);
        if let Some(feed) = running.get(&follower.question) {
            // The lock keeps it from giving out a part in between.
            let place = lock(&feed.place);
            return (feed.parts.subscribe(), *place);
        }
        let (sender, parts) = broadcast::channel(CAPACITY);
        let feed = Arc::new(Feed {
            parts: sender,
            place: Mutex::new(after),
        });
        running.insert(Arc::clone(&follower.question), Arc::clone(&feed));
        drop(running);
        let course = Course::new(Some(after), Until::Ever);
        let evaluation = Evaluation {
            feeds: self.clone(),
            question: Arc::clone(&follower.question),
            feed,
            course: course.clone(),
        };
        let answers = (follower.evaluate)(&follower.question, course);
        follower.tracker.spawn(evaluation.run(answers));
        (parts, after)
    }
}

/// No step leaves what is locked half changed, so a panic elsewhere does not matter.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One who follows.
struct Follower {
    feeds: Feeds,
    question: Arc<Question>,
    tracker: TaskTracker,
    evaluate: Evaluate,
    /// While it reads by itself.
    alone: Option<(BoxStream<'static, Answer>, Course)>,
    /// Its place in the feed, once it has one.
    beside: Option<broadcast::Receiver<Arc<Part>>>,
    /// Everything before it was given out, nothing behind it; absent at the beginning of the log.
    after: Option<Cursor>,
}

impl Follower {
    /// The next answer, and whether it is the last.
    async fn next(&mut self) -> Option<(Answer, bool)> {
        loop {
            if let Some((answers, course)) = &mut self.alone {
                let answer = answers.next().await;
                let step = course.take();
                self.after = step.map(|step| step.cursor).or(self.after);
                if let Some(answer) = answer {
                    let has_failed = matches!(answer, Answer::Failure { .. });
                    return Some((answer, has_failed || step.is_some_and(|step| step.ended)));
                }
                self.alone = None;
            }
            let after = self.after?;
            let Some(parts) = &mut self.beside else {
                let (parts, place) = self.feeds.join(self, after);
                self.beside = Some(parts);
                if after < place {
                    self.read_alone(Until::Place(place));
                }
                continue;
            };
            match parts.recv().await {
                Ok(part) if part.step.start == self.after => {
                    self.after = Some(part.step.cursor);
                    return Some((part.answer.clone(), part.step.ended));
                }
                // Given out already.
                Ok(part) if part.step.cursor <= after && !part.step.ended => {}
                Ok(part) if !part.step.ended => self.read_alone(Until::Place(part.step.cursor)),
                // The end, or it was too slow, or the evaluation has failed: if for good, it learns so by itself.
                Ok(_) | Err(_) => {
                    self.beside = None;
                    self.read_alone(Until::Now);
                }
            }
        }
    }

    fn read_alone(&mut self, until: Until) {
        let course = Course::new(self.after, until);
        self.alone = Some(((self.evaluate)(&self.question, course.clone()), course));
    }
}

/// A feed at work.
struct Evaluation {
    feeds: Feeds,
    question: Arc<Question>,
    feed: Arc<Feed>,
    course: Course,
}

impl Evaluation {
    async fn run(self, mut answers: BoxStream<'static, Answer>) {
        loop {
            tokio::select! {
                answer = answers.next() => match (answer, self.course.take()) {
                    (Some(answer), Some(step)) => self.give(Part { step, answer }),
                    // What went wrong is told to each of those who ask again.
                    _ => return,
                },
                () = self.feed.parts.closed() => if self.is_left() {
                    return;
                },
            }
        }
    }

    fn give(&self, part: Part) {
        let mut place = lock(&self.feed.place);
        *place = part.step.cursor;
        // Nobody following is fine: that ends it.
        let _ = self.feed.parts.send(Arc::new(part));
    }

    /// Whether really nobody follows: then nobody joins any more either.
    fn is_left(&self) -> bool {
        let mut running = lock(&self.feeds.0);
        let is_left = self.feed.parts.receiver_count() == 0;
        if is_left {
            self.forget(&mut running);
        }
        is_left
    }

    /// A successor for the same question stays.
    fn forget(&self, running: &mut Running) {
        if let Some(feed) = running.get(&self.question)
            && Arc::ptr_eq(feed, &self.feed)
        {
            running.remove(&self.question);
        }
    }
}

/// However it ends, nobody joins it afterwards, and those who follow learn of the end.
impl Drop for Evaluation {
    fn drop(&mut self) {
        self.forget(&mut lock(&self.feeds.0));
    }
}
