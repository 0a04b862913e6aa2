//! What breaks: a cluster of real processes under load and faults, and whether what its clients saw can be.
//!
//! ```text
//! clients ─▶ serve, serve ─▶ PostgreSQL ◀─ work, work ─▶ agents ─▶ scripts, which note whom they meet
//!    │            └──────────▶ Redis ◀────────┘
//!    └▶ history ─▶ checker          each on a machine of its own, killed, stalled, cut, filled up, by a seeded plan
//! ```

mod check;
mod client;
mod fault;
mod fleet;
mod history;
mod link;
mod machine;
mod report;
mod service;
mod volume;
mod world;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;

/// Breaks a cluster, and checks what its clients saw.
#[derive(Debug, Clone, Parser)]
pub(crate) struct Args {
    /// The program `hai-platform`
    #[arg(long, value_name = "PATH")]
    pub(crate) server: PathBuf,
    /// Folder of PostgreSQL's programs
    #[arg(long, value_name = "DIR")]
    pub(crate) postgres: PathBuf,
    /// Seed of the plan and of the clients
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Number of faults
    #[arg(long, default_value_t = 16)]
    pub(crate) faults: usize,
    /// Least number of operations in the history
    #[arg(long, default_value_t = 2000)]
    pub(crate) operations: usize,
    /// Number of users
    #[arg(long, default_value_t = 8)]
    pub(crate) users: usize,
    /// Longest time between two operations of a user, in milliseconds
    #[arg(long, default_value_t = 200)]
    pub(crate) pause: u64,
    /// Only faults of these kinds; all without any
    #[arg(long, value_name = "KIND")]
    pub(crate) only: Vec<fault::Fault>,
    /// Print lines of figures, as benchmarks do, in place of the report
    #[arg(long)]
    pub(crate) json: bool,
    /// Keep the directory with all logs
    #[arg(long)]
    pub(crate) keep: bool,
}

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("hai-chaos: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> Result<bool> {
    let runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = { runtime }.enable_all().build()?;
    runtime.block_on(async {
        let report = world::World::new(args).await?.run(args).await?;
        match args.json {
            true => report.figures().iter().for_each(|it| println!("{it}")),
            false => println!("{report}"),
        }
        Ok(report.is_good())
    })
}
