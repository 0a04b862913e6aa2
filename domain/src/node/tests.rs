//! Nodes on a real database: what administrators say, what the runtime reports, and what the scheduler makes of it.

use chrono::TimeDelta;
use rand::SeedableRng;
use rand::rngs::StdRng;

use super::*;
use crate::auth::{Actor, sign_in};
use crate::error::{Error, Result};
use crate::run::{DrainReason, NewRun, PodState, PodSuspend, RankReport, insert, report};
use crate::runtime::NodeReport;
use crate::store::Tx;
use crate::task;
use crate::task::State as TaskState;
use crate::testing::TestApp;
use crate::user::{CreateUser, Role};

const ALL: &Filter = &Filter {
    name: None,
    group: None,
    zone: None,
    flag: None,
    status: None,
    disabled: None,
};

async fn seen(app: &TestApp, actor: &Actor, filter: &Filter) -> Vec<NodeView> {
    let page = page(&app.app, actor, filter, None, 100).await.unwrap();
    let total = count(&app.app, actor, filter).await.unwrap();
    assert_eq!(page.nodes.len() as u64, total);
    page.nodes
}

async fn node(app: &TestApp, name: &str) -> NodeView {
    let filter = Filter {
        name: Some(name.to_owned()),
        ..ALL.clone()
    };
    seen(app, &app.root, &filter).await.remove(0)
}

fn names(nodes: &[NodeView]) -> Vec<&str> {
    nodes.iter().map(|node| &*node.host.name).collect()
}

async fn do_disable(
    app: &TestApp,
    actor: &Actor,
    name: &str,
    running: Running,
) -> Result<NodeView> {
    let input = Disable {
        name: name.to_owned(),
        why: "fan 3 is broken".to_owned(),
        running,
    };
    app.write(async |tx| disable(tx, &app.app, actor, input.clone()).await)
        .await
}

async fn do_update(app: &TestApp, name: &str, said: Describe) -> Result<NodeView> {
    app.write(async |tx| update(tx, &app.root, name, said.clone()).await)
        .await
}

/// A new guest.
async fn guest(app: &TestApp) -> Actor {
    let input = CreateUser {
        name: "guest".to_owned(),
        nick_name: None,
        shared_group: Some("visitors".to_owned()),
        active: true,
        role: Role::External,
        uid: None,
        groups: Vec::new(),
    };
    let mut random = StdRng::seed_from_u64(9);
    let mut tx = app.app.begin().await.unwrap();
    let made = crate::user::create(&mut tx, &app.root, input, &mut random).await;
    tx.commit().await.unwrap();
    let (_, token) = made.unwrap();
    sign_in(app.app.reader(), app.app.now(), token.reveal())
        .await
        .unwrap()
}

/// Why a task waits.
async fn told(app: &TestApp, id: task::TaskId) -> String {
    let task = app.task(id).await;
    task::wait(&task, app.app.now()).expect("it waits").message
}

