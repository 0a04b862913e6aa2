//! Several processes on one database: one drives, all answer, and any of them may die.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use domain::store::Location;
use futures_util::StreamExt;
use sea_orm::{ConnectionTrait, Database};
use serde_json::{Value, json};
use server::Timing;
use tests::{Client, Gate, Platform, Replicas, run, within};

const STOP: &str = "mutation($id: ID!) { stopTask(id: $id) { id } }";
const SUSPEND: &str = "mutation($id: ID!) { suspendTask(id: $id) { id } }";
const RESUME: &str = "mutation($id: ID!) { resumeTask(id: $id) { id } }";

/// A platform on which nothing happens just because time passes, and an administrator at a process beside it. What is asked
/// there reaches the first, with its workers and agents, by a wake-up or not at all.
async fn two_of_which_one_only_listens() -> Result<Option<(Platform, Client)>> {
    let timing = Timing {
        period: Duration::from_secs(3600),
        ..Timing::default()
    };
    let mut platform = Platform::start_with(timing).await?;
    match platform.neighbour().await? {
        Some(neighbour) => Ok(Some((platform, neighbour))),
        None => {
            platform.stop().await?;
            Ok(None)
        }
    }
}

/// A task that ends only when it is asked to, and runs.
async fn endless(platform: &Platform, submit: &Client, name: &str) -> Result<String> {
    let mut started = Gate::new(&platform.code(), &format!("{name}-started"))?;
    let script = format!("{}\nexec tail -f /dev/null\n", started.tell());
    let script = platform.script(&format!("{name}.sh"), &script)?;
    let id = submit.submit(name, &script, 1).await?;
    started.heard().await?;
    Ok(id)
}

