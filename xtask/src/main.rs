//! Developer commands: `cargo xtask test`, `story`, `chaos`, `fuzz`, `bench`, `deploy`, `postgres -- COMMAND` and `redis -- COMMAND`.

mod bench;
mod chaos;
mod foreign;
mod fuzz;
mod machine;
mod manifests;
mod peer;
mod postgres;
mod private;
mod redis;
mod story;
mod summary;
mod test;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result};
use clap::builder::FalseyValueParser;
use clap::{Args, Parser};

use crate::machine::Machine;
use crate::postgres::{Durability, Postgres};
use crate::redis::Redis;

/// Developer commands of HAI Platform.
#[derive(Parser)]
#[command(bin_name = "cargo xtask")]
enum Xtask {
    /// Build everything once and run every test, on SQLite and on a private PostgreSQL.
    Test {
        #[command(flatten)]
        install: Install,
        /// Only what any cluster can be asked, and of the cluster of HAI_TEST_KUBECONFIG.
        #[arg(long)]
        cluster: bool,
        /// The file that leads to a cluster.
        #[arg(long, env = test::CLUSTER_VARIABLE, value_name = "FILE", hide = true)]
        kubeconfig: Option<PathBuf>,
        /// Passed to the Rust test programs, for example a part of a test's name; the tests in Python and JavaScript then do not run.
        #[arg(last = true, value_name = "FILTER")]
        arguments: Vec<OsString>,
    },
    /// Tell the story of the demonstration while the server is killed at seeded moments, on both databases.
    Story {
        #[command(flatten)]
        install: Install,
        /// How many seeds, from 1 on.
        #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
        seeds: u32,
    },
    /// Break a cluster of real processes again and again, and check what its clients saw. As root also networks and disks.
    Chaos {
        #[command(flatten)]
        install: Install,
        /// Plan of the faults and of the load.
        #[arg(long, value_name = "N", default_value_t = 1)]
        seed: u64,
        /// A quarter of the faults, and a fifth of the operations.
        #[arg(long)]
        short: bool,
    },
    /// Measure, and show the figures with their goals. Run it on a machine that does nothing else.
    Bench {
        #[command(flatten)]
        install: Install,
        /// Only these benchmarks.
        #[arg(value_name = "NAME")]
        names: Vec<String>,
        /// One line of JSON for each figure instead of a table.
        #[arg(long)]
        json: bool,
        /// For k8s: the cluster of this file instead of the double of an API server.
        #[arg(long, value_name = "FILE")]
        kubeconfig: Option<PathBuf>,
    },
    /// Attack every argument of the API with generated nonsense.
    Fuzz {
        /// How many requests.
        #[arg(long, value_name = "N", default_value_t = 100_000)]
        requests: u32,
    },
    /// Write the objects with which the platform runs in a Kubernetes cluster, in `deploy/`.
    Deploy {
        /// Write nothing: compare what is there with the schemas of the API.
        #[arg(long, conflicts_with = "arguments")]
        check: bool,
        /// For a cluster of your own: `--help` tells what may be said.
        #[arg(last = true, value_name = "OPTION")]
        arguments: Vec<OsString>,
    },
    /// Run a command beside a private, empty PostgreSQL whose address is in HAI_TEST_DATABASE, and a Redis whose address is
    /// in HAI_TEST_REDIS.
    #[command(after_help = "Examples:\n  \
        cargo xtask postgres -- cargo test --workspace a_suspended_run\n  \
        cargo xtask postgres -- sh -c 'psql \"$HAI_TEST_DATABASE\"'")]
    Postgres {
        #[command(flatten)]
        install: Install,
        /// The command and its arguments.
        #[arg(last = true, required = true)]
        command: Vec<OsString>,
    },
    /// Run a command beside a private, empty Redis whose address is in HAI_TEST_REDIS: tests then run on SQLite.
    Redis {
        #[command(flatten)]
        install: Install,
        /// The command and its arguments.
        #[arg(last = true, required = true)]
        command: Vec<OsString>,
    },
}

#[derive(Args)]
struct Install {
    /// Install what this machine lacks with apt.
    #[arg(long = "install", env = "CI", value_parser = FalseyValueParser::new())]
    wanted: bool,
}

fn main() -> ExitCode {
    run(Xtask::parse()).unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}

fn run(xtask: Xtask) -> Result<ExitCode> {
    match xtask {
        Xtask::Test {
            cluster: true,
            kubeconfig,
            arguments,
            ..
        } => test::run_on_cluster(root(), kubeconfig.as_deref(), &arguments),
        Xtask::Test {
            install, arguments, ..
        } => {
            let machine = Machine::prepare(install.wanted)?;
            Ok(test::run(root(), &machine, &arguments))
        }
        Xtask::Story { install, seeds } => {
            let machine = Machine::prepare(install.wanted)?;
            Ok(story::run(root(), &machine, seeds))
        }
        Xtask::Chaos {
            install,
            seed,
            short,
        } => {
            let machine = Machine::prepare(install.wanted)?;
            chaos::run(root(), &machine, seed, short).map(|()| ExitCode::SUCCESS)
        }
        Xtask::Bench {
            install,
            names,
            json,
            kubeconfig,
        } => {
            let machine = Machine::prepare(install.wanted)?;
            let asked = bench::Asked {
                names,
                json,
                kubeconfig,
            };
            bench::run(root(), &machine, &asked).map(|()| ExitCode::SUCCESS)
        }
        Xtask::Fuzz { requests } => fuzz::run(root(), requests).map(|()| ExitCode::SUCCESS),
        Xtask::Deploy { check, arguments } => {
            let done = match check {
                true => manifests::test(root(), Path::new("python3")),
                false => manifests::write(root(), &arguments),
            };
            done.map(|()| ExitCode::SUCCESS)
        }
        Xtask::Postgres { install, command } => {
            let machine = Machine::prepare(install.wanted)?;
            let postgres = Postgres::start(&machine.postgres, Durability::None)?;
            let redis = Redis::start(&machine.redis)?;
            beside(&command, &machine, Some(&postgres), &redis)
        }
        Xtask::Redis { install, command } => {
            let machine = Machine::prepare(install.wanted)?;
            let redis = Redis::start(&machine.redis)?;
            beside(&command, &machine, None, &redis)
        }
    }
}

/// Runs `command` beside private servers and ends with the command's exit code.
fn beside(
    command: &[OsString],
    machine: &Machine,
    postgres: Option<&Postgres>,
    redis: &Redis,
) -> Result<ExitCode> {
    let (program, arguments) = command.split_first().context("no command given")?;
    let mut command = Command::new(program);
    command.args(arguments);
    command.env(test::REDIS_VARIABLE, redis.url());
    command.env(test::PROGRAMS_VARIABLE, &machine.postgres);
    if let Some(postgres) = postgres {
        command.env(test::DATABASE_VARIABLE, postgres.url());
    }
    let status = command
        .status()
        .with_context(|| format!("cannot run {}", program.display()))?;
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}

/// The workspace this program was built from.
fn root() -> &'static Path {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.parent().unwrap_or(package)
}
