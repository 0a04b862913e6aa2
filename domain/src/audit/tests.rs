//! The audit log on a database.

use chrono::TimeDelta;
use entity::{AuditId, audit};
use sea_orm::sea_query::Expr;
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter};

use super::*;
use crate::auth::Actor;
use crate::error::Error;
use crate::testing::TestApp;

async fn act(platform: &TestApp, object: &str) {
    let user = platform.root.user().unwrap();
    let mut act = Act::of(user, "stopTask", &Origin::default());
    act.object = object.to_owned();
    let mut tx = platform.app.begin().await.unwrap();
    tx.record(act, "OK");
    tx.commit().await.unwrap();
}

/// Seals what is to be sealed. Answers whether there was anything.
async fn sealed(platform: &TestApp) -> bool {
    let app = &platform.app;
    let is_due = is_to_be_sealed(app.reader(), app.now()).await.unwrap();
    let tx = app.begin().await.unwrap();
    seal(&tx).await.unwrap();
    tx.commit().await.unwrap();
    is_due
}

/// Two sealed ranges of three acts each.
async fn two_seals() -> TestApp {
    let platform = TestApp::with_nodes(1).await;
    for range in 0..2 {
        for object in ["task 1", "task 2", "task 3"] {
            act(&platform, object).await;
        }
        if range == 0 {
            assert!(!sealed(&platform).await, "an act may still be on its way");
        }
        platform.clock.advance(TimeDelta::minutes(3));
        assert!(sealed(&platform).await);
        assert!(!sealed(&platform).await);
    }
    platform
}

async fn broken(platform: &TestApp) -> Vec<String> {
    let broken = verify(platform.app.reader()).await.unwrap();
    broken.iter().map(ToString::to_string).collect()
}

async fn list_all(platform: &TestApp, actor: &Actor, filter: Filter) -> Vec<Entry> {
    let page = list(platform.app.reader(), actor, &filter, None, 100).await;
    page.unwrap().entries
}

#[tokio::test]
async fn what_is_not_committed_was_not_done_and_what_is_can_be_found_by_root_only() {
    let platform = TestApp::with_nodes(1).await;
    act(&platform, "task 7").await;
    let mut tx = platform.app.begin().await.unwrap();
    let user = platform.root.user().unwrap();
    tx.record(Act::of(user, "createUser", &Origin::default()), "OK");
    drop(tx);
    act(&platform, "task 8").await;
    let objects = |entries: Vec<Entry>| -> Vec<String> {
        entries.into_iter().map(|entry| entry.object).collect()
    };
    let all = list_all(&platform, &platform.root, Filter::default()).await;
    assert_eq!(all[0].user_name, user.name);
    assert_eq!(all[0].outcome, "OK");
    assert_eq!(objects(all), ["task 8", "task 7"]);
    let of_seven = Filter {
        object: Some("task 7".to_owned()),
        user: Some(user.name.clone()),
        ..Filter::default()
    };
    let some = list_all(&platform, &platform.root, of_seven).await;
    assert_eq!(objects(some), ["task 7"]);
    let (ana, _) = platform.user("ana").await;
    let refused = list(platform.app.reader(), &ana, &Filter::default(), None, 9).await;
    assert!(matches!(refused, Err(Error::Forbidden(_))));
}

#[tokio::test]
async fn a_row_that_is_changed_added_or_taken_away_breaks_its_seal() {
    let platform = two_seals().await;
    assert_eq!(broken(&platform).await, Vec::<String>::new());
    let tx = platform.app.begin().await.unwrap();
    audit::Entity::update_many()
        .col_expr(audit::Column::Object, Expr::value("task 9"))
        .filter(audit::Column::Id.eq(AuditId(2)))
        .exec(tx.db())
        .await
        .unwrap();
    let row = audit::Entity::find_by_id(AuditId(5)).one(tx.db()).await;
    let row = row.unwrap().unwrap();
    audit::Entity::delete_by_id(AuditId(5))
        .exec(tx.db())
        .await
        .unwrap();
    tx.commit().await.unwrap();
    assert_eq!(
        broken(&platform).await,
        [
            "the acts 1 to 3 are not as they were sealed",
            "the acts 4 to 6 are not as they were sealed: 1 are gone"
        ]
    );
    let tx = platform.app.begin().await.unwrap();
    row.into_active_model().insert(tx.db()).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(broken(&platform).await.len(), 1, "it is back as it was");
}

#[tokio::test]
async fn old_rows_are_dropped_and_the_seals_stay_whole() {
    let platform = two_seals().await;
    let now = platform.app.now();
    let than = now - TimeDelta::minutes(1);
    assert!(is_to_be_dropped(platform.app.reader(), than).await.unwrap());
    let tx = platform.app.begin().await.unwrap();
    drop_older(&tx, than).await.unwrap();
    tx.commit().await.unwrap();
    assert!(!is_to_be_dropped(platform.app.reader(), than).await.unwrap());
    let left = list_all(&platform, &platform.root, Filter::default()).await;
    assert_eq!(left.len(), 3);
    assert_eq!(broken(&platform).await, Vec::<String>::new());
}
