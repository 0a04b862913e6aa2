//! A command that is to save and end. The test itself speaks for the command.

use protocol::{Desired, ExitCause, RankExit, SuspendEnd};
use serde_json::json;

use crate::{
    fixture::{Gate, Rank, Setup, within},
    server::{Heard, Report, Server, Suspension, order, suspend},
};

/// Longer than any test takes.
const LONG: u32 = 600_000;

/// A command that runs until it is ended.
const ENDLESS: &str = "echo ready; exec sleep 1000";

/// A rank whose command has begun, and whose order is to suspend by now.
async fn suspended(setup: Setup, order: protocol::Order) -> Rank {
    let mut rank = setup.start_running().await;
    assert_eq!(rank.flag(), "0");
    rank.server.order(order);
    let heard = within(rank.server.report(|report| report.suspend.is_some())).await;
    let nothing_yet = Suspension {
        received: false,
        ready: false,
    };
    assert_eq!(heard.suspend, Some(nothing_yet));
    rank
}

fn came_to(exit: &RankExit) -> (ExitCause, Option<i32>, Option<i32>, [bool; 3]) {
    let suspend: SuspendEnd = exit.suspend.unwrap();
    let SuspendEnd {
        acknowledged,
        ready,
        forced,
    } = suspend;
    (
        exit.cause,
        exit.code,
        exit.signal,
        [acknowledged, ready, forced],
    )
}

#[tokio::test]
async fn a_command_sees_the_flag_takes_notice_saves_and_is_ended_when_ready() {
    let mut rank = suspended(Setup::new(ENDLESS), suspend(LONG, LONG, LONG)).await;
    assert_eq!(rank.flag(), "1");
    assert_eq!(
        rank.call(json!({ "call": "suspend_received" })).await,
        json!({ "ok": true })
    );
    let received = |report: &Report| {
        report.suspend.is_some_and(|suspend| suspend.received) && report.exit.is_none()
    };
    within(rank.server.report(received)).await;
    assert_eq!(
        rank.call(json!({ "call": "saving" })).await,
        json!({ "ok": true })
    );
    assert_eq!(
        rank.call(json!({ "call": "go_suspend" })).await,
        json!({ "ok": true })
    );
    let (report, exit) = within(rank.server.exit()).await;
    let everything = Suspension {
        received: true,
        ready: true,
    };
    assert_eq!(report.suspend, Some(everything));
    let expected = (ExitCause::Suspended, None, Some(15), [true, true, false]);
    assert_eq!(came_to(&exit), expected);
    assert!(rank.left().await.success());
    assert_eq!(rank.exit_record().exit, exit);
}

#[tokio::test]
async fn a_command_that_takes_no_notice_is_stopped() {
    let mut rank = Setup::new(ENDLESS).start_running().await;
    rank.server.order(suspend(100, LONG, LONG));
    let (_, exit) = within(rank.server.exit()).await;
    let expected = (ExitCause::Suspended, None, Some(15), [false, false, true]);
    assert_eq!(came_to(&exit), expected);
    assert_eq!(
        exit.message.as_deref(),
        Some("The command took no notice of the order to suspend.")
    );
}

#[tokio::test]
async fn a_command_that_takes_too_long_is_stopped() {
    for (progress_ms, budget_ms) in [(100, LONG), (LONG, 100)] {
        let order = suspend(LONG, progress_ms, budget_ms);
        let mut rank = suspended(Setup::new(ENDLESS), order).await;
        rank.call(json!({ "call": "suspend_received" })).await;
        let (_, exit) = within(rank.server.exit()).await;
        let expected = (ExitCause::Suspended, None, Some(15), [true, false, true]);
        assert_eq!(came_to(&exit), expected);
    }
}

