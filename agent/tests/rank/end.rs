//! How a rank ends, and that nothing of it is left.

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use protocol::{Desired, ExitCause};

use crate::{
    fixture::{Gate, Setup, runs, within},
    server::{Server, order},
};

#[tokio::test]
async fn a_signal_that_kills_the_command_is_recorded() {
    let mut rank = Setup::new("kill -SEGV $$")
        .start(order(Desired::Run, 0))
        .await;
    let (_, exit) = within(rank.server.exit()).await;
    assert_eq!(
        (exit.cause, exit.code, exit.signal),
        (ExitCause::Command, None, Some(11))
    );
}

#[tokio::test]
async fn what_the_command_leaves_behind_is_killed() {
    let line = "
        sleep 1001 & echo $! > child
        setsid sleep 1002 & echo $! > session
        setsid bash -c 'sleep 1003 & echo $! > orphan'
        env -i setsid bash -c 'sleep 1004 & echo $! > bare'
        setsid bash -c 'trap \"\" TERM HUP INT; echo $$ > stubborn; while :; do sleep 0.1; done' &
        until test -s child -a -s session -a -s orphan -a -s bare -a -s stubborn; do sleep 0.01; done
        exit 4";
    let mut rank = Setup::new(line).start(order(Desired::Run, 0)).await;
    let (_, exit) = within(rank.server.exit()).await;
    assert_eq!((exit.cause, exit.code), (ExitCause::Command, Some(4)));
    for name in ["child", "session", "orphan", "bare", "stubborn"] {
        assert!(!runs(&rank.workspace(name)), "{name}");
    }
}

#[tokio::test]
async fn a_command_that_ignores_sigterm_is_killed_after_the_grace() {
    let line = "trap '' TERM; echo ready; while :; do sleep 0.1; done";
    let mut rank = Setup::new(line).start(order(Desired::Run, 0)).await;
    within(rank.server.report(|report| report.log_end > 0)).await;
    rank.server.order(order(Desired::Stop, 100));
    let (_, exit) = within(rank.server.exit()).await;
    assert_eq!(
        (exit.cause, exit.code, exit.signal),
        (ExitCause::Stopped, None, Some(9))
    );
}

#[tokio::test]
async fn what_the_command_started_has_the_grace_too() {
    // The shell dies of SIGTERM at once, its child saves first.
    let line = "
        (trap 'sleep 0.3; echo saved; exit' TERM; echo ready; sleep 1000 & wait) &
        wait";
    let mut rank = Setup::new(line).start(order(Desired::Run, 0)).await;
    within(rank.server.report(|report| report.log_end > 0)).await;
    rank.server.order(order(Desired::Stop, 60_000));
    let (report, exit) = within(rank.server.exit()).await;
    assert_eq!((exit.cause, exit.signal), (ExitCause::Stopped, Some(15)));
    assert_eq!(rank.lines(), ["ready", "saved"]);
    assert_eq!(report.log_end, 29 + 6 + 29 + 6);
}

#[tokio::test]
async fn a_run_that_is_over_is_killed_without_grace() {
    let line = "trap '' TERM; sleep 1000 & echo $! > child; echo ready; wait";
    let mut rank = Setup::new(line).start(order(Desired::Run, 0)).await;
    within(rank.server.report(|report| report.log_end > 0)).await;
    rank.server.order(order(Desired::Over, 0));
    assert!(rank.left().await.success());
    assert!(!runs(&rank.workspace("child")));
    let exit = rank.exit_record().exit;
    assert_eq!((exit.cause, exit.signal), (ExitCause::Stopped, Some(9)));
    assert_eq!(exit.message.as_deref(), Some("The run is over."));
}

#[tokio::test]
async fn a_server_that_does_not_know_the_run_ends_it() {
    let mut rank = Setup::new("echo ready; sleep 1000")
        .start(order(Desired::Run, 0))
        .await;
    within(rank.server.report(|report| report.log_end > 0)).await;
    rank.server.forget_the_run();
    assert!(rank.left().await.success());
    assert_eq!(rank.exit_record().exit.cause, ExitCause::Stopped);
}

#[tokio::test]
async fn a_command_that_prints_nothing_for_too_long_is_stopped() {
    let mut setup = Setup::new("echo ready; exec sleep 1000");
    setup.launch.silence_secs = Some(1);
    let mut rank = setup.start(order(Desired::Run, 0)).await;
    let (_, exit) = within(rank.server.exit()).await;
    assert_eq!((exit.cause, exit.signal), (ExitCause::Silence, Some(15)));
    assert_eq!(
        exit.message.as_deref(),
        Some("The command printed nothing for 1 seconds.")
    );
}

#[tokio::test]
async fn an_agent_that_is_told_to_end_stops_its_rank_and_survives_a_hangup() {
    let mut rank = Setup::new("echo ready; exec sleep 1000")
        .start(order(Desired::Run, 0))
        .await;
    within(rank.server.report(|report| report.log_end > 0)).await;
    let agent = Pid::from_raw(rank.agent_pid());
    kill(agent, Signal::SIGHUP).unwrap();
    kill(agent, Signal::SIGTERM).unwrap();
    let (_, exit) = within(rank.server.exit()).await;
    assert_eq!((exit.cause, exit.signal), (ExitCause::Stopped, Some(15)));
    assert!(rank.left().await.success());
}

#[tokio::test]
async fn without_a_server_the_rank_runs_to_its_end_and_leaves_its_record() {
    let setup = Setup::new("echo ready; read < gate; echo done; exit 5");
    let mut gate = Gate::new(&setup);
    let mut rank = setup.start(order(Desired::Run, 0)).await;
    within(rank.server.report(|report| report.log_end > 0)).await;
    rank.replace_server(Server::start(order(Desired::Run, 0)).await);
    // This one is gone, too, before the agent is done; its address stays.
    let last = std::mem::replace(
        &mut rank.server,
        Server::start(order(Desired::Run, 0)).await,
    );
    drop(last);
    gate.open();
    assert!(rank.left().await.success());
    let record = rank.exit_record();
    assert_eq!(
        (record.exit.cause, record.exit.code),
        (ExitCause::Command, Some(5))
    );
    assert_eq!(record.log_end, 29 + 6 + 29 + 5);
    assert_eq!(rank.lines(), ["ready", "done"]);
}
