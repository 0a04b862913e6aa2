//! Many subscribers of one evaluation.

use std::task::{Context, Poll};
use std::time::Duration;

use async_graphql::{Request, Variables};
use futures_util::{FutureExt, Stream, stream};
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
async fn subscribers_share_the_very_bytes_wherever_they_go_on() {
    let api = TestApi::with_nodes(1).await;
    let id = api.platform.submit("t", 1).await.id;
    let query =
        "subscription ($id: ID!, $after: String) { taskChanged(id: $id, after: $after) { state } }";
    let mut texts = Vec::new();
    let mut open = Vec::new();
    for after in [json!(null), json!(null), json!("one"), json!("other")] {
        let variables = json!({ "id": id.to_string(), "after": after });
        let request = Request::new(query).variables(Variables::from_json(variables));
        let bearer = Bearer::new(api.platform.root_token.reveal());
        let results = Arc::clone(&api.engine).results(Some(bearer), request);
        let mut results = results.boxed();
        let Some(Answer::Result(text)) = results.next().await else {
            panic!("the task is there");
        };
        texts.push(text);
        open.push(results);
    }
    assert!(texts.iter().all(|text| Arc::ptr_eq(text, &texts[0])));
}

/// The states of an evaluation with these cursors, as a subscriber gets them that knows one. Digits do not show.
async fn given(cursors: &[Option<&str>], after: Option<&str>) -> Vec<Answer> {
    let (evaluations, tracker) = (Evaluations::default(), TaskTracker::new());
    let (sender, states) = tokio::sync::mpsc::channel::<String>(1);
    let mut wanted = wanted(Kind::State).await;
    wanted.after = after.map(str::to_owned);
    let begin = once(move |share| {
        let Share::Newest(newest) = share else {
            panic!("it is for all who follow the state");
        };
        let states = stream::unfold(states, async |mut states| {
            let cursor = states.recv().await?;
            Some((cursor, states))
        });
        states
            .map(move |cursor| {
                if !cursor.is_empty() {
                    newest.note(cursor.clone(), newest.look());
                }
                answer(cursor.trim_end_matches(char::is_numeric))
            })
            .boxed()
    });
    let mut results = evaluations.join(wanted, &tracker, &begin);
    let mut given = Vec::new();
    for cursor in cursors {
        sender
            .send(cursor.unwrap_or_default().to_owned())
            .await
            .unwrap();
        // The evaluation takes its turn, then the subscriber.
        tokio::task::yield_now().await;
        given.extend(results.next().now_or_never().flatten());
    }
    given
}

#[tokio::test]
async fn a_state_is_not_given_to_whoever_was_given_it_last() {
    let all = [Some("a"), Some("a"), Some("b"), Some("a"), None, None];
    let texts = |texts: &[&str]| texts.iter().map(|text| answer(text)).collect::<Vec<_>>();
    for (after, expected) in [
        (None, texts(&["a", "b", "a", "", ""])),
        (Some("a"), texts(&["b", "a", "", ""])),
        (Some("b"), texts(&["a", "b", "a", "", ""])),
    ] {
        assert_eq!(given(&all, after).await, expected, "{after:?}");
    }
}

