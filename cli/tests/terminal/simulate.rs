//! `python|bash|exec SCRIPT …` on this machine.

use std::{fs, os::unix::fs::PermissionsExt};

use crate::program::Machine;

#[test]
fn a_simulated_script_sees_its_arguments_and_variables_and_its_exit_code_counts() {
    let machine = Machine::new();
    machine.write(
        "work/x.sh",
        "echo \"$1|$2|$RANK/$WORLD_SIZE|$MASTER_ADDR:$MASTER_PORT|$HFAI_SIMULATE|\
         $MARSV2_WHOLE_LIFE_STATE|$SIMULATE_SUSPEND|$K\"\nexit 7\n",
    );
    let words = [
        "bash", "x.sh", "-n", "b c", "++", "-e", "K=V=W", "-ss", "5", "-ls", "3", "-n", "4",
    ];
    let ended = machine.run(&words);
    assert_eq!(ended.code, 7, "{ended:?}");
    assert_eq!(ended.out, "-n|b c|0/1|127.0.0.1:29510|1|3|5|V=W\n");
    assert!(ended.err.contains("K=V=W bash x.sh -n 'b c'"), "{ended:?}");
}

#[test]
fn without_a_separator_it_is_the_same_and_needs_no_platform() {
    let machine = Machine::new();
    machine.write(
        "work/x.py",
        "import os; print(os.environ['HFAI_SIMULATE'])\n",
    );
    assert_eq!(machine.run(&["python", "x.py"]).succeeds(), "1\n");
}

#[test]
fn an_executable_runs_itself() {
    let machine = Machine::new();
    let path = machine.write("work/tool", "#!/bin/sh\nkill -TERM $$\n");
    machine
        .run(&["exec", "tool"])
        .err
        .contains("Permission denied");
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(machine.run(&["exec", "tool"]).code, 143);
}

#[test]
fn a_missing_script_is_2() {
    let machine = Machine::new();
    for command in ["python", "bash", "exec"] {
        machine
            .run(&[command, "none"])
            .fails(2, &["there is no script `none`"]);
    }
}
