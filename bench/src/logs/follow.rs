//! From the print of a line to its followers.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Result;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::client::Client;
use crate::clock::now;
use crate::figure::{Goal, say, say_times};
use crate::site::{Engines, Ground, Site};
use crate::socket::Socket;
use crate::usage::Usage;

const FOLLOWERS: usize = 1000;
/// Followers of the first log.
const ON_ONE: usize = 200;
/// Followers of one connection.
const PER_CONNECTION: usize = 50;
const MEASURED: Duration = Duration::from_secs(10);

/// Tasks that print seldom, each with a follower, before the others begin.
const QUIET: usize = 10;
const QUIET_LINES: u32 = 5;
const LINES: u32 = 50;
/// How often it is looked whether the followers have caught up.
const HISTORY: usize = 10;
/// Between two questions whether something has happened.
const PAUSE: Duration = Duration::from_millis(50);

/// How long lines took so far.
type Times = Arc<Mutex<Vec<Duration>>>;

pub(super) async fn run(ground: &Ground, n_logs: usize, burst: u32) -> Result<()> {
    let nodes = u32::try_from(n_logs.max(QUIET))?;
    let site = Site::start(&ground.on_all_cores()?, &Engines::LAPTOP, nodes).await?;
    let program = std::env::current_exe()?;
    for (lines, burst) in [(QUIET_LINES, 1), (LINES, burst)] {
        let command = format!(
            "exec {} print --server none --lines {lines} --burst {burst}",
            program.display()
        );
        site.script(&format!("{lines}.sh"), &command)?;
    }

    let (times, mut followers) = (Times::default(), JoinSet::new());
    let quiet = start(&site, "quiet", QUIET_LINES, QUIET).await?;
    let mut socket = Socket::sign_in(site.url(), &site.token).await?;
    for (number, id) in quiet.iter().enumerate() {
        socket.subscribe(number, &subscription(id)).await?;
    }
    followers.spawn(follow(socket, Arc::clone(&times)));
    let (mut took, _) = measure(&site, &times).await?;
    let metric = format!("print to follower, {QUIET} logs of {QUIET_LINES} lines a second");
    say_times("logs", &metric, &mut took, Goal::None, Goal::None);
    followers.shutdown().await;
    stop(&site, &quiet).await?;

    let ids = start(&site, "t", LINES, n_logs).await?;
    for first in (0..FOLLOWERS).step_by(PER_CONNECTION) {
        let mut socket = Socket::sign_in(site.url(), &site.token).await?;
        for number in first..first + PER_CONNECTION {
            let log = if number < ON_ONE {
                0
            } else {
                1 + number % (n_logs - 1)
            };
            socket.subscribe(number, &subscription(&ids[log])).await?;
        }
        followers.spawn(follow(socket, Arc::clone(&times)));
    }
    let (mut took, busy) = measure(&site, &times).await?;
    let rate = took.len() as f64 / MEASURED.as_secs_f64();
    let metric = format!("lines received by {FOLLOWERS} followers of {n_logs} logs");
    say("logs", &metric, rate, "/s", Goal::AtLeast(45_000.0));
    say_times(
        "logs",
        "print to follower",
        &mut took,
        Goal::AtMost(5.0),
        Goal::AtMost(50.0),
    );
    for (percent, whose) in busy.iter().zip(["the server", "the followers"]) {
        let metric = format!("busy: {whose}, of one core");
        say("logs", &metric, *percent, "%", Goal::None);
    }
    Ok(())
}

/// Starts so many tasks that print, and waits until each does.
async fn start(site: &Site, name: &str, lines: u32, n: usize) -> Result<Vec<String>> {
    let client = Client::new(site, &site.token);
    let mut ids = Vec::new();
    for number in 0..n {
        let (name, script) = (format!("{name}{number}"), format!("{lines}.sh"));
        ids.push(patiently(|| client.submit(&name, &script)).await?);
    }
    for id in &ids {
        until_it_prints(&client, id).await?;
    }
    Ok(ids)
}

/// Asks again while the server has no time: the machine is full while so many tasks start.
async fn patiently<T, F: Future<Output = Result<T>>>(ask: impl Fn() -> F) -> Result<T> {
    loop {
        match ask().await {
            Err(error) if error.to_string().contains("UNAVAILABLE") => sleep(PAUSE).await,
            result => return result,
        }
    }
}

/// Stops tasks, so that others get their nodes.
async fn stop(site: &Site, ids: &[String]) -> Result<()> {
    let client = Client::new(site, &site.token);
    for id in ids {
        let stop = "mutation($id: ID!) { stopTask(id: $id) { id } }";
        client.ask(stop, &json!({"id": id})).await?;
    }
    Ok(())
}

async fn until_it_prints(client: &Client, id: &str) -> Result<()> {
    let query = "query($id: ID!) { taskLog(id: $id, first: 1) { items { text } } }";
    loop {
        let variables = json!({"id": id});
        let data = patiently(|| client.ask(query, &variables)).await?;
        let items = data.pointer("/taskLog/items").and_then(Value::as_array);
        if items.is_some_and(|items| !items.is_empty()) {
            return Ok(());
        }
        sleep(PAUSE).await;
    }
}

fn subscription(id: &str) -> String {
    format!("subscription {{ taskLogAppended(id: {id}) {{ items {{ text }} }} }}")
}

/// The times of a while, and how busy the server and this process were.
async fn measure(site: &Site, times: &Times) -> Result<(Vec<Duration>, [f64; 2])> {
    let take = || std::mem::take(&mut *times.lock().unwrap_or_else(PoisonError::into_inner));
    // What was printed before they came is history, which they read first.
    for _ in 0..HISTORY {
        sleep(Duration::from_secs(3)).await;
        if take()
            .iter()
            .max()
            .is_some_and(|worst| *worst < Duration::from_secs(1))
        {
            break;
        }
    }
    let usages = [Usage::of(site.pid()?)?, Usage::of(std::process::id())?];
    sleep(MEASURED).await;
    let [server, load] = &usages;
    Ok((take(), [server.percent()?, load.percent()?]))
}

/// Notes how long each line took, until the connection is closed.
async fn follow(mut socket: Socket, times: Times) -> Result<()> {
    loop {
        let text = socket.text().await?;
        let now = now();
        let printed = text.split("\"at ").skip(1).filter_map(|rest| {
            let (at, _) = rest.split_once('"')?;
            Some(Duration::from_micros(at.parse().ok()?))
        });
        let took = printed.map(|at| now.saturating_sub(at));
        times
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend(took);
    }
}
