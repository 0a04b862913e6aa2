//! Several processes on one database: one drives, all answer, and any of them may die.

use anyhow::{Context, Result};
use serde_json::json;
use tests::{Gate, Replicas, run};

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
