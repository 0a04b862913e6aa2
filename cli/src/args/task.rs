//! What the commands that show tasks take.

use clap::ValueEnum;

use super::When;

#[derive(Debug, clap::Args)]
pub(crate) struct ListArgs {
    /// Which page, from 1.
    #[arg(short, long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) page: u32,
    /// Tasks on a page, at most 100 (short: -ps).
    #[arg(
        long = "page_size",
        visible_alias = "page-size",
        default_value_t = 12,
        value_parser = clap::value_parser!(u32).range(1..=100)
    )]
    pub(crate) page_size: u32,
}

/// Which task is meant.
#[derive(Debug, clap::Args)]
pub(crate) struct ExperimentArgs {
    /// A task: its id, its name (then the newest of that name), or its YAML file.
    #[arg(value_name = "EXPERIMENT")]
    pub(crate) experiment: String,
    /// How to read EXPERIMENT.
    #[arg(
        short = 't',
        long = "exp_type",
        visible_alias = "exp-type",
        value_enum,
        default_value_t
    )]
    pub(crate) kind: ExperimentKind,
}

/// Which tasks are meant.
#[derive(Debug, clap::Args)]
pub(crate) struct ExperimentsArgs {
    /// Tasks: each by its id, its name (then the newest of that name), or its YAML file.
    #[arg(value_name = "EXPERIMENT", required = true)]
    pub(crate) experiments: Vec<String>,
    /// How to read each EXPERIMENT.
    #[arg(
        short = 't',
        long = "exp_type",
        visible_alias = "exp-type",
        value_enum,
        default_value_t
    )]
    pub(crate) kind: ExperimentKind,
}

impl ExperimentsArgs {
    /// One after the other.
    pub(crate) fn each(&self) -> impl Iterator<Item = ExperimentArgs> {
        self.experiments.iter().map(|experiment| ExperimentArgs {
            experiment: experiment.clone(),
            kind: self.kind,
        })
    }
}

/// How an experiment argument is read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExperimentKind {
    /// Digits are an id, an existing YAML file gives its `name`, all else is a name.
    #[default]
    Auto,
    /// The `name` in a YAML file.
    Yaml,
    /// A name.
    Name,
    /// An id.
    Id,
}

#[derive(Debug, clap::Args)]
pub(crate) struct StatusArgs {
    #[command(flatten)]
    pub(crate) experiment: ExperimentArgs,
}

#[derive(Debug, clap::Args)]
pub(crate) struct LogsArgs {
    #[command(flatten)]
    pub(crate) experiment: ExperimentArgs,
    /// Follow the log; ends with the task's exit code.
    #[arg(short, long)]
    pub(crate) follow: bool,
    /// Whose log.
    #[arg(short, long, default_value_t = 0, value_parser = clap::value_parser!(i32).range(0..))]
    pub(crate) rank: i32,
    /// Begin with the last LINES lines.
    #[arg(short = 'n', long, value_name = "LINES", conflicts_with = "since")]
    pub(crate) tail: Option<u32>,
    /// Begin with what was printed then or later: 10m, 2h, 1d ago, or a time like 2026-11-23T18:43:43 in UTC.
    #[arg(short, long, value_name = "WHEN")]
    pub(crate) since: Option<When>,
    /// Only what this run printed.
    #[arg(
        long,
        value_name = "NUMBER",
        conflicts_with_all = ["follow", "tail", "since"],
        value_parser = clap::value_parser!(i32).range(1..)
    )]
    pub(crate) run: Option<i32>,
    /// Leave out the stamps in front of the lines.
    #[arg(long = "no-stamp", visible_alias = "no_stamp")]
    pub(crate) no_stamp: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct SearchArgs {
    /// What to look for in single lines, as it is written.
    #[arg(allow_hyphen_values = true)]
    pub(crate) pattern: String,
    #[command(flatten)]
    pub(crate) experiments: ExperimentsArgs,
    /// PATTERN is a regular expression in the syntax of RE2.
    #[arg(short = 'E', long)]
    pub(crate) regex: bool,
    /// Large and small letters do not differ.
    #[arg(short, long = "ignore-case", visible_alias = "ignore_case")]
    pub(crate) ignore_case: bool,
    /// Only in the logs of these ranks; may be repeated [default: all]
    #[arg(
        short,
        long = "rank",
        value_name = "RANK",
        value_delimiter = ',',
        value_parser = clap::value_parser!(i32).range(0..)
    )]
    pub(crate) ranks: Vec<i32>,
    /// Only what this run printed.
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(i32).range(1..))]
    pub(crate) run: Option<i32>,
    /// Stop after so many lines.
    #[arg(short = 'm', long, value_name = "LINES", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) limit: Option<u32>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ExplainArgs {
    #[command(flatten)]
    pub(crate) experiment: ExperimentArgs,
}

#[derive(Debug, clap::Args)]
pub(crate) struct DescribeArgs {
    #[command(flatten)]
    pub(crate) experiment: ExperimentArgs,
}
