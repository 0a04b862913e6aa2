//! `cargo xtask bench`: runs the benchmarks and shows their figures, as a table or as lines of JSON.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use serde::{Deserialize, Serialize};

/// A benchmark: its name, the package and the bench target that print its figures, and what bounds them.
struct Bench {
    name: &'static str,
    package: &'static str,
    target: &'static str,
    says: &'static str,
}

const BENCHES: [Bench; 1] = [Bench {
    name: "plan",
    package: "scheduler",
    target: "plan",
    says: "one call of the planner on one thread, the cluster full and the line long; bound by the processor. \
           It says nothing about reading rows and committing decisions.",
}];

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

/// Runs the benchmarks of these names, or all.
///
/// # Errors
/// If there is no such benchmark, or one fails. A goal that is missed is no error: it is shown.
pub(crate) fn run(root: &Path, names: &[String], json: bool) -> Result<()> {
    let chosen = chosen(names)?;
    if !json {
        println!("{}", machine());
    }
    for bench in chosen {
        let figures = measure(root, bench)?;
        if json {
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
        return Ok(BENCHES.iter().collect());
    }
    let find = |name: &String| {
        let found = BENCHES.iter().find(|bench| bench.name == name);
        found.with_context(|| {
            let known = BENCHES.map(|bench| bench.name).join(", ");
            format!("there is no benchmark {name}: there is {known}")
        })
    };
    names.iter().map(find).collect()
}

fn measure(root: &Path, bench: &Bench) -> Result<Vec<Figure>> {
    let output = Command::new("cargo")
        .args(["bench", "--quiet", "--package", bench.package, "--bench"])
        .arg(bench.target)
        .current_dir(root)
        .stderr(Stdio::inherit())
        .output()
        .context("cannot run cargo")?;
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
fn machine() -> String {
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
            "there is no benchmark plna: there is plan"
        );
    }
}
