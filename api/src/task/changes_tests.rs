//! Followers of many tasks whose connections break again and again while these change.

use std::collections::{BTreeMap, BTreeSet};
use std::future::pending;
use std::time::Duration;

use chrono::TimeDelta;
use domain::run::State as RunState;
use domain::task::{State, TaskId};
use futures_util::StreamExt;
use futures_util::future::join_all;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};

use super::reconnect_tests::SHOWN;
use crate::id;
use crate::testing::{Results, TestApi, refusal};

const SEED: u64 = 12;
const N_BREAKS: usize = 500;
const N_TASKS: usize = 6;
const PATIENCE: Duration = Duration::from_secs(60);

/// The ways in which one can ask: the last is evaluated for each follower alone.
const WAYS: [&str; 3] = [
    "subscription ($after: String) { tasksChanged(after: $after) { FIELDS } }",
    "subscription { tasksChanged(after: AFTER) { FIELDS } }",
    "subscription ($after: String) {
        other: tasksChanged(filter: { names: [] }) { state }
        tasksChanged(after: $after) { FIELDS }
    }",
];

fn follow(api: &TestApi, way: usize, after: Option<&str>) -> Results {
    let query = WAYS[way]
        .replace("AFTER", &json!(after).to_string())
        .replace("FIELDS", &format!("cursor id {SHOWN}"));
    let variables = if query.contains("$after") {
        json!({ "after": after })
    } else {
        json!({})
    };
    api.follow(&api.platform.root_token, &query, variables)
}

/// Some tasks, and chance.
struct Changer<'a> {
    api: &'a TestApi,
    tasks: Vec<TaskId>,
    random: StdRng,
}

impl Changer<'_> {
    /// Changes some of them at once, as far as they can be changed.
    async fn change_something(&mut self) {
        let platform = &self.api.platform;
        let n_at_once = self.random.random_range(1..=3);
        let changes: Vec<_> = (0..n_at_once)
            .map(|_| {
                let task = self.tasks[self.random.random_range(0..N_TASKS)];
                (task, self.random.random_range(0..8))
            })
            .collect();
        let changes = changes
            .into_iter()
            .map(|(task, what)| self.change(task, what));
        join_all(changes).await;
        platform.clock.advance(TimeDelta::seconds(10));
        platform.tick().await.unwrap();
    }

    async fn change(&self, id: TaskId, what: u32) {
        let change = match what {
            0 => "suspendTask(id: $id)",
            1 | 2 => "resumeTask(id: $id)",
            3 => "updateTaskPriority(id: $id, input: { priority: HIGH })",
            4 => "updateTaskPriority(id: $id, input: { priority: LOW })",
            _ => return self.go_on(id).await,
        };
        let query = format!("mutation ($id: ID!) {{ {change} {{ id }} }}");
        let variables = json!({ "id": id.to_string() });
        // What is changed by two at once is refused to one of them.
        let token = self.api.platform.root_token.reveal();
        self.api.ask(Some(token), &query, variables).await;
    }

    async fn go_on(&self, id: TaskId) {
        let platform = &self.api.platform;
        if platform.task(id).await.state != State::Running {
            return;
        }
        match platform.run(id).await.0.state {
            RunState::Starting => platform.bring_up(id).await,
            RunState::Running => platform.exit(id, 0, 1).await,
            _ => {}
        }
    }
}

/// What a follower has seen over all its connections.
#[derive(Default)]
struct Follower {
    cursor: Option<String>,
    shown: BTreeMap<String, Value>,
    /// The writes that it was told of: the number and the task, as the cursor ends.
    writes: BTreeSet<String>,
}

