//! What came of it.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use crate::check::Violation;
use crate::fault::Fault;

/// What came of it.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) seed: u64,
    pub(crate) operations: usize,
    pub(crate) unknown: usize,
    pub(crate) tasks: usize,
    pub(crate) runs: usize,
    /// How soon a task started again, for each fault; none if it never did.
    pub(crate) recoveries: Vec<(Fault, Option<Duration>)>,
    pub(crate) violations: Vec<Violation>,
    /// Ranks that met another of their task or on their node.
    pub(crate) doubles: Vec<String>,
    pub(crate) took: Duration,
}

impl Report {
    /// Whether nothing was broken for good. How soon things went on again is shown, not judged: that depends on the machine.
    pub(crate) fn is_good(&self) -> bool {
        let went_on = self.recoveries.iter().all(|(_, after)| after.is_some());
        self.violations.is_empty() && self.doubles.is_empty() && went_on
    }
}

impl Report {
    /// How soon things went on, in lines of figures.
    pub(crate) fn figures(&self) -> Vec<serde_json::Value> {
        let mut of_fault: BTreeMap<Fault, Vec<Duration>> = BTreeMap::new();
        for (fault, after) in &self.recoveries {
            let after = after.unwrap_or(Duration::MAX);
            of_fault.entry(*fault).or_default().push(after);
        }
        let mut figures = Vec::new();
        for (fault, mut after) in of_fault {
            after.sort_unstable();
            for (name, share) in [("p50", 50), ("p99", 99)] {
                let place = (after.len() * share / 100).min(after.len() - 1);
                let seconds = after[place].as_secs_f64();
                let goal = fault.goal().as_secs();
                let goal = (share == 99).then_some(goal);
                figures.push(serde_json::json!({
                    "bench": "takeover",
                    "metric": format!("{fault:?} {name} of {}", after.len()),
                    "value": seconds,
                    "unit": "s",
                    "goal": goal.map(|goal| format!("≤ {goal}")),
                    "met": goal.map(|goal| seconds <= Duration::from_secs(goal).as_secs_f64()),
                }));
            }
        }
        figures
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "seed {}: {} faults, {} operations ({} of them with unknown outcome) on {} tasks, which ran {} times, in {:.0} s",
            self.seed,
            self.recoveries.len(),
            self.operations,
            self.unknown,
            self.tasks,
            self.runs,
            self.took.as_secs_f64()
        )?;
        let mut of_fault: BTreeMap<Fault, Vec<Option<Duration>>> = BTreeMap::new();
        for (fault, after) in &self.recoveries {
            of_fault.entry(*fault).or_default().push(*after);
        }
        writeln!(
            f,
            "\n{:<24} {:>5} {:>9} {:>9} {:>7} {:>7}",
            "fault", "times", "median", "worst", "goal", "missed"
        )?;
        for (fault, mut after) in of_fault {
            after.sort_by_key(|after| after.unwrap_or(Duration::MAX));
            let show = |after: Option<Duration>| {
                after.map_or("never".to_owned(), |it| {
                    format!("{:.2} s", it.as_secs_f64())
                })
            };
            let goal = fault.goal();
            let missed = after
                .iter()
                .filter(|it| it.is_none_or(|it| it > goal))
                .count();
            writeln!(
                f,
                "{:<24} {:>5} {:>9} {:>9} {:>5} s {:>7}",
                format!("{fault:?}"),
                after.len(),
                show(after[after.len() / 2]),
                show(after[after.len() - 1]),
                goal.as_secs(),
                missed
            )?;
        }
        writeln!(f)?;
        for Violation(what) in &self.violations {
            writeln!(f, "VIOLATION {what}")?;
        }
        for double in &self.doubles {
            writeln!(f, "DOUBLE {double}")?;
        }
        let verdict = if self.is_good() { "good" } else { "BROKEN" };
        write!(f, "{verdict}")
    }
}
