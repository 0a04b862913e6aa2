//! The story that the demonstration tells: a training gives way to a more urgent one, saves, and loses nothing.

use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result};
use cli::Look;
use tokio::sync::Notify;

use super::checks::{TrainingResult, check_results, check_runs, check_steps};
use super::client::{Client, Training};
use super::facts::Facts;
use super::report::{Times, Told, report};
use super::steps::SHOWN_EVERY;
use super::view::{Lane, Side, View};
use super::watch::{Seen, lines, watch};
use crate::platform::Platform;

/// Steps of the trainings that are compared: enough to beat the unigram model clearly.
const STEPS: u32 = 300;
/// Steps of the urgent training.
const URGENT_STEPS: u32 = 120;
/// The line of the background training after which the urgent one is submitted.
const INTERRUPTED_AFTER: &str = "step 100/";

/// What came of it.
#[derive(Debug)]
pub(super) struct Outcome {
    /// The table of the runs.
    pub(super) report: String,
    pub(super) facts: Facts,
}

/// Tells the story and checks it.
pub(super) async fn tell(platform: &Platform, code: &Path, look: Look) -> Result<Outcome> {
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
    let view = View::new(look.width);
    let lane = |side, name| Lane { view, side, name };

    println!("\nFirst the user background trains charlm on both nodes, undisturbed.");
    println!("Every {SHOWN_EVERY}th step is shown; in the end all of them are checked.\n");
    let undisturbed = slow("undisturbed");
    let whole_id = background.submit(&undisturbed).await?;
    let whole_lane = lane(Side::Whole, "undisturbed");
    let whole_seen = watch(&background, &whole_id, whole_lane, |_| ()).await?;

    println!(
        "\nNow the same again at priority LOW, and in the midst of it the user urgent needs both nodes at HIGH.\n"
    );
    print!("{}", view.heading("background (LOW)", "urgent (HIGH)"));
    let interrupted = slow("background");
    let slow_id = background.submit(&interrupted).await?;
    let is_under_way = Notify::new();
    let slow_lane = lane(Side::Left, "background");
    let slow_story = watch(&background, &slow_id, slow_lane, |line| {
        if line.starts_with(INTERRUPTED_AFTER) {
            is_under_way.notify_one();
        }
    });
    let fast_story = async {
        is_under_way.notified().await;
        let submitted_at = Instant::now();
        let id = urgent.submit(&fast).await?;
        let seen = watch(&urgent, &id, lane(Side::Right, "urgent"), |_| ()).await?;
        anyhow::Ok((submitted_at, id, seen))
    };
    let (slow_seen, (submitted_at, fast_id, fast_seen)) = tokio::try_join!(slow_story, fast_story)?;

    let mut facts = Facts::default();
    let times = times(submitted_at, &slow_seen, &fast_seen);
    let whole = told(&background, &whole_id, "undisturbed", whole_seen).await?;
    let slow = told(&background, &slow_id, "background", slow_seen).await?;
    let fast = told(&urgent, &fast_id, "urgent", fast_seen).await?;
    check_runs(&mut facts, &slow, &fast);
    facts.check(
        "signal, handover and first step came in this order",
        times,
        times.are_in_order(),
    );
    check_steps(&mut facts, &whole, &slow, STEPS);
    let of_whole = TrainingResult::read(&undisturbed.out)?;
    let of_slow = TrainingResult::read(&interrupted.out)?;
    check_results(&mut facts, &of_whole, &of_slow, &slow);
    let stored = lines(&background.log(&slow_id, 0).await?);
    facts.check(
        "the log followed live is the log as stored",
        format!("{} and {} lines", slow.log.len(), stored.len()),
        !stored.is_empty() && slow.log == stored,
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
    Ok(Outcome {
        report: report(&[&whole, &slow, &fast], times, look),
        facts,
    })
}

async fn sign_up(platform: &Platform, admin: &Client, name: &str) -> Result<Client> {
    let token = admin.create_user(name).await?;
    Client::connect(&platform.url, &token).await
}

async fn told(user: &Client, id: &str, name: &'static str, seen: Seen) -> Result<Told> {
    Ok(Told {
        name,
        runs: user.runs(id).await?,
        log: seen.log,
    })
}

/// From the submit of the urgent task: until the other was asked, until the nodes were handed over, until its first step.
fn times(submitted_at: Instant, slow: &Seen, fast: &Seen) -> Times {
    let since = |at: Option<Instant>| {
        at.and_then(|at| at.checked_duration_since(submitted_at))
            .map(|time| time.as_millis())
    };
    Times {
        signal: since(slow.drained_at),
        handover: since(fast.started_at),
        first_step: since(fast.stepped_at),
    }
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
