//! What users and tasks mount here, and where a workspace may be.

use std::path::PathBuf;

use entity::UserId;

use super::*;
use crate::auth::Actor;
use crate::error::Error;
use crate::runtime::Visibility;
use crate::testing::TestApp;

async fn give(app: &TestApp, owner: &str, host: &str, mount: &str, conditions: &[&str]) {
    let rule = definition(Action::Add, owner, host, mount, conditions);
    put(app, rule).await;
}

async fn put(app: &TestApp, rule: Definition) {
    app.write(async |tx| change(tx, &app.app, &app.root, rule.clone(), true).await)
        .await
        .unwrap();
}

fn id(actor: &Actor) -> UserId {
    actor.user().unwrap().id
}

#[tokio::test]
async fn a_preview_says_what_this_runtime_makes_of_each_mount() {
    let app = TestApp::with_nodes(1).await;
    let (ana, _) = app.user("ana").await;
    give(
        &app,
        "ana",
        "/data/{user.user_name}",
        "/data/{user.user_name}",
        &[],
    )
    .await;
    give(&app, "public", "/data", "/mnt", &[]).await;
    give(&app, "public", "/missing", "/missing", &[]).await;
    let mut scripts = definition(Action::Add, "public", "scripts", "/scripts", &[]);
    scripts.kind = Kind::ConfigMap;
    put(&app, scripts).await;
    let preview = of_user(&app.app, &ana, "ana").await.unwrap();
    let seen: Vec<(&str, Visibility)> = preview
        .resolution
        .mounts
        .iter()
        .map(|it| it.mount_path.as_str())
        .zip(preview.visibility)
        .filter(|(path, _)| !path.contains("workspaces"))
        .collect();
    assert_eq!(
        seen,
        [
            ("/data/ana", Visibility::Visible),
            ("/missing", Visibility::Missing),
            ("/mnt", Visibility::OtherPath),
            ("/scripts", Visibility::Unsupported),
            ("/srv/code", Visibility::Visible),
        ]
    );
    let (bob, _) = app.user("bob").await;
    let other = of_user(&app.app, &bob, "ana").await;
    assert!(matches!(other, Err(Error::NotFound { .. })));
    assert!(of_user(&app.app, &app.root, "ana").await.is_ok());
}

#[tokio::test]
async fn a_task_mounts_what_its_own_facts_say() {
    let app = TestApp::with_nodes(1).await;
    let (ana, _) = app.user("ana").await;
    let (bob, _) = app.user("bob").await;
    give(
        &app,
        "public",
        "/out/{task.id}",
        "/out",
        &["task.backend == 'default'"],
    )
    .await;
    let task = app
        .submit_document(&ana, app.document("train", 1))
        .await
        .unwrap();
    let preview = of_task(&app.app, &ana, task.id).await.unwrap();
    let out = &preview.resolution.mounts[0];
    assert_eq!(out.host_path, format!("/out/{}", task.id));
    let hidden = of_task(&app.app, &bob, task.id).await;
    assert!(matches!(hidden, Err(Error::NotFound { .. })));
}

#[tokio::test]
async fn a_workspace_may_be_where_the_rules_let_the_user_reach() {
    let app = TestApp::with_nodes(1).await;
    let (ana, _) = app.user("ana").await;
    let (bob, _) = app.user("bob").await;
    give(&app, "ana", "/data", "/data", &[]).await;
    give(&app, "ana", "/elsewhere", "/mnt", &[]).await;
    let code = crate::testing::workspace();
    put(&app, definition(Action::Remove, "bob", code, code, &[])).await;
    let submit = async |who: &Actor, name: &str, workspace: &str| {
        let mut document = app.document(name, 1);
        document["spec"]["workspace"] = workspace.into();
        match app.submit_document(who, document).await {
            Ok(_) => None,
            Err(Error::Invalid(problems)) => Some(format!("{problems:?}")),
            Err(error) => panic!("{error}"),
        }
    };
    assert_eq!(submit(&ana, "a", "/data/x").await, None);
    assert_eq!(submit(&ana, "b", code).await, None);
    let elsewhere = submit(&ana, "c", "/mnt/x").await.unwrap();
    assert!(elsewhere.contains("spec.workspace") && elsewhere.contains("/data or /srv/code"));
    let not_given = submit(&bob, "d", "/data/x").await.unwrap();
    assert!(not_given.contains("spec.workspace"), "{not_given}");
    assert!(
        submit(&bob, "e", code)
            .await
            .unwrap()
            .contains("workspaces/bob")
    );

    let visible = visible_to(&app.app, &[id(&ana), id(&bob)]).await.unwrap();
    let paths = |who: &Actor| -> Vec<PathBuf> {
        visible[&id(who)].iter().map(|it| it.path.clone()).collect()
    };
    assert_eq!(
        paths(&ana)[..2],
        [PathBuf::from("/data"), PathBuf::from(code)]
    );
    assert_eq!(paths(&bob).len(), 1);
}

#[tokio::test]
async fn a_team_has_a_directory_where_a_template_names_it() {
    let app = TestApp::with_nodes(1).await;
    let (ana, _) = app.user("ana").await;
    give(&app, "public", "/t/{user.shared_group}", "/team", &[]).await;
    let preview = of_user(&app.app, &ana, "ana").await.unwrap();
    let mut mounts = preview.resolution.mounts.iter();
    let team = mounts.find(|it| it.mount_path.as_str() == "/team");
    assert_eq!(team.unwrap().host_path.as_str(), "/t/default");
}
