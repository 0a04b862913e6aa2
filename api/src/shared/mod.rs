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

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_graphql::parser::types::{ExecutableDocument, OperationType, Selection};
use async_graphql::{Name, Request, Response};
use domain::Error;
use domain::auth::Actor;
use futures_util::stream::BoxStream;
use futures_util::{StreamExt, stream};
use tokio::sync::{broadcast, watch};
use tokio_util::task::TaskTracker;

use crate::answer::Answer;
use crate::error;

/// How many changes a subscriber may be behind.
const CAPACITY: usize = 1024;

/// What the results of a subscription are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// States of one thing, each of which makes the one before it worthless.
    State,
    /// Changes of many things.
    Changes,
}

/// The subscriptions that are shared.
const SHARED: [(&str, Kind); 2] = [
    ("taskChanged", Kind::State),
    ("tasksChanged", Kind::Changes),
];

/// What must be the same for the answers to be the same.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Question {
    query: String,
    operation: Option<String>,
    variables: String,
    asker: Actor,
}

impl Question {
    /// The question behind a request.
    pub(crate) fn new(request: &Request, asker: &Actor) -> Self {
        let variables = serde_json::to_string(&request.variables);
        Self {
            query: request.query.clone(),
            operation: request.operation_name.clone(),
            variables: variables.expect("variables are plain data with string keys"),
            asker: asker.clone(),
        }
    }
}

/// What the results of an operation of a document are, chosen by its name, if it has one; absent for what is not shared.
pub(crate) fn kind_of(document: &ExecutableDocument, name: Option<&str>) -> Option<Kind> {
    let is_chosen = |other: Option<&Name>| name.is_none() || other.map(Name::as_str) == name;
    let mut operations = document.operations.iter();
    let (_, operation) = operations.find(|(other, _)| is_chosen(*other))?;
    if operation.node.ty != OperationType::Subscription {
        return None;
    }
    let [only] = operation.node.selection_set.node.items.as_slice() else {
        return None;
    };
    let Selection::Field(field) = &only.node else {
        return None;
    };
    let name = field.node.name.node.as_str();
    let shared = SHARED.into_iter().find(|(shared, _)| *shared == name);
    shared.map(|(_, kind)| kind)
}

/// Where the answers of an evaluation go. The channel closes after the last.
#[derive(Debug)]
enum Answers {
    /// The newest; absent before the first.
    Newest(watch::Sender<Option<Answer>>),
    /// Each.
    Each(broadcast::Sender<Answer>),
}

impl Answers {
    fn new(kind: Kind) -> Self {
        match kind {
            Kind::State => Self::Newest(watch::Sender::new(None)),
            Kind::Changes => Self::Each(broadcast::Sender::new(CAPACITY)),
        }
    }

    fn give(&self, answer: Answer) {
        match self {
            Self::Newest(newest) => _ = newest.send_replace(Some(answer)),
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

    /// What a subscriber gets that comes now.
    fn listen(&self) -> BoxStream<'static, Answer> {
        match self {
            Self::Newest(newest) => {
                let mut newest = newest.subscribe();
                newest.mark_changed();
                stream::unfold(newest, newer).boxed()
            }
            Self::Each(each) => stream::unfold(Some(each.subscribe()), next).boxed(),
        }
    }
}

type Receiver = watch::Receiver<Option<Answer>>;

async fn newer(mut newest: Receiver) -> Option<(Answer, Receiver)> {
    loop {
        newest.changed().await.ok()?;
        let answer = newest.borrow_and_update().clone();
        if let Some(answer) = answer {
            return Some((answer, newest));
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
    /// until it is over or nobody listens any more.
    pub(crate) fn join(
        &self,
        (question, kind): (Question, Kind),
        tracker: &TaskTracker,
        begin: impl FnOnce() -> BoxStream<'static, Answer>,
    ) -> BoxStream<'static, Answer> {
        let mut running = self.lock();
        if let Some(answers) = running.get(&question) {
            return answers.listen();
        }
        let answers = Arc::new(Answers::new(kind));
        let results = answers.listen();
        running.insert(question.clone(), Arc::clone(&answers));
        drop(running);
        let evaluation = Evaluation {
            evaluations: self.clone(),
            question,
            answers,
        };
        tracker.spawn(evaluation.run(begin()));
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
