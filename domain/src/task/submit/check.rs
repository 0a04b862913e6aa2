//! What only the platform can check of a submit.

use std::path::Path;

use chrono::{DateTime, Utc};
use sea_orm::ConnectionTrait;

use super::Wish;
use super::known::{Known, group};
use crate::app::App;
use crate::error::{Error, Problem, Result};
use crate::mount;
use crate::node;

/// Live tasks a user may have (the original's limit).
const MOST_LIVE_TASKS: i64 = 10_000;

/// What was found out about a submit before its write.
pub(super) struct Checked {
    /// The environment that it gets, or what is wrong with it.
    pub(super) environment: Result<String>,
    /// How many tasks of its user are not finished.
    n_live: i64,
}

impl Checked {
    /// Whether there is room for it behind so many of its user in the same write.
    pub(super) fn has_room(&self, n_before: i64) -> Result<()> {
        let used = self.n_live + n_before;
        if used < MOST_LIVE_TASKS {
            return Ok(());
        }
        Err(Error::QuotaExceeded {
            what: "tasks that are not finished".to_owned(),
            used,
            limit: MOST_LIVE_TASKS,
        })
    }
}

/// Checks each, in the same order.
pub(super) async fn check(
    db: &impl ConnectionTrait,
    app: &App,
    wishes: &[&Wish],
    now: DateTime<Utc>,
) -> Result<Vec<Checked>> {
    let known = Known::of(db, app, wishes).await?;
    let mut checked = Vec::new();
    for wish in wishes {
        checked.push(Checked {
            environment: environment(db, app, wish, &known, now).await,
            n_live: known.n_live(wish.user.id),
        });
    }
    Ok(checked)
}

/// The environment of a wish with which nothing else is wrong either.
async fn environment(
    db: &impl ConnectionTrait,
    app: &App,
    wish: &Wish,
    known: &Known,
    now: DateTime<Utc>,
) -> Result<String> {
    let spec = &wish.input.spec;
    let mut problems = Vec::new();
    let mut wrong = |field: &str, reason: String| {
        problems.push(Problem {
            field: field.to_owned(),
            reason,
        });
    };
    let group = group(app, wish);
    if !known.has_group(group) {
        let groups = node::groups(db).await?.join(", ");
        let reason = format!("there is no group {group}: there is {groups}");
        wrong("resource.group", reason);
    }
    let environment = known.environment(wish, now);
    if let Err(refusal) = &environment {
        wrong("resource.image", refusal.to_string());
    }
    if let Some(paths) = out_of_reach(db, app, wish, known.has_mount_rules()).await? {
        wrong(
            "spec.workspace",
            format!(
                "{} is not in a directory that the nodes can read: move it under {}",
                spec.workspace(),
                paths.join(" or ")
            ),
        );
    }
    match environment {
        Ok(environment) if problems.is_empty() => Ok(environment),
        _ => Err(Error::Invalid(problems)),
    }
}

/// Where the workspace could be instead, if tasks of the user cannot reach it.
async fn out_of_reach(
    db: &impl ConnectionTrait,
    app: &App,
    wish: &Wish,
    has_rules: bool,
) -> Result<Option<Vec<String>>> {
    let (user, workspace) = (wish.user.id, Path::new(wish.input.spec.workspace()));
    let configured = app.mounts_of(&wish.user.name);
    let is_reached = if has_rules {
        let mounts = mount::visible(db, app, user, Some(workspace)).await?;
        !mounts.is_empty()
    } else {
        mount::covers(&configured, workspace)
    };
    if is_reached {
        return Ok(None);
    }
    let known = if has_rules {
        mount::visible(db, app, user, None).await?
    } else {
        configured
    };
    let paths = known.iter().map(|mount| mount.path.display().to_string());
    Ok(Some(paths.collect()))
}
