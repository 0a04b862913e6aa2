//! Submitting, stopping and listing tasks, on a real database.

use sea_orm::{ConnectionTrait, DbBackend, QueryTrait};
use serde_json::json;

use super::*;
use crate::error::Error;
use crate::testing::TestApp;

async fn submit_with_key(app: &TestApp, name: &str, key: &str) -> crate::error::Result<Task> {
    let document = app.document(name, 1);
    let input = Submit {
        spec: TaskSpec::from_json(&document)?,
        document,
        idempotency_key: Some(key.to_owned()),
        act: None,
    };
    let mut tx = app.app.begin().await?;
    let task = submit(&mut tx, &app.app, &app.root, input).await?;
    tx.commit().await?;
    Ok(task)
}

async fn stop_as(app: &TestApp, id: TaskId, stop_as: StopAs) -> Task {
    let mut tx = app.app.begin().await.unwrap();
    let task = stop(&mut tx, &app.root, id, stop_as).await.unwrap();
    tx.commit().await.unwrap();
    task
}

#[tokio::test]
async fn a_submitted_task_is_queued_with_everything_it_asked_for() {
    let app = TestApp::with_nodes(1).await;
    let mut document = app.document("first", 3);
    document["priority"] = json!(30);
    document["options"] = json!({"tags": ["a", "b"]});
    let task = app
        .submit_document(&app.root, document.clone())
        .await
        .unwrap();
    let stored = app.task(task.id).await;
    assert_eq!(stored, task);
    assert_eq!(
        (stored.state, stored.priority, stored.node_count),
        (State::Queued, 30, 3)
    );
    assert_eq!(
        stored.group_name, "training",
        "`default` stands for the default group"
    );
    assert_eq!(stored.document, document);
    let tags = tags_of(app.app.reader(), &[task.id]).await.unwrap();
    assert_eq!(tags, [(task.id, "a".to_owned()), (task.id, "b".to_owned())]);
}

#[tokio::test]
async fn a_name_is_taken_only_while_its_task_lives() {
    let app = TestApp::with_nodes(1).await;
    let first = app.submit("same", 5).await;
    let again = app
        .submit_document(&app.root, app.document("same", 5))
        .await;
    assert!(matches!(again, Err(Error::Conflict(_))), "{again:?}");
    let (other, _) = app.user("ada").await;
    app.submit_document(&other, app.document("same", 5))
        .await
        .unwrap();
    stop_as(&app, first.id, StopAs::Stopped).await;
    app.submit("same", 5).await;
}

#[tokio::test]
async fn every_problem_that_only_the_platform_can_see_names_its_field() {
    let app = TestApp::with_nodes(1).await;
    let mut document = app.document("wrong", 1);
    document["spec"]["workspace"] = json!("/elsewhere");
    document["resource"]["group"] = json!("moon");
    document["resource"]["image"] = json!("cuda");
    let Err(Error::Invalid(problems)) = app.submit_document(&app.root, document).await else {
        panic!("it must be refused as invalid");
    };
    let fields: Vec<_> = problems
        .iter()
        .map(|problem| problem.field.as_str())
        .collect();
    assert_eq!(
        fields,
        ["resource.group", "resource.image", "spec.workspace"]
    );
}

#[tokio::test]
async fn a_repeated_submit_with_the_same_key_gives_the_same_task() {
    let app = TestApp::with_nodes(1).await;
    let first = submit_with_key(&app, "once", "key").await.unwrap();
    let second = submit_with_key(&app, "once", "key").await.unwrap();
    assert_eq!(first.id, second.id);
    let other = submit_with_key(&app, "another", "key").await;
    assert!(matches!(other, Err(Error::Conflict(_))), "{other:?}");
    app.clock.advance(chrono::TimeDelta::hours(25));
    let later = submit_with_key(&app, "another", "key").await.unwrap();
    assert_ne!(later.id, first.id, "a key is remembered for a day");
}

#[tokio::test]
async fn a_queued_task_stops_at_once_and_a_finished_one_stays_as_it_is() {
    let app = TestApp::with_nodes(1).await;
    let task = app.submit("queued", 5).await;
    let stopped = stop_as(&app, task.id, StopAs::Succeeded).await;
    assert_eq!(stopped.state, State::Finished);
    assert_eq!(
        (stopped.outcome, stopped.stop_code),
        (Some(Outcome::Succeeded), 4096)
    );
    let again = stop_as(&app, task.id, StopAs::Failed).await;
    assert_eq!(again, stopped);
}

