//! Followers of a task whose connections break again and again while it changes.

use std::collections::HashMap;
use std::future::{pending, ready};
use std::time::Duration;

use chrono::TimeDelta;
use domain::App;
use domain::events::Events;
use domain::run::State as RunState;
use domain::task::{self, State, StopAs, TaskId};
use futures_util::StreamExt;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};

use crate::testing::{Results, TestApi};

const SEED: u64 = 11;
const N_BREAKS: usize = 500;
const PATIENCE: Duration = Duration::from_secs(60);

/// All but what time alone changes: the reason to wait in words.
pub(super) const SHOWN: &str =
    "state desired outcome priority runCount exitCode wait { reason position }
    currentRun { number state drainReason outcome pods { rank state exitCode suspend } }";

/// The ways in which one can ask: the last is evaluated for each follower alone.
const WAYS: [&str; 3] = [
    "subscription ($id: ID!, $after: String) { taskChanged(id: $id, after: $after) { FIELDS } }",
    "subscription ($id: ID!) { taskChanged(id: $id, after: AFTER) { FIELDS } }",
    "subscription ($id: ID!, $after: String) {
        other: taskChanged(id: $id, after: $after) { state }
        taskChanged(id: $id, after: $after) { FIELDS }
    }",
];

fn follow(api: &TestApi, id: TaskId, way: usize, after: Option<&str>) -> Results {
    let query = WAYS[way]
        .replace("AFTER", &json!(after).to_string())
        .replace("FIELDS", &format!("cursor {SHOWN}"));
    let mut variables = json!({ "id": id.to_string() });
    if query.contains("$after") {
        variables["after"] = json!(after);
    }
    let token = &api.platform.root_token;
    let is_ours = |event: &Value| ready(event.pointer("/data/other").is_none());
    let events = api.follow(token, &query, variables);
    events.filter(is_ours).boxed()
}

/// Changes a task, as its owner, its agent, other users and time do.
struct Changer<'a> {
    api: &'a TestApi,
    id: TaskId,
    random: StdRng,
    other: Option<TaskId>,
}

impl Changer<'_> {
    async fn change_something(&mut self) {
        let platform = &self.api.platform;
        let id = json!({ "id": self.id.to_string() });
        match self.random.random_range(0..10) {
            0 => _ = self.ask("suspendTask(id: $id)", id).await,
            1 | 2 => _ = self.ask("resumeTask(id: $id)", id).await,
            3 => self.reprioritize(id).await,
            4 => self.submit_another().await,
            5 => platform.clock.advance(TimeDelta::minutes(10)),
            6 => self.fail().await,
            _ => self.bring_up().await,
        }
        platform.tick().await.unwrap();
    }

    async fn ask(&self, change: &str, variables: Value) {
        let query = format!("mutation ($id: ID!) {{ {change} {{ id }} }}");
        self.api.root(&query, variables).await;
    }

    async fn reprioritize(&mut self, id: Value) {
        let levels = ["HIGH", "LOW", "AUTO"];
        let level = levels[self.random.random_range(0..levels.len())];
        let change = format!("updateTaskPriority(id: $id, input: {{ priority: {level} }})");
        self.ask(&change, id).await;
    }

    /// Takes a node, or a place in the line, until the next one comes.
    async fn submit_another(&mut self) {
        if let Some(other) = self.other.take() {
            let id = json!({ "id": other.to_string() });
            self.ask("stopTask(id: $id)", id).await;
        }
        let name = format!("other-{}", self.random.random::<u32>());
        let other = self.api.platform.submit(&name, 1).await;
        self.other = Some(other.id);
    }

    async fn fail(&self) {
        let platform = &self.api.platform;
        let task = platform.task(self.id).await;
        if task.state == State::Running && platform.run(self.id).await.0.state == RunState::Running
        {
            platform.exit(self.id, 0, 1).await;
        }
    }

    async fn bring_up(&self) {
        let platform = &self.api.platform;
        let task = platform.task(self.id).await;
        if task.state == State::Running && platform.run(self.id).await.0.state == RunState::Starting
        {
            platform.bring_up(self.id).await;
        }
    }
}

/// What a follower has seen over all its connections.
#[derive(Default)]
struct Follower {
    cursor: Option<String>,
    shown: Value,
    n_events: usize,
    /// What was shown under which cursor.
    known: HashMap<String, Value>,
}

impl Follower {
    fn take(&mut self, mut event: Value) {
        assert!(event.get("errors").is_none(), "{event}");
        let mut shown = event["data"]["taskChanged"].take();
        let cursor = shown["cursor"].take().as_str().unwrap().to_owned();
        shown.as_object_mut().unwrap().remove("cursor");
        assert_ne!(
            self.cursor.as_ref(),
            Some(&cursor),
            "twice in a row: {shown}"
        );
        let before = self.known.insert(cursor.clone(), shown.clone());
        assert!(before.is_none_or(|before| before == shown), "{shown}");
        let number = |shown: &Value| shown["runCount"].as_i64();
        assert!(number(&self.shown) <= number(&shown), "back in time");
        (self.cursor, self.shown) = (Some(cursor), shown);
        self.n_events += 1;
    }

    /// Reads until it is cut off.
    async fn read(&mut self, events: &mut Results) {
        while let Some(event) = events.next().await {
            self.take(event);
        }
        pending().await
    }

