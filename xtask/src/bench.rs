//! `cargo xtask bench`: runs the benchmarks and shows their figures, as a table or as lines of JSON.

use std::env;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use serde::{Deserialize, Serialize};

use crate::machine::Machine;
use crate::peer::Peer;
use crate::postgres::{Durability, Postgres};
use crate::redis::Redis;

/// A benchmark: its name, whether it runs when nobody asks for it by name, and what its figures mean.
struct Bench {
    name: &'static str,
    is_usual: bool,
    /// Debian packages of the peer, which are installed for it; so it is not measured unasked.
    peer: &'static [&'static str],
    says: &'static str,
}

const BENCHES: [Bench; 11] = [
    Bench {
        name: "plan",
        is_usual: true,
        peer: &[],
        says: "one call of the planner on one thread, the cluster full and the line long; bound by the processor. \
               It says nothing about reading rows and committing decisions.",
    },
    Bench {
        name: "start",
        is_usual: true,
        peer: &[],
        says: "from a submit to the first line of the script, 64 nodes free, on SQLite; then through two servers by turns on \
               PostgreSQL, which wake each other through it and through Redis; agents and servers share all cores. It says \
               nothing about images or a network.",
    },
    Bench {
        name: "tasks",
        is_usual: true,
        peer: &[],
        says: "2000 tasks of `true` from the first submit to the last end, 64 nodes, on SQLite; bound by the \
               processor: three processes are started for each task.",
    },
    Bench {
        name: "submit",
        is_usual: true,
        peer: &[],
        says: "durable submits of 48 clients over loopback while the scheduler plans the growing line; server on one \
               core, clients on another (PostgreSQL wherever it finds time); then SIGKILL and a count. Two servers share \
               that core: they show what sharing costs, not what a second machine brings.",
    },
    Bench {
        name: "list",
        is_usual: true,
        peer: &[],
        says: "pages of 50 tasks with their runs and pods out of 1,000,000 tasks, one after the other.",
    },
    Bench {
        name: "logs",
        is_usual: true,
        peer: &[],
        says: "lines of 60 real tasks to 1000 followers (1000 tasks do not fit on a small machine), agents and server \
               on all cores; then moments and a pattern in a log of 100,000,000 lines (6 GB in the temporary folder).",
    },
    Bench {
        name: "live",
        is_usual: true,
        peer: &[],
        says: "10,000 WebSockets with two subscriptions, 20,000 updates a second from 100 mutations; server on one core, \
               clients on another. The peer is a plain axum server with broadcast channels, without a database.",
    },
    Bench {
        name: "takeover",
        is_usual: true,
        peer: &[],
        says: "from SIGKILL of the process that drives to the start of the command of a task that is submitted right then, \
               100 times, beside how soon one starts when nothing is killed; two processes drive, two answer, on \
               PostgreSQL and Redis, all on all cores.",
    },
    Bench {
        name: "hostile",
        is_usual: true,
        peer: &[],
        says: "what one hostile client costs another: queries and submits alone, and beside expensive queries, 2000 sockets \
               that are not read, requests byte by byte and giant requests; medians of 5 rounds, on SQLite; server on one \
               core, both clients on another.",
    },
    Bench {
        name: "k8s",
        is_usual: true,
        peer: &[],
        says: "tasks of one rank as pods, 64 at a time: from the start through the adapter to the end of the pod and its \
               removal. Client, double of an API server and simulated kubelets are one process on all cores, and containers \
               run for no time: it says what the adapter costs beside a bare client, not what a cluster does. \
               `--kubeconfig FILE` measures the same on a cluster whose kubelets end pods by themselves.",
    },
    Bench {
        name: "slurm",
        is_usual: false,
        peer: &["munge", "slurm-client", "slurmctld", "slurmd"],
        says: "what `tasks` and `submit` measure, of Slurm and of the platform in one run. Slurm: Debian's, one controller, \
               64 slurmd of one core (one for submits), cons_tres and backfill, no accounting, no control groups; a \
               submit is a process `sbatch`, on the clients' core. HAI: 64 virtual nodes (one for submits), SQLite; a \
               submit is a POST. So submits compare what a user has, not what the controllers could do.",
    },
];

/// The core of the server, and that of the load.
const CORES: [&str; 2] = ["0", "1"];

/// One measured number, a line of JSON each.
#[derive(Debug, Serialize, Deserialize)]
struct Figure {
    bench: String,
    metric: String,
    value: f64,
    unit: String,
    goal: Option<String>,
    met: Option<bool>,
}

/// What is asked for.
pub(crate) struct Asked {
    /// Names of benchmarks; all that are usual, if there is none.
    pub(crate) names: Vec<String>,
    /// Lines of JSON instead of a table.
    pub(crate) json: bool,
    /// The cluster of this file, for `k8s`.
    pub(crate) kubeconfig: Option<PathBuf>,
}

/// Runs the benchmarks that are asked for.
///
/// # Errors
/// If there is no such benchmark, or one fails. A goal that is missed is no error: it is shown.
pub(crate) fn run(root: &Path, machine: &Machine, asked: &Asked) -> Result<()> {
    let chosen = chosen(&asked.names)?;
    // First, because it takes a while to build what then cannot be compared.
    let peers = chosen.iter().map(|bench| Peer::install(bench.peer));
    let _peers = peers.collect::<Result<Vec<Peer>>>()?;
    let programs = build(root)?;
    if !asked.json {
        println!("{}", conditions());
    }
    for bench in chosen {
        let figures = match bench.name {
            "k8s" => measure_pods(&programs, bench, asked.kubeconfig.as_deref())?,
            _ => measure(&programs, machine, bench)?,
        };
        if asked.json {
            for figure in &figures {
                println!("{}", serde_json::to_string(figure)?);
            }
        } else {
            println!("\n{}: {}\n{}", bench.name, bench.says, table(&figures));
        }
    }
    Ok(())
}

