//! What must be so after the story, of the trainings that were told.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::Deserialize;

use super::client::RunFacts;
use super::facts::Facts;
use super::report::Told;
use super::steps::Step;

/// By how many bits per character the trained model must beat the unigram model on text it has not seen.
const IMPROVEMENT: f64 = 1.0;

/// What a training writes at its end.
#[derive(Debug, Deserialize)]
pub(super) struct TrainingResult {
    world_size: u32,
    resumed_from: u32,
    bpc: f64,
    unigram_bpc: f64,
    improvement: f64,
    weights_sha256: String,
}

impl TrainingResult {
    /// Reads what a training has left in its directory.
    pub(super) fn read(out: &Path) -> Result<Self> {
        let path: PathBuf = out.join("result.json");
        let text = std::fs::read(&path)
            .with_context(|| format!("the training left no result in {}", path.display()))?;
        serde_json::from_slice(&text).context("the result is damaged")
    }
}

/// Who ran when, and why.
pub(super) fn check_runs(facts: &mut Facts, background: &Told, urgent: &Told) {
    let (slow, fast) = (outcomes(&background.runs), outcomes(&urgent.runs));
    facts.check(
        "the first gave way and then went on to its end",
        slow.join(", "),
        slow == ["SUSPENDED", "SUCCEEDED"],
    );
    let ranks = background.runs.first().map(|run| run.pods.as_slice());
    let said = |rank: i32| {
        let pod = ranks
            .unwrap_or_default()
            .iter()
            .find(|pod| pod.rank == rank);
        pod.and_then(|pod| pod.suspend.as_deref())
            .unwrap_or("nothing")
    };
    facts.check(
        "it had saved and said that it was ready",
        format!("rank 0 {}, rank 1 {}", said(0), said(1)),
        said(0) == "READY",
    );
    let told = |text: Option<&String>| text.map_or("nothing", String::as_str).to_owned();
    let why = told(background.runs.first().and_then(|run| run.message.as_ref()));
    facts.check(
        "the platform says why it ended",
        &why,
        why.contains("gives way"),
    );
    let why = told(
        background
            .runs
            .get(1)
            .and_then(|run| run.start_message.as_ref()),
    );
    facts.check(
        "and why it began again",
        &why,
        why.contains("run 1 was suspended"),
    );
    facts.check(
        "the urgent one ran at once",
        fast.join(", "),
        fast == ["SUCCEEDED"],
    );
}

/// Every step once, over all runs, and each as if nothing had happened.
pub(super) fn check_steps(facts: &mut Facts, undisturbed: &Told, background: &Told, steps: u32) {
    let whole = all_steps(undisturbed);
    let parts = all_steps(background);
    let ranges: Vec<String> = background
        .runs
        .iter()
        .map(|run| background.progress(run.number).range())
        .collect();
    facts.check(
        "no step was lost and none was repeated",
        ranges.join(", then "),
        parts.iter().map(|step| step.number).eq(1..=steps),
    );
    let same = whole.iter().zip(&parts).filter(|(a, b)| a == b).count();
    facts.check(
        "each went as that of the undisturbed training",
        format!("{same} of {steps}"),
        whole == parts && u32::try_from(same) == Ok(steps),
    );
}

/// What the trainings have left behind.
pub(super) fn check_results(
    facts: &mut Facts,
    whole: &TrainingResult,
    resumed: &TrainingResult,
    background: &Told,
) {
    facts.check(
        "the ranks trained one model together",
        format!("world size {}", resumed.world_size),
        resumed.world_size == 2,
    );
    let saved_after = background.progress(1).steps.last().map(|step| step.number);
    facts.check(
        "it went on from the step after which it had saved",
        format!("step {}", resumed.resumed_from),
        saved_after == Some(resumed.resumed_from),
    );
    facts.check(
        "its weights are those of the undisturbed one",
        format!(
            "SHA-256 {}…",
            resumed.weights_sha256.chars().take(16).collect::<String>()
        ),
        resumed.weights_sha256 == whole.weights_sha256,
    );
    facts.check(
        "it beats the unigram model by 1 bit or more",
        format!(
            "{:.2} against {:.2} bits per character, better by {:.2}",
            resumed.bpc, resumed.unigram_bpc, resumed.improvement
        ),
        resumed.improvement >= IMPROVEMENT,
    );
}

fn outcomes(runs: &[RunFacts]) -> Vec<String> {
    let outcome = |run: &RunFacts| run.outcome.clone().unwrap_or_else(|| "-".to_owned());
    runs.iter().map(outcome).collect()
}

fn all_steps(task: &Told) -> Vec<Step> {
    let runs = task.runs.iter();
    runs.flat_map(|run| task.progress(run.number).steps)
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::watch::Line;
    use super::*;

    /// A task with one run for each of these lists of steps.
    fn told(runs: &[&[u32]]) -> Told {
        let numbered = || (1..).zip(runs);
        let log = numbered().flat_map(|(run, steps)| {
            steps.iter().map(move |step| Line {
                run,
                text: format!("step {step}/4 train {step}.5 bpc, 9.0 steps/s"),
            })
        });
        let facts = numbered().map(|(run, _)| {
            serde_json::from_value(json!({ "number": run, "priority": "LOW", "outcome": null, "drainReason": null, "message": null,
                "startMessage": null, "createdAt": "2026-11-23T18:43:43Z", "endedAt": null, "pods": [] }))
            .unwrap()
        });
        Told {
            name: "t",
            runs: facts.collect(),
            log: log.collect(),
        }
    }

    #[test]
    fn a_lost_a_repeated_and_a_missing_step_are_found() {
        let whole = told(&[&[1, 2, 3, 4]]);
        let holds = |runs: &[&[u32]]| {
            let mut facts = Facts::default();
            check_steps(&mut facts, &whole, &told(runs), 4);
            facts.all_hold()
        };
        assert!(holds(&[&[1, 2], &[3, 4]]));
        assert!(!holds(&[&[1, 2], &[4]]), "one is lost");
        assert!(!holds(&[&[1, 2], &[2, 3, 4]]), "one is repeated");
        assert!(!holds(&[&[1, 2], &[3]]), "the last is missing");
        assert!(!holds(&[]), "nothing was done");
    }
}