    /// Reads until it has seen the task as it is now.
    async fn catch_up(&mut self, api: &TestApi, id: TaskId, events: &mut Results) {
        let query = format!("query ($id: ID!) {{ task(id: $id) {{ {SHOWN} }} }}");
        let task = api.root(&query, json!({ "id": id.to_string() })).await;
        while self.shown != task["task"] {
            let event = tokio::time::timeout(PATIENCE, events.next()).await;
            let event = event.expect("the last state comes");
            self.take(event.expect("it comes before the end"));
        }
    }
}

#[tokio::test]
async fn followers_that_are_cut_off_500_times_see_no_state_twice_in_a_row_and_always_the_last() {
    let api = TestApi::with_nodes(2).await;
    let mut document = api.platform.document("t", 1);
    document["options"] = json!({ "max_restarts": N_BREAKS });
    let root = &api.platform.root;
    let id = api.platform.submit_document(root, document).await;
    let id = id.unwrap().id;
    let mut random = StdRng::seed_from_u64(SEED);
    let mut changer = Changer {
        api: &api,
        id,
        random: StdRng::seed_from_u64(SEED + 1),
        other: None,
    };
    // Most share the evaluation that this one keeps alive, whatever they know already.
    let mut stays = Follower::default();
    let mut events_of_stays = follow(&api, id, 0, None);
    let mut breaks = Follower::default();
    for n in 0..N_BREAKS {
        let way = random.random_range(0..WAYS.len());
        let mut events = follow(&api, id, way, breaks.cursor.as_deref());
        let n_changes = random.random_range(0..=2);
        let changes = async {
            for _ in 0..n_changes {
                changer.change_something().await;
            }
        };
        tokio::select! {
            () = changes => {}
            () = breaks.read(&mut events) => {}
            () = stays.read(&mut events_of_stays), if n % 7 > 2 => {}
        }
        if random.random_bool(0.5) {
            breaks.catch_up(&api, id, &mut events).await;
        }
        if n % 7 == 6 {
            stays.catch_up(&api, id, &mut events_of_stays).await;
        }
    }
    assert!(breaks.n_events > N_BREAKS / 4, "{}", breaks.n_events);
    assert!(
        breaks.shown["runCount"].as_i64() > Some(10),
        "{}",
        breaks.shown
    );

    let stop = json!({ "id": id.to_string() });
    changer.ask("stopTask(id: $id)", stop).await;
    api.platform.clock.advance(TimeDelta::hours(1));
    api.platform.settle().await;
    let mut events = follow(&api, id, 0, breaks.cursor.as_deref());
    for (follower, events) in [
        (&mut breaks, &mut events),
        (&mut stays, &mut events_of_stays),
    ] {
        while let Some(event) = events.next().await {
            follower.take(event);
        }
        assert_eq!(follower.shown["state"], "FINISHED");
    }
    for way in 0..WAYS.len() {
        let mut nothing = follow(&api, id, way, breaks.cursor.as_deref());
        assert_eq!(nothing.next().await, None);
    }
}

#[tokio::test]
async fn whoever_knows_the_state_shares_the_evaluation_and_hears_of_the_next_one_first() {
    let api = TestApi::with_nodes(1).await;
    let id = api.platform.submit("t", 1).await.id;
    let mut all = vec![(Follower::default(), follow(&api, id, 0, None))];
    let (first, events) = &mut all[0];
    first.take(events.next().await.unwrap());
    let cursor = first.cursor.clone();
    for way in 0..WAYS.len() {
        let follower = Follower {
            cursor: cursor.clone(),
            ..Follower::default()
        };
        all.push((follower, follow(&api, id, way, cursor.as_deref())));
    }
    let mut unknown = follow(&api, id, 0, Some("no cursor of ours"));
    let event = unknown.next().await.unwrap();
    assert_eq!(event["data"]["taskChanged"]["cursor"], json!(cursor));
    let stop = "mutation ($id: ID!) { stopTask(id: $id) { id } }";
    api.root(stop, json!({ "id": id.to_string() })).await;
    for (follower, events) in &mut all {
        follower.take(events.next().await.unwrap());
        assert_eq!(follower.shown["state"], "FINISHED");
        assert_eq!(events.next().await, None);
    }
}

#[tokio::test]
async fn whoever_comes_from_another_server_is_not_given_an_older_state_than_it_knows() {
    let api = TestApi::with_nodes(1).await;
    let id = api.platform.submit("t", 1).await.id;
    let mut stays = follow(&api, id, 0, None);
    stays.next().await.unwrap();
    // Another server of the platform, and nothing carries wake-ups between the two.
    let app = App {
        events: Events::default(),
        ..api.platform.app.clone()
    };
    let mut tx = app.begin().await.unwrap();
    let stop = task::stop(&mut tx, &api.platform.root, id, StopAs::Stopped);
    stop.await.unwrap();
    tx.commit().await.unwrap();
    let query = format!("query ($id: ID!) {{ task(id: $id) {{ {SHOWN} }} }}");
    let now = api.root(&query, json!({ "id": id.to_string() })).await;
    // Who shares no evaluation looks for himself.
    let event = follow(&api, id, 2, None).next().await.unwrap();
    let cursor = event["data"]["taskChanged"]["cursor"].as_str();
    assert_eq!(now["task"]["state"], "FINISHED");
    let mut comes = follow(&api, id, 0, cursor);
    let next = comes.next().await;
    assert_eq!(next, None, "it knows the last state");
}
