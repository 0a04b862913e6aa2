//! The binary `hai-cli`.

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main("hai-cli", std::env::args_os().skip(1))
}
