//! Tasks of one rank as pods: how many a second come to their end, how soon each has its pod, and what the adapter costs.
//!
//! ```text
//! place    where it is measured: the double of an API server, or the cluster of a file
//! adapter  a rank is started, watched to its end, and forgotten through `k8s::KubernetesRuntime`
//! bare     the peer: the same objects, the same three writes and one watch, by a client that does nothing else
//! ```
//!
//! On the double the client, the API server and the kubelets are one process on all cores. Its containers run for no time,
//! so the rate says what all of them together do, and no more: nothing is written to a disk, and nobody schedules. What
//! it is good for is the comparison with the peer, which has the same double, and the number of writes. The adapter's own
//! part is the difference of the processor's time.
//!
//! With `--kubeconfig` it is a real API server, and the rate is what it, its scheduler, its garbage collector and whoever
//! plays the kubelets do. Pods end there only if their kubelets end them by themselves; the image does not exist. There is
//! one rank at a time for each node that has our label, 64 at most, and with fewer nodes the rate is that of the nodes.
//! Neither has a server of the platform in it: no plan, no database, no agent.

mod adapter;
mod bare;
mod place;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Result;
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use tokio::task::JoinSet;

use self::adapter::Adapter;
use self::bare::Bare;
use self::place::{AT_ONCE, Node, Place};
use crate::figure::{Goal, say, say_times};

/// The adapter and the peer take turns, so that both have the same luck.
const ROUNDS: usize = 3;
/// Ranks of a round.
const RANKS: usize = 1000;
/// Ranks one after the other.
const ALONE: usize = 100;
/// What an API server that keeps what it is told is to bear on two cores.
const RATE: f64 = 60.0;
/// The Secret, the pod, and the end of both.
const WRITES: f64 = 3.0;

/// What was measured of so many ranks.
#[derive(Debug, Default)]
struct Measure {
    /// From the decision to the pod.
    times: Vec<Duration>,
    took: Duration,
    /// The time of processors that this process has used.
    used: Duration,
    n_writes: usize,
}

/// Measures on the double, or on the cluster of a file.
pub(crate) async fn run(kubeconfig: Option<&Path>) -> Result<()> {
    let place = match kubeconfig {
        None => Place::double().await?,
        Some(file) => Place::of_file(file).await?,
    };
    let told = tell(&place).await;
    let left = place.leave().await;
    told.and(left)
}

async fn tell(place: &Place) -> Result<()> {
    place.until_it_takes_pods().await?;
    let nodes = adapter::nodes(place).await?;
    // It also warms everything up.
    let alone = &nodes[..1];
    let mut adapter_alone = through_adapter(place, alone, ALONE).await?;
    let mut bare_alone = through_bare(place, alone, ALONE).await?;
    let each = (RANKS / nodes.len()).max(1);
    let (mut adapter, mut bare) = (Measure::default(), Measure::default());
    for _ in 0..ROUNDS {
        adapter.add(through_adapter(place, &nodes, each).await?);
        bare.add(through_bare(place, &nodes, each).await?);
    }

    let rate = match place.is_double() {
        true => Goal::None,
        false => Goal::AtLeast(RATE),
    };
    say_measure("adapter", nodes.len(), &mut adapter, rate);
    say_alone("adapter", &mut adapter_alone);
    if place.is_double() {
        let writes = adapter.n_writes as f64 / adapter.times.len() as f64;
        let goal = Goal::AtMost(WRITES);
        say("k8s", "adapter: writes for a rank", writes, "", goal);
    }
    say_measure("bare client", nodes.len(), &mut bare, Goal::None);
    say_alone("bare client", &mut bare_alone);
    let ratio = adapter.rate() / bare.rate();
    let metric = "adapter: rate as many times that of the bare client";
    say("k8s", metric, ratio, "", Goal::None);
    Ok(())
}

async fn through_adapter(place: &Place, nodes: &[Node], each: usize) -> Result<Measure> {
    let launches = place.launches(nodes, each);
    let adapter = Arc::new(Adapter::start(place).await?);
    let lead = move |launch| Arc::clone(&adapter).lead(launch);
    measure(place, lead_all(launches, lead)).await
}

async fn through_bare(place: &Place, nodes: &[Node], each: usize) -> Result<Measure> {
    let objects = bare::objects(place, nodes, each)?;
    let bare = Arc::new(Bare::start(place).await?);
    let lead = move |objects| Arc::clone(&bare).lead(objects);
    measure(place, lead_all(objects, lead)).await
}

/// Leads ranks through their lives: all lines at the same time, those of a line one after the other. Answers how long
/// each waited for its pod.
async fn lead_all<T, F>(
    lines: Vec<Vec<T>>,
    lead: impl Fn(T) -> F + Clone + Send + 'static,
) -> Result<Vec<Duration>>
where
    T: Send + 'static,
    F: Future<Output = Result<Duration>> + Send + 'static,
{
    let mut all = JoinSet::new();
    for line in lines {
        let lead = lead.clone();
        all.spawn(async move {
            let mut times = Vec::with_capacity(line.len());
            for rank in line {
                times.push(lead(rank).await?);
            }
            anyhow::Ok(times)
        });
    }
    let mut times = Vec::new();
    while let Some(line) = all.join_next().await {
        times.extend(line??);
    }
    Ok(times)
}

async fn measure(
    place: &Place,
    lives: impl Future<Output = Result<Vec<Duration>>>,
) -> Result<Measure> {
    let (n_writes, used, begun) = (place.n_writes(), used_so_far()?, Instant::now());
    let times = lives.await?;
    Ok(Measure {
        times,
        took: begun.elapsed(),
        used: used_so_far()?.saturating_sub(used),
        n_writes: place.n_writes() - n_writes,
    })
}

impl Measure {
    fn add(&mut self, other: Self) {
        self.times.extend(other.times);
        self.took += other.took;
        self.used += other.used;
        self.n_writes += other.n_writes;
    }

    fn rate(&self) -> f64 {
        self.times.len() as f64 / self.took.as_secs_f64()
    }
}

fn say_measure(who: &str, n_at_once: usize, measure: &mut Measure, goal: Goal) {
    let metric = format!("{who}: ranks from start to forgotten, {n_at_once} at a time");
    say("k8s", &metric, measure.rate(), "/s", goal);
    let metric = format!("{who}: start to pod, {n_at_once} at a time");
    say_times("k8s", &metric, &mut measure.times, Goal::None, Goal::None);
    let used = measure.used.as_secs_f64() * 1e3 / measure.times.len() as f64;
    let metric = format!("{who}: processor for a rank, in this process");
    say("k8s", &metric, used, "ms", Goal::None);
}

fn say_alone(who: &str, alone: &mut Measure) {
    let metric = format!("{who}: start to pod, one at a time");
    say_times("k8s", &metric, &mut alone.times, Goal::None, Goal::None);
}

/// The time of processors that this process has used.
fn used_so_far() -> Result<Duration> {
    let usage = getrusage(UsageWho::RUSAGE_SELF)?;
    let time = usage.user_time() + usage.system_time();
    Ok(Duration::from_micros(time.num_microseconds().try_into()?))
}

/// Which of the lines a task is in.
fn line_of(task: i64) -> usize {
    usize::try_from(task).unwrap_or_default() % AT_ONCE
}
