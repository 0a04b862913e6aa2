//! What may be typed: commands and options, with their help.

use std::path::PathBuf;

use clap::{CommandFactory, Parser, Subcommand, ValueEnum};

use crate::{
    submission::{Entry, Priority},
    words,
};

/// Submit training tasks to HAI Platform and follow them.
#[derive(Debug, Parser)]
#[command(name = "hai-cli", version, arg_required_else_help = true)]
pub struct Args {
    /// Print JSON instead of text for people.
    #[arg(short = 'j', long, global = true)]
    pub(crate) json: bool,

    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Save where the platform is and who you are.
    Init(InitArgs),
    /// Show the user behind the saved token: groups, quotas, mounted directories.
    Whoami(WhoamiArgs),
    /// Run a Python script on the platform, or here.
    #[command(after_help = script_help())]
    Python(ScriptArgs),
    /// Run a shell script on the platform, or here.
    #[command(after_help = script_help())]
    Bash(ScriptArgs),
    /// Run an executable file on the platform, or here.
    #[command(after_help = script_help())]
    Exec(ScriptArgs),
    /// Submit the task that a YAML file describes.
    Run(RunArgs),
    /// List your tasks, the newest first.
    List(ListArgs),
    /// Show a task, its ranks, and why it waits.
    Status(StatusArgs),
    /// Print the log of a rank; with -f follow it to the end of the task.
    Logs(LogsArgs),
    /// End a task.
    Stop(StopArgs),
    /// Print the script that makes a shell complete this program's words.
    Completion(CompletionArgs),
    /// Print what the last word may become, one candidate a line.
    #[command(name = "__complete", hide = true)]
    Complete(CompleteArgs),
}

#[derive(Debug, clap::Args)]
pub(crate) struct InitArgs {
    /// Your token; `-` reads it from standard input. Without it you are asked.
    #[arg(allow_hyphen_values = true)]
    pub(crate) token: Option<String>,
    /// Address of the platform [default: $MARSV2_SERVER]
    #[arg(long, value_name = "URL")]
    pub(crate) url: Option<String>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct WhoamiArgs {
    /// Draw with ASCII characters only.
    #[arg(short, long)]
    pub(crate) ascii: bool,
}

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
pub(crate) struct StopArgs {
    #[command(flatten)]
    pub(crate) experiment: ExperimentArgs,
    /// Record the task as succeeded.
    #[arg(long, conflicts_with = "failed")]
    pub(crate) succeeded: bool,
    /// Record the task as failed.
    #[arg(long)]
    pub(crate) failed: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct CompletionArgs {
    /// Whose script.
    #[arg(value_enum)]
    pub(crate) shell: Shell,
}

/// A shell that can complete words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Shell {
    /// GNU bash: `source <(hai-cli completion bash)`.
    Bash,
}

#[derive(Debug, clap::Args)]
pub(crate) struct CompleteArgs {
    /// The words after the program's name; the last one is being typed and may be empty.
    #[arg(num_args = 0.., trailing_var_arg = true, allow_hyphen_values = true)]
    pub(crate) words: Vec<String>,
}

/// Help on what follows a script.
fn script_help() -> String {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definition_of_the_arguments_is_consistent() {
        Args::command().debug_assert();
        ScriptOptions::command().debug_assert();
    }

    #[test]
    fn a_scripts_words_are_taken_verbatim() {
        let line = "hai-cli python -j x.py -j --help -- -n 2";
        let args = Args::try_parse_from(line.split(' ')).unwrap();
        assert!(args.json);
        let Command::Python(script) = args.command else {
            panic!("another command: {:?}", args.command);
        };
        assert_eq!(script.words, ["x.py", "-j", "--help", "--", "-n", "2"]);
    }

    #[test]
    fn a_separator_directly_behind_the_script_is_not_lost() {
        let args = Args::try_parse_from(["hai-cli", "bash", "x.sh", "--", "-n", "2"]).unwrap();
        let Command::Bash(script) = args.command else {
            panic!("another command: {:?}", args.command);
        };
        assert_eq!(script.words, ["x.sh", "--", "-n", "2"]);
    }

    #[test]
    fn the_help_of_a_script_lists_the_options_behind_the_separator() {
        let help = script_help();
        for option in [
            "--nodes",
            "--group",
            "--environments",
            "--suspend_seconds",
            "--follow",
        ] {
            assert!(help.contains(option), "{option} is missing in:\n{help}");
        }
    }

    #[test]
    fn a_task_cannot_have_succeeded_and_failed() {
        let refused = Args::try_parse_from(["hai-cli", "stop", "7", "--succeeded", "--failed"]);
        assert_eq!(
            refused.unwrap_err().kind(),
            clap::error::ErrorKind::ArgumentConflict
        );
    }
}
