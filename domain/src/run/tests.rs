//! Agents that register and report, on a real database.

use protocol::{Desired, ExitCause, RankExit};

use super::*;
use crate::error::Error;
use crate::testing::TestApp;
use crate::workers::{EventKeeper, Worker as _};

fn exit(code: i32) -> RankExit {
    RankExit {
        cause: ExitCause::Command,
        code: Some(code),
        signal: None,
        message: None,
        suspend: None,
    }
}

async fn register_rank(app: &TestApp, id: crate::task::TaskId, rank: i32) -> protocol::Order {
    let agent = app.agent(id, rank).await;
    let mut tx = app.app.begin().await.unwrap();
    let order = register(
        &mut tx,
        &agent,
        protocol::PROTOCOL_VERSION,
        &app.app.settings.graces,
    )
    .await
    .unwrap();
    tx.commit().await.unwrap();
    order
}

#[tokio::test]
async fn the_gate_opens_only_when_every_rank_has_registered() {
    let app = TestApp::with_nodes(2).await;
    let task = app.submit("gang", 2).await;
    app.settle().await;
    assert_eq!(register_rank(&app, task.id, 0).await.desired, Desired::Wait);
    app.settle().await;
    assert_eq!(app.run(task.id).await.0.state, State::Starting);
    register_rank(&app, task.id, 1).await;
    app.settle().await;
    assert_eq!(app.run(task.id).await.0.state, State::Running);
    assert_eq!(register_rank(&app, task.id, 0).await.desired, Desired::Run);
}

#[tokio::test]
async fn an_agent_speaks_only_for_its_own_rank_and_nobody_else_does() {
    let app = TestApp::with_nodes(1).await;
    let task = app.submit("one", 1).await;
    app.settle().await;
    let (user, _) = app.user("ada").await;
    let mut tx = app.app.begin().await.unwrap();
    let nothing = RankReport {
        log_end: 0,
        started: true,
        suspend: None,
        exit: None,
    };
    let refused = report(&mut tx, &user, &nothing).await;
    assert!(matches!(refused, Err(Error::Forbidden(_))), "{refused:?}");
    let stranger = app.agent(task.id, 7).await;
    let refused = report(&mut tx, &stranger, &nothing).await;
    assert!(
        matches!(refused, Err(Error::NotFound { .. })),
        "{refused:?}"
    );
    let refused = register(
        &mut tx,
        &app.agent(task.id, 0).await,
        99,
        &app.app.settings.graces,
    )
    .await;
    assert!(matches!(refused, Err(Error::Unsupported(_))), "{refused:?}");
}

#[tokio::test]
async fn an_end_is_written_once_and_never_changed() {
    let app = TestApp::with_nodes(2).await;
    let task = app.submit("two", 2).await;
    app.bring_up(task.id).await;
    app.report(task.id, 1, true, Some(exit(0))).await;
    app.report(task.id, 1, true, Some(exit(3))).await;
    app.report(task.id, 1, true, None).await;
    let (_, pods) = app.run(task.id).await;
    assert_eq!(
        (pods[1].state, pods[1].exit_code),
        (PodState::Succeeded, Some(0))
    );
    assert_eq!(pods[0].state, PodState::Running);
}

#[tokio::test]
async fn a_rank_that_was_given_up_is_told_to_go() {
    let app = TestApp::with_nodes(1).await;
    let task = app.submit("lost", 1).await;
    app.bring_up(task.id).await;
    app.runtime.vanish(&app.rank(task.id, 0).await);
    app.settle().await;
    app.clock.advance(app.app.settings.reattach);
    app.tick().await.unwrap();
    let (_, pods) = app.run(task.id).await;
    assert_eq!(pods[0].state, PodState::Lost);
    assert_eq!(register_rank(&app, task.id, 0).await.desired, Desired::Over);
}

fn event(rank: crate::runtime::RankKey, uid: &str, count: i32) -> crate::runtime::RankEvent {
    let first_at = "2026-01-02T03:04:05Z".parse().unwrap();
    crate::runtime::RankEvent {
        rank,
        uid: uid.to_owned(),
        reason: "BackOff".to_owned(),
        message: "x".repeat(3000),
        source: "kubelet".to_owned(),
        count,
        first_at,
        last_at: first_at + chrono::TimeDelta::seconds(count.into()),
    }
}

#[tokio::test]
async fn what_went_wrong_is_kept_once_and_the_newest_of_it() {
    let app = TestApp::with_nodes(1).await;
    let task = app.submit("one", 1).await;
    app.settle().await;
    let rank = app.rank(task.id, 0).await;
    let keep = async |events: &[crate::runtime::RankEvent]| {
        app.write(async |tx| keep_events(tx, events).await)
            .await
            .unwrap();
    };
    keep(&[event(rank, "a", 1)]).await;
    let unknown = crate::runtime::RankKey { run: 7, ..rank };
    keep(&[event(rank, "a", 5), event(unknown, "b", 1)]).await;
    let (run, _) = app.run(task.id).await;
    let kept = async || events_of(app.app.reader(), &[run.id]).await.unwrap();
    let once = kept().await;
    assert_eq!((once.len(), once[0].count, once[0].rank), (1, 5, 0));
    assert_eq!(once[0].message.len(), 2000);
    let many: Vec<_> = (10..130)
        .map(|count| event(rank, &count.to_string(), count))
        .collect();
    keep(&many).await;
    let kept = kept().await;
    assert_eq!((kept.len(), kept[0].count, kept[99].count), (100, 129, 30));
}

#[tokio::test]
async fn more_may_go_wrong_at_once_than_one_statement_takes() {
    let app = TestApp::with_nodes(1).await;
    let task = app.submit("one", 1).await;
    app.settle().await;
    let rank = app.rank(task.id, 0).await;
    for count in 0..8_000 {
        app.runtime.tell(event(rank, &count.to_string(), count));
    }
    EventKeeper::new(app.app.clone()).tick().await.unwrap();
    let (run, _) = app.run(task.id).await;
    let kept = events_of(app.app.reader(), &[run.id]).await.unwrap();
    assert_eq!((kept.len(), kept[0].count), (100, 7_999));
}
