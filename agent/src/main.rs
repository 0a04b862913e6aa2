//! Starts the agent of one rank.

use std::process::ExitCode;

use clap::Parser;

/// The supervisor of one rank of a task. Runtimes start it; people need not.
#[derive(Parser)]
#[command(name = "hai-agent", version)]
struct Cli {
    #[command(flatten)]
    agent: agent::Args,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    rustls::crypto::aws_lc_rs::default_provider()
        .install_default()
        .expect("nothing ran before that could have installed another one");
    agent::run(cli.agent)
}
