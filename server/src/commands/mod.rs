//! The commands of `hai-platform`, one per file.

mod backup;
mod demo;
mod doctor;
mod down;
mod import;
mod keys;
mod migrate;
mod restore;
mod token;
mod up;

use std::ffi::OsString;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Parser;

use crate::args::{Cli, Command, TokenCommand};
use crate::environment::Environment;
use crate::platform::Role;
use crate::telemetry::{self, Format};

/// Logged by default: what happens, in our own words. Whoever uses `fred` says what became of it.
const EVENTS: &str = "warn,fred=off,domain=info,api=info,server=info";
/// Logged by default where the command speaks for itself.
const TROUBLE: &str = "error,fred=off";

/// Does what was asked, and says in one line why if it cannot.
pub fn main(words: Vec<OsString>) -> ExitCode {
    // Two providers of cryptography in one program would have to be told apart at run time: there is one.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let cli = match Cli::try_parse_from(&words) {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    match run(cli, words.first()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("hai-platform: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli, program: Option<&OsString>) -> Result<ExitCode> {
    let environment = Environment::read()?;
    let done = match cli.command {
        // These two bring their own way to run: an agent must stay small, and the client starts fast.
        Command::Agent(args) => return Ok(agent::run(args)),
        Command::Cli { words } => {
            let program = program.map_or("hai-platform".into(), |name| name.to_string_lossy());
            return Ok(cli::main(&format!("{program} cli"), words));
        }
        Command::Schema => {
            print!("{}", api::sdl());
            Ok(())
        }
        Command::Up(args) => block_on(&environment, EVENTS, up::up(args, Role::Both, &environment)),
        Command::Serve(args) => block_on(
            &environment,
            EVENTS,
            up::up(args, Role::Serve, &environment),
        ),
        Command::Work(args) => {
            block_on(&environment, EVENTS, up::up(args, Role::Work, &environment))
        }
        Command::Down(args) => down::down(args, &environment),
        Command::Doctor(args) => {
            return block_on(&environment, TROUBLE, doctor::doctor(args, &environment));
        }
        Command::Import(args) => {
            return block_on(&environment, TROUBLE, import::import(args, &environment));
        }
        Command::Migrate(args) => {
            return block_on(&environment, EVENTS, migrate::migrate(args, &environment));
        }
        Command::Backup(args) => {
            block_on(&environment, TROUBLE, backup::backup(args, &environment))
        }
        Command::Restore(args) => {
            block_on(&environment, TROUBLE, restore::restore(args, &environment))
        }
        Command::Keys { command } => keys::keys(command, &environment),
        Command::Demo => block_on(&environment, TROUBLE, demo::demo(&environment)),
        Command::Token {
            command: TokenCommand::Create { user, data },
        } => block_on(
            &environment,
            TROUBLE,
            token::create(user, data, &environment),
        ),
    };
    done.map(|()| ExitCode::SUCCESS)
}

fn block_on<T>(
    environment: &Environment,
    log: &str,
    work: impl Future<Output = Result<T>>,
) -> Result<T> {
    let format = Format::parse(environment.log_format.as_deref())?;
    telemetry::start(environment.log.as_deref().unwrap_or(log), format)?;
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("the runtime cannot start")?
        .block_on(work)
}
