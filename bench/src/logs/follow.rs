//! From the print of a line to its followers.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use futures_util::StreamExt;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::sleep;
use transport::{Connection, Operation};

use crate::client::Client;
use crate::clock::now;
use crate::figure::{Goal, say, say_times};
use crate::site::{Database, Ground, Site};

const LOGS: usize = 60;
const FOLLOWERS: usize = 1000;
/// Followers of the first log.
const ON_ONE: usize = 200;
/// Followers of one connection.
const PER_CONNECTION: usize = 50;
const MEASURED: Duration = Duration::from_secs(10);

/// Fifty lines a second, each with the time at which it is printed.
const SCRIPT: &str = "import time
while True:
    print('at', time.time_ns() // 1000, flush=True)
    time.sleep(0.02)
";

pub(super) async fn run(ground: &Ground) -> Result<()> {
    let nodes = u32::try_from(LOGS)?;
    let site = Site::start(&ground.on_all_cores()?, &Database::Sqlite, nodes).await?;
    site.script("lines.py", SCRIPT)?;
    let client = Client::new(&site, &site.token);
    let mut ids = Vec::new();
    for number in 0..LOGS {
        ids.push(client.submit(&format!("t{number}"), "lines.py").await?);
    }
    for id in &ids {
        until_it_runs(&client, id).await?;
    }
    let times = Arc::new(Mutex::new(Vec::new()));
    let mut followers = JoinSet::new();
    let mut connection = Arc::new(Connection::open(&site.url, Some(&site.token)).await?);
    for number in 0..FOLLOWERS {
        if number % PER_CONNECTION == 0 {
            connection = Arc::new(Connection::open(&site.url, Some(&site.token)).await?);
        }
        let log = if number < ON_ONE {
            0
        } else {
            1 + number % (LOGS - 1)
        };
        let (connection, id) = (Arc::clone(&connection), ids[log].clone());
        followers.spawn(follow(connection, id, Arc::clone(&times)));
    }
    // What was printed before they came is history.
    sleep(Duration::from_secs(3)).await;
    let take = || std::mem::take(&mut *times.lock().unwrap_or_else(PoisonError::into_inner));
    take();
    sleep(MEASURED).await;
    let mut times = take();
    let rate = times.len() as f64 / MEASURED.as_secs_f64();
    let metric = format!("lines received by {FOLLOWERS} followers of {LOGS} logs");
    say("logs", &metric, rate, "/s", Goal::AtLeast(45_000.0));
    say_times(
        "logs",
        "print to follower",
        &mut times,
        Goal::AtMost(5.0),
        Goal::AtMost(50.0),
    );
    Ok(())
}

async fn until_it_runs(client: &Client, id: &str) -> Result<()> {
    let query = "query($id: ID!) { taskLog(id: $id, first: 1) { items { text } } }";
    loop {
        let data = client.ask(query, &json!({"id": id})).await?;
        let items = data.pointer("/taskLog/items").and_then(Value::as_array);
        if items.is_some_and(|items| !items.is_empty()) {
            return Ok(());
        }
        sleep(Duration::from_millis(50)).await;
    }
}

/// Notes how long each line took, until the connection is closed.
async fn follow(
    connection: Arc<Connection>,
    id: String,
    times: Arc<Mutex<Vec<Duration>>>,
) -> Result<()> {
    let query = format!("subscription {{ taskLogAppended(id: {id}) {{ items {{ text }} }} }}");
    let mut events = connection.subscribe(Operation::new(query));
    while let Some(data) = events.next().await {
        let data = data?;
        let now = now();
        let items = data
            .pointer("/taskLogAppended/items")
            .and_then(Value::as_array);
        let items = items.context("an event has items")?;
        let printed = items.iter().filter_map(|item| {
            let at = item["text"].as_str()?.strip_prefix("at ")?;
            Some(Duration::from_micros(at.trim_end().parse().ok()?))
        });
        let took: Vec<Duration> = printed.map(|at| now.saturating_sub(at)).collect();
        times
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend(took);
    }
    Ok(())
}
