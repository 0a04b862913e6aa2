//! The table at the end of the demonstration: what each run did, and how soon the urgent one had its nodes.

use cli::Look;

use super::client::RunFacts;
use super::steps::Progress;
use super::watch::Line;

/// A task whose runs are told.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) name: &'static str,
    /// Oldest first.
    pub(super) runs: Vec<RunFacts>,
    /// Of rank 0, of all runs.
    pub(super) log: Vec<Line>,
}

/// Milliseconds from the submit of the urgent task; absent: it never came to that.
#[derive(Debug, Clone, Copy)]
pub(super) struct Times {
    /// Until the other had been asked to give way.
    pub(super) signal: Option<u128>,
    /// Until its first run had the nodes.
    pub(super) handover: Option<u128>,
    /// Until its first step was done.
    pub(super) first_step: Option<u128>,
}

impl Told {
    /// What one of its runs did.
    pub(super) fn progress(&self, run: i32) -> Progress {
        Progress::of(&self.log, run)
    }
}

impl Times {
    /// Whether all came, one after the other.
    pub(super) fn are_in_order(&self) -> bool {
        match (self.signal, self.handover, self.first_step) {
            (Some(signal), Some(handover), Some(first_step)) => {
                signal <= handover && handover <= first_step
            }
            _ => false,
        }
    }
}

impl std::fmt::Display for Times {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let word = |time: Option<u128>| time.map_or("never".to_owned(), |ms| format!("{ms} ms"));
        write!(
            f,
            "signal {}, handover {}, first step {}",
            word(self.signal),
            word(self.handover),
            word(self.first_step)
        )
    }
}

/// One row for each run, and the times below. The figures are bits per character; the headings are short so that the
/// sentences have room on a terminal of 90 columns.
pub(super) fn report(tasks: &[&Told], times: Times, look: Look) -> String {
    let header = [
        "task", "run", "level", "end", "steps", "train", "held-out", "s", "why",
    ];
    let rows = tasks
        .iter()
        .flat_map(|task| task.runs.iter().map(|run| row(task, run)));
    let runs = cli::table(header, header.len() - 1, rows, look);
    format!("{runs}\nFrom the submit of urgent: {times}.\n")
}

fn row(task: &Told, run: &RunFacts) -> [String; 9] {
    let progress = task.progress(run.number);
    let absent = || "-".to_owned();
    let seconds = run.ended_at.map(|end| end - run.created_at);
    [
        task.name.to_owned(),
        run.number.to_string(),
        run.priority.to_lowercase(),
        run.outcome
            .as_deref()
            .map_or_else(absent, str::to_lowercase),
        progress.range(),
        progress
            .bpc()
            .map_or_else(absent, |bpc| format!("{bpc:.3}")),
        progress.held_out.unwrap_or_else(absent),
        seconds.map_or_else(absent, |time| format!("{:.1}", time.as_seconds_f64())),
        why(run),
    ]
}

/// Why it began, if it is not the first, and why it ended: where there is no sentence, in a word.
fn why(run: &RunFacts) -> String {
    let word = || run.drain_reason.as_deref().map(str::to_lowercase);
    let ended = run.message.clone().or_else(word);
    let why: Vec<String> = [run.start_message.clone(), ended]
        .into_iter()
        .flatten()
        .collect();
    why.join("; ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn told() -> Told {
        let line = |run, text: &str| Line {
            run,
            text: text.to_owned(),
        };
        let runs = json!([
            { "number": 1, "priority": "LOW", "outcome": "SUSPENDED", "message": "it gives way",
              "startMessage": null, "drainReason": "SUSPEND", "createdAt": "2026-11-23T18:43:43Z",
              "endedAt": "2026-11-23T18:43:50.25Z", "pods": [] },
            { "number": 2, "priority": "LOW", "outcome": "SUCCEEDED", "message": null,
              "startMessage": "it goes on", "drainReason": "DONE", "createdAt": "2026-11-23T18:44:00Z",
              "endedAt": "2026-11-23T18:44:10Z", "pods": [] },
        ]);
        Told {
            name: "background",
            runs: serde_json::from_value(runs).unwrap(),
            log: vec![
                line(1, "step 1/2 train 5.000 bpc, 9.0 steps/s"),
                line(2, "step 2/2 train 4.000 bpc, 9.0 steps/s"),
                line(2, "held-out 3.233 bpc, unigram 4.577 bpc"),
            ],
        }
    }

    #[test]
    fn every_run_has_a_row_and_the_times_stand_below() {
        let times = Times {
            signal: Some(5),
            handover: Some(200),
            first_step: None,
        };
        let expected = "\
task        run  level  end        steps  train  held-out  s     why
-----------------------------------------------------------------------------------
background  1    low    suspended  1-1    5.000  -         7.2   it gives way
background  2    low    succeeded  2-2    4.000  3.233     10.0  it goes on; done

From the submit of urgent: signal 5 ms, handover 200 ms, first step never.
";
        assert_eq!(report(&[&told()], times, Look::default()), expected);
    }

    #[test]
    fn times_must_be_there_and_in_order() {
        let times = |signal, handover, first_step| Times {
            signal,
            handover,
            first_step,
        };
        assert!(times(Some(1), Some(1), Some(2)).are_in_order());
        assert!(!times(Some(2), Some(1), Some(3)).are_in_order());
        assert!(!times(Some(1), Some(3), Some(2)).are_in_order());
        assert!(!times(None, Some(1), Some(2)).are_in_order());
    }
}
