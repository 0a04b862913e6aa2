//! Many subscribers of one evaluation.

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
        let mut results =
            [(); 2].map(|()| evaluations.join((question.clone(), Kind::State), &tracker, begin));
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
    let mut results = evaluations.join((question().await, Kind::State), &tracker, begin);
    let patience = Duration::from_secs(60);
    let ended = tokio::time::timeout(patience, results.next()).await;
    assert_eq!(ended, Ok(None));
    assert!(evaluations.lock().is_empty());
}

#[tokio::test]
async fn whoever_is_too_far_behind_is_told_that_changes_were_lost() {
    let (evaluations, tracker) = (Evaluations::default(), TaskTracker::new());
    let (gate, open) = tokio::sync::oneshot::channel::<()>();
    let changes = (0..=CAPACITY).map(|n| answer(&n.to_string()));
    let after_it = stream::once(open).filter_map(async |_| None);
    let begin = || after_it.chain(stream::iter(changes)).boxed();
    let question = (question().await, Kind::Changes);
    let mut slow = evaluations.join(question, &tracker, begin);
    gate.send(()).unwrap();
    tracker.close();
    tracker.wait().await;
    let Some(Answer::Failure { errors, .. }) = slow.next().await else {
        panic!("some are lost");
    };
    assert!(errors.contains("CONFLICT"), "{errors}");
    assert_eq!(slow.next().await, None);
}

#[tokio::test]
async fn changes_are_evaluated_once_and_each_comes_to_everybody_in_order() {
    let (evaluations, tracker) = (Evaluations::default(), TaskTracker::new());
    let question = question().await;
    let (sender, changes) = tokio::sync::mpsc::unbounded_channel();
    let mut begin = Some(stream::unfold(changes, |mut changes| async {
        let answer = changes.recv().await?;
        Some((answer, changes))
    }));
    let mut all = [(); 100].map(|()| {
        let question = (question.clone(), Kind::Changes);
        evaluations.join(question, &tracker, || begin.take().unwrap().boxed())
    });
    for text in ["first", "second"] {
        sender.send(answer(text)).unwrap();
    }
    drop(sender);
    let mut texts = Vec::new();
    for results in &mut all {
        let Some(Answer::Result(text)) = results.next().await else {
            panic!("there is a first");
        };
        texts.push(text);
        assert_eq!(results.next().await, Some(answer("second")));
        assert_eq!(results.next().await, None);
    }
    assert!(texts.iter().all(|text| Arc::ptr_eq(text, &texts[0])));
    assert!(evaluations.lock().is_empty());
}

#[test]
fn only_subscriptions_to_states_and_changes_are_shared() {
    let kind = |query: &str, name: Option<&str>| {
        kind_of(Request::new(query).parsed_query().unwrap(), name)
    };
    let aliased = "subscription { a: taskChanged(id: 1) { id } }";
    assert_eq!(kind(aliased, None), Some(Kind::State));
    let many = "subscription { tasksChanged { id } }";
    assert_eq!(kind(many, None), Some(Kind::Changes));
    let two = "query Q { me { name } } subscription S { taskChanged(id: 1) { id } }";
    assert_eq!(kind(two, Some("S")), Some(Kind::State));
    assert_eq!(kind(two, Some("Q")), None);
    for query in [
        "{ taskChanged }",
        "subscription { taskLogAppended(id: 1) { cursor } }",
        "subscription { ...F } fragment F on Subscription { taskChanged(id: 1) { id } }",
    ] {
        assert_eq!(kind(query, None), None, "{query}");
    }
}
