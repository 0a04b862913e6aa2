//! Quotas on a database.

use chrono::TimeDelta;
use entity::user::Role;
use scheduler::Level;

use super::*;
use crate::auth::Actor;
use crate::error::{Error, Result};
use crate::testing::TestApp;
use crate::user::CreateUser;

fn named(owner: &str, resource: &str, amount: i64) -> SetNamed {
    SetNamed {
        owner: owner.to_owned(),
        resource: resource.parse().unwrap(),
        amount,
        memory_gib: None,
        cpus: None,
        expires_at: None,
    }
}

async fn put(platform: &TestApp, actor: &Actor, input: SetNamed) -> Result<NamedQuota> {
    let set = async |tx: &mut crate::store::Tx| set_named(tx, actor, input.clone()).await;
    platform.write(set).await
}

async fn take(platform: &TestApp, actor: &Actor, nodes: i32) -> Result<Quota> {
    let input = SetOwnQuota {
        group: "training".to_owned(),
        level: Level::High,
        nodes,
    };
    let set = async |tx: &mut crate::store::Tx| set_own(tx, actor, input.clone()).await;
    platform.write(set).await
}

/// A user of a role in some groups, signed in.
async fn user(platform: &TestApp, name: &str, role: Role, groups: &[&str]) -> Actor {
    use rand::SeedableRng;
    let input = CreateUser {
        name: name.to_owned(),
        nick_name: None,
        shared_group: Some(
            if role == Role::External {
                "guests"
            } else {
                "default"
            }
            .to_owned(),
        ),
        role,
        active: true,
        uid: None,
        groups: groups.iter().map(ToString::to_string).collect(),
    };
    let seed = name.bytes().map(u64::from).sum();
    let create = async |tx: &mut crate::store::Tx| {
        let mut random = rand::rngs::StdRng::seed_from_u64(seed);
        crate::user::create(tx, &platform.root, input.clone(), &mut random).await
    };
    let (_, token) = platform.write(create).await.unwrap();
    let app = &platform.app;
    let signed_in = crate::auth::sign_in(app.reader(), app.now(), token.reveal()).await;
    signed_in.unwrap()
}

async fn at_high(platform: &TestApp, actor: &Actor) -> (u32, Option<u32>) {
    let id = actor.user().unwrap().id;
    let app = &platform.app;
    let entries = ledger(app.reader(), app.now(), id).await.unwrap().entries;
    let entry = entries.iter().find(|entry| entry.level == Level::High);
    entry.map_or((0, None), |entry| (entry.limit, entry.ceiling))
}

/// The log, the oldest first, as `editor owner resource before after`.
async fn log(platform: &TestApp) -> Vec<String> {
    let page = changes(
        platform.app.reader(),
        &platform.root,
        ChangeFilter::default(),
        None,
        100,
    );
    let rows = page.await.unwrap().rows.into_iter().rev();
    let number = |value: Option<i64>| value.map_or("-".to_owned(), |value| value.to_string());
    rows.map(|row| {
        let (before, after) = (number(row.before), number(row.after));
        format!(
            "{} {} {} {before} {after}",
            row.editor, row.owner, row.resource
        )
    })
    .collect()
}

