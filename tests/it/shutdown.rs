//! A server that is asked to stop while much is going on: nothing that was acknowledged is lost, and it is quick.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use futures_util::StreamExt;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::json;
use tests::{Client, Gate, Up, within};
use tokio::sync::mpsc;
use tokio_util::task::TaskTracker;
use transport::Error;

const SUBMIT: &str = "mutation($input: TaskInput!) { submitTask(input: $input) { id } }";
const LOG: &str = "subscription($id: ID!) { taskLogAppended(id: $id, rank: 0) { ended } }";
const CHANGES: &str = "subscription { tasksChanged { id } }";
const SUBMITTERS: usize = 8;
const LISTENERS: usize = 20;

/// Submits until the connection is gone, and answers the ids that it was given.
async fn submit(client: Client, me: usize, script: String, told: mpsc::Sender<()>) -> Vec<String> {
    let mut acknowledged = Vec::new();
    for n in 0.. {
        let input = json!({
            "name": format!("task-{me}-{n}"),
            "spec": {"workspace": script, "entrypoint": "long.sh"},
            "resource": {"nodeCount": 2},
        });
        match client.ask(SUBMIT, json!({"input": input})).await {
            Ok(data) => {
                let id = data.pointer("/submitTask/id").and_then(|id| id.as_str());
                acknowledged.extend(id.map(str::to_owned));
                let _ = told.try_send(());
            }
            Err(_) => break,
        }
    }
    acknowledged
}

/// Asks over HTTP until nobody answers, and says whether every answer that began came to its end.
async fn ask(url: String, token: String) -> bool {
    let http = reqwest::Client::new();
    loop {
        let request = http
            .post(format!("{url}/graphql"))
            .bearer_auth(&token)
            .json(&json!({"query": "{ tasks(first: 50) { nodes { id name state } } }"}));
        match request.send().await {
            Ok(answer) => {
                if answer.json::<serde_json::Value>().await.is_err() {
                    return false;
                }
            }
            Err(_) => return true,
        }
    }
}

#[tokio::test]
async fn a_stop_under_load_is_quick_and_loses_nothing_that_was_acknowledged() -> Result<()> {
    let mut up = Up::start().await?;
    let gate = Gate::new(&up.code(), "gate")?;
    let script = up.script("long.sh", &format!("echo here\n{}\n", gate.wait()))?;
    let running = {
        let admin = up.admin().await?;
        let id = admin.submit("running", &script, 2).await?;
        admin.running(&id).await?;
        id
    };
    let tracker = TaskTracker::new();
    let (told, mut heard) = mpsc::channel(1000);
    let mut submitters = Vec::new();
    let workspace = up.code().display().to_string();
    for me in 0..SUBMITTERS {
        let submits = submit(up.admin().await?, me, workspace.clone(), told.clone());
        submitters.push(tracker.spawn(submits));
    }
    let mut askers = Vec::new();
    for _ in 0..SUBMITTERS {
        askers.push(tracker.spawn(ask(up.url.clone(), up.token.clone())));
    }
    let mut listeners = Vec::new();
    for n in 0..LISTENERS {
        let client = up.admin().await?;
        let events = match n % 2 {
            0 => client.subscribe(LOG, json!({"id": running})).boxed(),
            _ => client.subscribe(CHANGES, json!({})).boxed(),
        };
        listeners.push(tracker.spawn(async move {
            let all: Vec<_> = events.collect().await;
            drop(client);
            all.into_iter().next_back()
        }));
    }
    for _ in 0..200 {
        within(heard.recv()).await?.context("they submit")?;
    }
    let pid = up.server_pid().context("it runs")?;
    let asked = Instant::now();
    kill(Pid::from_raw(i32::try_from(pid)?), Signal::SIGTERM)?;
    ensure!(up.has_ended().await?, "it has not ended in good order");
    let took = asked.elapsed();
    ensure!(took < Duration::from_secs(10), "it took {took:?}");
    for listener in listeners {
        let last = within(listener).await??;
        let is_told = matches!(
            &last,
            Some(Err(Error::Closed {
                code: Some(1001),
                ..
            }))
        );
        ensure!(is_told, "a listener was left with {last:?}");
    }
    for asker in askers {
        ensure!(within(asker).await??, "an answer was cut");
    }
    let mut acknowledged = BTreeSet::new();
    for submitter in submitters {
        acknowledged.extend(within(submitter).await??);
    }
    ensure!(acknowledged.len() >= 200, "{} tasks", acknowledged.len());
    up.again().await?;
    let admin = up.admin().await?;
    for id in &acknowledged {
        let task = admin
            .ask(
                "query($id: ID!) { task(id: $id) { id } }",
                json!({"id": id}),
            )
            .await?;
        ensure!(task["task"]["id"] == json!(id), "task {id} is lost");
    }
    up.kill().await
}
