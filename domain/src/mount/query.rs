//! Looks rules up, and what they are held against.

use entity::{MountRuleId, UserId, mount_rule, user};
use sea_orm::sea_query::{Expr, ExprTrait, LikeExpr};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder,
    QuerySelect, Select,
};

use super::{MountRule, Rule, TaskFacts, UserFacts};
use crate::auth::{Action, Actor, Target, require};
use crate::error::{Error, Result};
use crate::task::{Task, TaskSpec};
use crate::user::groups_of_all;

/// Which rules; what is absent does not matter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only those with this user or group among their owners.
    pub owner: Option<String>,
    /// Only those with exactly this mount path.
    pub mount_path: Option<String>,
}

/// The rules behind one of them, by number.
///
/// # Errors
/// [`Error::Forbidden`] for all but administrators of mounts.
pub async fn list(
    db: &impl ConnectionTrait,
    actor: &Actor,
    filter: Filter,
    after: Option<MountRuleId>,
    limit: u64,
) -> Result<Vec<MountRule>> {
    require(actor, Action::ManageMounts, Target::Platform)?;
    let mut query = matching(filter).order_by_asc(mount_rule::Column::Id);
    if let Some(id) = after {
        query = query.filter(mount_rule::Column::Id.gt(id));
    }
    Ok(query.limit(limit).all(db).await?)
}

/// How many rules match.
///
/// # Errors
/// [`Error::Forbidden`] for all but administrators of mounts.
pub async fn count(db: &impl ConnectionTrait, actor: &Actor, filter: Filter) -> Result<u64> {
    require(actor, Action::ManageMounts, Target::Platform)?;
    Ok(matching(filter).count(db).await?)
}

fn matching(filter: Filter) -> Select<mount_rule::Entity> {
    let mut query = mount_rule::Entity::find();
    if let Some(owner) = filter.owner {
        // The databases have no common way to look into a list: its text is looked through.
        let quoted = serde_json::Value::String(owner).to_string();
        let pattern = quoted
            .replace('!', "!!")
            .replace('%', "!%")
            .replace('_', "!_");
        let text = Expr::col(mount_rule::Column::Owners).cast_as("text");
        query = query.filter(text.like(LikeExpr::new(format!("%{pattern}%")).escape('!')));
    }
    if let Some(path) = filter.mount_path {
        query = query.filter(mount_rule::Column::MountPath.eq(path));
    }
    query
}

/// All rules that count.
pub(super) async fn rules(db: &impl ConnectionTrait) -> Result<Vec<Rule>> {
    let rows = mount_rule::Entity::find()
        .filter(mount_rule::Column::Active.eq(true))
        .order_by_asc(mount_rule::Column::Id)
        .all(db)
        .await?;
    Ok(rows.into_iter().map(Rule::from).collect())
}

/// What rules are held against, for each of these users who exists.
pub(super) async fn facts_of(
    db: &impl ConnectionTrait,
    ids: &[UserId],
) -> Result<Vec<(UserId, UserFacts)>> {
    let mut groups = groups_of_all(db, ids).await?;
    let users = user::Entity::find()
        .filter(user::Column::Id.is_in(ids.iter().copied()))
        .all(db)
        .await?;
    let facts = users.into_iter().map(|user| {
        let groups = groups.remove(&user.id).unwrap_or_default();
        let facts = UserFacts {
            name: user.name,
            uid: user.uid,
            shared_group: user.shared_group,
            role: user.role,
            active: user.active,
            groups,
        };
        (user.id, facts)
    });
    Ok(facts.collect())
}

/// What rules are held against, for a task.
pub(super) fn facts_of_task(task: &Task) -> Result<TaskFacts> {
    let spec = TaskSpec::from_json(&task.spec).map_err(|error| {
        Error::Unsupported(format!("what was submitted can no longer be read: {error}"))
    })?;
    Ok(TaskFacts {
        id: task.id.0,
        name: task.name.clone(),
        group: task.group_name.clone(),
        nodes: task.node_count.into(),
        task_type: spec.task_type().as_str().to_owned(),
        backend: spec.image().to_owned(),
        workspace: spec.workspace().to_owned(),
        priority: task.priority.into(),
        whole_life_state: task.whole_life_state.into(),
    })
}
