//! What a leader cannot do any more when somebody else leads: each thing that it may be late with is made late.

use std::time::Duration;

use entity::user;
use futures_util::FutureExt;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use super::*;
use crate::error::{Error, Result};
use crate::events::Event;
use crate::run::{State as RunState, launch};
use crate::store::Tx;
use crate::task::{State, StopAs};
use crate::testing::TestApp;
use crate::workers::{Janitor, Launcher, Scheduler, Supervisor, Worker};

const LONG: Duration = Duration::from_secs(3600);

/// The same platform in a term that begins now, for good.
async fn next_term(app: &TestApp) -> crate::App {
    let epoch = seize(&app.app.store, "test").await.unwrap();
    app.app.in_term(Fence { epoch })
}

async fn rename(tx: &Tx, to: &str) {
    user::Entity::update_many()
        .col_expr(user::Column::NickName, Expr::value(to))
        .filter(user::Column::Name.eq("admin"))
        .exec(tx.db())
        .await
        .unwrap();
}

async fn nick_name(app: &TestApp) -> Option<String> {
    let admin = user::Entity::find().filter(user::Column::Name.eq("admin"));
    admin
        .one(app.app.reader())
        .await
        .unwrap()
        .unwrap()
        .nick_name
}

fn is_deposed<T>(result: Result<T>) -> bool {
    matches!(result, Err(Error::Deposed))
}

#[tokio::test]
async fn a_write_that_comes_late_is_undone_and_wakes_nobody() {
    let app = TestApp::with_nodes(1).await;
    let old = next_term(&app).await;
    let tx = old.begin().await.unwrap();
    rename(&tx, "in time").await;
    tx.commit().await.unwrap();
    let mut listener = app.app.events.subscribe();
    let mut late = old.begin().await.unwrap();
    rename(&late, "late").await;
    late.wake(Event::Quotas);
    // On SQLite nobody else can write meanwhile: there the term ends before.
    let new = if app.app.store.is_shared() {
        let new = next_term(&app).await;
        assert!(is_deposed(late.commit().await));
        new
    } else {
        drop(late);
        let new = next_term(&app).await;
        let late = old.begin().await.unwrap();
        rename(&late, "late").await;
        assert!(is_deposed(late.commit().await));
        new
    };
    assert_eq!(nick_name(&app).await.as_deref(), Some("in time"));
    assert_eq!(listener.next().now_or_never(), None);
    let tx = new.begin().await.unwrap();
    rename(&tx, "new").await;
    tx.commit().await.unwrap();
    assert_eq!(nick_name(&app).await.as_deref(), Some("new"));
}

#[tokio::test]
async fn a_plan_that_comes_late_starts_nothing() {
    let app = TestApp::with_nodes(1).await;
    let old = next_term(&app).await;
    let task = app.submit("one", 1).await;
    let new = next_term(&app).await;
    assert!(is_deposed(Scheduler::new(old).tick().await));
    assert_eq!(app.task(task.id).await.state, State::Queued);
    Scheduler::new(new).tick().await.unwrap();
    assert_eq!(app.task(task.id).await.state, State::Running);
}

#[tokio::test]
async fn a_decision_on_a_run_that_comes_late_changes_nothing() {
    let app = TestApp::with_nodes(1).await;
    let old = next_term(&app).await;
    let task = app.submit("one", 1).await;
    app.bring_up(task.id).await;
    app.exit(task.id, 0, 0).await;
    let new = next_term(&app).await;
    assert!(is_deposed(Supervisor::new(old).tick().await));
    assert_eq!(app.run(task.id).await.0.state, RunState::Running);
    while Supervisor::new(new.clone()).tick().await.unwrap().progress {}
    assert_eq!(app.task(task.id).await.state, State::Finished);
}

