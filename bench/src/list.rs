//! Pages of 50 tasks with their runs and pods, out of 1,000,000 tasks of 100 users.
//!
//! One real task of two nodes is run to its end and multiplied in the database, so that every row has the form of a real
//! one. Then pages are asked for one after the other: down the whole list, of one user, of one state, and by name.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use sea_orm::{ConnectionTrait, Database, DatabaseConnection};
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::client::Client;
use crate::figure::{Goal, say_times};
use crate::site::{Engines, Ground, Site};

const TASKS: u32 = 1_000_000;
const USERS: u32 = 100;
/// Tasks of one statement.
const CHUNK: u32 = 100_000;
const WARM_UP: usize = 20;
const PAGES: usize = 300;

const PAGE: &str = "query($filter: TaskFilter, $after: String) {
    tasks(first: 50, filter: $filter, after: $after) { pageInfo { endCursor hasNextPage } nodes {
        id name state outcome priority createdAt finishedAt user { name }
        runs(first: 10) { nodes { number state outcome startedAt endedAt
            pods { rank node state exitCode } } } } } }";

/// Measures on every database.
pub(crate) async fn run(ground: &Ground) -> Result<()> {
    for engines in ground.databases() {
        measure(ground, &engines).await?;
    }
    Ok(())
}

async fn measure(ground: &Ground, engines: &Engines) -> Result<()> {
    let mut site = Site::start(ground, engines, 2).await?;
    let admin = Client::new(&site, &site.token);
    for number in 2..=USERS {
        admin.create_user(&format!("user{number}")).await?;
    }
    site.script("true.sh", "true")?;
    let id = admin.submit_on("t", "true.sh", 2).await?;
    while !is_finished(&admin, &id).await? {
        sleep(Duration::from_millis(50)).await;
    }
    site.stop().await?;
    multiply(&site).await?;
    site.again().await?;

    let admin = Client::new(&site, &site.token);
    let name = engines.name();
    for (what, filter) in [
        ("everything", json!({})),
        ("one user", json!({"user": "user7"})),
        ("the finished", json!({"states": ["FINISHED"]})),
        ("two names", json!({"names": ["t777", "t77777"]})),
    ] {
        let mut times = pages(&admin, &filter).await?;
        let metric = format!("{name}: page of {what}");
        say_times("list", &metric, &mut times, Goal::None, Goal::AtMost(20.0));
    }
    Ok(())
}

async fn is_finished(client: &Client, id: &str) -> Result<bool> {
    let query = "query($id: ID!) { task(id: $id) { state } }";
    let data = client.ask(query, &json!({"id": id})).await?;
    Ok(data.pointer("/task/state") == Some(&json!("FINISHED")))
}

/// How long each page took. At the end of a list it begins again.
async fn pages(client: &Client, filter: &Value) -> Result<Vec<Duration>> {
    let mut times = Vec::new();
    let mut after = Value::Null;
    for page in 0..WARM_UP + PAGES {
        let start = Instant::now();
        let variables = json!({"filter": filter, "after": after});
        let mut data = client.ask(PAGE, &variables).await?;
        if page >= WARM_UP {
            times.push(start.elapsed());
        }
        let info = data.pointer_mut("/tasks/pageInfo");
        let info = info.context("a page has a page info")?;
        let goes_on = info["hasNextPage"] == true;
        after = if goes_on {
            info["endCursor"].take()
        } else {
            Value::Null
        };
    }
    Ok(times)
}

/// Makes many of the one task that there is. No server runs.
async fn multiply(site: &Site) -> Result<()> {
    let db = Database::connect(site.database_url()).await?;
    for first in (0..TASKS).step_by(CHUNK as usize) {
        multiply_chunk(&db, first, first + CHUNK).await?;
    }
    for sql in ["ANALYZE", "PRAGMA wal_checkpoint(TRUNCATE)"] {
        // Only one of the databases knows the second, and needs it.
        let _ = db.execute_unprepared(sql).await;
    }
    Ok(db.close().await?)
}

async fn multiply_chunk(db: &DatabaseConnection, first: u32, end: u32) -> Result<()> {
    const TASK: &str = "state, desired, stop_as, priority, custom_rank, group_name, zone, node_count, spec, document,
        run_count, not_before, spoilt_runs, failed_runs, whole_life_state, wait, outcome, stop_code, exit_code,
        created_at, started_at, finished_at, version";
    const RUN: &str =
        "number, state, drain_reason, stop_at, kill_at, level, master_addr, master_port, outcome,
        stop_code, exit_code, message, created_at, started_at, ended_at, version";
    const POD: &str = "rank, node_name, state, started_at, ended_at, exit_code, message, suspend, silent, log_end,
        missing_since, released_at, version";
    let of = |table: &str, columns: &str| {
        let columns: Vec<String> = columns
            .split(',')
            .map(|column| format!("{table}.{}", column.trim()))
            .collect();
        columns.join(", ")
    };
    // The first of each table is the real one. Ids are given, so that the rows find each other.
    let real = "(SELECT min(id) FROM task)";
    let numbers = format!(
        "WITH RECURSIVE n(i) AS (SELECT {first} UNION ALL SELECT i + 1 FROM n WHERE i + 1 < {end})"
    );
    for sql in [
        format!(
            "INSERT INTO task (id, user_id, name, {TASK}) {numbers}
             SELECT {real} + 1 + i, 1 + i % {USERS}, 't' || i, {} FROM n, task WHERE task.id = {real}",
            of("task", TASK)
        ),
        format!(
            "INSERT INTO run (id, task_id, {RUN}) {numbers}
             SELECT run.id + 1 + i, {real} + 1 + i, {} FROM n, run WHERE run.task_id = {real}",
            of("run", RUN)
        ),
        format!(
            "INSERT INTO pod (id, run_id, {POD}) {numbers}
             SELECT pod.id + 2 * (1 + i), pod.run_id + 1 + i, {} FROM n, pod
             WHERE pod.run_id = (SELECT id FROM run WHERE task_id = {real})",
            of("pod", POD)
        ),
    ] {
        db.execute_unprepared(&sql).await?;
    }
    Ok(())
}
