//! What the commands that show tasks take.

use clap::ValueEnum;

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
