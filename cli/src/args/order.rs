//! What the commands that change tasks take.

use super::{ExperimentArgs, ExperimentsArgs};
use crate::{operations::StopAs, submission::Priority};

#[derive(Debug, clap::Args)]
pub(crate) struct StopArgs {
    #[command(flatten)]
    pub(crate) experiments: ExperimentsArgs,
    /// Record the tasks as succeeded.
    #[arg(long, conflicts_with = "failed")]
    pub(crate) succeeded: bool,
    /// Record the tasks as failed.
    #[arg(long)]
    pub(crate) failed: bool,
}

impl StopArgs {
    /// As what the tasks are to be recorded.
    pub(crate) fn stop_as(&self) -> StopAs {
        match (self.succeeded, self.failed) {
            (true, _) => StopAs::Succeeded,
            (false, true) => StopAs::Failed,
            (false, false) => StopAs::Stopped,
        }
    }
}

#[derive(Debug, clap::Args)]
pub(crate) struct PriorityArgs {
    #[command(flatten)]
    pub(crate) experiment: ExperimentArgs,
    /// Priority by number or name: 50 EXTREME_HIGH, 40 VERY_HIGH, 30 HIGH, 20 ABOVE_NORMAL, 10 NORMAL,
    /// 8 UNDER_NORMAL, 5 BELOW_NORMAL, 0 LOW, -1 AUTO.
    #[arg(
        value_name = "PRIORITY",
        allow_negative_numbers = true,
        required_unless_present = "place"
    )]
    pub(crate) priority: Option<Priority>,
    /// Keep PRIORITY for every run to come, not only for the present or next one.
    #[arg(long = "every-run", visible_alias = "every_run", requires = "priority")]
    pub(crate) every_run: bool,
    /// Place among your own tasks, lower first; a task without one has its id.
    #[arg(long = "rank", value_name = "NUMBER", allow_negative_numbers = true)]
    pub(crate) place: Option<f64>,
}