#[tokio::test]
async fn what_cannot_be_shared_is_refused_with_the_way_out() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let data_dir = dir.path().to_str().context("the path is text")?;
    for role in ["serve", "work"] {
        let words = [role, "--data-dir", data_dir, "--listen", "127.0.0.1:0"];
        let output = run("hai-platform", &words, &[("HOME", "/tmp")]).await?;
        assert_eq!(output.code, Some(1), "{output:?}");
        assert!(
            output.stderr.lines().count() == 1 && output.stderr.contains("HAI_DATABASE_URL"),
            "{output:?}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn a_leader_that_dies_is_followed_and_what_it_has_started_goes_on() -> Result<()> {
    let Some(mut replicas) = Replicas::start(&["work", "serve", "work", "serve"]).await? else {
        return Ok(());
    };
    assert_eq!(replicas.leader().await?, 0);
    let mut started = Gate::new(&replicas.code(), "started")?;
    let mut gate = Gate::new(&replicas.code(), "gate")?;
    let script = format!("{}\n{}\nexit 3\n", started.tell(), gate.wait());
    let script = replicas.script("long.sh", &script)?;
    let [one, other] = [replicas.admin(1).await?, replicas.admin(3).await?];
    let long = one.submit("long", &script, 1).await?;
    started.heard().await?;
    replicas.kill(0).await?;
    let quick = replicas.script("quick.sh", "echo here\n")?;
    let quick = other.submit("quick", &quick, 1).await?;
    let done = one.finished(&quick).await?;
    assert_eq!(done["outcome"], "SUCCEEDED", "{done}");
    assert_eq!(one.log(&quick, 0).await?, ["here"]);
    gate.open(1).await?;
    let done = other.finished(&long).await?;
    assert_eq!(
        (
            &done["outcome"],
            &done["exitCode"],
            &done["currentRun"]["number"]
        ),
        (&json!("FAILED"), &json!(3), &json!(1)),
        "{done}"
    );
    Ok(())
}

#[tokio::test]
async fn a_leader_that_stops_hands_over_at_once() -> Result<()> {
    let Some(mut replicas) = Replicas::start(&["up", "work"]).await? else {
        return Ok(());
    };
    let epoch = replicas.measured(0, "hai_leader_epoch").await?;
    replicas.stop(0).await?;
    assert_eq!(replicas.leader().await?, 0);
    let next = replicas.measured(0, "hai_leader_epoch").await?;
    assert_eq!((epoch, next), (1.0, 2.0));
    Ok(())
}

#[tokio::test]
async fn an_agent_whose_server_dies_goes_to_another() -> Result<()> {
    let Some(mut replicas) = Replicas::start(&["work", "serve", "serve"]).await? else {
        return Ok(());
    };
    let mut started = Gate::new(&replicas.code(), "started")?;
    let gates = ["a", "b", "c", "d"].map(|name| Gate::new(&replicas.code(), name));
    let mut ids = Vec::new();
    let mut waiting = Vec::new();
    for (number, gate) in gates.into_iter().enumerate() {
        let gate = gate?;
        let name = format!("task-{number}");
        let script = format!("{}\n{}\n", started.tell(), gate.wait());
        let script = replicas.script(&name, &script)?;
        // The nodes are few: two run, two follow them.
        ids.push(replicas.admin(1).await?.submit(&name, &script, 1).await?);
        waiting.push(gate);
    }
    started.heard().await?;
    started.heard().await?;
    replicas.kill(1).await?;
    let admin = replicas.admin(1).await?;
    for (gate, id) in waiting.iter_mut().zip(&ids) {
        gate.open(1).await?;
        let done = admin.finished(id).await?;
        assert_eq!(done["outcome"], "SUCCEEDED", "{done}");
        assert_eq!(done["currentRun"]["number"], 1, "{done}");
    }
    Ok(())
}

#[tokio::test]
async fn what_one_server_is_asked_is_done_by_others_at_once() -> Result<()> {
    let Some((platform, neighbour)) = two_of_which_one_only_listens().await? else {
        return Ok(());
    };
    let id = endless(&platform, &neighbour, "endless").await?;
    neighbour.ask(SUSPEND, json!({"id": id})).await?;
    let is_held = |task: &Value| task["state"] == "SUSPENDED";
    let held = platform.admin.wait_for(&id, is_held).await?;
    assert_eq!(held["currentRun"]["number"], 1, "{held}");
    neighbour.ask(RESUME, json!({"id": id})).await?;
    let runs_again = |task: &Value| {
        task["currentRun"]["number"] == 2 && task["currentRun"]["state"] == "RUNNING"
    };
    platform.admin.wait_for(&id, runs_again).await?;
    neighbour.ask(STOP, json!({"id": id})).await?;
    let done = platform.admin.finished(&id).await?;
    assert_eq!(done["outcome"], "STOPPED", "{done}");
    platform.stop().await
}

#[tokio::test]
async fn a_token_that_is_revoked_at_one_server_ends_streams_at_another() -> Result<()> {
    const TOKEN: &str = "mutation { createAccessToken(input: { name: \"short\" }) { secret: token accessToken { id } } }";
    const REVOKE: &str = "mutation($id: ID!) { revokeAccessToken(id: $id) { id } }";
    let Some((platform, neighbour)) = two_of_which_one_only_listens().await? else {
        return Ok(());
    };
    let made = neighbour.ask(TOKEN, json!({})).await?["createAccessToken"].take();
    let secret = made["secret"].as_str().context("it is shown")?;
    let client = Client::connect(platform.url(), secret).await?;
    let mut quotas =
        Box::pin(client.subscribe("subscription { quotaChanged { __typename } }", json!({})));
    within(quotas.next()).await?.context("it is open")??;
    neighbour
        .ask(REVOKE, json!({"id": made["accessToken"]["id"]}))
        .await?;
    let end = within(quotas.next()).await?.context("it says why")?;
    assert!(
        matches!(end, Err(transport::Error::Unauthenticated(_))),
        "{end:?}"
    );
    platform.stop().await
}

#[tokio::test]
async fn a_log_is_followed_at_a_server_that_its_agent_does_not_know() -> Result<()> {
    let Some((platform, neighbour)) = two_of_which_one_only_listens().await? else {
        return Ok(());
    };
    let mut gate = Gate::new(&platform.code(), "gate")?;
    let script = format!(
        "for i in 1 2 3; do {}; echo \"line $i\"; done\n",
        gate.wait()
    );
    let script = platform.script("lines.sh", &script)?;
    let id = platform.admin.submit("lines", &script, 1).await?;
    let query = "subscription($id: ID!) { taskLogAppended(id: $id) { items { text } } }";
    let mut events = Box::pin(neighbour.subscribe(query, json!({"id": id})));
    for n in 1..=3 {
        gate.open(1).await?;
        let event = within(events.next()).await?.context("it goes on")??;
        let text = event.pointer("/taskLogAppended/items/0/text");
        assert_eq!(text, Some(&json!(format!("line {n}"))), "{event}");
    }
    neighbour.finished(&id).await?;
    platform.stop().await
}

#[tokio::test]
async fn a_relay_that_is_cut_only_delays() -> Result<()> {
    const CUT: &str = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND application_name = 'hai-platform events'";
    let Some((platform, neighbour)) = two_of_which_one_only_listens().await? else {
        return Ok(());
    };
    let Location::Postgres(url) = platform.database() else {
        anyhow::bail!("it is shared");
    };
    let db = Database::connect(url).await?;
    for name in ["one", "two"] {
        let id = endless(&platform, &neighbour, name).await?;
        let cut = db.execute_unprepared(CUT).await?;
        ensure!(cut.rows_affected() > 0, "nobody listens");
        neighbour.ask(STOP, json!({"id": id})).await?;
        let done = platform.admin.finished(&id).await?;
        assert_eq!(done["outcome"], "STOPPED", "{done}");
    }
    db.close().await?;
    platform.stop().await
}
