//! From words to an exit code.

use std::{ffi::OsString, process::ExitCode};

use clap::{CommandFactory, FromArgMatches};

use super::{
    Context, completion, describe, explain, init, list, logs, node, nodes,
    order::{self, Order},
    quota, run as run_file, search, simulate, status, submit, token, top, user, whoami,
};
use crate::{
    args::{Args, Command, ScriptArgs},
    config::Environment,
    error::{Error, Result, exit},
    output::Screen,
    submission::Runner,
    words::{self, Place},
};

/// Runs the program on the words behind its name. `program` is what the user typed to get here, for help and hints:
/// `hai-cli` or `hai-platform cli`.
///
/// Must be called outside of an async runtime, as it starts its own.
pub fn main(program: &str, words: impl IntoIterator<Item = OsString>) -> ExitCode {
    let words = words::expand_list_options(words.into_iter().collect());
    let mut command = Args::command().bin_name(program).no_binary_name(true);
    let parsed = command
        .try_get_matches_from_mut(words)
        .and_then(|matches| Args::from_arg_matches(&matches));
    match parsed {
        Ok(args) => run(args, program),
        Err(error) => ExitCode::from(answer_usage(&error)),
    }
}

/// Runs parsed arguments; `program` as in [`main`], which also knows the original's `list -ps`.
pub fn run(args: Args, program: &str) -> ExitCode {
    let environment = Environment::read();
    let mut context = Context {
        program: program.to_owned(),
        screen: Screen::new(&environment, args.json),
        environment,
        json: args.json,
    };
    // A second installation, when the caller has one already, changes nothing.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let result = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Error::Startup)
        .and_then(|runtime| runtime.block_on(dispatch(&mut context, args.command)));
    context.screen.progress().stop();
    context.screen.end_standing_note();
    match result {
        Ok(code) => ExitCode::from(code),
        Err(error) if error.is_closed_output() => ExitCode::SUCCESS,
        Err(error) => {
            let line = error.line(program);
            context.screen.note(&line);
            ExitCode::from(error.exit())
        }
    }
}

async fn dispatch(context: &mut Context, command: Command) -> Result<u8> {
    match command {
        Command::Init(args) => init::run(context, args).await,
        Command::Whoami(args) => whoami::run(context, &args).await,
        Command::Python(args) => script(context, Runner::Python, &args).await,
        Command::Bash(args) => script(context, Runner::Bash, &args).await,
        Command::Exec(args) => script(context, Runner::Exec, &args).await,
        Command::Run(args) => run_file::run(context, args).await,
        Command::List(args) => list::run(context, &args).await,
        Command::Status(args) => status::run(context, &args).await,
        Command::Logs(args) => logs::run(context, &args).await,
        Command::Search(args) => search::run(context, &args).await,
        Command::Explain(args) => explain::run(context, &args).await,
        Command::Describe(args) => describe::run(context, &args).await,
        Command::Stop(args) => {
            let order = Order::Stop(args.stop_as());
            order::run(context, &args.experiments, order).await
        }
        Command::Suspend(args) => order::run(context, &args, Order::Suspend).await,
        Command::Resume(args) => order::run(context, &args, Order::Resume).await,
        Command::Priority(args) => order::run_priority(context, &args).await,
        Command::Nodes(args) => nodes::run(context, &args).await,
        Command::Node(command) => node::run(context, command).await,
        Command::Quota(args) => quota::run(context, args.command).await,
        Command::Token(command) => token::run(context, command).await,
        Command::User(command) => user::run(context, command).await,
        Command::Top => top::run(context).await,
        Command::Completion(args) => completion::print_script(context, &args),
        Command::Complete(args) => completion::complete(context, &args.words).await,
    }
}

async fn script(context: &mut Context, runner: Runner, args: &ScriptArgs) -> Result<u8> {
    let call = words::split(&args.words)?;
    let options = match crate::args::ScriptOptions::read(&call.options) {
        Ok(options) => options,
        Err(error) => return Ok(answer_usage(&error)),
    };
    match call.place {
        Place::Cluster => submit::run(context, runner, &call, options).await,
        Place::Here => simulate::run(context, runner, &call, &options).await,
    }
}

/// Prints help where it was asked for, and the complaint where it was not.
fn answer_usage(error: &clap::Error) -> u8 {
    let _ = error.print();
    u8::try_from(error.exit_code()).unwrap_or(exit::USAGE)
}
