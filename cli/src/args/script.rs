//! What the commands that submit take.

use std::path::PathBuf;

use clap::{CommandFactory, Parser};

use crate::{
    submission::{Entry, Priority},
    words,
};

#[derive(Debug, clap::Args)]
pub(crate) struct ScriptArgs {
    /// The script, its arguments, then `--` or `++` and options for the platform.
    #[arg(
        required = true,
        num_args = 1..,
        trailing_var_arg = true,
        allow_hyphen_values = true,
        value_name = "SCRIPT"
    )]
    pub(crate) words: Vec<String>,
}

/// Options after `--` and `++`. They are the same, so that a line tried here runs on the platform.
#[derive(Debug, Parser)]
#[command(
    name = "--",
    no_binary_name = true,
    disable_version_flag = true,
    override_usage = "SCRIPT [ARG]... -- [OPTION]..."
)]
pub(crate) struct ScriptOptions {
    /// Name of the task [default: the script as typed]
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// Number of nodes.
    #[arg(short, long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) nodes: u32,
    /// Node group, or group#zone.
    #[arg(short, long, default_value = "default")]
    pub(crate) group: String,
    /// Priority by number or name: 50 EXTREME_HIGH, 40 VERY_HIGH, 30 HIGH, 20 ABOVE_NORMAL, 10 NORMAL,
    /// 8 UNDER_NORMAL, 5 BELOW_NORMAL, 0 LOW, AUTO.
    #[arg(short, long, default_value = "30", allow_hyphen_values = true)]
    pub(crate) priority: Priority,
    /// Environment (image) the task runs in [default: $MARSV2_TASK_BACKEND or `default`]
    #[arg(short, long)]
    pub(crate) image: Option<String>,
    /// Environment variable of the task; may be repeated.
    #[arg(
        short,
        long = "environments",
        visible_alias = "environment",
        value_name = "NAME=VALUE"
    )]
    pub(crate) environments: Vec<Entry>,
    /// Entry of the task's `options`, for example `timeout=3600`; may be repeated.
    #[arg(long = "options", visible_alias = "option", value_name = "KEY=YAML")]
    pub(crate) options: Vec<Entry>,
    /// Follow the log of rank 0 afterwards.
    #[arg(short, long)]
    pub(crate) follow: bool,
    /// Initial whole_life_state (short: -ls).
    #[arg(long = "life_state", visible_alias = "life-state", value_name = "N")]
    pub(crate) life_state: Option<u32>,
    /// Simulate: ask for a suspension after so many seconds (short: -ss).
    #[arg(
        long = "suspend_seconds",
        visible_alias = "suspend-seconds",
        value_name = "SECONDS"
    )]
    pub(crate) suspend_seconds: Option<u32>,
    /// Print JSON instead of text for people.
    #[arg(short, long)]
    pub(crate) json: bool,
}

impl ScriptOptions {
    /// Reads the words behind the separator.
    pub(crate) fn read(words: &[String]) -> Result<Self, clap::Error> {
        Self::try_parse_from(words.iter().map(|word| words::expand_option(word)))
    }
}

#[derive(Debug, clap::Args)]
pub(crate) struct RunArgs {
    /// The task's YAML file (schema version 2).
    pub(crate) file: PathBuf,
    /// Number of nodes, instead of the file's.
    #[arg(short, long, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) nodes: Option<u32>,
    /// Node group, instead of the file's.
    #[arg(short, long)]
    pub(crate) group: Option<String>,
    /// Priority by number or name, instead of the file's.
    #[arg(short, long, allow_hyphen_values = true)]
    pub(crate) priority: Option<Priority>,
    /// Follow the log of rank 0 afterwards.
    #[arg(short, long)]
    pub(crate) follow: bool,
}

/// Help on what follows a script.
pub(super) fn script_help() -> String {
    let options = ScriptOptions::command().render_help().to_string();
    let options = options
        .split_once("Options:")
        .map_or("", |(_, options)| options);
    format!(
        "Everything up to `--` or `++` belongs to the script.\n  \
         SCRIPT [ARG]...                 runs it here, as rank 0 of 1\n  \
         SCRIPT [ARG]... ++ [OPTION]...  the same, with the options below\n  \
         SCRIPT [ARG]... -- [OPTION]...  submits it to the platform\n\n\
         Options after -- and ++:{options}"
    )
}
