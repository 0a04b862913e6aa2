//! From submit to the first line of the user's script, on free nodes, one task after the other.
//!
//! The script writes down when it began, by the clock of this machine, which is also that of the client. So the figure
//! has everything in it: the submit's commit, the plan, the launch of an agent, its registration at the start gate, and
//! the start of bash. The agents share the machine's cores with the server, as they do on a laptop; it says nothing
//! about pulling images or about nodes that must be found in a network.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::time::{sleep, timeout};

use crate::client::Client;
use crate::clock::now;
use crate::figure::{Goal, say_times};
use crate::site::{Engines, Ground, Site};

const NODES: u32 = 64;
const WARM_UP: usize = 20;
const MEASURED: usize = 300;
const SCRIPT: &str = "echo $EPOCHREALTIME > began.$MARSV2_TASK_ID.new && mv began.$MARSV2_TASK_ID.new began.$MARSV2_TASK_ID";

/// Measures on SQLite, and through two servers that share a database: the submit goes to one after the other, so that
/// every second one is told to a server that does not drive.
pub(crate) async fn run(ground: &Ground) -> Result<()> {
    let mut times = measure(ground, &Engines::LAPTOP).await?;
    let goals = (Goal::AtMost(15.0), Goal::AtMost(50.0));
    say_times("start", "submit to script", &mut times, goals.0, goals.1);
    for engines in ground.replicas() {
        let mut times = measure(ground, &engines).await?;
        let metric = format!("{}: submit to script", engines.name());
        say_times("start", &metric, &mut times, Goal::None, Goal::None);
    }
    Ok(())
}

async fn measure(ground: &Ground, engines: &Engines) -> Result<Vec<Duration>> {
    let site = Site::start(&ground.on_all_cores()?, engines, NODES).await?;
    site.script("began.sh", SCRIPT)?;
    let clients = [0, 1].map(|number| Client::at(&site, number, &site.token));
    let mut times = Vec::new();
    for (number, client) in clients.iter().cycle().take(WARM_UP + MEASURED).enumerate() {
        let asked = now();
        let id = client.submit(&format!("t{number}"), "began.sh").await?;
        let began = began(&site.code().join(format!("began.{id}"))).await?;
        times.push(began.saturating_sub(asked));
    }
    Ok(times.split_off(WARM_UP))
}

/// When a script began, as soon as it has said so.
async fn began(file: &Path) -> Result<Duration> {
    let text = timeout(Duration::from_secs(30), text_of(file)).await;
    let text = text.context("the task did not begin within 30 s")?;
    let (seconds, micros) = text.trim().split_once('.').context("it is a time")?;
    Ok(Duration::from_secs(seconds.parse()?) + Duration::from_micros(micros.parse()?))
}

async fn text_of(file: &Path) -> String {
    loop {
        if let Ok(text) = std::fs::read_to_string(file) {
            return text;
        }
        sleep(Duration::from_millis(1)).await;
    }
}
