//! One evaluation for everybody who asks for the same.
//!
//! ```text
//! events ──▶ evaluation ──▶ newest answer ──┬──▶ subscriber
//!            one tracked task               └──▶ subscriber
//! ```
//!
//! Only subscriptions whose results are states are shared: of those the newest is all that counts, so a subscriber needs
//! no queue. Whoever is slow, or comes later, gets the newest.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_graphql::parser::types::{ExecutableDocument, OperationType, Selection};
use async_graphql::{Name, Request};
use domain::auth::Actor;
use futures_util::stream::BoxStream;
use futures_util::{StreamExt, stream};
use tokio::sync::watch;
use tokio_util::task::TaskTracker;

use crate::answer::Answer;

/// Subscriptions whose results are states.
const STATES: [&str; 1] = ["taskChanged"];

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

/// Whether the operation of a document that is chosen by its name, if it has one, is a subscription to a state.
pub(crate) fn is_state(document: &ExecutableDocument, name: Option<&str>) -> bool {
    let is_chosen = |other: Option<&Name>| name.is_none() || other.map(Name::as_str) == name;
    let mut operations = document.operations.iter();
    let Some((_, operation)) = operations.find(|(other, _)| is_chosen(*other)) else {
        return false;
    };
    let is_state = |selection: &Selection| match selection {
        Selection::Field(field) => STATES.contains(&field.node.name.node.as_str()),
        Selection::FragmentSpread(_) | Selection::InlineFragment(_) => false,
    };
    operation.node.ty == OperationType::Subscription
        && matches!(operation.node.selection_set.node.items.as_slice(), [only] if is_state(&only.node))
}

/// The newest answer; absent before the first. The channel closes after the last.
type Newest = watch::Sender<Option<Answer>>;

/// The evaluations that run, by their question.
#[derive(Debug, Clone, Default)]
pub(crate) struct Evaluations(Arc<Mutex<HashMap<Question, Arc<Newest>>>>);

impl Evaluations {
    /// The answers to a question: of the evaluation that runs already, else of a new one on the tracker, which runs
    /// until it is over or nobody listens any more.
    pub(crate) fn join(
        &self,
        question: Question,
        tracker: &TaskTracker,
        begin: impl FnOnce() -> BoxStream<'static, Answer>,
    ) -> BoxStream<'static, Answer> {
        let mut running = self.lock();
        let newest = if let Some(newest) = running.get(&question) {
            let mut newest = newest.subscribe();
            newest.mark_changed();
            newest
        } else {
            let (sender, newest) = watch::channel(None);
            let sender = Arc::new(sender);
            running.insert(question.clone(), Arc::clone(&sender));
            let evaluation = Evaluation {
                evaluations: self.clone(),
                question,
                newest: sender,
            };
            tracker.spawn(evaluation.run(begin()));
            newest
        };
        drop(running);
        let answers = stream::unfold(newest, |mut newest| async move {
            loop {
                newest.changed().await.ok()?;
                let answer = newest.borrow_and_update().clone();
                if let Some(answer) = answer {
                    return Some((answer, newest));
                }
            }
        });
        answers.boxed()
    }

    /// How many run.
    pub(crate) fn count(&self) -> usize {
        self.lock().len()
    }

    /// No step leaves the map half changed, so a panic elsewhere does not matter.
    fn lock(&self) -> MutexGuard<'_, HashMap<Question, Arc<Newest>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One that runs.
struct Evaluation {
    evaluations: Evaluations,
    question: Question,
    newest: Arc<Newest>,
}

impl Evaluation {
    async fn run(self, mut answers: BoxStream<'static, Answer>) {
        loop {
            tokio::select! {
                answer = answers.next() => match answer {
                    Some(answer) => _ = self.newest.send_replace(Some(answer)),
                    None => return,
                },
                () = self.newest.closed() => if self.is_left() {
                    return;
                },
            }
        }
    }

    /// Whether really nobody listens: then nobody joins any more either.
    fn is_left(&self) -> bool {
        let mut running = self.evaluations.lock();
        let is_left = self.newest.receiver_count() == 0;
        if is_left {
            self.forget(&mut running);
        }
        is_left
    }

    /// A successor for the same question stays.
    fn forget(&self, running: &mut HashMap<Question, Arc<Newest>>) {
        if let Some(newest) = running.get(&self.question)
            && Arc::ptr_eq(newest, &self.newest)
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

#[cfg(test)]
mod tests {
    use std::task::{Context, Poll};
    use std::time::Duration;

    use serde_json::{Value, json};

    use super::*;
    use crate::auth::Bearer;
    use crate::testing::{Results, TestApi, refusal, statements_of};

    const ONE: &str = "subscription ($id: ID!) { taskChanged(id: $id) {
        state user { name } currentRun { number pods { rank state } }
    } }";
    const STOP: &str = "mutation ($id: ID!) { stopTask(id: $id) { id } }";

    async fn state(results: &mut Results) -> Option<Value> {
        let mut result = results.next().await?;
        assert!(result.get("errors").is_none(), "{result}");
        Some(result["data"]["taskChanged"]["state"].take())
    }

    /// Statements from a change until so many subscribers of it know.
    async fn statements_of_a_change(n_subscribers: usize) -> usize {
        let api = TestApi::with_nodes(1).await;
        let id = json!({ "id": api.platform.submit("t", 1).await.id.to_string() });
        let mut all = Vec::new();
        for _ in 0..n_subscribers {
            let mut results = api.follow(&api.platform.root_token, ONE, id.clone());
            assert_eq!(state(&mut results).await, Some(json!("WAITING_INIT")));
            all.push(results);
        }
        statements_of(async {
            api.root(STOP, id).await;
            for results in &mut all {
                assert_eq!(state(results).await, Some(json!("FINISHED")));
                assert_eq!(state(results).await, None);
            }
        })
        .await
    }

