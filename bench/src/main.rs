//! How fast: one benchmark per module, each a line of JSON per figure. `cargo xtask bench` builds, runs and shows them.
//!
//! The platform is the real program in a process of its own, on another core than the load. What a figure means, and
//! what it does not, is written at the head of each module and in `docs/performance.md`.

mod client;
mod clock;
mod figure;
mod hostile;
mod k8s;
mod list;
mod live;
mod logs;
mod plan;
mod site;
mod slurm;
mod socket;
mod start;
mod submit;
mod tasks;
mod usage;

use std::path::PathBuf;

use anyhow::Result;
use clap::{Parser, ValueEnum};
use nix::sys::resource::{Resource, getrlimit, setrlimit};

use crate::site::Ground;

/// Measures one thing.
#[derive(Debug, Parser)]
struct Args {
    /// What to measure.
    bench: Bench,
    #[command(flatten)]
    ground: Ground,
    /// For `logs`: how many tasks print.
    #[arg(long, value_name = "N", default_value_t = 60)]
    logs: usize,
    /// For `logs`: how many lines each prints at once; there are fifty a second of each.
    #[arg(long, value_name = "N", default_value_t = 1)]
    burst: u32,
    /// For `hostile`: how often everything is measured.
    #[arg(long, value_name = "N", default_value_t = 5)]
    rounds: usize,
    /// For `hostile`: how many sockets the client opens that does not read.
    #[arg(long, value_name = "N", default_value_t = 2000)]
    sockets: usize,
    /// For `k8s`: the cluster of this file instead of the double of an API server.
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
    /// For `print`: how many lines a second.
    #[arg(long, value_name = "N", default_value_t = 50, hide = true)]
    lines: u32,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Bench {
    Plan,
    Start,
    Tasks,
    Submit,
    List,
    Logs,
    Live,
    Hostile,
    /// What `live` is compared with.
    #[value(hide = true)]
    LivePeer,
    K8s,
    Slurm,
    /// What the tasks of `logs` run.
    #[value(hide = true)]
    Print,
}

fn main() -> Result<()> {
    let args = Args::parse();
    // There are many of these: each is to cost as little as possible.
    if let Bench::Print = args.bench {
        return logs::print(args.lines, args.burst);
    }
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE)?;
    setrlimit(Resource::RLIMIT_NOFILE, most, most)?;
    tokio::runtime::Runtime::new()?.block_on(measure(args))
}

async fn measure(args: Args) -> Result<()> {
    let ground = &args.ground;
    match args.bench {
        Bench::Plan => plan::run(),
        Bench::Start => start::run(ground).await?,
        Bench::Tasks => tasks::run(ground).await?,
        Bench::List => list::run(ground).await?,
        Bench::Logs => logs::run(ground, args.logs, args.burst).await?,
        Bench::Live => live::run(ground).await?,
        Bench::Hostile => {
            let (rounds, sockets) = (args.rounds, args.sockets);
            hostile::run(ground, hostile::Rounds { rounds, sockets }).await?;
        }
        Bench::LivePeer => live::peer::serve().await?,
        Bench::K8s => k8s::run(args.kubeconfig.as_deref()).await?,
        Bench::Slurm => slurm::run(ground).await?,
        Bench::Submit => submit::run(ground).await?,
        Bench::Print => logs::print(args.lines, args.burst)?,
    }
    Ok(())
}