fn chosen(names: &[String]) -> Result<Vec<&'static Bench>> {
    if names.is_empty() {
        return Ok(BENCHES.iter().filter(|bench| bench.is_usual).collect());
    }
    let find = |name: &String| {
        let found = BENCHES.iter().find(|bench| bench.name == name);
        found.with_context(|| {
            let known: Vec<_> = BENCHES.iter().map(|bench| bench.name).collect();
            let known = known.join(", ");
            format!("there is no benchmark {name}: there is {known}")
        })
    };
    names.iter().map(find).collect()
}

/// The program and what measures it, as users have them. Answers the folder where they are.
pub(crate) fn build(root: &Path) -> Result<PathBuf> {
    let status = Command::new("cargo")
        .args([
            "build",
            "--quiet",
            "--release",
            "-p",
            "server",
            "-p",
            "bench",
            "-p",
            "chaos",
        ])
        .current_dir(root)
        .status()
        .context("cannot run cargo")?;
    ensure!(status.success(), "the programs cannot be built");
    let this = env::current_exe().context("the path of this program is not known")?;
    let target = this.ancestors().nth(2).context("it is in target/debug")?;
    Ok(target.join("release"))
}

/// The load of `takeover`: nothing but what it measures.
const TAKEOVERS: [&str; 10] = [
    "--only",
    "kill-leader",
    "--only",
    "nothing",
    "--faults",
    "200",
    "--operations",
    "0",
    "--users",
    "0",
];

fn measure(programs: &Path, machine: &Machine, bench: &Bench) -> Result<Vec<Figure>> {
    if bench.name == "takeover" {
        let mut command = Command::new(programs.join("hai-chaos"));
        command.arg("--server").arg(programs.join("hai-platform"));
        command.arg("--postgres").arg(&machine.postgres);
        return figures(bench, command.args(TAKEOVERS).arg("--json"));
    }
    let postgres = Postgres::start(&machine.postgres, Durability::Full)?;
    let redis = Redis::start(&machine.redis)?;
    let [server, load] = CORES;
    let mut command = Command::new("taskset");
    command
        .args(["-c", load])
        .arg(programs.join("hai-bench"))
        .arg(bench.name)
        .arg("--server")
        .arg(programs.join("hai-platform"))
        .args(["--cores", server, "--postgres", &postgres.url()])
        .args(["--redis", redis.url()]);
    figures(bench, &mut command)
}

/// No server of the platform is in it, and nothing of it has a core of its own.
fn measure_pods(programs: &Path, bench: &Bench, kubeconfig: Option<&Path>) -> Result<Vec<Figure>> {
    let mut command = Command::new(programs.join("hai-bench"));
    command.arg(bench.name);
    command.arg("--server").arg(programs.join("hai-platform"));
    if let Some(file) = kubeconfig {
        command.arg("--kubeconfig").arg(file);
    }
    figures(bench, &mut command)
}

/// What a benchmark prints.
fn figures(bench: &Bench, command: &mut Command) -> Result<Vec<Figure>> {
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("cannot run {}", command.get_program().display()))?;
    ensure!(
        output.status.success(),
        "the benchmark {} failed",
        bench.name
    );
    let text = String::from_utf8(output.stdout)?;
    let figures = text
        .lines()
        .map(|line| serde_json::from_str(line).with_context(|| format!("no figure: {line}")))
        .collect::<Result<Vec<Figure>>>()?;
    if figures.is_empty() {
        bail!("the benchmark {} has measured nothing", bench.name);
    }
    Ok(figures)
}

/// What the figures depend on.
fn conditions() -> String {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let processor = read("/proc/cpuinfo")
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "))
        .map_or("unknown processor".to_owned(), |(_, name)| name.to_owned());
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let load = read("/proc/loadavg");
    let load = load.split(' ').next().unwrap_or("?").to_owned();
    format!("{processor}, {cores} cores, load {load} at the start")
}

fn table(figures: &[Figure]) -> String {
    let width = figures.iter().map(|figure| figure.metric.len()).max();
    let width = width.unwrap_or_default();
    let mut table = String::new();
    for Figure {
        metric,
        value,
        unit,
        goal,
        met,
        ..
    } in figures
    {
        let goal = match (goal, met) {
            (Some(goal), Some(true)) => format!("goal {goal}: met"),
            (Some(goal), _) => format!("goal {goal}: MISSED"),
            (None, _) => String::new(),
        };
        // Writing to a string cannot fail.
        let _ = writeln!(table, "  {metric:<width$}  {value:>10.2} {unit:<6} {goal}");
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missed_goal_is_told() {
        let line =
            r#"{"bench":"plan","metric":"p99","value":30.5,"unit":"ms","goal":"≤ 25","met":false}"#;
        let figure: Figure = serde_json::from_str(line).unwrap();
        assert_eq!(
            table(&[figure]),
            "  p99       30.50 ms     goal ≤ 25: MISSED\n"
        );
    }

    #[test]
    fn who_asks_for_what_is_not_there_hears_what_there_is() {
        let error = chosen(&["plna".to_owned()]).map(drop).unwrap_err();
        assert_eq!(
            error.to_string(),
            "there is no benchmark plna: there is plan, start, tasks, submit, list, logs, live, takeover, hostile, k8s, slurm"
        );
    }
}
