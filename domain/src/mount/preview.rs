//! What users and tasks mount here, and why: the rules, and what the runtime makes of them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use entity::{UserId, task};
use sea_orm::{ConnectionTrait, EntityTrait};

use super::query::{facts_of, facts_of_task, rules};
use super::{Kind, Mount, Resolution, ResolvedMount, Rule, Source, UserFacts, resolve};
use crate::app::App;
use crate::auth::{Action, Actor, Target, may};
use crate::error::{Error, Result};
use crate::runtime::Visibility;
use crate::task::TaskId;
use crate::user::find_by_name;

/// What a user or a task mounts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preview {
    /// By the rules.
    pub resolution: Resolution,
    /// What the runtime makes of each mount, in their order.
    pub visibility: Vec<Visibility>,
}

/// What a user mounts without a task.
///
/// # Errors
/// [`Error::NotFound`] if there is no such user, or the actor is neither he nor somebody who inspects.
pub async fn of_user(app: &App, actor: &Actor, name: &str) -> Result<Preview> {
    let user = find_by_name(app.reader(), name)
        .await?
        .filter(|user| may(actor, Action::ReadMounts, Target::Of(user.id)))
        .ok_or_else(|| Error::not_found("user", name))?;
    preview(app, user.id, None).await
}

/// What a task mounts, by the rules as they are now.
///
/// # Errors
/// [`Error::NotFound`] if there is none, or the actor is neither its owner nor somebody who inspects.
pub async fn of_task(app: &App, actor: &Actor, id: TaskId) -> Result<Preview> {
    let task = task::Entity::find_by_id(id)
        .one(app.reader())
        .await?
        .filter(|task| may(actor, Action::ReadMounts, Target::Of(task.user_id)))
        .ok_or_else(|| Error::not_found("task", id))?;
    preview(app, task.user_id, Some(&task)).await
}

/// What the ranks of a task mount, by the rules as they are now.
///
/// # Errors
/// If the database is away.
pub(crate) async fn mounts_of(app: &App, task: &task::Model) -> Result<Vec<ResolvedMount>> {
    Ok(resolved(app, task.user_id, Some(task)).await?.mounts)
}

async fn resolved(app: &App, id: UserId, task: Option<&task::Model>) -> Result<Resolution> {
    let mut users = facts_of(app.reader(), &[id]).await?;
    let (_, user) = users.pop().ok_or_else(|| Error::not_found("user", id))?;
    let rules = with_configured(app, &user, rules(app.reader()).await?);
    let task = task.map(facts_of_task).transpose()?;
    Ok(resolve(&rules, &user, task.as_ref()))
}

async fn preview(app: &App, id: UserId, task: Option<&task::Model>) -> Result<Preview> {
    let resolution = resolved(app, id, task).await?;
    let visibility = visibility(app, &resolution.mounts).await?;
    Ok(Preview {
        resolution,
        visibility,
    })
}

/// The directories that tasks of each of these users can reach, by path.
///
/// # Errors
/// If the database is away.
pub async fn visible_to(app: &App, ids: &[UserId]) -> Result<BTreeMap<UserId, Vec<Mount>>> {
    let rules = rules(app.reader()).await?;
    let mut visible = BTreeMap::new();
    for (id, user) in facts_of(app.reader(), ids).await? {
        visible.insert(id, of_rules(app, &user, rules.clone(), None).await?);
    }
    Ok(visible)
}

/// The directories that a user's tasks can reach, or only those in which a path lies.
pub(crate) async fn visible(
    db: &impl ConnectionTrait,
    app: &App,
    id: UserId,
    at: Option<&Path>,
) -> Result<Vec<Mount>> {
    let mut users = facts_of(db, &[id]).await?;
    let (_, user) = users.pop().ok_or_else(|| Error::not_found("user", id))?;
    of_rules(app, &user, rules(db).await?, at).await
}

/// The directories that a user can reach, or only those in which a path lies.
async fn of_rules(
    app: &App,
    user: &UserFacts,
    rules: Vec<Rule>,
    at: Option<&Path>,
) -> Result<Vec<Mount>> {
    let rules = with_configured(app, user, rules);
    let mut mounts = resolve(&rules, user, None).mounts;
    mounts.retain(|mount| at.is_none_or(|path| path.starts_with(&mount.mount_path)));
    let visibility = visibility(app, &mounts).await?;
    let seen = mounts
        .into_iter()
        .zip(visibility)
        .filter(|(mount, it)| is_directory(mount.kind) && it.is_visible());
    Ok(seen
        .map(|(mount, _)| Mount {
            path: PathBuf::from(mount.mount_path),
            read_only: mount.read_only,
        })
        .collect())
}

/// The rules with those that the configuration has for the user.
fn with_configured(app: &App, user: &UserFacts, mut rules: Vec<Rule>) -> Vec<Rule> {
    rules.extend(app.mounts_of(&user.name).iter().map(Rule::configured));
    rules
}

fn is_directory(kind: Kind) -> bool {
    matches!(kind, Kind::Path | Kind::Directory | Kind::DirectoryOrCreate)
}

/// What the runtime makes of the mounts. What is configured was looked at when the platform started.
async fn visibility(app: &App, mounts: &[ResolvedMount]) -> Result<Vec<Visibility>> {
    let is_configured = |mount: &&ResolvedMount| mount.source == Source::Configured;
    let (known, asked): (Vec<_>, Vec<_>) = mounts.iter().partition(is_configured);
    if asked.is_empty() {
        return Ok(vec![Visibility::Visible; known.len()]);
    }
    let asked: Vec<ResolvedMount> = asked.into_iter().cloned().collect();
    let mut answers = app.runtime.visibility(&asked).await?.into_iter();
    let mut next = || answers.next().unwrap_or(Visibility::Unsupported);
    Ok(mounts
        .iter()
        .map(|mount| match mount.source {
            Source::Configured => Visibility::Visible,
            Source::Rule(_) => next(),
        })
        .collect())
}
