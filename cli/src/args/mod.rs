//! What may be typed: commands and options, with their help.

mod account;
mod cluster;
mod login;
mod order;
mod program;
mod quota;
mod script;
mod shell;
mod task;
mod when;

#[cfg(test)]
mod tests;

pub use program::Args;

pub(crate) use account::{ScopeWord, TokenCommand, UserCommand};
pub(crate) use cluster::{NodeCommand, NodesArgs};
pub(crate) use login::{InitArgs, WhoamiArgs};
pub(crate) use order::{PriorityArgs, StopArgs};
pub(crate) use program::Command;
pub(crate) use quota::{QuotaArgs, QuotaCommand};
pub(crate) use script::{RunArgs, ScriptArgs, ScriptOptions};
pub(crate) use shell::{CompleteArgs, CompletionArgs, Shell};
pub(crate) use task::{
    DescribeArgs, ExperimentArgs, ExperimentKind, ExperimentsArgs, ExplainArgs, ListArgs, LogsArgs,
    SearchArgs, StatusArgs,
};
pub(crate) use when::When;
