//! A rank that nobody can reach is ended by its fence.

use std::{
    fs::{self, File, OpenOptions},
    io::Write as _,
    path::{Path, PathBuf},
};

use nix::{
    sys::{signal::Signal, stat::Mode},
    unistd::mkfifo,
};
use protocol::{Desired, ExitCause, FENCE_FILE};
use tokio::task::spawn_blocking;

use crate::{
    fixture::{Setup, processes, within},
    server::order,
};

/// A rank with a fence, which is not there yet.
fn setup(line: &str) -> (Setup, PathBuf) {
    let mut setup = Setup::new(line);
    let fence = setup.launch.log_dir.join(FENCE_FILE);
    fs::create_dir(&setup.launch.log_dir).unwrap();
    setup.launch.fence = Some(fence.clone());
    (setup, fence)
}

#[tokio::test]
async fn nothing_of_a_rank_is_left_when_its_fence_was_raised() {
    let (setup, fence) = setup("setsid sleep 1000 & echo up; sleep 1000");
    fs::write(&fence, "").unwrap();
    let mut rank = setup.start_running().await;
    assert!(processes(&rank.launch.rank_dir).len() > 1);
    let mut raised = OpenOptions::new().append(true).open(&fence).unwrap();
    raised.write_all(b"given up\n").unwrap();
    let (_, exit) = within(rank.server.exit()).await;
    assert_eq!(processes(&rank.launch.rank_dir), []);
    let killed = Some(Signal::SIGKILL as i32);
    assert_eq!((exit.cause, exit.signal), (ExitCause::Stopped, killed));
    assert!(rank.left().await.success());
}

#[tokio::test]
async fn a_rank_whose_fence_was_raised_before_does_not_begin() {
    let (setup, fence) = setup("touch ran");
    fs::write(&fence, "given up\n").unwrap();
    let mut rank = setup.start(order(Desired::Run, 0)).await;
    let (report, exit) = within(rank.server.exit()).await;
    assert!(!report.started);
    assert_eq!(exit.cause, ExitCause::Stopped);
    assert!(rank.left().await.success());
    assert!(!rank.workspace("ran").exists());
}

#[tokio::test]
async fn a_rank_that_finds_no_fence_does_not_begin_and_says_why() {
    let (setup, _) = setup("touch ran");
    let mut rank = setup.start(order(Desired::Run, 0)).await;
    let (_, exit) = within(rank.server.exit()).await;
    assert_eq!(exit.cause, ExitCause::StartFailed);
    let why = exit.message.unwrap_or_default();
    assert!(why.contains("storage"), "{why}");
    assert!(!rank.workspace("ran").exists());
}

/// Waits until the agent looks at a fence that is a pipe: until it is closed, its look takes.
async fn is_looked_at(fence: &Path) -> File {
    let fence = fence.to_owned();
    let opened = spawn_blocking(move || OpenOptions::new().write(true).open(fence));
    within(opened).await.unwrap().unwrap()
}

#[tokio::test]
async fn nobody_hears_of_a_rank_before_its_fence_was_read_and_later_it_may_hang() {
    let (setup, fence) = setup("echo up; sleep 1000");
    mkfifo(&fence, Mode::S_IRWXU).unwrap();
    let mut rank = setup.start(order(Desired::Run, 0)).await;
    let look = is_looked_at(&fence).await;
    assert!(rank.server.has_heard_nothing());
    drop(look);
    within(rank.server.report(|report| report.log_end > 0)).await;
    let mut look = is_looked_at(&fence).await;
    assert!(!processes(&rank.launch.rank_dir).is_empty());
    look.write_all(b"given up\n").unwrap();
    drop(look);
    let (_, exit) = within(rank.server.exit()).await;
    assert_eq!(exit.cause, ExitCause::Stopped);
}

#[tokio::test]
async fn a_rank_ends_with_the_directory_of_its_log() {
    let (setup, fence) = setup("echo up; sleep 1000");
    fs::write(&fence, "").unwrap();
    let mut rank = setup.start_running().await;
    fs::remove_dir_all(&rank.launch.log_dir).unwrap();
    let (_, exit) = within(rank.server.exit()).await;
    assert_eq!(exit.cause, ExitCause::Stopped);
    assert_eq!(processes(&rank.launch.rank_dir), []);
}
