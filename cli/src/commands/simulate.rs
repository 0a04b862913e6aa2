//! `python|bash|exec SCRIPT …` without the platform: rank 0 of 1 on this machine.

use std::{env, os::unix::process::ExitStatusExt, path::Path, process::ExitStatus};

use tokio::signal::unix::{SignalKind, signal};

use super::{Context, submit};
use crate::{
    args::ScriptOptions,
    error::{Error, Result},
    submission::Runner,
    words::{ScriptCall, shell_join, shell_quote},
};

pub(super) async fn run(
    context: &mut Context,
    runner: Runner,
    call: &ScriptCall,
    options: &ScriptOptions,
) -> Result<u8> {
    if !Path::new(&call.script).is_file() {
        let here = env::current_dir().map_err(Error::Startup)?;
        return Err(submit::missing(&call.script, &here));
    }
    let process = Process::new(runner, call, options);
    context.screen.note(&process.shown());
    // Ctrl-C reaches the script, too; it decides, and we stay to tell its exit code.
    let _interrupts = signal(SignalKind::interrupt()).map_err(Error::Startup)?;
    let status = tokio::process::Command::new(&process.program)
        .args(&process.arguments)
        .envs(process.environment.iter().map(|(key, value)| (key, value)))
        .status()
        .await
        .map_err(|source| Error::Start {
            program: process.program.clone(),
            source,
        })?;
    Ok(exit_code(status))
}

/// What is started.
#[derive(Debug, PartialEq, Eq)]
struct Process {
    program: String,
    arguments: Vec<String>,
    environment: Vec<(String, String)>,
}

impl Process {
    fn new(runner: Runner, call: &ScriptCall, options: &ScriptOptions) -> Self {
        let script = call.script.clone();
        let (program, mut arguments) = match runner {
            Runner::Python => ("python3".to_owned(), vec!["-u".to_owned(), script]),
            Runner::Bash => ("bash".to_owned(), vec![script]),
            // A bare name would be looked up in PATH.
            Runner::Exec if !script.contains('/') => (format!("./{script}"), vec![]),
            Runner::Exec => (script, vec![]),
        };
        arguments.extend(call.arguments.iter().cloned());
        Self {
            program,
            arguments,
            environment: environment(options),
        }
    }

    /// The line that does the same in a shell.
    fn shown(&self) -> String {
        let environment = self.environment.iter();
        let mut parts: Vec<String> = environment
            .map(|(key, value)| format!("{key}={}", shell_quote(value)))
            .collect();
        parts.push(shell_quote(&self.program));
        if !self.arguments.is_empty() {
            parts.push(shell_join(&self.arguments));
        }
        parts.join(" ")
    }
}

/// The variables of a simulated task; the user's own come last and win.
fn environment(options: &ScriptOptions) -> Vec<(String, String)> {
    let life_state = options.life_state.unwrap_or(0).to_string();
    let mut variables = vec![
        ("HFAI_SIMULATE", "1".to_owned()),
        ("WORLD_SIZE", "1".to_owned()),
        ("RANK", "0".to_owned()),
        ("MASTER_IP", "127.0.0.1".to_owned()),
        ("MASTER_ADDR", "127.0.0.1".to_owned()),
        ("MASTER_PORT", "29510".to_owned()),
        ("MARSV2_WHOLE_LIFE_STATE", life_state),
    ];
    if let Some(seconds) = options.suspend_seconds {
        variables.push(("SIMULATE_SUSPEND", seconds.to_string()));
    }
    let own = options.environments.iter();
    let own = own.map(|entry| (entry.key.clone(), entry.value.clone()));
    variables
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value))
        .chain(own)
        .collect()
}

/// A signal counts as a shell counts it: 128 and its number.
fn exit_code(status: ExitStatus) -> u8 {
    let code = match (status.code(), status.signal()) {
        (Some(code), _) => code,
        (None, Some(signal)) => 128 + signal,
        (None, None) => 1,
    };
    u8::try_from(code & 0xff).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::Place;

    fn call(script: &str) -> ScriptCall {
        ScriptCall {
            script: script.to_owned(),
            arguments: vec!["a b".to_owned()],
            place: Place::Here,
            options: vec![],
        }
    }

    fn options(words: &[&str]) -> ScriptOptions {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        ScriptOptions::read(&words).unwrap()
    }

    #[test]
    fn a_simulation_looks_like_rank_0_of_1() {
        let process = Process::new(Runner::Python, &call("x.py"), &options(&[]));
        assert_eq!(
            process.shown(),
            "HFAI_SIMULATE=1 WORLD_SIZE=1 RANK=0 MASTER_IP=127.0.0.1 MASTER_ADDR=127.0.0.1 \
             MASTER_PORT=29510 MARSV2_WHOLE_LIFE_STATE=0 python3 -u x.py 'a b'"
        );
    }

    #[test]
    fn the_options_behind_two_pluses_set_its_variables() {
        let words = ["-ss", "5", "-ls", "3", "-e", "K=x y", "-n", "4"];
        let variables = environment(&options(&words));
        for expected in [
            ("SIMULATE_SUSPEND", "5"),
            ("MARSV2_WHOLE_LIFE_STATE", "3"),
            ("K", "x y"),
            ("WORLD_SIZE", "1"),
        ] {
            let (key, value) = expected;
            assert!(
                variables.contains(&(key.to_owned(), value.to_owned())),
                "{key} in {variables:?}"
            );
        }
    }

    #[test]
    fn an_executable_is_never_looked_up() {
        let program = |script| Process::new(Runner::Exec, &call(script), &options(&[])).program;
        assert_eq!(program("tool"), "./tool");
        assert_eq!(program("bin/tool"), "bin/tool");
        assert_eq!(program("/bin/true"), "/bin/true");
    }

    #[test]
    fn a_signal_is_counted_as_a_shell_does() {
        assert_eq!(exit_code(ExitStatus::from_raw(3 << 8)), 3);
        assert_eq!(exit_code(ExitStatus::from_raw(15)), 143);
    }
}
