//! Looks tasks up and lists them, newest first, by keyset.

use chrono::{DateTime, Utc};
use entity::{run, task, task_tag};
use sea_orm::sea_query::{BinOper, Expr, ExprTrait, Func, Query};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder,
    QuerySelect, Select,
};

use super::{ShownState, State, Task, TaskId};
use crate::auth::{Action, Actor, Target, may};
use crate::error::{Error, Result};

/// Which tasks; an empty filter means all that the caller may see.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only these owners.
    pub user_ids: Option<Vec<entity::UserId>>,
    /// Only these names.
    pub names: Option<Vec<String>>,
    /// Only names with this text in them; upper and lower case count as the same.
    pub name_contains: Option<String>,
    /// Only these states.
    pub states: Option<Vec<ShownState>>,
    /// Only these node groups.
    pub groups: Option<Vec<String>>,
    /// Only tasks with this tag.
    pub tag: Option<String>,
    /// Only tasks submitted at this time or later.
    pub created_after: Option<DateTime<Utc>>,
    /// Only tasks submitted before this time.
    pub created_before: Option<DateTime<Utc>>,
    /// Only tasks that are shared in the caller's team, of any owner; without it those of others are left out.
    pub shared: bool,
}

/// A place in the list: the task it stands behind.
pub type Cursor = TaskId;

/// One page of the list, which runs from the newest task to the oldest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageRequest {
    /// At most so many.
    pub limit: u64,
    /// Only tasks older than this one.
    pub after: Option<Cursor>,
    /// Only tasks newer than this one.
    pub before: Option<Cursor>,
    /// From the old end of what is left, instead of the new one.
    pub backwards: bool,
}

/// What was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    /// Newest first.
    pub tasks: Vec<Task>,
    /// Whether there are more in the direction of reading.
    pub has_more: bool,
}

/// One task.
///
/// # Errors
/// [`Error::NotFound`] if there is none or the actor may not know of it.
pub async fn get(db: &impl ConnectionTrait, actor: &Actor, id: TaskId) -> Result<Task> {
    task::Entity::find_by_id(id)
        .one(db)
        .await?
        .filter(|task| may(actor, Action::ReadTask, Target::from(task)))
        .ok_or_else(|| Error::not_found("task", id))
}

/// The newest task of the actor with this name.
///
/// # Errors
/// [`Error::NotFound`] if the actor has none.
pub async fn find_by_name(db: &impl ConnectionTrait, actor: &Actor, name: &str) -> Result<Task> {
    let user = actor.user().ok_or(Error::Unauthenticated)?;
    task::Entity::find()
        .filter(task::Column::UserId.eq(user.id))
        .filter(task::Column::Name.eq(name))
        .order_by_desc(task::Column::Id)
        .one(db)
        .await?
        .ok_or_else(|| Error::not_found("task of yours named", name))
}

/// Tasks by number, for callers who have already been allowed to see them.
///
/// # Errors
/// If the database is away.
pub async fn load(db: &impl ConnectionTrait, ids: &[TaskId]) -> Result<Vec<Task>> {
    Ok(task::Entity::find()
        .filter(task::Column::Id.is_in(ids.iter().copied()))
        .all(db)
        .await?)
}

/// Those of some tasks that the actor may see and that match.
///
/// # Errors
/// If the database is away.
pub async fn matching(
    db: &impl ConnectionTrait,
    actor: &Actor,
    filter: &Filter,
    ids: &[TaskId],
) -> Result<Vec<Task>> {
    Ok(task::Entity::find()
        .filter(task::Column::Id.is_in(ids.iter().copied()))
        .filter(condition(actor, filter)?)
        .all(db)
        .await?)
}

/// A page of the tasks that the actor may see.
///
/// # Errors
/// If the database is away.
pub async fn list(
    db: &impl ConnectionTrait,
    actor: &Actor,
    filter: &Filter,
    page: PageRequest,
) -> Result<Page> {
    let mut tasks = select(actor, filter, page)?.all(db).await?;
    let has_more = tasks.len() as u64 > page.limit;
    tasks.truncate(usize::try_from(page.limit).unwrap_or(usize::MAX));
    if page.backwards {
        tasks.reverse();
    }
    Ok(Page { tasks, has_more })
}

/// The tasks of a page in the order of reading, and one more if there is one.
pub(super) fn select(
    actor: &Actor,
    filter: &Filter,
    page: PageRequest,
) -> Result<Select<task::Entity>> {
    let mut query = task::Entity::find().filter(condition(actor, filter)?);
    if let Some(after) = page.after {
        query = query.filter(task::Column::Id.lt(after));
    }
    if let Some(before) = page.before {
        query = query.filter(task::Column::Id.gt(before));
    }
    let query = if page.backwards {
        query.order_by_asc(task::Column::Id)
    } else {
        query.order_by_desc(task::Column::Id)
    };
    Ok(query.limit(page.limit + 1))
}

