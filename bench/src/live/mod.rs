//! Ten thousand WebSockets with two subscriptions each, every one of which gets an update every second.
//!
//! A hundred waiting tasks have their priority changed once a second, evenly spread; each socket follows two of them. What
//! is measured is the time from before the mutation is sent until the frame is read: the mutation, its commit, the look
//! at the database for all followers at once, and the way out to two hundred of them. The peer does the last part only:
//! an axum server that sends texts of the same length from broadcast channels.

mod crowd;
pub(crate) mod peer;

use std::time::Duration;

use anyhow::Result;
use serde_json::json;
use tokio::time::{interval, sleep};

use self::crowd::{Crowd, TASKS};
use self::peer::Peer;
use crate::client::Client;
use crate::figure::{Goal, say, say_times};
use crate::site::{Engines, Ground, Site};
use crate::usage::Usage;

/// The limit of open files of many machines is 20,000, and every socket is one at each end.
const SOCKETS: usize = 10_000;
const MEASURED: Duration = Duration::from_secs(10);

/// Priorities that follow each other: so many updates can be under way before one is taken for another.
pub(super) const LEVELS: [&str; 6] = [
    "ABOVE_NORMAL",
    "NORMAL",
    "BELOW_NORMAL",
    "LOW",
    "HIGH",
    "VERY_HIGH",
];

/// Measures on SQLite, then the peer.
pub(crate) async fn run(ground: &Ground) -> Result<()> {
    let site = Site::start(ground, &Engines::LAPTOP, 1).await?;
    site.script("hold.sh", "exec sleep 100000")?;
    site.script("true.sh", "true")?;
    let admin = Client::new(&site, &site.token);
    admin.submit("hold", "hold.sh").await?;
    let mut ids = Vec::new();
    for number in 0..TASKS {
        ids.push(admin.submit(&format!("t{number}"), "true.sh").await?);
    }
    let before = site.memory()?;
    let crowd = Crowd::gather(site.url(), &site.token, &ids, SOCKETS).await?;
    let each = (site.memory()? - before) as f64 / SOCKETS as f64 / 1024.0;
    let usages = [Usage::of(site.pid()?)?, Usage::of(std::process::id())?];
    let (ours, lost) = measure(&crowd, &admin, &ids).await?;
    for (usage, whose) in usages.iter().zip(["the server", "the load"]) {
        let metric = format!("busy: {whose}, of one core");
        say("live", &metric, usage.percent()?, "%", Goal::None);
    }
    let p99 = report("HAI Platform", ours);
    say("live", "updates lost", lost as f64, "", Goal::AtMost(0.0));
    say(
        "live",
        "memory of the server for a socket",
        each,
        "KiB",
        Goal::AtMost(12.0),
    );
    crowd.leave().await;
    drop(site);

    let peer = Peer::start(ground).await?;
    let crowd = Crowd::gather_at_peer(&peer.url, SOCKETS).await?;
    sleep(MEASURED).await;
    let plain = report("plain axum", crowd.take());
    say(
        "live",
        "p99 as many times that of plain axum",
        p99 / plain,
        "",
        Goal::None,
    );
    Ok(())
}

/// Changes every task once a second, and gives what the crowd has seen.
async fn measure(crowd: &Crowd, admin: &Client, ids: &[String]) -> Result<(Vec<Duration>, usize)> {
    let mut pace = interval(Duration::from_secs(1) / u32::try_from(TASKS)?);
    let n_rounds = usize::try_from(MEASURED.as_secs())?;
    let mut changes = tokio::task::JoinSet::new();
    for round in 1..=n_rounds {
        let level = round % LEVELS.len();
        for (task, id) in ids.iter().enumerate() {
            pace.tick().await;
            crowd.seen.sent(task, level);
            let (admin, id) = (admin.clone(), id.clone());
            changes.spawn(async move {
                let query = "mutation($id: ID!, $to: Priority!) {
                    updateTaskPriority(id: $id, input: {priority: $to, forEveryRun: true}) { id } }";
                let variables = json!({"id": id, "to": LEVELS[level]});
                admin.ask(query, &variables).await
            });
        }
    }
    while let Some(change) = changes.join_next().await {
        change??;
    }
    sleep(Duration::from_secs(2)).await;
    let lost = crowd.lost(n_rounds);
    Ok((crowd.take(), lost))
}

/// Prints the times of one server, and gives the p99 in milliseconds.
fn report(name: &str, mut times: Vec<Duration>) -> f64 {
    let rate = times.len() as f64 / MEASURED.as_secs_f64();
    say("live", &format!("{name}: received"), rate, "/s", Goal::None);
    let goal = if name == "plain axum" {
        Goal::None
    } else {
        Goal::AtMost(250.0)
    };
    say_times(
        "live",
        &format!("{name}: update to frame"),
        &mut times,
        Goal::None,
        goal,
    )
}
