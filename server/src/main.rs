//! The binary `hai-platform`: from the words of the command line to a command.

use std::process::ExitCode;

fn main() -> ExitCode {
    server::commands::main(std::env::args_os().collect())
}
