//! Durable submits over loopback by concurrent clients, each of a user of his own, behind a task that holds the only node.
//!
//! An answer means that the task is on the disk: at the end the server is killed with SIGKILL in the middle of the load,
//! started again, and asked for every task that was acknowledged. The scheduler runs all the while and plans a line that
//! grows by every submit. It says nothing about a network between client and server.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use serde_json::{Map, Value};
use tokio::task::JoinSet;

use crate::client::Client;
use crate::figure::{Goal, say, say_times};
use crate::site::{Database, Ground, Site};

const CLIENTS: usize = 48;
const WARM_UP: Duration = Duration::from_secs(2);
const MEASURED: Duration = Duration::from_secs(10);
/// Most aliases of a document that the server takes.
const IDS_PER_QUESTION: usize = 100;

/// Measures on every database.
pub(crate) async fn run(ground: &Ground) -> Result<()> {
    for database in ground.databases() {
        measure(ground, &database).await?;
    }
    Ok(())
}

async fn measure(ground: &Ground, database: &Database) -> Result<()> {
    let mut site = Site::start(ground, database, 1).await?;
    site.script("hold.sh", "exec sleep 100000")?;
    site.script("true.sh", "true")?;
    let admin = Client::new(&site, &site.token);
    admin.submit("hold", "hold.sh").await?;
    let dying = Arc::new(AtomicBool::new(false));
    let mut load = JoinSet::new();
    for number in 0..CLIENTS {
        let token = admin.create_user(&format!("user{number}")).await?;
        load.spawn(submit_on(Client::new(&site, &token), Arc::clone(&dying)));
    }
    let start = Instant::now() + WARM_UP;
    tokio::time::sleep(WARM_UP + MEASURED).await;
    dying.store(true, Ordering::Relaxed);
    site.kill().await?;
    let mut acknowledged = Vec::new();
    while let Some(client) = load.join_next().await {
        acknowledged.extend(client??);
    }

    let is_measured = |one: &&Submitted| one.at >= start && one.at < start + MEASURED;
    let measured = acknowledged.iter().filter(is_measured);
    let mut times: Vec<Duration> = measured.map(|one| one.took).collect();
    let name = database.name();
    let rate = times.len() as f64 / MEASURED.as_secs_f64();
    say(
        "submit",
        &format!("{name}: rate"),
        rate,
        "/s",
        Goal::AtLeast(3000.0),
    );
    say_times(
        "submit",
        &format!("{name}: submit"),
        &mut times,
        Goal::None,
        Goal::AtMost(20.0),
    );

    site.again().await?;
    let admin = Client::new(&site, &site.token);
    let lost = lost(&admin, &acknowledged).await?;
    let metric = format!("{name}: lost of {} after SIGKILL", acknowledged.len());
    say("submit", &metric, lost as f64, "", Goal::AtMost(0.0));
    Ok(())
}

/// A submit that was answered.
struct Submitted {
    id: String,
    at: Instant,
    took: Duration,
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