/// How many tasks there are in the whole list.
///
/// # Errors
/// If the database is away.
pub async fn count(db: &impl ConnectionTrait, actor: &Actor, filter: &Filter) -> Result<u64> {
    Ok(task::Entity::find()
        .filter(condition(actor, filter)?)
        .count(db)
        .await?)
}

/// The tags of some tasks.
///
/// # Errors
/// If the database is away.
pub async fn tags_of(db: &impl ConnectionTrait, ids: &[TaskId]) -> Result<Vec<(TaskId, String)>> {
    Ok(task_tag::Entity::find()
        .filter(task_tag::Column::TaskId.is_in(ids.iter().copied()))
        .order_by_asc(task_tag::Column::Tag)
        .all(db)
        .await?
        .into_iter()
        .map(|row| (row.task_id, row.tag))
        .collect())
}

/// The newest run of each of some tasks.
///
/// # Errors
/// If the database is away.
pub async fn runs_of(db: &impl ConnectionTrait, tasks: &[Task]) -> Result<Vec<run::Model>> {
    let newest =
        tasks
            .iter()
            .filter(|task| task.run_count > 0)
            .fold(Condition::any(), |condition, task| {
                condition.add(
                    Condition::all()
                        .add(run::Column::TaskId.eq(task.id))
                        .add(run::Column::Number.eq(task.run_count)),
                )
            });
    if newest.is_empty() {
        return Ok(Vec::new());
    }
    Ok(run::Entity::find().filter(newest).all(db).await?)
}

fn condition(actor: &Actor, filter: &Filter) -> Result<Condition> {
    let mut all = Condition::all();
    let user = actor.user().ok_or(Error::Unauthenticated)?;
    if filter.shared {
        all = all.add(task::Column::SharedIn.eq(&user.shared_group));
    } else if !may(actor, Action::ReadTask, Target::Platform) {
        all = all.add(task::Column::UserId.eq(user.id));
    }
    if let Some(ids) = &filter.user_ids {
        all = all.add(task::Column::UserId.is_in(ids.iter().copied()));
    }
    if let Some(names) = &filter.names {
        all = all.add(task::Column::Name.is_in(names));
    }
    if let Some(text) = &filter.name_contains {
        all = all.add(contains(text));
    }
    if let Some(states) = &filter.states {
        let any = states
            .iter()
            .fold(Condition::any(), |any, state| any.add(in_state(*state)));
        // An empty list of states matches nothing; an empty "any" would match everything.
        all = all.add(if states.is_empty() {
            Condition::all().add(Expr::value(false))
        } else {
            any
        });
    }
    if let Some(groups) = &filter.groups {
        all = all.add(task::Column::GroupName.is_in(groups));
    }
    if let Some(tag) = &filter.tag {
        all = all.add(
            task::Column::Id.in_subquery(
                Query::select()
                    .column(task_tag::Column::TaskId)
                    .from(task_tag::Entity)
                    .and_where(task_tag::Column::Tag.eq(tag))
                    .take(),
            ),
        );
    }
    if let Some(time) = filter.created_after {
        all = all.add(task::Column::CreatedAt.gte(time));
    }
    if let Some(time) = filter.created_before {
        all = all.add(task::Column::CreatedAt.lt(time));
    }
    Ok(all)
}

fn in_state(state: ShownState) -> Condition {
    let all = Condition::all();
    match state {
        ShownState::WaitingInit => all
            .add(task::Column::State.eq(State::Queued))
            .add(task::Column::RunCount.eq(0)),
        ShownState::Suspended => all
            .add(task::Column::State.eq(State::Queued))
            .add(task::Column::RunCount.gt(0)),
        ShownState::Running => all.add(task::Column::State.eq(State::Running)),
        ShownState::Finished => all.add(task::Column::State.eq(State::Finished)),
    }
}

/// Both sides in lower case, because `LIKE` ignores case on SQLite only.
fn contains(text: &str) -> Expr {
    let escaped = text
        .replace('\\', "\\\\")
        .replace('%', "\\%")
        .replace('_', "\\_");
    let name = Expr::col((task::Entity, task::Column::Name));
    let pattern = Expr::expr(Func::lower(Expr::val(format!("%{escaped}%"))));
    let pattern = pattern.binary(BinOper::Escape, Expr::Constant('\\'.into()));
    Expr::expr(Func::lower(name)).binary(BinOper::Like, pattern)
}