impl Follower {
    fn take(&mut self, mut event: Value) {
        assert!(event.get("errors").is_none(), "{event}");
        let mut shown = event["data"]["tasksChanged"].take();
        let cursor = shown["cursor"].take().as_str().unwrap().to_owned();
        shown.as_object_mut().unwrap().remove("cursor");
        let id = shown["id"].as_str().unwrap().to_owned();
        let before = self.shown.insert(id, shown.clone());
        let number = |shown: &Value| shown["runCount"].as_i64();
        assert!(before.is_none_or(|before| number(&before) <= number(&shown)));
        let position = id::position(&cursor).unwrap().to_string();
        let (_, write) = position.split_once('/').unwrap().1.split_once('/').unwrap();
        assert!(self.writes.insert(write.to_owned()), "twice: {write}");
        self.cursor = Some(cursor);
    }

    /// Reads until it is cut off.
    async fn read(&mut self, events: &mut Results) {
        while let Some(event) = events.next().await {
            self.take(event);
        }
        pending().await
    }

    /// Reads until it has seen all tasks as they are now.
    async fn catch_up(&mut self, api: &TestApi, events: &mut Results) {
        let query = format!("{{ tasks(first: 50) {{ nodes {{ id {SHOWN} }} }} }}");
        let mut tasks = api.root(&query, json!({})).await;
        let tasks = tasks["tasks"]["nodes"].as_array_mut().unwrap();
        while tasks
            .iter()
            .any(|task| !self.shown.values().any(|shown| shown == task))
        {
            let event = tokio::time::timeout(PATIENCE, events.next()).await;
            let event = event.expect("the last state comes");
            self.take(event.expect("it does not end"));
        }
    }
}

#[tokio::test]
async fn followers_of_many_that_are_cut_off_500_times_miss_nothing_and_see_nothing_twice() {
    let api = TestApi::with_nodes(3).await;
    let mut tasks = Vec::new();
    let mut stays = Follower::default();
    let mut events_of_stays = follow(&api, 0, None);
    // The first change may come before the first look.
    let mut breaks = Follower::default();
    for n in 0..N_TASKS {
        let mut document = api.platform.document(&format!("t{n}"), 1);
        document["options"] = json!({ "max_restarts": N_BREAKS });
        let root = &api.platform.root;
        let task = api.platform.submit_document(root, document).await;
        tasks.push(task.unwrap().id);
    }
    let mut changer = Changer {
        api: &api,
        tasks,
        random: StdRng::seed_from_u64(SEED + 1),
    };
    let begun = async {
        loop {
            changer.change_something().await;
        }
    };
    tokio::select! {
        event = events_of_stays.next() => {
            let event = event.unwrap();
            breaks.take(event.clone());
            stays.take(event);
        }
        () = begun => {}
    }
    let mut random = StdRng::seed_from_u64(SEED);
    for n in 0..N_BREAKS {
        let way = random.random_range(0..WAYS.len());
        let mut events = follow(&api, way, breaks.cursor.as_deref());
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
        if n > 30 && random.random_bool(0.2) {
            breaks.catch_up(&api, &mut events).await;
        }
        if n > 30 && n % 7 == 6 {
            stays.catch_up(&api, &mut events_of_stays).await;
        }
    }
    assert!(breaks.writes.len() > N_BREAKS, "{}", breaks.writes.len());
    assert!(
        breaks
            .shown
            .values()
            .any(|task| task["runCount"].as_i64() > Some(10))
    );
}

#[tokio::test]
async fn a_cursor_of_anything_else_is_refused() {
    let api = TestApi::with_nodes(1).await;
    let token = &api.platform.root_token;
    for (after, code) in [
        ("nonsense", "INVALID_INPUT"),
        ("", "INVALID_INPUT"),
        // As if 9 · 10^17 writes were visible.
        (
            "OTAwMDAwMDAwMDAwMDAwMDAwOjkwMDAwMDAwMDAwMDAwMDAwMDo",
            "CONFLICT",
        ),
    ] {
        for way in &WAYS[..2] {
            let query = way
                .replace("AFTER", &json!(after).to_string())
                .replace("FIELDS", "id");
            let mut events = api.follow(token, &query, json!({ "after": after }));
            let refused = refusal(&events.next().await.unwrap());
            assert_eq!(refused.code, code, "{after}");
            assert_eq!(events.next().await, None);
        }
    }
}
