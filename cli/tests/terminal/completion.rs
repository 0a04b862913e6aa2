//! Completion, as each shell does it with the printed script.

use std::{
    io::Write,
    path::Path,
    process::{Command, Output},
};

use serde_json::json;

use crate::{
    platform::{Answer, Platform, task},
    program::Machine,
    session::Session,
    tasks::five_tasks,
};

/// A shell that finds the program.
#[expect(
    clippy::disallowed_methods,
    reason = "the shells are where this machine has them"
)]
fn command(machine: &Machine, shell: &str, arguments: &[&str]) -> Command {
    let program = Path::new(env!("CARGO_BIN_EXE_hai-cli")).parent().unwrap();
    let path = std::env::var("PATH").unwrap();
    let mut command = Command::new(shell);
    command
        .args(arguments)
        .current_dir(machine.work())
        .env("HOME", machine.home())
        .env("PATH", format!("{}:{path}", program.display()));
    command
}

/// Runs such a shell.
///
/// # Panics
/// If there is none of this name: then nothing would be known about its completion.
#[track_caller]
fn shell(machine: &Machine, shell: &str, arguments: &[&str]) -> Output {
    let output = command(machine, shell, arguments).output();
    output.unwrap_or_else(|error| {
        panic!(
            "cannot run {shell} ({error}); install it with: sudo apt-get update && \
             sudo apt-get install -y --no-install-recommends {shell}"
        )
    })
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
        lines(shell(&machine, "bash", &["-c", &script]))
    });
}

#[test]
fn zsh_completes_with_the_script_and_with_files_where_nothing_fits() {
    let machine = machine_with("zsh");
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
        lines(shell(&machine, "zsh", &["-fc", &script]))
    };
    check(complete);
    assert_eq!(complete("hai-cli run lo"), ["files"]);
}

#[test]
fn fish_completes_with_the_script_and_with_files_where_nothing_fits() {
    let machine = machine_with("fish");
    let complete = |line: &str| {
        let script = format!("source ~/completion.fish; complete -C '{line}'");
        lines(shell(&machine, "fish", &["--no-config", "-c", &script]))
    };
    check(complete);
    assert_eq!(complete("hai-cli run lo"), ["local.yml"]);
}

/// Presses Tab in a shell on a terminal, which reads this at its start, and lets the line run.
#[track_caller]
fn presses_tab(name: &str, start: (&str, &str), arguments: &[&str]) {
    let platform = Platform::start(|asked| match asked.name.as_str() {
        "MyName" => Answer::Data(json!({ "me": { "name": "ada" } })),
        "ListTasks" => {
            let tasks = [task("7", "train.py", "RUNNING")];
            Answer::Data(json!({ "tasks": { "nodes": tasks, "totalCount": 1 } }))
        }
        "FindTask" => Answer::Data(json!({ "task": task("7", "train.py", "RUNNING") })),
        other => panic!("{other}"),
    });
    let machine = Machine::logged_in(&platform);
    let script = machine.run(&["completion", name]);
    machine.write(&format!("completion.{name}"), script.succeeds());
    machine.write(start.0, start.1);
    shell(&machine, name, &["--version"]);
    // A shell that is worked with wants the terminal to be its own.
    let words = [&["--ctty", name], arguments].concat();
    let mut session = Session::of(command(&machine, "setsid", &words));
    session.await_text("ready> ");
    session.screen.write_all(b"hai-cli sta\ttr\t\n").unwrap();
    session.await_text("2026-11-23 18:43:43");
    session.screen.write_all(b"exit\n").unwrap();
    let (code, shown) = session.end();
    assert_eq!(code, 0, "{shown:?}");
    let found = platform.asked_for("FindTask");
    assert_eq!(found[0].variables["name"], "train.py", "{shown:?}");
}

#[test]
fn tab_completes_a_live_task_in_bash() {
    let start = "source ~/completion.bash\nPS1='ready> '\n";
    presses_tab("bash", ("rc", start), &["--rcfile", "../rc", "-i"]);
}

#[test]
fn tab_completes_a_live_task_in_zsh() {
    let start = "autoload -Uz compinit\ncompinit -uD\nsource ~/completion.zsh\nPROMPT='ready> '\n";
    presses_tab("zsh", (".zshrc", start), &["-i"]);
}

#[test]
fn tab_completes_a_live_task_in_fish() {
    let start = "source ~/completion.fish\nfunction fish_prompt\n    echo 'ready> '\nend\n";
    presses_tab(
        "fish",
        ("rc", start),
        &["--no-config", "--init-command", "source ../rc"],
    );
}
