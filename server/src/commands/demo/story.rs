//! The story that the demonstration tells: a training gives way to a more urgent one, saves, and loses nothing.

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result};
use serde::Deserialize;
use tokio::sync::Notify;

use super::client::{Client, Ended, Training};
use super::facts::Facts;
use super::watch::{Seen, lines, watch};
use crate::platform::Platform;

/// Steps of the trainings that are compared: enough to beat the unigram model clearly.
const STEPS: u32 = 300;
/// Steps of the urgent training.
const URGENT_STEPS: u32 = 120;
/// The line of the background training after which the urgent one is submitted.
const INTERRUPTED_AFTER: &str = "step 100/";
/// By how many bits per character the trained model must beat the unigram model on text it has not seen.
const IMPROVEMENT: f64 = 1.0;

/// What a training writes at its end.
#[derive(Debug, Deserialize)]
struct TrainingResult {
    world_size: u32,
    resumed_from: u32,
    bpc: f64,
    unigram_bpc: f64,
    improvement: f64,
    weights_sha256: String,
}

/// Tells the story and checks it.
pub(super) async fn tell(platform: &Platform, code: &Path) -> Result<Facts> {
    let token = platform
        .first_token
        .as_ref()
        .context("a new platform has a first token")?;
    let admin = Client::connect(&platform.url, token.reveal()).await?;
    let background = sign_up(platform, &admin, "background").await?;
    let urgent = sign_up(platform, &admin, "urgent").await?;
    let out = |user: &str, name: &str| platform.app.settings.workspaces.join(user).join(name);
    let slow = |name: &'static str| Training {
        name,
        priority: "LOW",
        code,
        steps: STEPS,
        out: out("background", name),
    };
    let fast = Training {
        name: "urgent",
        priority: "HIGH",
        code,
        steps: URGENT_STEPS,
        out: out("urgent", "urgent"),
    };

    println!("\nFirst the user background trains charlm on both nodes, undisturbed.\n");
    let undisturbed = slow("undisturbed");
    let id = background.submit(&undisturbed).await?;
    watch(&background, &id, "undisturbed", |_| ()).await?;

    println!(
        "\nNow the same again at priority LOW, and in the midst of it the user urgent needs both nodes at HIGH.\n"
    );
    let interrupted = slow("background");
    let slow_id = background.submit(&interrupted).await?;
    let is_under_way = Notify::new();
    let slow_story = watch(&background, &slow_id, "background", |line| {
        if line.starts_with(INTERRUPTED_AFTER) {
            is_under_way.notify_one();
        }
    });
    let fast_story = async {
        is_under_way.notified().await;
        let submitted_at = Instant::now();
        let id = urgent.submit(&fast).await?;
        let seen = watch(&urgent, &id, "urgent", |_| ()).await?;
        anyhow::Ok((submitted_at, id, seen))
    };
    let (slow_seen, (submitted_at, fast_id, fast_seen)) = tokio::try_join!(slow_story, fast_story)?;

    let mut facts = Facts::default();
    check_runs(
        &mut facts,
        &background.runs(&slow_id).await?,
        &urgent.runs(&fast_id).await?,
    );
    check_times(&mut facts, submitted_at, &slow_seen, &fast_seen);
    check_results(&mut facts, &undisturbed.out, &interrupted.out)?;
    let stored = lines(&background.log(&slow_id, 0).await?);
    facts.check(
        "the log followed live is the log as stored",
        format!("{} and {} lines", slow_seen.lines.len(), stored.len()),
        !stored.is_empty() && slow_seen.lines == stored,
    );
    let groups = background.groups().await?;
    let free: i32 = groups.iter().map(|group| group.free).sum();
    let nodes: i32 = groups.iter().map(|group| group.nodes).sum();
    facts.check(
        "every node is free again",
        format!("{free} of {nodes}"),
        free == nodes,
    );
    let answer = may_create_users(&urgent).await;
    facts.check(
        "a user may not do what administrators may",
        &answer,
        answer == "FORBIDDEN",
    );
    Ok(facts)
}

async fn sign_up(platform: &Platform, admin: &Client, name: &str) -> Result<Client> {
    let token = admin.create_user(name).await?;
    Client::connect(&platform.url, &token).await
}

fn check_runs(facts: &mut Facts, background: &[Ended], urgent: &[Ended]) {
    let words = |runs: &[Ended]| -> Vec<String> {
        let outcome = |run: &Ended| run.outcome.clone().unwrap_or_else(|| "-".to_owned());
        runs.iter().map(outcome).collect()
    };
    let (slow, fast) = (words(background), words(urgent));
    facts.check(
        "the first gave way and then went on to its end",
        slow.join(", "),
        slow == ["SUSPENDED", "SUCCEEDED"],
    );
    let why = background.first().and_then(|run| run.message.as_deref());
    let why = why.unwrap_or("nothing");
    facts.check("the platform says why", why, why.contains("gives way"));
    facts.check(
        "the urgent one ran at once",
        fast.join(", "),
        fast == ["SUCCEEDED"],
    );
}

/// From the submit of the urgent task: until the other was asked, until the nodes were handed over, until its first steps.
fn check_times(facts: &mut Facts, submitted_at: Instant, slow: &Seen, fast: &Seen) {
    let since = |at: Option<Instant>| at.and_then(|at| at.checked_duration_since(submitted_at));
    for (claim, at) in [
        (
            "  … from its submit to the request to give way",
            slow.drained_at,
        ),
        ("  … to the handover of the nodes", fast.started_at),
        ("  … to the first steps it tells of", fast.stepped_at),
    ] {
        let found = since(at).map_or("never".to_owned(), |time| {
            format!("{} ms", time.as_millis())
        });
        facts.check(claim, found, since(at).is_some());
    }
}

fn check_results(facts: &mut Facts, undisturbed: &Path, interrupted: &Path) -> Result<()> {
    let whole = read(undisturbed.join("result.json"))?;
    let resumed = read(interrupted.join("result.json"))?;
    facts.check(
        "the ranks trained one model together",
        format!("world size {}", resumed.world_size),
        resumed.world_size == 2,
    );
    facts.check(
        "it went on at the step at which it had saved",
        format!("step {}", resumed.resumed_from),
        (100..STEPS).contains(&resumed.resumed_from),
    );
    facts.check(
        "its weights are those of the undisturbed training",
        format!(
            "SHA-256 {}…",
            resumed.weights_sha256.chars().take(16).collect::<String>()
        ),
        resumed.weights_sha256 == whole.weights_sha256,
    );
    facts.check(
        "it beats the unigram model by 1 bit or more",
        format!(
            "{:.2} against {:.2} bits per character, better by {:.2}",
            resumed.bpc, resumed.unigram_bpc, resumed.improvement
        ),
        resumed.improvement >= IMPROVEMENT,
    );
    Ok(())
}

fn read(path: PathBuf) -> Result<TrainingResult> {
    let text = std::fs::read(&path)
        .with_context(|| format!("the training left no result in {}", path.display()))?;
    serde_json::from_slice(&text).context("the result is damaged")
}

/// What the platform answers a user who tries what only administrators may.
async fn may_create_users(user: &Client) -> String {
    match user.create_user("mallory").await {
        Ok(_) => "allowed".to_owned(),
        Err(error) => error
            .downcast_ref::<transport::Error>()
            .and_then(transport::Error::code)
            .unwrap_or("unknown")
            .to_owned(),
    }
}
