//! Completion, as each shell does it with the printed script.

use std::{
    path::Path,
    process::{Command, Output},
};

use crate::{program::Machine, tasks::five_tasks};

/// Runs a shell that finds the program; `None` where there is no such shell.
#[expect(
    clippy::disallowed_methods,
    reason = "the shells are where this machine has them"
)]
fn shell(machine: &Machine, shell: &str, arguments: &[&str]) -> Option<Output> {
    let program = Path::new(env!("CARGO_BIN_EXE_hai-cli")).parent().unwrap();
    let path = std::env::var("PATH").unwrap();
    let mut command = Command::new(shell);
    command
        .args(arguments)
        .current_dir(machine.work())
        .env("HOME", machine.home())
        .env("PATH", format!("{}:{path}", program.display()));
    match command.output() {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        output => Some(output.unwrap()),
    }
}

fn lines(output: Output) -> Vec<String> {
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(str::to_owned).collect()
}

/// The machine, with the script of this shell in its home.
fn machine_with(shell: &str) -> Machine {
    let machine = Machine::logged_in(&five_tasks());
    let script = machine.run(&["completion", shell]);
    machine.write(&format!("completion.{shell}"), script.succeeds());
    machine.write("work/local.yml", "");
    machine
}

/// What every shell has to offer.
#[track_caller]
fn check(complete: impl Fn(&str) -> Vec<String>) {
    assert_eq!(complete("hai-cli sta"), ["status"]);
    let all = ["t1", "t2", "t3", "t4", "t5"];
    assert_eq!(complete("hai-cli logs -f t"), all);
    assert_eq!(complete("hai-cli suspend t1 "), all);
    let groups = complete("hai-cli python x.py a -- -n 2 -g tr");
    assert_eq!(groups, ["training"]);
    assert_eq!(complete("hai-cli run x.yml --pri"), ["--priority"]);
    assert_eq!(complete("hai-cli priority t1 AU"), ["AUTO"]);
}

#[test]
fn bash_completes_with_the_script() {
    let machine = machine_with("bash");
    check(|line| {
        let words: Vec<String> = line.split(' ').map(|word| format!("'{word}'")).collect();
        let script = format!(
            "source ~/completion.bash; COMP_WORDS=({}); COMP_CWORD={}; _hai_cli; \
             printf '%s\\n' \"${{COMPREPLY[@]}}\"",
            words.join(" "),
            words.len() - 1
        );
        lines(shell(&machine, "bash", &["-c", &script]).unwrap())
    });
}

#[test]
fn zsh_completes_with_the_script_and_with_files_where_nothing_fits() {
    let machine = machine_with("zsh");
    if shell(&machine, "zsh", &["--version"]).is_none() {
        eprintln!("zsh is not installed: only the presence of its script is checked");
        return assert!(
            machine
                .run(&["completion", "zsh"])
                .succeeds()
                .starts_with("#compdef")
        );
    }
    // The words as zsh gives them to a completion function, and its own functions as an echo.
    let complete = |line: &str| {
        let words: Vec<String> = line.split(' ').map(|word| format!("'{word}'")).collect();
        let script = format!(
            "compdef() {{ }}; _files() {{ print files }}; \
             compadd() {{ [[ $1 = -a ]] && print -l -- \"${{(@P)2}}\" }}; \
             source ~/completion.zsh; words=({}); CURRENT={}; PREFIX=$words[-1]; _hai_cli",
            words.join(" "),
            words.len()
        );
        lines(shell(&machine, "zsh", &["-fc", &script]).unwrap())
    };
    check(complete);
    assert_eq!(complete("hai-cli run lo"), ["files"]);
}

#[test]
fn fish_completes_with_the_script_and_with_files_where_nothing_fits() {
    let machine = machine_with("fish");
    if shell(&machine, "fish", &["--version"]).is_none() {
        eprintln!("fish is not installed: only the presence of its script is checked");
        let script = machine.run(&["completion", "fish"]);
        return assert!(script.succeeds().contains("complete -c hai-cli"));
    }
    let complete = |line: &str| {
        let script = format!("source ~/completion.fish; complete -C '{line}'");
        lines(shell(&machine, "fish", &["--no-config", "-c", &script]).unwrap())
    };
    check(complete);
    assert_eq!(complete("hai-cli run lo"), ["local.yml"]);
}
