//! Many followers of one log with one question.

use async_graphql::{Request, Variables};
use domain::task::TaskId;
use futures_util::stream::BoxStream;
use futures_util::{StreamExt, future::join_all};
use serde_json::{Value, json};

use super::tests::{FOLLOW, STAMP, append, running, texts};
use crate::answer::Answer;
use crate::auth::Bearer;
use crate::testing::TestApi;

const N_FOLLOWERS: usize = 200;
/// Far more than it takes until all are at the end of the log.
const MOST_ROUNDS: usize = 20;

type Answers = BoxStream<'static, Answer>;

fn follow(api: &TestApi, id: TaskId, query: &str, after: Option<&str>) -> Answers {
    let variables = json!({ "id": id.to_string(), "after": after });
    let request = Request::new(query).variables(Variables::from_json(variables));
    let bearer = Bearer::new(api.platform.root_token.reveal());
    let engine = std::sync::Arc::clone(&api.engine);
    engine.results(Some(bearer), request).boxed()
}

fn event(answer: &Answer) -> Value {
    let mut result: Value = serde_json::from_str(answer.result()).unwrap();
    assert!(result.get("errors").is_none(), "{result:#}");
    result["data"]["taskLogAppended"].take()
}

/// A line is printed while all wait for it. Gives how many different texts they were given.
async fn round(api: &TestApi, id: TaskId, followers: &mut [Answers], line: &str) -> usize {
    let print = async {
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
        append(api, id, 1, format!("{STAMP}{line}\n"));
    };
    let all = join_all(followers.iter_mut().map(StreamExt::next));
    let ((), answers) = tokio::join!(print, all);
    let answers: Vec<Answer> = answers.into_iter().map(Option::unwrap).collect();
    let mut places: Vec<_> = answers.iter().map(|it| it.result().as_ptr()).collect();
    for answer in &answers {
        assert_eq!(texts(&event(answer)), [line]);
    }
    places.sort_unstable();
    places.dedup();
    places.len()
}

#[tokio::test]
async fn two_hundred_followers_of_a_log_are_given_the_same_bytes() {
    let api = TestApi::with_nodes(1).await;
    let id = running(&api).await;
    let mut followers: Vec<_> = (0..N_FOLLOWERS)
        .map(|_| follow(&api, id, FOLLOW, None))
        .collect();
    let mut n_rounds = 0;
    while round(&api, id, &mut followers, "the same for all").await > 1 {
        n_rounds += 1;
        assert!(n_rounds < MOST_ROUNDS, "they never meet");
    }
    assert_eq!(round(&api, id, &mut followers, "and again").await, 1);
}

#[tokio::test]
async fn who_asks_something_else_is_given_what_it_asks_for() {
    let api = TestApi::with_nodes(1).await;
    let id = running(&api).await;
    let other = FOLLOW.replace("cursor", "cursor __typename");
    let mut followers: Vec<_> = [FOLLOW, FOLLOW, &other]
        .map(|query| follow(&api, id, query, None))
        .into();
    let mut n_rounds = 0;
    while round(&api, id, &mut followers, "line").await > 2 {
        n_rounds += 1;
        assert!(n_rounds < MOST_ROUNDS, "they never meet");
    }
    assert_eq!(round(&api, id, &mut followers, "line").await, 2);
}

#[tokio::test]
async fn whoever_joins_with_a_cursor_goes_on_there_and_then_shares() {
    let api = TestApi::with_nodes(1).await;
    let id = running(&api).await;
    let mut followers = vec![follow(&api, id, FOLLOW, None)];
    let mut cursors = Vec::new();
    for line in ["one", "two", "three"] {
        append(&api, id, 1, format!("{STAMP}{line}\n"));
        let told = event(&followers[0].next().await.unwrap());
        assert_eq!(texts(&told), [line]);
        cursors.push(told["cursor"].as_str().unwrap().to_owned());
    }
    let mut late = follow(&api, id, FOLLOW, Some(&cursors[0]));
    let told = event(&late.next().await.unwrap());
    assert_eq!(texts(&told), ["two", "three"]);
    followers.push(late);
    followers.push(follow(&api, id, FOLLOW, Some(&cursors[2])));
    round(&api, id, &mut followers, "four").await;
    assert_eq!(round(&api, id, &mut followers, "five").await, 1);
}

#[tokio::test]
async fn whoever_comes_in_the_middle_of_a_line_is_given_each_byte_of_it_once() {
    let api = TestApi::with_nodes(1).await;
    let id = running(&api).await;
    let mut first = follow(&api, id, FOLLOW, None);
    append(&api, id, 1, format!("{STAMP}be"));
    assert_eq!(texts(&event(&first.next().await.unwrap())), ["be"]);
    let mut second = follow(&api, id, FOLLOW, None);
    let both = async {
        let told = tokio::join!(first.next(), second.next());
        [told.0, told.1].map(|it| texts(&event(&it.unwrap())).join("|"))
    };
    let print = async {
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
        append(&api, id, 1, "gun\n");
    };
    let (told, ()) = tokio::join!(both, print);
    assert_eq!(told[0], "gun");
    // What it reads by itself may be cut where the other's answers are.
    let mut seen = told[1].replace('|', "");
    while seen.len() < "begun".len() {
        seen += &texts(&event(&second.next().await.unwrap())).concat();
    }
    assert_eq!(seen, "begun");
    let mut followers = vec![first, second];
    round(&api, id, &mut followers, "next").await;
    assert_eq!(round(&api, id, &mut followers, "more").await, 1);
}
