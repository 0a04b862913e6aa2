//! Many tasks whose command is `true`, from the first submit to the end of the last.
//!
//! Each is a real one: a run on a node of its own, an agent, bash, a log, an end record. The agents share the machine's
//! cores with the server, so what bounds the figure is the processor: three processes are started for each task.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::client::Client;
use crate::figure::{Goal, say};
use crate::site::{Engines, Ground, Site};

pub(crate) const NODES: u32 = 64;
pub(crate) const TASKS: usize = 2000;
pub(crate) const CLIENTS: usize = 4;
const LOOK: Duration = Duration::from_millis(100);

/// Measures on SQLite.
pub(crate) async fn run(ground: &Ground) -> Result<()> {
    let rate = measure(ground).await?;
    let metric = format!("{TASKS} tasks of `true` on {NODES} nodes");
    say("tasks", &metric, rate, "/s", Goal::AtLeast(150.0));
    Ok(())
}

/// How many tasks a second.
pub(crate) async fn measure(ground: &Ground) -> Result<f64> {
    let site = Site::start(&ground.on_all_cores()?, &Engines::LAPTOP, NODES).await?;
    site.script("true.sh", "true")?;
    let client = Client::new(&site, &site.token);
    let start = Instant::now();
    let number = Arc::new(AtomicUsize::new(0));
    let mut submits = JoinSet::new();
    for _ in 0..CLIENTS {
        submits.spawn(submit(client.clone(), Arc::clone(&number)));
    }
    while let Some(client) = submits.join_next().await {
        client??;
    }
    while finished(&client).await? < TASKS as u64 {
        sleep(LOOK).await;
    }
    Ok(TASKS as f64 / start.elapsed().as_secs_f64())
}

/// Submits as long as there is a number left.
async fn submit(client: Client, number: Arc<AtomicUsize>) -> Result<()> {
    loop {
        let number = number.fetch_add(1, Ordering::Relaxed);
        if number >= TASKS {
            return Ok(());
        }
        client.submit(&format!("t{number}"), "true.sh").await?;
    }
}

/// How many tasks have succeeded.
async fn finished(client: &Client) -> Result<u64> {
    let query = "{ tasks(first: 1, filter: {states: [FINISHED]}) { totalCount } }";
    let data = client.ask(query, &json!({})).await?;
    let count = data.pointer("/tasks/totalCount").and_then(Value::as_u64);
    count.context("a list has a count")
}