#[tokio::test]
async fn a_user_takes_what_the_ceilings_leave_and_no_more() {
    let platform = TestApp::with_nodes(1).await;
    let (ana, _) = platform.user("ana").await;
    let root = &platform.root;
    let no_more = take(&platform, &ana, 1001).await.unwrap_err();
    assert!(matches!(no_more, Error::AboveCeiling { limit: 1000, .. }));
    for (resource, nodes) in [
        ("node_limit-training-HIGH", 8),
        ("node_limit[night]-training-HIGH", 4),
    ] {
        put(&platform, root, named("public", resource, nodes))
            .await
            .unwrap();
    }
    assert_eq!(at_high(&platform, &ana).await, (4, Some(4)));
    let too_many = take(&platform, &ana, 5).await.unwrap_err();
    assert_eq!(
        too_many.to_string(),
        "nodes: 5 is more than the 4 that are allowed"
    );
    take(&platform, &ana, 3).await.unwrap();
    assert_eq!(at_high(&platform, &ana).await, (3, Some(4)));
    take(&platform, &ana, 0).await.unwrap();
    take(&platform, &ana, 4).await.unwrap();
    put(
        &platform,
        root,
        named("ana", "node_limit[night]-training-HIGH", 9),
    )
    .await
    .unwrap();
    assert_eq!(at_high(&platform, &ana).await, (4, Some(8)));
    let expected = [
        "admin public node_limit-training-HIGH - 8",
        "admin public node_limit[night]-training-HIGH - 4",
        "ana ana node-training-HIGH - 3",
        "ana ana node-training-HIGH 3 0",
        "ana ana node-training-HIGH 0 4",
        "admin ana node_limit[night]-training-HIGH - 9",
    ];
    assert_eq!(log(&platform).await, expected);
}

#[tokio::test]
async fn what_was_lent_until_some_time_stays_so() {
    let platform = TestApp::with_nodes(1).await;
    let (ana, _) = platform.user("ana").await;
    let end = platform.app.now() + TimeDelta::hours(1);
    let lent = SetNamed {
        expires_at: Some(end),
        ..named("ana", "node-training-HIGH", 9)
    };
    put(&platform, &platform.root, lent).await.unwrap();
    assert_eq!(
        take(&platform, &ana, 5).await.unwrap().expires_at,
        Some(end)
    );
    let no_more = take(&platform, &ana, 6).await.unwrap_err();
    assert!(matches!(no_more, Error::AboveCeiling { limit: 5, .. }));
    let id = ana.user().unwrap().id;
    let app = &platform.app;
    let before = ledger(app.reader(), app.now(), id).await.unwrap();
    assert_eq!(before.valid_until, Some(end));
    platform.clock.advance(TimeDelta::hours(1));
    assert_eq!(at_high(&platform, &ana).await, (1000, None));
    assert_eq!(take(&platform, &ana, 7).await.unwrap().expires_at, None);
}

#[tokio::test]
async fn guests_are_for_their_editors_and_members_are_not() {
    let platform = TestApp::with_nodes(1).await;
    let editor = user(&platform, "eve", Role::Internal, &["external_quota_editor"]).await;
    let guest = user(&platform, "gus", Role::External, &[]).await;
    user(&platform, "ana", Role::Internal, &[]).await;
    let end = Some(platform.app.now() + TimeDelta::days(1));
    let lent = SetNamed {
        expires_at: end,
        ..named("gus", "node-training-HIGH", 2)
    };
    put(&platform, &editor, lent).await.unwrap();
    put(&platform, &editor, named("external", "port", 2))
        .await
        .unwrap();
    for owner in ["ana", "public"] {
        let refused = put(&platform, &editor, named(owner, "port", 2)).await;
        assert!(matches!(refused, Err(Error::Forbidden(_))), "{owner}");
    }
    let forever = put(&platform, &editor, named("gus", "node-training-HIGH", 2)).await;
    assert!(matches!(forever, Err(Error::Invalid(_))));
    let own = take(&platform, &guest, 1).await;
    assert!(matches!(own, Err(Error::Forbidden(_))));
    let db = platform.app.reader();
    let seen = async |actor: &Actor, owner: Option<&str>| {
        let filter = Filter {
            owner: owner.map(str::to_owned),
            group: None,
        };
        let page = nodes(db, actor, &filter, None, 100).await?;
        Ok::<_, Error>(
            page.rows
                .into_iter()
                .map(|row| row.owner)
                .collect::<Vec<_>>(),
        )
    };
    assert_eq!(seen(&editor, None).await.unwrap(), ["gus"]);
    assert_eq!(seen(&guest, None).await.unwrap(), ["gus"]);
    assert_eq!(seen(&platform.root, None).await.unwrap().len(), 9);
    assert!(seen(&guest, Some("public")).await.is_err());
    assert!(seen(&editor, Some("ana")).await.is_err());
}

