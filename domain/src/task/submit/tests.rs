//! Submits that share a write.

use entity::{UserId, task};
use sea_orm::{EntityTrait, QueryOrder};
use serde_json::json;
use tokio::task::JoinHandle;
use tokio_util::task::TaskTracker;

use super::*;
use crate::store::faults::FailWrite;
use crate::testing::TestApp;

fn wish(app: &TestApp, name: &str, key: Option<&str>) -> Submit {
    let document = app.document(name, 1);
    Submit {
        spec: TaskSpec::from_json(&document).unwrap(),
        document,
        idempotency_key: key.map(ToOwned::to_owned),
        act: None,
    }
}

/// Submits these while somebody writes, so that they wait, and lets them go. Each waits before the next is there.
async fn together(app: &TestApp, wishes: Vec<(&Actor, Submit)>) -> Vec<JoinHandle<Result<Task>>> {
    let writing = app.app.submits.writing().await;
    let mut submits = Vec::new();
    for (actor, input) in wishes {
        let (app, actor) = (app.app.clone(), actor.clone());
        submits.push(TaskTracker::new().spawn({
            let app = app.clone();
            async move { submit_together(&app, &actor, input).await }
        }));
        while app.submits.n_waiting() < submits.len() {
            tokio::task::yield_now().await;
        }
    }
    drop(writing);
    submits
}

async fn answers(submits: Vec<JoinHandle<Result<Task>>>) -> Vec<Result<Task>> {
    let mut answers = Vec::new();
    for submit in submits {
        answers.push(submit.await.unwrap());
    }
    answers
}

async fn stored(app: &TestApp) -> Vec<Task> {
    let tasks = task::Entity::find().order_by_asc(task::Column::Id);
    tasks.all(app.app.reader()).await.unwrap()
}

#[tokio::test]
async fn submits_that_wait_are_written_at_once_and_in_their_order() {
    let app = TestApp::with_nodes(1).await;
    let (ada, _) = app.user("ada").await;
    let before = app.app.store.faults.n_writes();
    let mut tagged = app.document("tagged", 1);
    tagged["options"] = json!({"tags": ["a", "b"]});
    let tagged = Submit {
        spec: TaskSpec::from_json(&tagged).unwrap(),
        document: tagged,
        idempotency_key: None,
        act: None,
    };
    let wishes = vec![
        (&app.root, wish(&app, "same", None)),
        (&ada, wish(&app, "same", Some("key"))),
        (&app.root, tagged),
    ];
    let answers = answers(together(&app, wishes).await).await;
    let tasks: Vec<Task> = answers.into_iter().map(|task| task.unwrap()).collect();
    assert_eq!(stored(&app).await, tasks);
    assert_eq!(app.app.store.faults.n_writes(), before + 1);
    let ids: Vec<_> = tasks.iter().map(|task| task.id).collect();
    let tags = crate::task::tags_of(app.app.reader(), &ids).await.unwrap();
    assert_eq!(
        tags,
        [(tasks[2].id, "a".to_owned()), (tasks[2].id, "b".to_owned())]
    );
}

#[tokio::test]
async fn one_that_is_refused_keeps_none_of_the_others() {
    let app = TestApp::with_nodes(1).await;
    let mut nowhere = wish(&app, "nowhere", None);
    nowhere.document["resource"]["group"] = json!("moon");
    nowhere.spec = TaskSpec::from_json(&nowhere.document).unwrap();
    let wishes = vec![
        (&app.root, wish(&app, "first", None)),
        (&app.root, wish(&app, "first", Some("key"))),
        (&app.root, nowhere),
        (&app.root, wish(&app, "last", None)),
    ];
    let answers = answers(together(&app, wishes).await).await;
    let kinds: Vec<_> = answers.iter().map(|it| it.as_ref().err()).collect();
    assert!(
        matches!(
            kinds[..],
            [
                None,
                Some(Error::Conflict(_)),
                Some(Error::Invalid(_)),
                None
            ]
        ),
        "{kinds:?}"
    );
    let names: Vec<_> = stored(&app).await.into_iter().map(|it| it.name).collect();
    assert_eq!(names, ["first", "last"]);
    // What was refused has not used its key.
    let again = wish(&app, "again", Some("key"));
    submit_together(&app.app, &app.root, again).await.unwrap();
}

