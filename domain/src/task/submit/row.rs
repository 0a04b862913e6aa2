//! The row of a submitted task.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use entity::{TaskId, UserId, task, task_tag};
use sea_orm::sea_query::{OnConflict, Query};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ConnectionTrait, EntityTrait, FromQueryResult, NotSet,
    QueryTrait,
};

use super::Wish;
use crate::error::{Error, Result};
use crate::store::Tx;
use crate::task::{Desired, Priority, State, Task};
use crate::user::Role;

/// What is stored of a submit; its number is not known yet.
pub(super) fn row(wish: &Wish, group: &str, environment: String, now: DateTime<Utc>) -> Task {
    let spec = &wish.input.spec;
    let priority = match wish.user.role {
        Role::Internal => spec.priority(),
        // People from outside cannot choose: the scheduler does.
        Role::External => Priority::Auto,
    };
    let checked = spec.clone().with_priority(priority).with_image(environment);
    Task {
        id: TaskId(0),
        user_id: wish.user.id,
        name: spec.name().to_owned(),
        state: State::Queued,
        desired: Desired::Run,
        stop_as: None,
        priority: priority.value(),
        custom_rank: None,
        group_name: group.to_owned(),
        zone: spec.zone().map(ToOwned::to_owned),
        node_count: i32::try_from(spec.node_count()).unwrap_or(i32::MAX),
        spec: checked.to_json(),
        document: wish.input.document.clone(),
        run_count: 0,
        not_before: None,
        spoilt_runs: 0,
        failed_runs: 0,
        whole_life_state: i32::try_from(spec.whole_life_state()).unwrap_or(i32::MAX),
        wait: None,
        outcome: None,
        stop_code: 0,
        exit_code: None,
        shared_in: spec
            .is_shared_in_group()
            .then(|| wish.user.shared_group.clone()),
        created_at: now,
        started_at: None,
        finished_at: None,
        version: 0,
    }
}

/// The number that a task was given.
#[derive(FromQueryResult)]
struct Numbered {
    id: TaskId,
    user_id: UserId,
    name: String,
}

/// Stores them, and says of each what it is now: a name that is taken refuses only its own.
pub(super) async fn insert(tx: &Tx, tasks: Vec<Task>) -> Result<Vec<Result<Task>>> {
    if tasks.is_empty() {
        return Ok(Vec::new());
    }
    let rows = tasks.iter().map(|task| task::ActiveModel {
        id: NotSet,
        ..task::ActiveModel::from(task.clone()).reset_all()
    });
    let mut insert = task::Entity::insert_many(rows).into_query();
    insert
        .on_conflict(OnConflict::new().do_nothing().to_owned())
        .returning(Query::returning().columns([
            task::Column::Id,
            task::Column::UserId,
            task::Column::Name,
        ]));
    let statement = tx.db().get_database_backend().build(&insert);
    let numbered = Numbered::find_by_statement(statement).all(tx.db()).await?;
    let numbered = numbered
        .into_iter()
        .map(|row| ((row.user_id, row.name), row.id));
    let mut ids: HashMap<_, _> = numbered.collect();
    let stored = |task: Task| match ids.remove(&(task.user_id, task.name.clone())) {
        Some(id) => Ok(Task { id, ..task }),
        None => Err(Error::Conflict(format!(
            "you already have a task named {} that is not finished: stop it or choose another name",
            task.name
        ))),
    };
    Ok(tasks.into_iter().map(stored).collect())
}

/// Stores their tags.
pub(super) async fn tag(tx: &Tx, new: &[(&Wish, &Task)]) -> Result<()> {
    let rows = new.iter().flat_map(|(wish, task)| {
        wish.input
            .spec
            .tags()
            .iter()
            .map(|tag| task_tag::ActiveModel {
                task_id: Set(task.id),
                tag: Set(tag.clone()),
            })
    });
    let rows: Vec<_> = rows.collect();
    if !rows.is_empty() {
        task_tag::Entity::insert_many(rows)
            .exec_without_returning(tx.db())
            .await?;
    }
    Ok(())
}
