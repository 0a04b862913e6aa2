//! What must be true at the end of the story, however often the server died.

use anyhow::{Context, Result};
use serde_json::json;

use super::moment::Who;
use super::tell::{Character, Told};
use super::training::{STEPS, URGENT_STEPS, WAITS_AT, outcome, undisturbed};

/// Fails if anything was lost, repeated, or left behind.
pub(super) async fn check(told: &Told) -> Result<()> {
    let ended = |drain: &str, outcome: &str| (drain.to_owned(), outcome.to_owned());
    assert_eq!(
        runs(&told.background).await?,
        [ended("SUSPEND", "SUSPENDED"), ended("DONE", "SUCCEEDED")]
    );
    assert_eq!(runs(&told.urgent).await?, [ended("DONE", "SUCCEEDED")]);
    check_log(&told.background, 2, STEPS).await?;
    check_log(&told.urgent, 1, URGENT_STEPS).await?;
    check_results(told).await?;
    check_nodes(&told.background).await
}

pub(super) async fn runs(character: &Character) -> Result<Vec<(String, String)>> {
    character.client.runs(&character.task()?.id).await
}

/// Every rank was started once in each run, and made every step once.
pub(super) async fn check_log(character: &Character, runs: usize, steps: u32) -> Result<()> {
    let task = character.task()?;
    for rank in 0..2 {
        let log = character.client.log(&task.id, rank).await?;
        if rank == 0 {
            assert_eq!(task.lines, log, "what was followed is what is stored");
        }
        let begin = match rank {
            0 => String::new(),
            rank => format!("[rank {rank}] "),
        };
        let said: Vec<&str> = log
            .iter()
            .filter_map(|line| line.strip_prefix(&begin))
            .collect();
        let starts = said.iter().filter(|line| line.starts_with("world size 2,"));
        assert_eq!(starts.count(), runs, "starts of rank {rank}: {log:#?}");
        let made: Vec<u32> = said.iter().filter_map(|line| step(line)).collect();
        assert_eq!(
            made,
            (1..=steps).collect::<Vec<_>>(),
            "steps of rank {rank}: {log:#?}"
        );
    }
    Ok(())
}

/// The number of the step of which a line tells.
fn step(line: &str) -> Option<u32> {
    line.strip_prefix("step ")?.split_once('/')?.0.parse().ok()
}

async fn check_results(told: &Told) -> Result<()> {
    let resumed = outcome(&told.background.out)?;
    assert_eq!((resumed.steps, resumed.world_size), (STEPS, 2));
    let saved = saved_after(&told.background).await?;
    assert_eq!(saved, resumed.resumed_from.to_string());
    assert!(resumed.resumed_from <= WAITS_AT + 1, "{resumed:?}");
    assert_eq!(
        resumed.weights_sha256,
        undisturbed().await?,
        "the weights are those of an undisturbed training"
    );
    assert_eq!(outcome(&told.urgent.out)?.steps, URGENT_STEPS);
    Ok(())
}

/// The step after which a training was suspended, by its own word. As soon as one rank has said so, the platform may end the other.
async fn saved_after(character: &Character) -> Result<String> {
    let task = character.task()?;
    let mut said = task.lines.clone();
    said.extend(character.client.log(&task.id, 1).await?);
    let words = { said.iter() }.filter_map(|line| line.split_once("suspended after step "));
    let (_, step) = { words }
        .next()
        .with_context(|| format!("it has not said that it has saved: {said:#?}"))?;
    Ok(step.to_owned())
}

/// Every node is free again.
async fn check_nodes(character: &Character) -> Result<()> {
    let query = "{ clusterOverview { groups { nodes free } } }";
    let data = character.client.ask(query, json!({})).await?;
    assert_eq!(
        data["clusterOverview"]["groups"],
        json!([{"nodes": 2, "free": 2}]),
        "after {}",
        Who::Background
    );
    Ok(())
}