#[tokio::test]
async fn a_rank_that_is_started_late_passes_no_gate_and_is_swept() {
    let app = TestApp::with_nodes(1).await;
    let old = next_term(&app).await;
    let task = app.submit("one", 1).await;
    Scheduler::new(old.clone()).tick().await.unwrap();
    let (mut run, pods) = app.run(task.id).await;
    (run.master_addr, run.master_port) = (Some("node-1".to_owned()), Some(2223));
    let row = app.task(task.id).await;
    let (agent, rank) = (app.agent(task.id, 0).await, app.rank(task.id, 0).await);
    // The old leader has decided to start it, and is stopped right before that.
    let launch = launch(&old, &row, &run, &pods[0]).await.unwrap();
    let new = next_term(&app).await;
    let stopped =
        app.write(async |tx| crate::task::stop(tx, &app.root, task.id, StopAs::Stopped).await);
    stopped.await.unwrap();
    while Supervisor::new(new.clone()).tick().await.unwrap().progress {}
    assert_eq!(app.task(task.id).await.state, State::Finished);
    old.runtime.start(&launch).await.unwrap();
    assert_eq!(app.runtime.started(), [rank]);
    let (version, graces) = (protocol::PROTOCOL_VERSION, &new.settings.graces);
    let admitted = app
        .write(async |tx| crate::run::register(tx, &agent, version, graces).await)
        .await;
    assert!(
        !matches!(&admitted, Ok(order) if *order != protocol::Order::OVER),
        "{admitted:?}"
    );
    // The old leader cannot write that it is there, either.
    assert!(
        Launcher::new(old).tick().await.is_ok(),
        "it has nothing to do"
    );
    Janitor::new(new).tick().await.unwrap();
    assert_eq!(app.runtime.killed(), [rank]);
}

#[tokio::test]
async fn one_has_the_lease_until_it_expires_or_is_given_back() {
    let app = TestApp::with_nodes(1).await;
    let store = &app.app.store;
    if !store.is_shared() {
        let epochs = [seize(store, "a").await, seize(store, "b").await];
        assert_eq!(epochs.map(Result::unwrap), [1, 2], "it is alone anyway");
        return;
    }
    assert_eq!(take(store, "a", LONG).await.unwrap(), Term::Ours(1));
    let theirs = take(store, "b", LONG).await.unwrap();
    assert!(matches!(theirs, Term::Theirs { left } if left > LONG / 2 && left <= LONG));
    renew(store, 1, Duration::ZERO).await.unwrap();
    assert_eq!(take(store, "b", LONG).await.unwrap(), Term::Ours(2));
    assert!(is_deposed(renew(store, 1, LONG).await));
    release(store, 1).await.unwrap();
    let theirs = take(store, "a", LONG).await.unwrap();
    assert!(
        matches!(theirs, Term::Theirs { .. }),
        "it was not his to give"
    );
    release(store, 2).await.unwrap();
    assert_eq!(take(store, "a", LONG).await.unwrap(), Term::Ours(3));
    assert_eq!(holder(app.app.reader()).await.unwrap().unwrap().holder, "a");
    // A term that was given up too early is no reason to wait, and what is left of it comes too late.
    assert_eq!(take(store, "a", LONG).await.unwrap(), Term::Ours(4));
    assert!(is_deposed(renew(store, 3, LONG).await));
}

#[tokio::test]
async fn of_many_who_want_the_lease_at_once_one_gets_it() {
    let app = TestApp::with_nodes(1).await;
    let store = &app.app.store;
    if !store.is_shared() {
        return;
    }
    let takes = ["a", "b", "c", "d", "e", "f"].map(|name| take(store, name, LONG));
    let taken = futures_util::future::join_all(takes).await;
    let ours = |term: &&Result<Term>| matches!(term, Ok(Term::Ours(_)));
    assert_eq!(taken.iter().filter(ours).count(), 1, "{taken:?}");
}

#[tokio::test]
async fn a_leader_that_is_cut_off_in_the_middle_of_a_commit_does_not_keep_the_lease() {
    let app = TestApp::with_nodes(1).await;
    let store = &app.app.store;
    if !store.is_shared() {
        return;
    }
    assert_eq!(
        take(store, "a", Duration::ZERO).await.unwrap(),
        Term::Ours(1)
    );
    let fence = Fence { epoch: 1 };
    let tx = app.app.in_term(fence).begin().await.unwrap();
    rename(&tx, "late").await;
    // It has looked, is sure, and then nothing more is heard of it.
    fence.check(tx.db()).await.unwrap();
    assert_eq!(take(store, "b", LONG).await.unwrap(), Term::Ours(2));
    let late = tx.commit().await;
    assert!(
        matches!(late, Err(Error::Unavailable { .. } | Error::Internal(_))),
        "{late:?}"
    );
    assert_eq!(nick_name(&app).await, None);
}
