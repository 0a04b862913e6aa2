//! Environments of users and of their tasks, on a real database.

use chrono::TimeDelta;

use super::*;
use crate::auth::Actor;
use crate::error::{Error, Result};
use crate::quota::{Resource, SetNamed, set_named};
use crate::task::{Task, TaskSpec};
use crate::testing::TestApp;

async fn give(app: &TestApp, owner: &str, name: &str, value: i64, days: Option<i64>) {
    let end = days.map(|days| app.app.now() + TimeDelta::days(days));
    app.write(async |tx| grant(tx, owner, name, value, end).await)
        .await
        .unwrap();
}

async fn submit(app: &TestApp, who: &Actor, image: &str) -> Result<Task> {
    let mut document = app.document(&format!("in-{image}").replace('/', "-"), 1);
    document["resource"]["image"] = image.into();
    app.submit_document(who, document).await
}

fn image(task: &Task) -> String {
    TaskSpec::from_json(&task.spec).unwrap().image().to_owned()
}

async fn may_use(app: &TestApp, who: &Actor) -> Vec<String> {
    let (db, now) = (app.app.reader(), app.app.now());
    let found = usable(db, now, who.user().unwrap()).await.unwrap();
    found.into_iter().map(|(it, _)| it.name).collect()
}

#[tokio::test]
async fn a_new_platform_grants_its_only_environment_to_everybody() {
    let app = TestApp::with_nodes(1).await;
    let (ana, _) = app.user("ana").await;
    assert_eq!(may_use(&app, &ana).await, ["default"]);
    let task = submit(&app, &ana, "default").await.unwrap();
    assert_eq!(image(&task), "default");
}

#[tokio::test]
async fn default_is_the_highest_grant_of_what_is_there() {
    let app = TestApp::with_nodes(1).await;
    let (ana, _) = app.user("ana").await;
    app.environment("cuda").await;
    app.environment("ana-own").await;
    give(&app, "public", "cuda", 2, None).await;
    give(&app, "public", "not-there", 9, None).await;
    give(&app, "internal", "${user_name}-own", 1, Some(1)).await;
    assert_eq!(may_use(&app, &ana).await, ["cuda", "ana-own", "default"]);
    let task = submit(&app, &ana, "default").await.unwrap();
    assert_eq!(image(&task), "cuda");
    assert_eq!(task.document["resource"]["image"], "default");
    let task = submit(&app, &ana, "ana-own").await.unwrap();
    assert_eq!(image(&task), "ana-own");
    app.clock.advance(TimeDelta::days(1));
    assert_eq!(may_use(&app, &ana).await, ["cuda", "default"]);
    give(&app, "ana", "cuda", 0, None).await;
    let again = submit(&app, &ana, "cuda").await;
    assert_eq!(
        refusal(again),
        "there is no environment cuda for you: you may use default"
    );
}

#[tokio::test]
async fn a_quota_of_an_environment_is_a_grant() {
    let app = TestApp::with_nodes(1).await;
    let (ana, _) = app.user("ana").await;
    app.environment("cuda").await;
    let quota = |owner: &str, amount| SetNamed {
        owner: owner.to_owned(),
        resource: Resource::TrainEnvironment("cuda".to_owned()),
        amount,
        memory_gib: None,
        cpus: None,
        expires_at: None,
    };
    let set = async |quota: SetNamed| {
        app.write(async |tx| set_named(tx, &app.root, quota.clone()).await)
            .await
    };
    set(quota("public", 2)).await.unwrap();
    assert_eq!(may_use(&app, &ana).await, ["cuda", "default"]);
    let task = submit(&app, &ana, "default").await.unwrap();
    assert_eq!(image(&task), "cuda");
    set(quota("ana", 0)).await.unwrap();
    assert_eq!(may_use(&app, &ana).await, ["default"]);
}

#[tokio::test]
async fn what_cannot_be_used_is_refused_by_the_field() {
    let app = TestApp::with_nodes(1).await;
    let (ana, _) = app.user("ana").await;
    let unknown = submit(&app, &ana, "nothing").await;
    assert_eq!(
        refusal(unknown),
        "there is no environment nothing for you: you may use default"
    );
    let custom = submit(&app, &ana, "registry/team/image").await;
    assert!(refusal(custom).contains("address of an image"));
    give(&app, "ana", "default", 0, None).await;
    let none = submit(&app, &ana, "default").await;
    assert!(refusal(none).contains("no environment that you may use"));
}

fn refusal(result: Result<Task>) -> String {
    match result {
        Err(Error::Invalid(problems)) => {
            assert_eq!(problems.len(), 1, "{problems:?}");
            assert_eq!(problems[0].field, "resource.image");
            problems[0].reason.clone()
        }
        other => panic!("{other:?}"),
    }
}
