//! Tests of what may be typed.

use clap::{CommandFactory, Parser};

use super::{script::script_help, *};

#[test]
fn the_definition_of_the_arguments_is_consistent() {
    Args::command().debug_assert();
    ScriptOptions::command().debug_assert();
}

#[test]
fn a_scripts_words_are_taken_verbatim() {
    let line = "hai-cli python -j x.py -j --help -- -n 2";
    let args = Args::try_parse_from(line.split(' ')).unwrap();
    assert!(args.json);
    let Command::Python(script) = args.command else {
        panic!("another command: {:?}", args.command);
    };
    assert_eq!(script.words, ["x.py", "-j", "--help", "--", "-n", "2"]);
}

#[test]
fn a_separator_directly_behind_the_script_is_not_lost() {
    let args = Args::try_parse_from(["hai-cli", "bash", "x.sh", "--", "-n", "2"]).unwrap();
    let Command::Bash(script) = args.command else {
        panic!("another command: {:?}", args.command);
    };
    assert_eq!(script.words, ["x.sh", "--", "-n", "2"]);
}

#[test]
fn the_help_of_a_script_lists_the_options_behind_the_separator() {
    let help = script_help();
    for option in [
        "--nodes",
        "--group",
        "--environments",
        "--suspend_seconds",
        "--follow",
    ] {
        assert!(help.contains(option), "{option} is missing in:\n{help}");
    }
}

#[test]
fn a_task_cannot_have_succeeded_and_failed() {
    let refused = Args::try_parse_from(["hai-cli", "stop", "7", "--succeeded", "--failed"]);
    assert_eq!(
        refused.unwrap_err().kind(),
        clap::error::ErrorKind::ArgumentConflict
    );
}
#[test]
fn a_priority_may_be_negative_and_a_rank_alone_is_enough() {
    let parsed = |line: &str| {
        let args = Args::try_parse_from(line.split(' '))?;
        let Command::Priority(args) = args.command else {
            panic!("another command: {:?}", args.command);
        };
        Ok::<_, clap::Error>(args)
    };
    let auto = parsed("hai-cli priority 7 -1 --every-run").unwrap();
    assert_eq!(auto.priority, Some(crate::submission::Priority::Number(-1)));
    assert!(auto.every_run);
    assert_eq!(
        parsed("hai-cli priority 7 --rank -2.5").unwrap().place,
        Some(-2.5)
    );
    assert!(parsed("hai-cli priority 7").is_err());
    assert!(parsed("hai-cli priority 7 --rank 1 --every-run").is_err());
}
