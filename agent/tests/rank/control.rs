//! What a command may say to its agent, and who else may not. The test itself speaks for the command.

use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt},
};

use nix::unistd::geteuid;
use protocol::{CONTROL_DIR, Desired, ExitCause, Identity, LAUNCH_FILE};
use serde_json::json;

use crate::{
    fixture::{Setup, publish, within},
    server::{Heard, Server, order},
};

/// A command that runs until it is ended.
const ENDLESS: &str = "echo ready; exec sleep 1000";

#[tokio::test]
async fn a_command_may_choose_how_long_it_prints_nothing() {
    let mut setup = Setup::new(ENDLESS);
    setup.launch.silence_secs = Some(100_000);
    let mut rank = setup.start_running().await;
    let call = json!({ "call": "set_watchdog_time", "seconds": 1 });
    assert_eq!(rank.call(call).await, json!({ "ok": true }));
    let (_, exit) = within(rank.server.exit()).await;
    assert_eq!((exit.cause, exit.signal), (ExitCause::Silence, Some(15)));
}

#[tokio::test]
async fn nonsense_is_answered_and_harms_nobody() {
    let rank = Setup::new(ENDLESS).start_running().await;
    let answer = rank.call(json!({ "call": "dance" })).await;
    assert_eq!(answer["ok"], json!(false));
    let answer = rank.call(json!({ "call": "saving" })).await;
    assert_eq!(answer, json!({ "ok": true }));
}

#[tokio::test]
async fn wishes_of_the_command_wait_for_the_server() {
    let mut rank = Setup::new(ENDLESS).start_running().await;
    let unpublished = Server::start(order(Desired::Run, 0)).await;
    drop(std::mem::replace(&mut rank.server, unpublished));
    let (mut next, server_file) = (
        Server::start(order(Desired::Run, 0)).await,
        rank.launch.server_file.clone(),
    );
    let back = async {
        publish(&server_file, &next);
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
        "mutation ($input: SetTaskLifeStateInput!) { setTaskLifeState(input: $input) }"
    );
    assert_eq!(variables, json!({ "input": { "state": 3 } }));
}

#[tokio::test]
async fn silent_connections_keep_nobody_from_being_heard() {
    let rank = Setup::new(ENDLESS).start_running().await;
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
