//! How a command is started, and when it is not.

use std::fs;

use nix::{sys::signal::Signal, unistd::geteuid};
use protocol::{
    CONTROL_DIR, CONTROL_DIR_VAR, Desired, ExitCause, Identity, RANK_DIR_VAR, RankExit,
};

use crate::{
    fixture::{Setup, within},
    server::{Heard, order},
};

#[tokio::test]
async fn the_command_waits_at_the_gate_until_every_rank_may_start() {
    let mut rank = Setup::new("exit 3").start(order(Desired::Wait, 0)).await;
    let Heard::Connected(token) = within(rank.server.hear()).await else {
        panic!()
    };
    assert_eq!(token.as_deref(), Some("first token"));
    let Heard::Registered(input) = within(rank.server.hear()).await else {
        panic!()
    };
    let me = rank.process_id();
    assert_eq!(me.pid, rank.agent_pid());
    let expected = serde_json::json!({
        "protocolVersion": 2, "bootId": me.boot_id, "pid": me.pid, "startTime": me.start_time,
    });
    assert_eq!(input, expected);
    let waiting = within(rank.server.report(|_| true)).await;
    assert!(!waiting.started && waiting.exit.is_none());

    rank.server.order(order(Desired::Run, 0));
    let (report, exit) = within(rank.server.exit()).await;
    assert!(report.started);
    let expected = RankExit {
        cause: ExitCause::Command,
        code: Some(3),
        signal: None,
        message: None,
        suspend: None,
    };
    assert_eq!(exit, expected);
    assert!(rank.left().await.success());
    assert_eq!(rank.exit_record().exit, expected);
}

#[tokio::test]
async fn a_rank_that_is_stopped_at_the_gate_never_runs() {
    let mut rank = Setup::new("touch ran")
        .start(order(Desired::Stop, 5000))
        .await;
    let (report, exit) = within(rank.server.exit()).await;
    assert!(!report.started);
    assert_eq!((exit.cause, exit.code), (ExitCause::Stopped, None));
    assert!(rank.left().await.success());
    assert!(!rank.workspace("ran").exists());
    assert_eq!(rank.exit_record().exit, exit);
}

#[tokio::test]
async fn the_command_has_exactly_its_own_environment() {
    let mut setup = Setup::new("tr '\\0' '\\n' < /proc/$$/environ; pwd; cat; echo '<'");
    for (name, value) in [("LR", "0.1"), ("GREETING", "a b\"c"), ("LR", "0.2")] {
        setup.launch.command.env.push((name.into(), value.into()));
    }
    let workspace = setup.launch.command.workspace.clone();
    let mut rank = setup.start(order(Desired::Run, 0)).await;
    within(rank.server.exit()).await;
    let mut lines = rank.lines();
    // The workspace, and the end of an empty standard input.
    assert_eq!(
        lines.split_off(lines.len() - 2),
        [workspace.to_str().unwrap(), "<"]
    );
    lines.sort();
    let mut expected = vec![
        "GREETING=a b\"c".to_owned(),
        "LR=0.2".to_owned(),
        "PATH=/usr/local/bin:/usr/bin:/bin".to_owned(),
        format!("{RANK_DIR_VAR}={}", rank.launch.rank_dir.display()),
        format!(
            "{CONTROL_DIR_VAR}={}",
            rank.launch.rank_dir.join(CONTROL_DIR).display()
        ),
    ];
    expected.sort();
    assert_eq!(lines, expected);
}

#[tokio::test]
async fn the_command_inherits_no_ignored_signals() {
    let setup = Setup::new("grep SigIgn /proc/$$/status");
    let mut rank = setup.start(order(Desired::Run, 0)).await;
    within(rank.server.exit()).await;
    let line = rank.lines().remove(0);
    let ignored = u64::from_str_radix(line.trim_start_matches("SigIgn:").trim(), 16).unwrap();
    for signal in [
        Signal::SIGHUP,
        Signal::SIGINT,
        Signal::SIGPIPE,
        Signal::SIGTERM,
    ] {
        assert_eq!(ignored >> (signal as u32 - 1) & 1, 0, "{signal}");
    }
}

#[tokio::test]
async fn a_workspace_that_cannot_be_entered_fails_the_start_and_is_named() {
    let mut missing = Setup::new("true");
    missing.launch.command.workspace.push("missing");
    let mut file = Setup::new("true");
    fs::write(file.launch.command.workspace.join("file"), "").unwrap();
    file.launch.command.workspace.push("file");
    for (setup, complaint) in [(missing, "does not exist"), (file, "is not a directory")] {
        let workspace = setup.launch.command.workspace.display().to_string();
        let mut rank = setup.start(order(Desired::Run, 0)).await;
        let (report, exit) = within(rank.server.exit()).await;
        assert!(!report.started);
        assert_eq!(exit.cause, ExitCause::StartFailed);
        assert_eq!(
            exit.message.unwrap(),
            format!("The workspace {workspace} {complaint}.")
        );
        assert!(rank.left().await.success());
    }
}

#[tokio::test]
async fn root_runs_the_command_as_its_user_and_others_as_themselves() {
    let mut setup = Setup::new("id -u; id -g; id -G");
    setup.launch.identity = Some(Identity {
        user: "ann".into(),
        uid: 54_321,
        gid: 54_322,
    });
    let mut rank = setup.start(order(Desired::Run, 0)).await;
    within(rank.server.exit()).await;
    let lines = rank.lines();
    if geteuid().is_root() {
        assert_eq!(lines, ["54321", "54322", "54322"]);
    } else {
        assert_eq!(lines[0], geteuid().to_string());
    }
}

#[tokio::test]
async fn a_workspace_of_somebody_else_fails_the_start_of_another_user() {
    let mut setup = Setup::new("true");
    let mut expected = ExitCause::Command;
    if geteuid().is_root() {
        use std::os::unix::fs::PermissionsExt;
        let private = fs::Permissions::from_mode(0o700);
        fs::set_permissions(&setup.launch.command.workspace, private).unwrap();
        setup.launch.identity = Some(Identity {
            user: "ann".into(),
            uid: 54_321,
            gid: 54_321,
        });
        expected = ExitCause::StartFailed;
    }
    let mut rank = setup.start(order(Desired::Run, 0)).await;
    let (_, exit) = within(rank.server.exit()).await;
    assert_eq!(exit.cause, expected);
    if expected == ExitCause::StartFailed {
        let message = exit.message.unwrap();
        assert!(
            message.contains("cannot be entered by user ann (54321)"),
            "{message}"
        );
    }
}

#[tokio::test]
async fn a_rank_has_one_agent_and_one_life() {
    let mut rank = Setup::new("exec sleep 1000")
        .start(order(Desired::Run, 0))
        .await;
    within(rank.server.report(|report| report.started)).await;
    let refused = within(rank.second_agent().wait()).await.unwrap();
    assert!(!refused.success());

    rank.server.order(order(Desired::Stop, 0));
    let (_, exit) = within(rank.server.exit()).await;
    assert_eq!((exit.cause, exit.message), (ExitCause::Stopped, None));
    rank.left().await;
    let refused = within(rank.second_agent().wait()).await.unwrap();
    assert!(!refused.success());
}
