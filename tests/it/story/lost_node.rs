//! A node is lost under a training: cut off from all but the storage, where its processes run on.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tests::{KubernetesCluster, Process, Seen, Up, commands_of_run};

use super::check::{check_log, runs};
use super::moment::Who;
use super::tell::Character;
use super::training::{self, STEPS, WAITS_AT, outcome, undisturbed};

/// Tells it to its end, and to the return of the node, and fails if anything was lost, or ran twice. The platform goes on.
pub(super) async fn tell(cluster: &KubernetesCluster) -> Result<Up> {
    let up = Up::start_in(cluster).await?;
    training::unpack(&up.code())?;
    let admin = up.admin().await?;
    let mut ada = Character::new(Who::Background, &up, &admin).await?;
    ada.submit(&training::saving(&up.code(), &ada.out)).await?;

    let task = until_it_waits(&mut ada).await?;
    let lost = node_of(&task, 0)?;
    let before = commands_of_run(&up.data_dir(), 1)?;
    ensure!(before.len() >= 2, "each of two ranks runs: {before:?}");
    cluster.cut_off(&lost)?;
    let again = until_it_runs_again(&mut ada, &before).await?;
    for rank in 0..2 {
        let node = node_of(&again, rank)?;
        ensure!(node != lost, "rank {rank} is on the lost node {lost}");
    }
    check(&ada).await?;
    comes_back(cluster, &up, &lost).await?;
    Ok(up)
}

/// Until the first run does nothing more: its state then.
async fn until_it_waits(ada: &mut Character) -> Result<Value> {
    let last = format!("step {WAITS_AT}/");
    let (mut state, mut is_there) = (Value::Null, false);
    while !(is_there && state["currentRun"]["state"] == "RUNNING") {
        match ada.next().await.context("it goes on")?? {
            Seen::State(task) => state = task,
            Seen::Line(line) => is_there |= line.starts_with(&last),
        }
    }
    Ok(state)
}

/// Until the training is finished: the state in which its second run was seen. Nothing of the first one lives when that is said to
/// be over, or later.
async fn until_it_runs_again(ada: &mut Character, before: &[Process]) -> Result<Value> {
    let mut again = None;
    while let Some(seen) = ada.next().await {
        let Seen::State(task) = seen? else { continue };
        let run = &task["currentRun"];
        if run["number"] == 1 && run["state"] != "ENDED" {
            continue;
        }
        let mut left = before.iter().filter(|process| process.lives());
        ensure!(left.next().is_none(), "the first run is over, and runs");
        if run["number"] == 2 {
            again.get_or_insert(task);
        }
    }
    again.context("it runs again")
}

fn node_of(task: &Value, rank: usize) -> Result<String> {
    let node = task["currentRun"]["pods"][rank]["node"].as_str();
    let node = node.with_context(|| format!("no node of rank {rank} in {task}"))?;
    Ok(node.to_owned())
}

async fn check(ada: &Character) -> Result<()> {
    let runs = runs(ada).await?;
    let outcomes: Vec<&str> = runs.iter().map(|(_, outcome)| outcome.as_str()).collect();
    assert_eq!(outcomes, ["LOST", "SUCCEEDED"], "{runs:?}");
    check_log(ada, 2, STEPS).await?;
    let result = outcome(&ada.out)?;
    assert_eq!((result.steps, result.resumed_from), (STEPS, WAITS_AT));
    assert_eq!(
        result.weights_sha256,
        undisturbed().await?,
        "the weights are those of an undisturbed training"
    );
    Ok(())
}

/// A task that needs all nodes waits for the lost one, and has it as soon as it is back and swept.
async fn comes_back(cluster: &KubernetesCluster, up: &Up, lost: &str) -> Result<()> {
    let bob = up.admin().await?.create_user("bob").await?;
    let bob = up.client(&bob).await?;
    let script = up.script("all.sh", "echo \"on $MARSV2_NODE_NAME\"\n")?;
    let options = json!({});
    let all = bob.submit_with("all", &script, 3, options).await?;
    let waiting = bob.wait_for(&all, |task| task["wait"].is_object()).await?;
    assert_eq!(waiting["state"], "WAITING_INIT", "{waiting}");
    cluster.reconnect(lost)?;
    let task = bob.finished(&all).await?;
    assert_eq!(task["outcome"], "SUCCEEDED", "{task}");
    Ok(())
}
