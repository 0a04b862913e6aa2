//! Reads in a training's log which steps a run has done, and how well.

use super::watch::Line;

/// Of the step lines that come so often, one in so many is shown.
pub(super) const SHOWN_EVERY: u32 = 20;
/// Steps over which the bits per character of a run's end are averaged.
const LAST: usize = 20;

/// What a run has done, as it has printed it.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Progress {
    /// In the order in which they were printed.
    pub(super) steps: Vec<Step>,
    /// Bits per character for held-out text, if it came so far.
    pub(super) held_out: Option<String>,
}

/// One step.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Step {
    pub(super) number: u32,
    /// Bits per character of its batch, as it was printed.
    pub(super) bpc: String,
}

impl Progress {
    /// That of one run, from the log of its task.
    pub(super) fn of(log: &[Line], run: i32) -> Self {
        let lines = log.iter().filter(|line| line.run == run);
        lines.fold(Self::default(), |mut progress, line| {
            progress.steps.extend(step(&line.text));
            progress.held_out = held_out(&line.text).or(progress.held_out);
            progress
        })
    }

    /// From which step to which; whether all between were done, too, is another question.
    pub(super) fn range(&self) -> String {
        match (self.steps.first(), self.steps.last()) {
            (Some(first), Some(last)) => format!("{}-{}", first.number, last.number),
            (None, _) | (_, None) => "none".to_owned(),
        }
    }

    /// Bits per character at its end, over its last steps.
    pub(super) fn bpc(&self) -> Option<f64> {
        let from = self.steps.len().saturating_sub(LAST);
        let last: Vec<f64> = self.steps[from..]
            .iter()
            .filter_map(|step| step.bpc.parse().ok())
            .collect();
        let count = u32::try_from(last.len()).ok().filter(|count| *count > 0)?;
        Some(last.iter().sum::<f64>() / f64::from(count))
    }
}

/// Whether a line is worth showing: of the steps, only some.
pub(super) fn is_shown(text: &str) -> bool {
    step(text).is_none_or(|step| step.number % SHOWN_EVERY == 0)
}

/// `step 20/300 train 3.979 bpc, …`
fn step(text: &str) -> Option<Step> {
    let (number, rest) = text.strip_prefix("step ")?.split_once('/')?;
    let (_, rest) = rest.split_once(" train ")?;
    let (bpc, _) = rest.split_once(" bpc")?;
    Some(Step {
        number: number.parse().ok()?,
        bpc: bpc.to_owned(),
    })
}

/// `held-out 3.233 bpc, …`
fn held_out(text: &str) -> Option<String> {
    let (bpc, _) = text.strip_prefix("held-out ")?.split_once(" bpc")?;
    Some(bpc.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(run: i32, text: &str) -> Line {
        Line {
            run,
            text: text.to_owned(),
        }
    }

    #[test]
    fn each_run_has_the_steps_that_it_printed_itself() {
        let log = [
            line(1, "world size 2, seed 1"),
            line(1, "step 1/3 train 5.000 bpc, 9.0 steps/s"),
            line(1, "step 2/3 train 4.000 bpc, 9.0 steps/s"),
            line(1, "suspended after step 2"),
            line(2, "continuing after step 2"),
            line(2, "step 3/3 train 3.500 bpc, 9.0 steps/s"),
            line(
                2,
                "held-out 3.233 bpc, unigram 4.577 bpc, better by 1.344 bits",
            ),
        ];
        let first = Progress::of(&log, 1);
        assert_eq!((first.range().as_str(), first.bpc()), ("1-2", Some(4.5)));
        assert_eq!(first.held_out, None);
        let second = Progress::of(&log, 2);
        assert_eq!((second.range().as_str(), second.bpc()), ("3-3", Some(3.5)));
        assert_eq!(second.held_out.as_deref(), Some("3.233"));
        let third = Progress::of(&log, 3);
        assert_eq!((third.range().as_str(), third.bpc()), ("none", None));
    }

    #[test]
    fn of_the_steps_only_some_are_shown_and_all_else_is() {
        assert!(is_shown("step 20/300 train 3.979 bpc, 22.2 steps/s"));
        assert!(!is_shown("step 21/300 train 3.979 bpc, 22.2 steps/s"));
        assert!(is_shown("step aside"));
        assert!(is_shown("suspended after step 21"));
    }
}