fn wrong_fields(error: Error) -> Vec<String> {
    match error {
        Error::Invalid(problems) => problems.into_iter().map(|it| it.field).collect(),
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn a_disabled_node_gets_no_new_task_and_who_waits_is_told() {
    let app = TestApp::with_nodes(2).await;
    let first = app.submit("first", 1).await;
    app.bring_up(first.id).await;
    for name in ["node-1", "node-2"] {
        do_disable(&app, &app.root, name, Running::GoesOn)
            .await
            .unwrap();
    }
    let second = app.submit("second", 1).await;
    app.settle().await;
    assert_eq!(
        app.task(first.id).await.state,
        TaskState::Running,
        "it goes on"
    );
    assert_eq!(
        told(&app, second.id).await,
        "waits for 1 more node in group training: 1 needed, 0 free, 2 disabled"
    );
    let disabled = node(&app, "node-2").await;
    assert_eq!(disabled.status, Status::Ready);
    assert_eq!(
        disabled.reason().as_deref(),
        Some("admin has disabled it: fan 3 is broken")
    );
    app.write(async |tx| enable(tx, &app.root, "node-2").await)
        .await
        .unwrap();
    app.settle().await;
    assert_eq!(app.task(second.id).await.state, TaskState::Running);
    assert_eq!(node(&app, "node-2").await.reason(), None);
}

#[tokio::test]
async fn a_node_that_is_disabled_between_the_plan_and_its_writing_is_not_taken() {
    let app = TestApp::with_nodes(1).await;
    let task = app.submit("t", 1).await;
    do_disable(&app, &app.root, "node-1", Running::GoesOn)
        .await
        .unwrap();
    let nodes = ["node-1".to_owned()];
    let begin = async |tx: &mut Tx| {
        let run = NewRun {
            task_id: task.id,
            number: 1,
            level: 10,
            nodes: &nodes,
        };
        insert(tx, run).await
    };
    let taken = app.write(begin).await;
    assert!(matches!(taken, Err(Error::Conflict(_))), "{taken:?}");
}

#[tokio::test]
async fn a_task_is_moved_off_a_node_if_that_is_asked_for() {
    let app = TestApp::with_nodes(2).await;
    let task = app.submit("moves", 1).await;
    app.bring_up(task.id).await;
    let (_, pods) = app.run(task.id).await;
    let name = pods[0].node_name.clone();
    do_disable(&app, &app.root, &name, Running::Moves)
        .await
        .unwrap();
    let (run, _) = app.run(task.id).await;
    assert_eq!(run.drain_reason, Some(DrainReason::Suspend));
    let expected = format!("it gives way because {name} was disabled");
    assert_eq!(run.message, Some(expected));
    let agent = app.agent(task.id, 0).await;
    let saved = RankReport {
        log_end: 0,
        started: true,
        suspend: Some(PodSuspend::Received),
        exit: None,
    };
    app.write(async |tx| report(tx, &agent, &saved).await)
        .await
        .unwrap();
    app.exit(task.id, 0, 0).await;
    app.settle().await;
    let (run, pods) = app.run(task.id).await;
    assert_eq!((run.number, pods[0].state), (2, PodState::Created));
    assert_ne!(pods[0].node_name, name);
}

#[tokio::test]
async fn only_administrators_of_nodes_change_them_and_not_twice() {
    let app = TestApp::with_nodes(1).await;
    let (stranger, _) = app.user("stranger").await;
    let refused = do_disable(&app, &stranger, "node-1", Running::GoesOn).await;
    assert!(matches!(refused, Err(Error::Forbidden(_))), "{refused:?}");
    let missing = do_disable(&app, &app.root, "node-9", Running::GoesOn).await;
    assert!(
        matches!(missing, Err(Error::NotFound { .. })),
        "{missing:?}"
    );
    do_disable(&app, &app.root, "node-1", Running::GoesOn)
        .await
        .unwrap();
    let again = do_disable(&app, &app.root, "node-1", Running::GoesOn).await;
    let message = again.unwrap_err().to_string();
    assert_eq!(
        message,
        "node node-1 is disabled already, by admin: fan 3 is broken"
    );
    let on = || app.write(async |tx| enable(tx, &app.root, "node-1").await);
    on().await.unwrap();
    assert!(matches!(on().await, Err(Error::Conflict(_))));
}

#[tokio::test]
async fn what_became_of_a_node_is_kept_with_who_and_why_for_a_year() {
    let app = TestApp::with_nodes(1).await;
    do_disable(&app, &app.root, "node-1", Running::GoesOn)
        .await
        .unwrap();
    app.write(async |tx| enable(tx, &app.root, "node-1").await)
        .await
        .unwrap();
    app.runtime.set_ready("node-1", false);
    app.settle().await;
    app.runtime.set_nodes(Vec::new());
    app.settle().await;
    let all = || history(app.app.reader(), &app.root, "node-1", None, 10);
    let states = all().await.unwrap();
    let told: Vec<_> = states
        .iter()
        .map(|row| (row.state, row.by_user.as_deref(), row.why.as_deref()))
        .collect();
    assert_eq!(
        told,
        [
            (
                State::NotReady,
                None,
                Some("the runtime can start nothing on it")
            ),
            (State::Enabled, Some("admin"), None),
            (State::Disabled, Some("admin"), Some("fan 3 is broken")),
            (State::Ready, None, None),
        ]
    );
    let behind = history(
        app.app.reader(),
        &app.root,
        "node-1",
        Some(states[1].id),
        10,
    );
    assert_eq!(behind.await.unwrap(), states[2..]);
    let n_kept = count_history(app.app.reader(), &app.root, "node-1").await;
    assert_eq!(n_kept.unwrap(), 4);
    app.clock.advance(TimeDelta::days(366));
    app.settle().await;
    assert_eq!(all().await.unwrap(), []);
}

#[tokio::test]
async fn what_is_not_named_stays_and_what_the_runtime_reports_does_not_undo_it() {
    let app = TestApp::with_nodes(1).await;
    let said = Describe {
        group: Patch::Set("cluster_a.training".to_owned()),
        zone: Patch::Set("a".to_owned()),
        gpus: Patch::Set(8),
        flags: Some(vec!["a100".to_owned()]),
        room: Patch::Set("b12".to_owned()),
        spine: Patch::Set("s1".to_owned()),
        leaf: Patch::Set("l1".to_owned()),
        kind: None,
        purpose: Some("dev".to_owned()),
    };
    do_update(&app, "node-1", said).await.unwrap();
    let leaf = Describe {
        leaf: Patch::Clear,
        ..Describe::default()
    };
    do_update(&app, "node-1", leaf).await.unwrap();
    app.settle().await;
    let node = node(&app, "node-1").await;
    let host = &node.host;
    assert_eq!(host.flags.0, ["a100"], "flags that are not named stay");
    assert_eq!(
        (&*host.group_name, node.group_path()),
        ("training", "cluster_a.training")
    );
    assert_eq!((host.zone.as_deref(), host.gpus), (Some("a"), 8));
    assert_eq!(
        (host.spine.as_deref(), host.leaf.as_deref()),
        (Some("s1"), None)
    );
    assert_eq!((&*host.kind, &*host.purpose), ("gpu", "dev"));
    let back = Describe {
        group: Patch::Clear,
        zone: Patch::Clear,
        gpus: Patch::Clear,
        ..Describe::default()
    };
    do_update(&app, "node-1", back).await.unwrap();
    app.settle().await;
    let reported = self::node(&app, "node-1").await;
    assert_eq!(
        reported.group_path(),
        "training",
        "what the runtime says counts"
    );
    assert_eq!((reported.host.zone, reported.host.gpus), (None, 0));
}

#[tokio::test]
async fn what_is_wrong_with_a_host_is_named() {
    let app = TestApp::with_nodes(1).await;
    let said = Describe {
        group: Patch::Set("a..b".to_owned()),
        zone: Patch::Set("a#b".to_owned()),
        gpus: Patch::Set(-1),
        flags: Some(vec!["good".to_owned(), "not good".to_owned()]),
        leaf: Patch::Set(String::new()),
        ..Describe::default()
    };
    let wrong = do_update(&app, "node-1", said).await.unwrap_err();
    assert_eq!(
        wrong_fields(wrong),
        ["group", "gpus", "zone", "leaf", "flags.1"]
    );
    let made = app
        .write(async |tx| create(tx, &app.root, "-x", Describe::default()).await)
        .await;
    assert_eq!(wrong_fields(made.unwrap_err()), ["name", "group"]);
}

#[tokio::test]
async fn a_host_of_the_inventory_alone_is_not_ready_until_the_runtime_reports_it() {
    let app = TestApp::with_nodes(1).await;
    let said = Describe {
        group: Patch::Set("meta.big".to_owned()),
        ..Describe::default()
    };
    let make = |said: Describe| {
        let app = &app;
        async move {
            app.write(async |tx| create(tx, &app.root, "new", said.clone()).await)
                .await
        }
    };
    let made = make(said.clone()).await.unwrap();
    assert_eq!(made.status, Status::NotReady);
    assert_eq!(
        made.reason().as_deref(),
        Some("it is in the inventory, but the runtime has never reported it")
    );
    assert!(matches!(make(said.clone()).await, Err(Error::Conflict(_))));
    let unknown = Describe {
        group: Patch::Clear,
        ..Describe::default()
    };
    let refused = do_update(&app, "new", unknown).await.unwrap_err();
    assert_eq!(wrong_fields(refused), ["group"]);
    let report = NodeReport {
        name: "new".to_owned(),
        group: "training".to_owned(),
        zone: None,
        ready: true,
        cpus: 4,
        memory_bytes: 1 << 30,
        gpus: 2,
    };
    app.runtime.set_nodes(vec![report]);
    app.settle().await;
    let reported = node(&app, "new").await;
    assert_eq!(reported.reason(), None);
    assert_eq!(
        reported.group_path(),
        "meta.big",
        "the inventory's word counts"
    );
    assert_eq!((reported.host.cpus, reported.host.gpus), (4, 2));
}

#[tokio::test]
async fn a_host_is_removed_when_nothing_uses_it_and_comes_back_with_its_node() {
    let app = TestApp::with_nodes(2).await;
    let task = app.submit("t", 1).await;
    app.bring_up(task.id).await;
    let (_, pods) = app.run(task.id).await;
    let held = pods[0].node_name.clone();
    let other = if held == "node-1" { "node-2" } else { "node-1" };
    let remove = |name: &str| {
        let (app, name) = (&app, name.to_owned());
        async move {
            app.write(async |tx| delete(tx, &app.root, &name).await)
                .await
        }
    };
    for name in [&*held, other] {
        let refused = remove(name).await;
        assert!(matches!(refused, Err(Error::Conflict(_))), "{refused:?}");
    }
    app.runtime.set_ready(other, false);
    app.settle().await;
    remove(other).await.unwrap();
    assert_eq!(names(&seen(&app, &app.root, ALL).await), [&*held]);
    assert!(matches!(remove(other).await, Err(Error::NotFound { .. })));
    app.runtime.set_ready(other, true);
    app.settle().await;
    assert_eq!(seen(&app, &app.root, ALL).await.len(), 2);
}

#[tokio::test]
async fn a_group_is_found_by_its_name_and_by_every_level_above_it() {
    let app = TestApp::with_nodes(3).await;
    for (name, path, zone) in [
        ("node-1", "meta.a.training", "z1"),
        ("node-2", "meta.a-b.training", "z2"),
        ("node-3", "metal", "z1"),
    ] {
        let said = Describe {
            group: Patch::Set(path.to_owned()),
            zone: Patch::Set(zone.to_owned()),
            flags: Some(vec![format!("{name}_flag")]),
            ..Describe::default()
        };
        do_update(&app, name, said).await.unwrap();
    }
    do_disable(&app, &app.root, "node-2", Running::GoesOn)
        .await
        .unwrap();
    let by = |field: &str, value: &str| {
        let mut filter = ALL.clone();
        let text = Some(value.to_owned());
        match field {
            "group" => filter.group = text,
            "zone" => filter.zone = text,
            _ => filter.flag = text,
        }
        filter
    };
    let is_disabled = |disabled| Filter {
        disabled: Some(disabled),
        ..ALL.clone()
    };
    for (filter, expected) in [
        (by("group", "meta"), vec!["node-1", "node-2"]),
        (by("group", "meta.a"), vec!["node-1"]),
        (by("group", "training"), vec!["node-1", "node-2"]),
        (by("group", "me_al"), vec![]),
        (by("zone", "z1"), vec!["node-1", "node-3"]),
        (by("flag", "node-3_flag"), vec!["node-3"]),
        (by("flag", "node-3"), vec![]),
        (is_disabled(true), vec!["node-2"]),
        (is_disabled(false), vec!["node-1", "node-3"]),
    ] {
        let found = seen(&app, &app.root, &filter).await;
        assert_eq!(names(&found), expected, "{filter:?}");
    }
    let tree = tree(app.app.reader()).await.unwrap();
    let shown: Vec<_> = tree
        .iter()
        .map(|level| {
            let numbers = level.numbers;
            let counts = [numbers.nodes, numbers.free, numbers.disabled];
            (&*level.path, level.above.as_deref(), level.is_group, counts)
        })
        .collect();
    assert_eq!(
        shown,
        [
            ("meta", None, false, [2, 1, 1]),
            ("meta.a", Some("meta"), false, [1, 1, 0]),
            ("meta.a.training", Some("meta.a"), true, [1, 1, 0]),
            ("meta.a-b", Some("meta"), false, [1, 0, 1]),
            ("meta.a-b.training", Some("meta.a-b"), true, [1, 0, 1]),
            ("metal", None, true, [1, 1, 0]),
        ]
    );
}

#[tokio::test]
async fn the_task_on_a_node_at_a_time_is_found_by_administrators() {
    let app = TestApp::with_nodes(1).await;
    let before = app.app.now();
    app.clock.advance(TimeDelta::minutes(1));
    let task = app.submit("t", 1).await;
    app.bring_up(task.id).await;
    let during = app.app.now();
    app.clock.advance(TimeDelta::minutes(1));
    app.exit(task.id, 0, 0).await;
    app.settle().await;
    let after = app.app.now() + TimeDelta::seconds(1);
    let at = |when| task_at(app.app.reader(), &app.root, "node-1", when);
    assert_eq!(at(before).await.unwrap(), None);
    let found = at(during).await.unwrap().unwrap();
    assert_eq!(
        (found.task, &*found.owner, found.run, found.rank),
        (task.id, "admin", 1, 0)
    );
    assert!(found.until.is_some());
    assert_eq!(at(after).await.unwrap(), None);
    let missing = task_at(app.app.reader(), &app.root, "node-9", after).await;
    assert!(
        matches!(missing, Err(Error::NotFound { .. })),
        "{missing:?}"
    );
    let (stranger, _) = app.user("stranger").await;
    let refused = task_at(app.app.reader(), &stranger, "node-1", during).await;
    assert!(matches!(refused, Err(Error::Forbidden(_))), "{refused:?}");
}

#[tokio::test]
async fn a_guest_sees_masks_in_pages_and_finds_nodes_by_them() {
    let app = TestApp::with_nodes(3).await;
    let guest = guest(&app).await;
    let said = Describe {
        flags: Some(vec!["secret".to_owned()]),
        leaf: Patch::Set("leaf-of-node-1".to_owned()),
        ..Describe::default()
    };
    do_update(&app, "node-1", said).await.unwrap();
    do_disable(&app, &app.root, "node-1", Running::GoesOn)
        .await
        .unwrap();
    let all = seen(&app, &guest, ALL).await;
    let text = format!("{all:?}");
    for secret in [
        "node-1\"", "node-2\"", "secret", "leaf-of", "admin", "fan 3",
    ] {
        assert!(!text.contains(secret), "{secret}: {text}");
    }
    assert_eq!(all, seen(&app, &guest, ALL).await, "masks stay");
    let mask = names(&all)[1].to_owned();
    let first = page(&app.app, &guest, ALL, None, 1).await.unwrap();
    assert!(first.has_more);
    let after = first.nodes[0].host.name.clone();
    let second = page(&app.app, &guest, ALL, Some(&after), 1).await.unwrap();
    assert_eq!(names(&second.nodes), [&*mask]);
    let by = |name: &str| Filter {
        name: Some(name.to_owned()),
        ..ALL.clone()
    };
    assert_eq!(names(&seen(&app, &guest, &by(&mask)).await), [&*mask]);
    assert_eq!(names(&seen(&app, &guest, &by("node-1")).await), [""; 0]);
    let by_flag = Filter {
        flag: Some("secret".to_owned()),
        ..ALL.clone()
    };
    assert_eq!(names(&seen(&app, &guest, &by_flag).await), [""; 0]);
    let refused = history(app.app.reader(), &guest, "node-1", None, 1).await;
    assert!(matches!(refused, Err(Error::Forbidden(_))), "{refused:?}");
}

#[tokio::test]
async fn masks_are_the_same_after_a_restart() {
    let app = TestApp::with_nodes(1).await;
    let guest = guest(&app).await;
    let before = seen(&app, &guest, ALL).await;
    let mut restarted = app.app.clone();
    let mut other_random = StdRng::seed_from_u64(77);
    restarted.masks = Masks::load(&restarted.store, restarted.now(), &mut other_random)
        .await
        .unwrap();
    let after = page(&restarted, &guest, ALL, None, 10).await.unwrap();
    assert_eq!(after.nodes, before);
}

#[tokio::test]
async fn a_guest_who_administers_nodes_sees_their_names() {
    let app = TestApp::with_nodes(1).await;
    let guest = guest(&app).await;
    let Actor::User(mut user) = guest else {
        panic!("it is a user");
    };
    user.groups.push("ops".to_owned());
    let nodes = seen(&app, &Actor::User(user), ALL).await;
    assert_eq!(names(&nodes), ["node-1"]);
}
