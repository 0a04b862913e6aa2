//! A command that is to save and end, and what it may say meanwhile. The test itself speaks for the command.

use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt},
};

use nix::unistd::geteuid;
use protocol::{CONTROL_DIR, Desired, ExitCause, Identity, LAUNCH_FILE, RankExit, SuspendEnd};
use serde_json::json;

use crate::{
    fixture::{Gate, Rank, Setup, within},
    server::{Heard, Server, Suspension, order, suspend},
};

/// Longer than any test takes.
const LONG: u32 = 600_000;

/// A command that runs until it is ended.
const ENDLESS: &str = "echo ready; exec sleep 1000";

/// A rank whose command has begun, and whose order is to suspend by now.
async fn suspended(setup: Setup, order: protocol::Order) -> Rank {
    let mut rank = running(setup).await;
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

async fn running(setup: Setup) -> Rank {
    let mut rank = setup.start(order(Desired::Run, 0)).await;
    within(rank.server.report(|report| report.log_end > 0)).await;
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
    let received = |report: &crate::server::Report| {
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
    let mut rank = running(Setup::new(ENDLESS)).await;
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
async fn wishes_of_the_command_wait_for_the_server() {
    let mut rank = running(Setup::new(ENDLESS)).await;
    let unpublished = Server::start(order(Desired::Run, 0)).await;
    drop(std::mem::replace(&mut rank.server, unpublished));
    let (mut next, server_file) = (
        Server::start(order(Desired::Run, 0)).await,
        rank.launch.server_file.clone(),
    );
    let back = async {
        crate::fixture::publish(&server_file, &next);
        loop {
            if let Heard::Wished(query, variables) = within(next.hear()).await {
                return (query, variables);
            }
        }
    };
    let wish = json!({ "call": "set_whole_life_state", "state": 3 });
    let (answer, (query, variables)) = tokio::join!(rank.call(wish), back);
    assert_eq!(answer, json!({ "ok": true }));
    assert_eq!(
        query,
        "mutation ($state: Int!) { setTaskLifeState(state: $state) }"
    );
    assert_eq!(variables, json!({ "state": 3 }));
}

#[tokio::test]
async fn silent_connections_keep_nobody_from_being_heard() {
    let rank = suspended(Setup::new(ENDLESS), suspend(LONG, LONG, LONG)).await;
    let mut silent = Vec::new();
    for _ in 0..70 {
        silent.push(rank.connect().await);
    }
    let answer = rank.call(json!({ "call": "suspend_received" })).await;
    assert_eq!(answer, json!({ "ok": true }));
    drop(silent);
}

#[tokio::test]
async fn the_directory_is_the_commands_own_and_the_rest_stays_closed() {
    let mut setup = Setup::new("cat $HAI_CONTROL_DIR/suspend; cat $HAI_RANK_DIR/launch.json");
    // Longer than the address of a socket may be.
    for _ in 0..3 {
        setup.launch.rank_dir.push("d".repeat(50));
    }
    fs::create_dir_all(&setup.launch.rank_dir).unwrap();
    fs::set_permissions(&setup.launch.rank_dir, fs::Permissions::from_mode(0o700)).unwrap();
    setup.launch.identity = Some(Identity {
        user: "ann".into(),
        uid: 54_321,
        gid: 54_322,
    });
    let mut rank = setup.start(order(Desired::Run, 0)).await;
    within(rank.server.exit()).await;
    let control = fs::metadata(rank.launch.rank_dir.join(CONTROL_DIR)).unwrap();
    assert_eq!(control.mode() & 0o777, 0o700);
    assert_eq!(rank.flag(), "0");
    let lines = rank.lines();
    let launch = fs::read_to_string(rank.launch.rank_dir.join(LAUNCH_FILE)).unwrap();
    if geteuid().is_root() {
        assert_eq!((control.uid(), control.gid()), (54_321, 54_322));
        assert!(lines[0].starts_with("0cat: "), "{lines:?}");
        assert!(lines[0].ends_with("Permission denied"), "{lines:?}");
    } else {
        assert_eq!(control.uid(), geteuid().as_raw());
        assert_eq!(lines, [format!("0{launch}")]);
    }
}