    #[tokio::test]
    async fn a_change_costs_the_same_for_a_hundred_subscribers_as_for_one() {
        let one = statements_of_a_change(1).await;
        let hundred = statements_of_a_change(100).await;
        // Wake-ups of one change are heard together or one by one: then the evaluation looks twice.
        let slack = 5;
        assert!(one > 0 && hundred <= one + slack, "{hundred} for {one}");
    }

    #[tokio::test]
    async fn subscribers_share_the_very_bytes() {
        let api = TestApi::with_nodes(1).await;
        let id = api.platform.submit("t", 1).await.id;
        let query = format!("subscription {{ taskChanged(id: {id}) {{ state }} }}");
        let mut texts = Vec::new();
        let mut open = Vec::new();
        for _ in 0..2 {
            let bearer = Bearer::new(api.platform.root_token.reveal());
            let results = Arc::clone(&api.engine).results(Some(bearer), Request::new(&query));
            let mut results = results.boxed();
            let Some(Answer::Result(text)) = results.next().await else {
                panic!("the task is there");
            };
            texts.push(text);
            open.push(results);
        }
        assert!(Arc::ptr_eq(&texts[0], &texts[1]));
    }

    #[tokio::test]
    async fn what_one_may_see_is_not_shared_with_who_may_not() {
        let api = TestApi::with_nodes(1).await;
        let (_, stranger) = api.platform.user("stranger").await;
        let id = json!({ "id": api.platform.submit("t", 1).await.id.to_string() });
        let mut ours = api.follow(&api.platform.root_token, ONE, id.clone());
        assert_eq!(state(&mut ours).await, Some(json!("WAITING_INIT")));
        let mut theirs = api.follow(&stranger, ONE, id);
        assert_eq!(refusal(&theirs.next().await.unwrap()).code, "NOT_FOUND");
        assert_eq!(theirs.next().await, None);
    }

    #[tokio::test]
    async fn whoever_is_slow_gets_the_newest_state_only() {
        let api = TestApi::with_nodes(1).await;
        let id = api.platform.submit("t", 1).await.id;
        let variables = json!({ "id": id.to_string() });
        let token = &api.platform.root_token;
        let mut slow = api.follow(token, ONE, variables.clone());
        let mut fast = api.follow(token, ONE, variables);
        for results in [&mut slow, &mut fast] {
            assert_eq!(state(results).await, Some(json!("WAITING_INIT")));
        }
        api.platform.bring_up(id).await;
        while state(&mut fast).await != Some(json!("RUNNING")) {}
        api.platform.exit(id, 0, 0).await;
        api.platform.settle().await;
        while state(&mut fast).await.is_some() {}
        assert_eq!(state(&mut slow).await, Some(json!("FINISHED")));
        assert_eq!(state(&mut slow).await, None);
    }

    async fn question() -> Question {
        Question {
            query: "subscription { a }".to_owned(),
            operation: None,
            variables: "{}".to_owned(),
            asker: TestApi::with_nodes(1).await.platform.root,
        }
    }

    fn answer(text: &str) -> Answer {
        Answer::Result(text.into())
    }

    #[tokio::test]
    async fn an_evaluation_ends_when_nobody_listens_and_the_next_one_begins_anew() {
        let (evaluations, tracker) = (Evaluations::default(), TaskTracker::new());
        let question = question().await;
        for text in ["first", "second"] {
            let begin = || {
                stream::iter([answer(text)])
                    .chain(stream::pending())
                    .boxed()
            };
            let mut results = [(); 2].map(|()| evaluations.join(question.clone(), &tracker, begin));
            for results in &mut results {
                assert_eq!(results.next().await, Some(answer(text)));
            }
            assert_eq!(tracker.len(), 1);
            drop(results);
            tracker.close();
            tracker.wait().await;
            assert!(evaluations.lock().is_empty());
        }
    }

    #[tokio::test]
    async fn an_evaluation_that_breaks_off_ends_for_everybody() {
        let (evaluations, tracker) = (Evaluations::default(), TaskTracker::new());
        let broken = |_: &mut Context<'_>| -> Poll<Option<Answer>> { panic!("the test wants it") };
        let begin = || stream::poll_fn(broken).boxed();
        let mut results = evaluations.join(question().await, &tracker, begin);
        let patience = Duration::from_secs(60);
        let ended = tokio::time::timeout(patience, results.next()).await;
        assert_eq!(ended, Ok(None));
        assert!(evaluations.lock().is_empty());
    }

    #[test]
    fn only_subscriptions_to_states_are_shared() {
        let is_shared = |query: &str, name: Option<&str>| {
            is_state(Request::new(query).parsed_query().unwrap(), name)
        };
        assert!(is_shared(
            "subscription { a: taskChanged(id: 1) { id } }",
            None
        ));
        let two = "query Q { me { name } } subscription S { taskChanged(id: 1) { id } }";
        assert!(is_shared(two, Some("S")));
        assert!(!is_shared(two, Some("Q")));
        for query in [
            "{ taskChanged }",
            "subscription { tasksChanged { id } }",
            "subscription { taskLogAppended(id: 1) { cursor } }",
            "subscription { ...F } fragment F on Subscription { taskChanged(id: 1) { id } }",
        ] {
            assert!(!is_shared(query, None), "{query}");
        }
    }
}
