//! The program and its commands.

use clap::{Parser, Subcommand};

use super::{
    CompleteArgs, CompletionArgs, DescribeArgs, ExperimentsArgs, ExplainArgs, InitArgs, ListArgs,
    LogsArgs, NodeCommand, NodesArgs, PriorityArgs, QuotaArgs, RunArgs, ScriptArgs, SearchArgs,
    StatusArgs, StopArgs, TokenCommand, UserCommand, WhoamiArgs, script::script_help,
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
    /// Search the logs of tasks; exit code 1 if nothing is found.
    Search(SearchArgs),
    /// Say why a task waits, and what would help.
    Explain(ExplainArgs),
    /// Show everything about a task, in the form of a file that `run` accepts again.
    Describe(DescribeArgs),
    /// End tasks.
    Stop(StopArgs),
    /// Put tasks on hold: they save, give their nodes back, and wait until they are resumed.
    Suspend(ExperimentsArgs),
    /// Let tasks run: those on hold, those being stopped, and those that have ended.
    Resume(ExperimentsArgs),
    /// Change how urgent a task is.
    Priority(PriorityArgs),
    /// Show the nodes of the cluster and who has them.
    Nodes(NodesArgs),
    /// Take a node from the scheduler, give it back, and see what became of it.
    #[command(subcommand)]
    Node(NodeCommand),
    /// Show what you hold and may hold; set it, and see who did.
    Quota(QuotaArgs),
    /// List, make and revoke access tokens.
    #[command(subcommand)]
    Token(TokenCommand),
    /// List, create and change users; for administrators.
    #[command(subcommand)]
    User(UserCommand),
    /// Watch your tasks, the node groups and the queue, live on the terminal.
    Top,
    /// Print the script that makes a shell complete this program's words.
    Completion(CompletionArgs),
    /// Print what the last word may become, one candidate a line.
    #[command(name = "__complete", hide = true)]
    Complete(CompleteArgs),
}