#[tokio::test]
async fn a_change_that_does_not_show_in_the_answer_is_not_told() {
    let states = ["a1", "a2", "b1", "b2", "b3", "a1"].map(Some);
    let expected = ["a", "b", "a"].map(answer);
    assert_eq!(given(&states, None).await, expected);
    // Who knows the first is told what follows it and shows.
    assert_eq!(given(&states, Some("a1")).await, expected[1..]);
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

/// Begins one evaluation only.
fn once(begin: impl FnOnce(Share) -> BoxStream<'static, Answer> + Send + 'static) -> Begin {
    let begin = Mutex::new(Some(begin));
    Arc::new(move |share| {
        let begin = begin.lock().unwrap().take();
        begin.expect("it is only begun once")(share)
    })
}

async fn wanted(kind: Kind) -> Wanted {
    Wanted {
        question: Question {
            query: "subscription { a }".to_owned(),
            operation: None,
            variables: "{}".to_owned(),
            asker: TestApi::with_nodes(1).await.platform.root,
        },
        kind,
        after: None,
    }
}

fn answer(text: &str) -> Answer {
    Answer::Result(text.into())
}

#[tokio::test]
async fn an_evaluation_ends_when_nobody_listens_and_the_next_one_begins_anew() {
    let (evaluations, tracker) = (Evaluations::default(), TaskTracker::new());
    let wanted = wanted(Kind::State).await;
    for text in ["first", "second"] {
        let begin = once(move |_| {
            stream::iter([answer(text)])
                .chain(stream::pending())
                .boxed()
        });
        let mut results = [(); 2].map(|()| evaluations.join(wanted.clone(), &tracker, &begin));
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
    let begin = once(move |_| stream::poll_fn(broken).boxed());
    let mut results = evaluations.join(wanted(Kind::State).await, &tracker, &begin);
    let patience = Duration::from_secs(60);
    let ended = tokio::time::timeout(patience, results.next()).await;
    assert_eq!(ended, Ok(None));
    assert!(evaluations.lock().is_empty());
}

/// Changes as an evaluation gives them: each is written by a write of its own.
fn changes(
    share: Share,
    numbers: impl Stream<Item = u32> + Send + 'static,
) -> BoxStream<'static, Answer> {
    let Share::Each(each) = share else {
        panic!("it is for all who follow the changes");
    };
    each.read_to(&"1:1:".parse().unwrap());
    let changes = numbers.map(move |number| {
        each.note(position(number));
        answer(&number.to_string())
    });
    changes.boxed()
}

/// Behind the change with this number, in the middle of what was visible at the end.
fn position(number: u32) -> Position {
    format!("1:1:/9999:9999:/{number}/7").parse().unwrap()
}

async fn texts(results: BoxStream<'static, Answer>) -> Vec<String> {
    let texts = results.map(|answer| answer.result().to_owned());
    texts.collect().await
}

#[tokio::test]
async fn whoever_is_too_far_behind_reads_alone_what_it_missed() {
    const N_CHANGES: u32 = 3000;
    let (evaluations, tracker) = (Evaluations::default(), TaskTracker::new());
    let (gate, open) = tokio::sync::oneshot::channel::<()>();
    let begin: Begin = {
        let open = Mutex::new(Some(open));
        Arc::new(move |share| match share {
            Share::Until(known, from) => {
                let text = format!("{known} to {from}");
                stream::iter([answer(&text)]).boxed()
            }
            share => {
                let open = open.lock().unwrap().take().unwrap();
                let after_it = stream::once(open).filter_map(async |_| None);
                changes(share, after_it.chain(stream::iter(2..2 + N_CHANGES)))
            }
        })
    };
    let slow = evaluations.join(wanted(Kind::Changes).await, &tracker, &begin);
    gate.send(()).unwrap();
    tracker.close();
    tracker.wait().await;
    let given = texts(slow).await;
    let expected = (2..2 + N_CHANGES).map(|number| number.to_string());
    let expected: Vec<_> = std::iter::once("1:1: to 1:1:".to_owned())
        .chain(expected)
        .collect();
    assert_eq!(given, expected);
}

#[tokio::test]
async fn whoever_comes_with_a_position_gets_what_was_sent_since_and_nothing_twice() {
    let (evaluations, tracker) = (Evaluations::default(), TaskTracker::new());
    let (sender, receiver) = tokio::sync::mpsc::unbounded_channel();
    let receiver = Mutex::new(Some(receiver));
    let begin: Begin = Arc::new(move |share| match share {
        Share::Until(..) => stream::iter([answer("alone")]).boxed(),
        share => {
            let receiver = receiver.lock().unwrap().take().unwrap();
            let numbers = stream::unfold(receiver, |mut receiver| async {
                let number = receiver.recv().await?;
                Some((number, receiver))
            });
            changes(share, numbers)
        }
    });
    let mut wanted = wanted(Kind::Changes).await;
    let mut first = evaluations.join(wanted.clone(), &tracker, &begin);
    for number in [2, 3, 4] {
        sender.send(number).unwrap();
        assert_eq!(first.next().await, Some(answer(&number.to_string())));
    }
    wanted.after = Some(id::of_position(&position(3)));
    let second = evaluations.join(wanted.clone(), &tracker, &begin);
    wanted.after = None;
    let third = evaluations.join(wanted, &tracker, &begin);
    sender.send(5).unwrap();
    drop(sender);
    assert_eq!(texts(second).await, ["alone", "4", "5"]);
    assert_eq!(texts(third).await, ["5"]);
    assert_eq!(texts(first).await, ["5"]);
    assert!(evaluations.lock().is_empty());
}

#[tokio::test]
async fn whoever_gets_changes_all_the_time_gets_several_at_once_and_a_few_without_delay() {
    const N_CHANGES: u32 = 100;
    const BETWEEN: Duration = Duration::from_millis(20);
    let (evaluations, tracker) = (Evaluations::default(), TaskTracker::new());
    let wanted = wanted(Kind::Changes).await;
    tokio::time::pause();
    let numbers = stream::iter(2..2 + N_CHANGES).then(async |number| {
        tokio::time::sleep(BETWEEN).await;
        number
    });
    let begin = once(move |share| changes(share, numbers));
    let mut results = evaluations.join(wanted, &tracker, &begin);
    let begun = tokio::time::Instant::now();
    let (mut given, mut moments) = (Vec::new(), Vec::new());
    while let Some(answer) = results.next().await {
        given.push(answer.result().to_owned());
        moments.push(begun.elapsed());
    }
    let all = (2..2 + N_CHANGES).map(|number| number.to_string());
    assert_eq!(given, all.collect::<Vec<_>>());
    let slack = Duration::from_millis(2);
    assert!(moments[0] <= BETWEEN + slack, "{:?}", moments[0]);
    let end = moments[moments.len() - 1];
    assert!(end <= BETWEEN * N_CHANGES + Duration::from_millis(100) + slack);
    moments.dedup();
    // Those at once, and then ten a second of two.
    assert!((20..=30).contains(&moments.len()), "{}", moments.len());
}

#[tokio::test]
async fn changes_are_evaluated_once_and_each_comes_to_everybody_in_order() {
    let (evaluations, tracker) = (Evaluations::default(), TaskTracker::new());
    let wanted = wanted(Kind::Changes).await;
    let begin = once(|share| changes(share, stream::iter([2, 3])));
    let all = [(); 100].map(|()| evaluations.join(wanted.clone(), &tracker, &begin));
    let mut firsts = Vec::new();
    for mut results in all {
        let Some(Answer::Result(text)) = results.next().await else {
            panic!("there is a first");
        };
        firsts.push(text);
        assert_eq!(texts(results).await, ["3"]);
    }
    assert!(firsts.iter().all(|text| Arc::ptr_eq(text, &firsts[0])));
    assert!(evaluations.lock().is_empty());
}

#[test]
fn only_some_subscriptions_are_shared() {
    let kind = |query: &str, name: Option<&str>| {
        let mut request = Request::new(query);
        let asked = Asked::of(request.parsed_query().unwrap(), name);
        asked.map(|asked| asked.kind)
    };
    let aliased = "subscription { a: taskChanged(id: 1) { id } }";
    assert_eq!(kind(aliased, None), Some(Kind::State));
    let many = "subscription { tasksChanged { id } }";
    assert_eq!(kind(many, None), Some(Kind::Changes));
    let log = "subscription { taskLogAppended(id: 1) { cursor } }";
    assert_eq!(kind(log, None), Some(Kind::Log));
    let two = "query Q { me { name } } subscription S { taskChanged(id: 1) { id } }";
    assert_eq!(kind(two, Some("S")), Some(Kind::State));
    assert_eq!(kind(two, Some("Q")), None);
    for query in [
        "{ taskChanged }",
        "subscription { agentOrders { desired } }",
        "subscription { ...F } fragment F on Subscription { taskChanged(id: 1) { id } }",
    ] {
        assert_eq!(kind(query, None), None, "{query}");
    }
}
