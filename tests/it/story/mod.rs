//! The whole story on real processes: a training gives way to a more urgent one and loses nothing, whenever the server dies.
//!
//! `cargo xtask story` tells it with many seeds.

mod check;
mod lost_node;
mod moment;
mod plan;
mod tell;
mod training;

use std::ops::RangeInclusive;
use std::time::Instant;

use anyhow::{Context, Result};

use plan::Plan;
use tests::{KubernetesCluster, Up};

/// The seeds of every day: between them they kill at moments of each kind.
const USUAL_SEEDS: RangeInclusive<u64> = 3..=4;

#[tokio::test]
async fn a_training_gives_way_to_a_more_urgent_one_and_loses_nothing() -> Result<()> {
    let told = tell::tell(Up::start().await?, Plan::quiet()).await?;
    check::check(&told).await
}

#[tokio::test]
async fn in_a_cluster_the_story_is_the_same() -> Result<()> {
    let cluster = KubernetesCluster::start().await?;
    let told = tell::tell(Up::start_in(&cluster).await?, Plan::quiet()).await?;
    check::check(&told).await?;
    cluster.is_left_clean().await
}

#[tokio::test]
async fn in_a_cluster_a_node_that_is_lost_costs_a_training_nothing_but_time() -> Result<()> {
    let cluster = KubernetesCluster::with_nodes(3).await?;
    let _up = lost_node::tell(&cluster).await?;
    cluster.is_left_clean().await
}

#[tokio::test]
async fn in_a_cluster_too_the_server_may_be_killed_at_any_moment() -> Result<()> {
    for seed in USUAL_SEEDS {
        let plan = Plan::of(seed);
        let cluster = KubernetesCluster::start().await?;
        let told = tell::tell(Up::start_in(&cluster).await?, plan.clone())
            .await
            .with_context(|| format!("seed {seed}: {plan}"))?;
        check::check(&told)
            .await
            .with_context(|| format!("seed {seed}: {plan}"))?;
        cluster.is_left_clean().await?;
    }
    Ok(())
}

#[tokio::test]
async fn the_story_ends_the_same_when_the_server_is_killed_at_any_moment() -> Result<()> {
    for seed in seeds()? {
        let plan = Plan::of(seed);
        let begun = Instant::now();
        let told = tell::tell(Up::start().await?, plan.clone())
            .await
            .with_context(|| format!("seed {seed}: {plan}"))?;
        check::check(&told)
            .await
            .with_context(|| format!("seed {seed}: {plan}"))?;
        let took = begun.elapsed().as_secs_f64();
        println!("seed {seed:>3} {took:>6.1} s  {}", told.summary());
    }
    Ok(())
}

/// Those of `HAI_STORY_SEEDS=FIRST..=LAST`, if it is set.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place where the story learns of its seeds"
)]
fn seeds() -> Result<RangeInclusive<u64>> {
    let Ok(text) = std::env::var("HAI_STORY_SEEDS") else {
        return Ok(USUAL_SEEDS);
    };
    let seeds = text.split_once("..=").and_then(|(first, last)| {
        let seeds = first.parse().ok()?..=last.parse().ok()?;
        (!seeds.is_empty()).then_some(seeds)
    });
    seeds.with_context(|| format!("HAI_STORY_SEEDS must be FIRST..=LAST, not {text}"))
}
