//! Durable submits over loopback by concurrent clients, each of a user of his own, behind a task that holds the only node.
//!
//! An answer means that the task is on the disk: at the end the server is killed with SIGKILL in the middle of the load,
//! started again, and asked for every task that was acknowledged. The scheduler runs all the while and plans a line that
//! grows by every submit. It says nothing about a network between client and server.
//!
//! Through two servers, each client stays at one of them; both are killed, and one of them is asked. They share the core
//! that one server has otherwise: it says what sharing costs, not what a second machine brings.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use serde_json::{Map, Value};
use tokio::task::JoinSet;

use crate::client::Client;
use crate::figure::{Goal, say, say_times};
use crate::site::{Engines, Ground, Site};

pub(crate) const CLIENTS: usize = 48;
pub(crate) const WARM_UP: Duration = Duration::from_secs(2);
pub(crate) const MEASURED: Duration = Duration::from_secs(10);
/// Most aliases of a document that the server takes.
const IDS_PER_QUESTION: usize = 100;
const GOALS: Goals = Goals {
    rate: Goal::AtLeast(3000.0),
    p99: Goal::AtMost(20.0),
    lost: Goal::AtMost(0.0),
};
/// Nothing was promised of a core that two share, but that nothing is lost.
const NO_GOALS: Goals = Goals {
    rate: Goal::None,
    p99: Goal::None,
    lost: Goal::AtMost(0.0),
};

/// Measures on every database, and through two servers.
pub(crate) async fn run(ground: &Ground) -> Result<()> {
    for engines in ground.databases() {
        let mut submits = measure(ground, &engines).await?;
        submits.say("submit", &engines.name(), &GOALS);
    }
    for engines in ground.replicas() {
        let mut submits = measure(ground, &engines).await?;
        submits.say("submit", &engines.name(), &NO_GOALS);
    }
    Ok(())
}

/// Measures one platform.
pub(crate) async fn measure(ground: &Ground, engines: &Engines) -> Result<Submits> {
    let mut site = Site::start(ground, engines, 1).await?;
    site.script("hold.sh", "exec sleep 100000")?;
    site.script("true.sh", "true")?;
    let admin = Client::new(&site, &site.token);
    admin.submit("hold", "hold.sh").await?;
    let dying = Arc::new(AtomicBool::new(false));
    let mut load = JoinSet::new();
    for number in 0..CLIENTS {
        let token = admin.create_user(&format!("user{number}")).await?;
        load.spawn(submit_on(
            Client::at(&site, number, &token),
            Arc::clone(&dying),
        ));
    }
    let start = Instant::now() + WARM_UP;
    tokio::time::sleep(WARM_UP + MEASURED).await;
    dying.store(true, Ordering::Relaxed);
    site.kill().await?;
    let mut acknowledged = Vec::new();
    while let Some(client) = load.join_next().await {
        acknowledged.extend(client??);
    }

    site.again().await?;
    let admin = Client::new(&site, &site.token);
    let lost = lost(&admin, &acknowledged).await?;
    Ok(Submits::count(&acknowledged, start, lost))
}

/// What became of the submits.
pub(crate) struct Submits {
    /// How long those took that were answered in the measured time.
    times: Vec<Duration>,
    acknowledged: usize,
    lost: usize,
}

/// What the figures of submits should be.
pub(crate) struct Goals {
    pub(crate) rate: Goal,
    pub(crate) p99: Goal,
    pub(crate) lost: Goal,
}

impl Submits {
    /// Counts the submits that were answered from `start` on.
    pub(crate) fn count(acknowledged: &[Submitted], start: Instant, lost: usize) -> Self {
        let is_measured = |one: &&Submitted| one.at >= start && one.at < start + MEASURED;
        let measured = acknowledged.iter().filter(is_measured);
        Self {
            times: measured.map(|one| one.took).collect(),
            acknowledged: acknowledged.len(),
            lost,
        }
    }

    /// How many in a second.
    pub(crate) fn rate(&self) -> f64 {
        self.times.len() as f64 / MEASURED.as_secs_f64()
    }

    /// Prints the figures. Gives how long all but one in a hundred took, in milliseconds.
    pub(crate) fn say(&mut self, bench: &str, who: &str, goals: &Goals) -> f64 {
        say(
            bench,
            &format!("{who}: rate"),
            self.rate(),
            "/s",
            goals.rate,
        );
        let metric = format!("{who}: submit");
        let p99 = say_times(bench, &metric, &mut self.times, Goal::None, goals.p99);
        let metric = format!("{who}: lost of {} after SIGKILL", self.acknowledged);
        say(bench, &metric, self.lost as f64, "", goals.lost);
        p99
    }
}

/// A submit that was answered.
pub(crate) struct Submitted {
    pub(crate) id: String,
    pub(crate) at: Instant,
    pub(crate) took: Duration,
}

/// Submits one task after the other until the server dies, as it is about to.
async fn submit_on(client: Client, dying: Arc<AtomicBool>) -> Result<Vec<Submitted>> {
    let mut acknowledged = Vec::new();
    for number in 0.. {
        let asked = Instant::now();
        match client.submit(&format!("t{number}"), "true.sh").await {
            Ok(id) => acknowledged.push(Submitted {
                id,
                at: Instant::now(),
                took: asked.elapsed(),
            }),
            Err(_) if dying.load(Ordering::Relaxed) => break,
            Err(error) => return Err(error),
        }
    }
    Ok(acknowledged)
}

/// How many of the tasks are not there.
async fn lost(admin: &Client, acknowledged: &[Submitted]) -> Result<usize> {
    let mut lost = 0;
    for some in acknowledged.chunks(IDS_PER_QUESTION) {
        let fields: Vec<String> = some
            .iter()
            .map(|one| format!("t{0}: task(id: {0}) {{ id }}", one.id))
            .collect();
        let query = format!("{{ {} }}", fields.join(" "));
        let found = admin.ask(&query, &Value::Object(Map::new())).await?;
        let found = found.as_object().cloned().unwrap_or_default();
        ensure!(found.len() == some.len(), "every task was asked for");
        lost += found.values().filter(|task| task.is_null()).count();
    }
    Ok(lost)
}