#[tokio::test]
async fn a_task_of_somebody_else_is_as_if_it_were_not_there() {
    let app = TestApp::with_nodes(1).await;
    let task = app.submit("mine", 5).await;
    let (other, _) = app.user("ada").await;
    let read = get(app.app.reader(), &other, task.id).await;
    assert!(matches!(read, Err(Error::NotFound { .. })), "{read:?}");
    let mut tx = app.app.begin().await.unwrap();
    let stopped = stop(&mut tx, &other, task.id, StopAs::Stopped).await;
    assert!(
        matches!(stopped, Err(Error::NotFound { .. })),
        "{stopped:?}"
    );
    assert_eq!(
        count(app.app.reader(), &other, &Filter::default())
            .await
            .unwrap(),
        0
    );
    assert_eq!(
        count(app.app.reader(), &app.root, &Filter::default())
            .await
            .unwrap(),
        1
    );
}

#[tokio::test]
async fn pages_forwards_and_backwards_give_every_task_once() {
    let app = TestApp::with_nodes(1).await;
    let mut ids = Vec::new();
    for number in 0..5 {
        ids.push(app.submit(&format!("task{number}"), 9).await.id);
    }
    ids.reverse();
    let mut forwards = Vec::new();
    let mut after = None;
    loop {
        let request = PageRequest {
            limit: 2,
            after,
            before: None,
            backwards: false,
        };
        let page = list(app.app.reader(), &app.root, &Filter::default(), request)
            .await
            .unwrap();
        forwards.extend(page.tasks.iter().map(|task| task.id));
        after = page.tasks.last().map(|task| task.id);
        if !page.has_more {
            break;
        }
    }
    assert_eq!(forwards, ids);
    let request = PageRequest {
        limit: 2,
        after: None,
        before: None,
        backwards: true,
    };
    let last = list(app.app.reader(), &app.root, &Filter::default(), request)
        .await
        .unwrap();
    assert_eq!(
        last.tasks.iter().map(|task| task.id).collect::<Vec<_>>(),
        ids[3..]
    );
    assert!(last.has_more);
}

#[tokio::test]
async fn filters_find_text_as_it_is_written() {
    let app = TestApp::with_nodes(1).await;
    app.submit("Train_100%", 9).await;
    app.submit("train-100", 9).await;
    let found = async |text: &str| {
        let filter = Filter {
            name_contains: Some(text.to_owned()),
            ..Filter::default()
        };
        count(app.app.reader(), &app.root, &filter).await.unwrap()
    };
    assert_eq!(found("TRAIN").await, 2, "case does not matter");
    assert_eq!(found("_1").await, 1, "an underscore is an underscore");
    assert_eq!(found("%").await, 1, "a percent sign is a percent sign");
    assert_eq!(found("' OR 1=1 --").await, 0);
    app.submit("Ärger", 9).await;
    assert_eq!(
        found("Ärger").await,
        1,
        "text beyond ASCII is found as it is"
    );
    let none = Filter {
        states: Some(Vec::new()),
        ..Filter::default()
    };
    assert_eq!(count(app.app.reader(), &app.root, &none).await.unwrap(), 0);
}

#[tokio::test]
async fn names_are_looked_up_among_the_tasks_of_everybody() {
    let app = TestApp::with_nodes(1).await;
    let (ada, _) = app.user("ada").await;
    let old = app.submit("same", 9).await;
    let of_ada = app
        .submit_document(&ada, app.document("same", 9))
        .await
        .unwrap();
    app.submit("another", 9).await;
    stop_as(&app, old.id, StopAs::Stopped).await;
    let filter = Filter {
        names: Some(vec!["same".to_owned(), "none".to_owned()]),
        ..Filter::default()
    };
    let request = PageRequest {
        limit: 10,
        after: None,
        before: None,
        backwards: false,
    };
    let db = app.app.reader();
    let page = list(db, &app.root, &filter, request).await.unwrap();
    let found: Vec<TaskId> = page.tasks.iter().map(|task| task.id).collect();
    assert_eq!(found, [of_ada.id, old.id]);

    // What PostgreSQL does depends on how many tasks there are.
    if db.get_database_backend() == DbBackend::Sqlite {
        let mut query = query::select(&app.root, &filter, request)
            .unwrap()
            .build(DbBackend::Sqlite);
        query.sql.insert_str(0, "EXPLAIN QUERY PLAN ");
        let steps = db.query_all_raw(query).await.unwrap();
        let first: String = steps[0].try_get("", "detail").unwrap();
        assert_eq!(first, "SEARCH task USING INDEX task_by_name (name=?)");
    }
}
