//! The agent and a server that comes and goes.

use std::{fs, os::unix::fs::PermissionsExt};

use protocol::{Desired, ExitCause};

use crate::{
    fixture::{Gate, Setup, within},
    server::{Heard, Server, order},
};

#[tokio::test]
async fn a_server_that_moved_hears_how_the_rank_is_and_how_it_ends() {
    let setup = Setup::new("echo ready; read < gate; exit 6");
    let mut gate = Gate::new(&setup);
    let mut rank = setup.start(order(Desired::Run, 0)).await;
    within(rank.server.report(|report| report.log_end > 0)).await;

    rank.replace_server(Server::start(order(Desired::Run, 0)).await);
    let report = within(rank.server.report(|_| true)).await;
    assert!(report.started && report.exit.is_none());
    assert_eq!(report.log_end, 29 + 6);

    gate.open();
    let (_, exit) = within(rank.server.exit()).await;
    assert_eq!((exit.cause, exit.code), (ExitCause::Command, Some(6)));
    assert!(rank.left().await.success());
}

#[tokio::test]
async fn a_stop_given_while_the_agent_was_away_is_heard_when_it_is_back() {
    let mut rank = Setup::new("echo ready; exec sleep 1000")
        .start(order(Desired::Run, 0))
        .await;
    within(rank.server.report(|report| report.log_end > 0)).await;
    rank.replace_server(Server::start(order(Desired::Stop, 60_000)).await);
    let (_, exit) = within(rank.server.exit()).await;
    assert_eq!((exit.cause, exit.signal), (ExitCause::Stopped, Some(15)));
}

#[tokio::test]
async fn a_half_spent_token_is_renewed_before_the_agent_registers() {
    // {"iat":1000,"exp":2000}
    let old = "e30.eyJpYXQiOjEwMDAsImV4cCI6MjAwMH0.c2ln";
    // {"iat":99999999999,"exp":199999999999}
    let new = "e30.eyJpYXQiOjk5OTk5OTk5OTk5LCJleHAiOjE5OTk5OTk5OTk5OX0.c2ln";
    let setup = Setup::new("exec sleep 1000");
    fs::write(&setup.launch.token_file, old).unwrap();
    let mut rank = setup.start_renewing(order(Desired::Wait, 0), new).await;
    let Heard::Connected(first) = within(rank.server.hear()).await else {
        panic!()
    };
    assert_eq!(first.as_deref(), Some(old));
    let Heard::Connected(second) = within(rank.server.hear()).await else {
        panic!()
    };
    assert_eq!(second.as_deref(), Some(new));
    assert!(matches!(
        within(rank.server.hear()).await,
        Heard::Registered(_)
    ));
    let token = &rank.launch.token_file;
    assert_eq!(fs::read_to_string(token).unwrap(), new);
    assert_eq!(
        fs::metadata(token).unwrap().permissions().mode() & 0o777,
        0o600
    );
}