#[tokio::test]
async fn a_command_that_saves_and_exits_is_suspended_whatever_its_code() {
    let setup = Setup::new("echo ready; read < gate; exit 7");
    let mut gate = Gate::new(&setup);
    let mut rank = suspended(setup, suspend(LONG, LONG, LONG)).await;
    gate.open();
    let (_, exit) = within(rank.server.exit()).await;
    let expected = (ExitCause::Suspended, Some(7), None, [false, false, false]);
    assert_eq!(came_to(&exit), expected);
}

#[tokio::test]
async fn other_ranks_are_not_asked_to_take_notice() {
    let mut setup = Setup::new("echo ready; read < gate");
    (setup.launch.rank, setup.launch.world_size) = (1, 2);
    let mut gate = Gate::new(&setup);
    // Rank 0 would be stopped at once.
    let mut rank = suspended(setup, suspend(0, 0, 0)).await;
    assert_eq!(rank.flag(), "1");
    gate.open();
    let (_, exit) = within(rank.server.exit()).await;
    let expected = (ExitCause::Suspended, Some(0), None, [false, false, false]);
    assert_eq!(came_to(&exit), expected);
}

#[tokio::test]
async fn a_suspension_that_is_withdrawn_lets_the_command_go_on() {
    let setup = Setup::new("echo ready; read < gate");
    let mut gate = Gate::new(&setup);
    let mut rank = suspended(setup, suspend(LONG, LONG, LONG)).await;
    rank.server.order(order(Desired::Run, 0));
    within(rank.server.report(|report| report.suspend.is_none())).await;
    assert_eq!(rank.flag(), "0");
    gate.open();
    let (_, exit) = within(rank.server.exit()).await;
    assert_eq!(
        (exit.cause, exit.code, exit.suspend),
        (ExitCause::Command, Some(0), None)
    );
}

#[tokio::test]
async fn a_stop_ends_a_suspension() {
    let mut rank = suspended(Setup::new(ENDLESS), suspend(LONG, LONG, LONG)).await;
    rank.call(json!({ "call": "suspend_received" })).await;
    rank.server.order(order(Desired::Stop, 60_000));
    let (_, exit) = within(rank.server.exit()).await;
    let expected = (ExitCause::Stopped, None, Some(15), [true, false, false]);
    assert_eq!(came_to(&exit), expected);
}

#[tokio::test]
async fn a_suspension_is_carried_through_without_the_server() {
    let mut rank = suspended(Setup::new(ENDLESS), suspend(500, LONG, LONG)).await;
    let unpublished = Server::start(order(Desired::Run, 0)).await;
    drop(std::mem::replace(&mut rank.server, unpublished));
    assert!(rank.left().await.success());
    let expected = (ExitCause::Suspended, None, Some(15), [false, false, true]);
    assert_eq!(came_to(&rank.exit_record().exit), expected);
}

#[tokio::test]
async fn the_python_package_speaks_with_the_agent() {
    let training = "
import time
from hfai import client
print('ready', flush=True)
while not client.receive_suspend_command():
    time.sleep(0.001)
client.saving()
client.set_whole_life_state(5)
client.go_suspend()";
    let mut setup = Setup::new(&format!("exec python3 -c \"{training}\""));
    let package = concat!(env!("CARGO_MANIFEST_DIR"), "/../python");
    for (name, value) in [("PYTHONPATH", package), ("MARSV2_NB_NAME", "training")] {
        let variable = (name.to_owned(), value.to_owned());
        setup.launch.command.env.push(variable);
    }
    let mut rank = setup.start_running().await;
    rank.server.order(suspend(LONG, LONG, LONG));
    let wished = loop {
        if let Heard::Wished(_query, variables) = within(rank.server.hear()).await {
            break variables;
        }
    };
    assert_eq!(wished, json!({ "input": { "state": 5 } }));
    let (_, exit) = within(rank.server.exit()).await;
    let expected = (ExitCause::Suspended, None, Some(15), [true, true, false]);
    assert_eq!(came_to(&exit), expected);
}
