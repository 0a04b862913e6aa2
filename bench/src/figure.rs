//! Figures, as `cargo xtask bench` reads them.

use std::time::Duration;

use serde_json::json;

/// What a figure should be.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Goal {
    /// Not more than this.
    AtMost(f64),
    /// Not less than this.
    AtLeast(f64),
    /// Nothing is promised.
    None,
}

/// Prints one figure of a benchmark.
pub(crate) fn say(bench: &str, metric: &str, value: f64, unit: &str, goal: Goal) {
    let (goal, met) = match goal {
        Goal::AtMost(most) => (Some(format!("≤ {most}")), Some(value <= most)),
        Goal::AtLeast(least) => (Some(format!("≥ {least}")), Some(value >= least)),
        Goal::None => (None, None),
    };
    println!(
        "{}",
        json!({"bench": bench, "metric": metric, "value": value, "unit": unit, "goal": goal, "met": met})
    );
}

/// Prints how long something took: the half of it, and all but one in a hundred. Gives the second, in milliseconds.
pub(crate) fn say_times(
    bench: &str,
    metric: &str,
    times: &mut [Duration],
    p50: Goal,
    p99: Goal,
) -> f64 {
    times.sort_unstable();
    let millis = |share| percentile(times, share).as_secs_f64() * 1e3;
    say(bench, &format!("{metric} p50"), millis(50), "ms", p50);
    say(bench, &format!("{metric} p99"), millis(99), "ms", p99);
    millis(99)
}

/// How long all but one in a hundred took, in milliseconds.
pub(crate) fn p99(times: &mut [Duration]) -> f64 {
    times.sort_unstable();
    percentile(times, 99).as_secs_f64() * 1e3
}

/// The smallest of the sorted times that so many in a hundred do not exceed.
fn percentile(sorted: &[Duration], share: usize) -> Duration {
    let rank = (sorted.len() * share).div_ceil(100).max(1);
    *sorted.get(rank - 1).expect("something was measured")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_one_of_the_times() {
        let times: Vec<Duration> = (1..=200).map(Duration::from_millis).collect();
        assert_eq!(percentile(&times, 50), Duration::from_millis(100));
        assert_eq!(percentile(&times, 99), Duration::from_millis(198));
        assert_eq!(percentile(&times[..1], 50), Duration::from_millis(1));
    }
}