#[tokio::test]
async fn everything_else_is_set_combined_and_removed() {
    let platform = TestApp::with_nodes(1).await;
    let (ana, _) = platform.user("ana").await;
    let root = &platform.root;
    let huge = i64::from(u32::MAX) * 4;
    put(&platform, root, named("public", "port", huge))
        .await
        .unwrap();
    put(&platform, root, named("ana", "port", 2)).await.unwrap();
    let dev = SetNamed {
        memory_gib: Some(1000),
        cpus: Some(128),
        ..named("public", "jupyter:jd-dev", 10)
    };
    put(&platform, root, dev).await.unwrap();
    let app = &platform.app;
    let id = ana.user().unwrap().id;
    let have = async || {
        let amounts = ledger(app.reader(), app.now(), id).await.unwrap().amounts;
        amounts.get(&Resource::Port).copied()
    };
    assert_eq!(have().await, Some(Amount::Count(2)));
    let gone = async |name: &str| {
        let resource: Resource = name.parse().unwrap();
        let gone =
            async |tx: &mut crate::store::Tx| remove(tx, root, "ana", resource.clone()).await;
        platform.write(gone).await
    };
    assert_eq!(gone("port").await.unwrap().amount, 2);
    assert_eq!(have().await, Some(Amount::Count(huge)));
    for name in ["port", "node-training-HIGH"] {
        let missing = gone(name).await.unwrap_err();
        assert!(matches!(missing, Error::NotFound { .. }));
    }
    let expected = [
        format!("admin public port - {huge}"),
        "admin ana port - 2".to_owned(),
        "admin public jupyter:jd-dev - 100012810".to_owned(),
        "admin ana port 2 -".to_owned(),
    ];
    assert_eq!(log(&platform).await, expected);
}

#[tokio::test]
async fn a_simulation_tells_what_would_be_and_writes_nothing() {
    let platform = TestApp::with_nodes(2).await;
    let root = &platform.root;
    put(&platform, root, named("admin", "node-training-HIGH", 0))
        .await
        .unwrap();
    let mut document = platform.document("waits", 1);
    document["priority"] = 30.into();
    let task = platform.submit_document(root, document).await.unwrap();
    let mut document = platform.document("runs", 2);
    document["priority"] = 10.into();
    let low = platform.submit_document(root, document).await.unwrap();
    platform.settle().await;
    platform.bring_up(low.id).await;
    let simulated = async |resource: &str, nodes| {
        simulate(&platform.app, root, named("admin", resource, nodes)).await
    };
    let same = simulated("node-training-HIGH", 0).await.unwrap();
    assert_eq!(same, Simulation::default());
    let other = simulated("node-training-HIGH", 1).await.unwrap();
    let expected = GivesWay {
        task: low.id,
        for_task: task.id,
    };
    assert_eq!(other.give_way, [expected]);
    assert_eq!(other.starts, []);
    let wait = &other.waits[0];
    assert_eq!((other.waits.len(), wait.task), (1, task.id));
    let before = wait.before.as_deref().unwrap();
    assert!(before.contains("no quota"), "{before}");
    assert_ne!(wait.before, wait.after);
    assert_eq!(
        platform.task(low.id).await.state,
        entity::task::State::Running
    );
    assert_eq!(log(&platform).await.len(), 1);
    let no_nodes = simulated("port", 1).await;
    assert!(matches!(no_nodes, Err(Error::Invalid(_))));
    let (ana, _) = platform.user("ana").await;
    let refused = simulate(&platform.app, &ana, named("ana", "node-training-HIGH", 1)).await;
    assert!(matches!(refused, Err(Error::Forbidden(_))));
}
