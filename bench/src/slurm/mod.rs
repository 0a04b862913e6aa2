//! Slurm beside the platform, in one run on one machine: the same tasks of `true` from end to end, and the same submits.
//!
//! Slurm runs as Debian ships it, one controller and a daemon for each node, on a directory of its own. Its users submit
//! with `sbatch`, a process for each submit; those of the platform over HTTP, on a connection that stays. So the submits
//! compare what a user has, not what the controllers could do: how busy that of Slurm was is shown beside it. An array of
//! tasks is one submit, and Slurm's fastest way. Neither side has control groups, accounting or a network.

mod client;
mod cluster;

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use tokio::task::JoinSet;
use tokio::time::sleep;

use self::client::Client;
use self::cluster::Cluster;
use crate::figure::{Goal, say};
use crate::site::{Engines, Ground};
use crate::submit::{self, Goals, MEASURED, Submits, Submitted, WARM_UP};
use crate::tasks::{self, NODES, TASKS};

const BENCH: &str = "slurm";
const LOOK: Duration = Duration::from_millis(100);
/// Nothing is promised about another program.
const NO_GOALS: Goals = Goals {
    rate: Goal::None,
    p99: Goal::None,
    lost: Goal::None,
};

/// Measures Slurm, then the platform, and compares.
pub(crate) async fn run(ground: &Ground) -> Result<()> {
    let each = rate_of_tasks(ground, Way::Each).await?;
    let array = rate_of_tasks(ground, Way::Array).await?;
    let ours = tasks::measure(ground).await?;
    let tasks = format!("{TASKS} tasks of `true` on {NODES} nodes");
    for (who, rate) in [
        ("Slurm, by sbatch", each),
        ("Slurm, as one array", array),
        ("HAI", ours),
    ] {
        say(BENCH, &format!("{who}: {tasks}"), rate, "/s", Goal::None);
    }
    ratio("tasks, HAI : Slurm by sbatch", ours, each);
    ratio("tasks, HAI : Slurm as one array", ours, array);

    let mut theirs = submits(ground).await?;
    let mut ours = submit::measure(ground, &Engines::LAPTOP).await?;
    let rates = (ours.rate(), theirs.rate());
    let their_p99 = theirs.say(BENCH, "Slurm, by sbatch", &NO_GOALS);
    let our_p99 = ours.say(BENCH, "HAI, by HTTP on SQLite", &NO_GOALS);
    ratio("submits, HAI : Slurm", rates.0, rates.1);
    ratio("submit p99, HAI : Slurm", our_p99, their_p99);
    Ok(())
}

fn ratio(metric: &str, ours: f64, theirs: f64) {
    say(BENCH, metric, ours / theirs, ": 1", Goal::None);
}

/// How tasks get into the line.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    /// Each by a submit of its own, as many at the same time as the platform has clients.
    Each,
    /// All by one submit.
    Array,
}

/// How many tasks Slurm brings from the first submit to the last end in a second.
async fn rate_of_tasks(ground: &Ground, way: Way) -> Result<f64> {
    let cores = ground.on_all_cores()?.cores.unwrap_or_default();
    let cluster = Cluster::start(&cores, NODES).await?;
    let script = cluster.script("true.sh", "true")?;
    let (n_submits, n_clients, options) = match way {
        Way::Each => (TASKS, tasks::CLIENTS, None),
        Way::Array => (1, 1, Some(format!("--array=1-{TASKS}"))),
    };
    let start = Instant::now();
    let number = Arc::new(AtomicUsize::new(0));
    let mut clients = JoinSet::new();
    for _ in 0..n_clients {
        let (client, script) = (cluster.client.clone(), script.clone());
        let (number, options) = (Arc::clone(&number), options.clone());
        clients.spawn(async move {
            let options: Vec<&str> = options.iter().map(String::as_str).collect();
            while number.fetch_add(1, Ordering::Relaxed) < n_submits {
                client.submit(&script, &options).await?;
            }
            anyhow::Ok(())
        });
    }
    while let Some(client) = clients.join_next().await {
        client??;
    }
    while cluster.n_ended()? < TASKS {
        sleep(LOOK).await;
    }
    Ok(TASKS as f64 / start.elapsed().as_secs_f64())
}

/// Submits by many clients to the line behind a task that holds the only node, until the controller is killed.
async fn submits(ground: &Ground) -> Result<Submits> {
    let cores = ground.cores.clone().or(ground.on_all_cores()?.cores);
    let mut cluster = Cluster::start(&cores.unwrap_or_default(), 1).await?;
    let hold = cluster.script("hold.sh", "exec sleep 100000")?;
    let script = cluster.script("true.sh", "true")?;
    cluster.client.submit(&hold, &[]).await?;
    let acknowledged = Arc::new(Mutex::new(Vec::new()));
    let mut load = JoinSet::new();
    for _ in 0..submit::CLIENTS {
        let (client, script) = (cluster.client.clone(), script.clone());
        load.spawn(submit_on(client, script, Arc::clone(&acknowledged)));
    }
    sleep(WARM_UP).await;
    let (start, before) = (Instant::now(), cluster.controller_time()?);
    sleep(MEASURED).await;
    let busy = (cluster.controller_time()? - before).as_secs_f64() / MEASURED.as_secs_f64();
    say(
        BENCH,
        "Slurm: core of its controller in use",
        100.0 * busy,
        "%",
        Goal::None,
    );
    cluster.kill()?;
    // `sbatch` would ask again and again; one that fails before that ends the measurement.
    load.abort_all();
    while let Some(client) = load.join_next().await {
        match client {
            Ok(failed) => failed?,
            Err(aborted) => ensure!(aborted.is_cancelled(), "a client panicked"),
        }
    }

    cluster.again().await?;
    let known = cluster.known()?;
    let acknowledged = acknowledged.lock().unwrap_or_else(PoisonError::into_inner);
    let lost = acknowledged.iter().filter(|one| !known.contains(&one.id));
    Ok(Submits::count(&acknowledged, start, lost.count()))
}

/// Submits one task after the other.
async fn submit_on(
    client: Client,
    script: PathBuf,
    acknowledged: Arc<Mutex<Vec<Submitted>>>,
) -> Result<()> {
    loop {
        let asked = Instant::now();
        let id = client.submit(&script, &[]).await?;
        let one = Submitted {
            id,
            at: Instant::now(),
            took: asked.elapsed(),
        };
        let mut acknowledged = acknowledged.lock().unwrap_or_else(PoisonError::into_inner);
        acknowledged.push(one);
    }
}