#[tokio::test]
async fn one_that_the_database_refuses_keeps_none_of_the_others() {
    let app = TestApp::with_nodes(1).await;
    let mut nobody = app.root.user().unwrap().clone();
    nobody.id = UserId(404);
    let nobody = Actor::User(nobody);
    let wishes = vec![
        (&app.root, wish(&app, "first", None)),
        (&nobody, wish(&app, "second", None)),
        (&app.root, wish(&app, "third", None)),
    ];
    let answers = answers(together(&app, wishes).await).await;
    let is_stored: Vec<_> = answers.iter().map(std::result::Result::is_ok).collect();
    assert_eq!(is_stored, [true, false, true]);
    assert_eq!(stored(&app).await.len(), 2);
}

#[tokio::test]
async fn the_same_key_twice_gives_the_same_task() {
    let app = TestApp::with_nodes(1).await;
    let (ada, _) = app.user("ada").await;
    let once = |actor| (actor, wish(&app, "once", Some("key")));
    let wishes = vec![once(&app.root), once(&ada), once(&app.root)];
    let answers = answers(together(&app, wishes).await).await;
    let ids: Vec<_> = answers.into_iter().map(|it| it.unwrap().id).collect();
    assert_eq!(ids[0], ids[2]);
    assert_ne!(ids[0], ids[1], "another's key is another key");
    assert_eq!(stored(&app).await.len(), 2);
}

#[tokio::test]
async fn a_write_that_fails_fails_for_all_who_share_it() {
    for at in [FailWrite::Begin, FailWrite::Answer] {
        let app = TestApp::with_nodes(1).await;
        let wishes = ["first", "second"].map(|name| (&app.root, wish(&app, name, None)));
        app.app.store.faults.fail_write(1, at);
        for answer in answers(together(&app, wishes.into()).await).await {
            let error = answer.unwrap_err();
            assert!(matches!(error, Error::Unavailable { .. }), "{error:?}");
        }
    }
}

#[tokio::test]
async fn who_stops_waiting_has_submitted_all_the_same() {
    let app = TestApp::with_nodes(1).await;
    let input = wish(&app, "orphan", None);
    let mut submit = Box::pin(submit_together(&app.app, &app.root, input));
    assert!(futures_util::poll!(submit.as_mut()).is_pending());
    drop(submit);
    // It is written after the first, or with it.
    let next = wish(&app, "next", None);
    submit_together(&app.app, &app.root, next).await.unwrap();
    let names: Vec<_> = stored(&app).await.into_iter().map(|it| it.name).collect();
    assert_eq!(names, ["orphan", "next"]);
}

#[tokio::test]
async fn a_submit_behind_too_many_is_turned_away_and_comes_to_its_end_later() {
    let app = TestApp::with_nodes(1).await;
    let (ada, _) = app.user("ada").await;
    let writing = app.app.submits.writing().await;
    let submit = |name: String| {
        let input = wish(&app, &name, None);
        let (app, ada) = (app.app.clone(), ada.clone());
        TaskTracker::new().spawn(async move { submit_together(&app, &ada, input).await })
    };
    let mut submits = Vec::new();
    for number in 0..1024 {
        submits.push(submit(format!("t{number}")));
    }
    while app.app.submits.n_waiting() < submits.len() {
        tokio::task::yield_now().await;
    }
    assert_eq!(app.app.store.n_writes(), 1, "one attends to all of them");
    let late = submit("late".to_owned()).await.unwrap();
    let Err(Error::Overloaded { retry_after, .. }) = late else {
        panic!("{late:?}");
    };
    assert!(retry_after >= std::time::Duration::from_secs(1));
    drop(writing);
    assert!(answers(submits).await.iter().all(Result::is_ok));
    submit("late".to_owned()).await.unwrap().unwrap();
}
