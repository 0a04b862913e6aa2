//! What must be known of submits before they are written. It is read beside the writers: whoever writes on SQLite keeps all
//! others waiting.
//!
//! Each statement is the same for one submit and for many, so that the database has it ready.

use std::collections::{BTreeSet, HashMap, HashSet};

use chrono::{DateTime, Utc};
use entity::UserId;
use sea_orm::{ConnectionTrait, DbBackend, FromQueryResult, Statement, Value};

use super::Wish;
use crate::app::App;
use crate::environment::{self, Grant, NoEnvironment};
use crate::error::Result;

/// What the database knows.
pub(super) struct Known {
    /// Those of the wished node groups that there are.
    groups: HashSet<String>,
    /// How many tasks of each user are not finished.
    live: HashMap<UserId, i64>,
    has_mount_rules: bool,
    environments: Vec<String>,
    grants: Vec<Grant>,
}

#[derive(FromQueryResult)]
struct Live {
    user_id: UserId,
    n_live: i64,
    has_mount_rules: bool,
}

#[derive(FromQueryResult)]
struct Group {
    name: String,
}

/// The node group that is meant.
pub(super) fn group<'a>(app: &'a App, wish: &'a Wish) -> &'a str {
    match wish.input.spec.group() {
        "default" => &app.settings.default_group,
        group => group,
    }
}

impl Known {
    /// What matters for any of the wishes.
    pub(super) async fn of(db: &impl ConnectionTrait, app: &App, wishes: &[&Wish]) -> Result<Self> {
        let backend = db.get_database_backend();
        let users: BTreeSet<_> = wishes.iter().map(|wish| wish.user.id.0).collect();
        let live = asking(backend, live(backend), users);
        let live = Live::find_by_statement(live).all(db).await?;
        let wished: BTreeSet<_> = wishes.iter().map(|wish| group(app, wish)).collect();
        let groups = asking(backend, groups(backend), wished);
        let groups = Group::find_by_statement(groups).all(db).await?;
        let owners: BTreeSet<_> = wishes.iter().flat_map(|wish| &wish.user.groups).collect();
        Ok(Self {
            groups: groups.into_iter().map(|group| group.name).collect(),
            has_mount_rules: live.iter().any(|user| user.has_mount_rules),
            live: live
                .into_iter()
                .map(|user| (user.user_id, user.n_live))
                .collect(),
            environments: environment::names(db).await?,
            grants: environment::grants(db, owners).await?,
        })
    }

    /// Whether there is a node group of this name.
    pub(super) fn has_group(&self, name: &str) -> bool {
        self.groups.contains(name)
    }

    /// How many tasks of a user are not finished.
    pub(super) fn n_live(&self, user: UserId) -> i64 {
        self.live.get(&user).copied().unwrap_or(0)
    }

    /// Whether there is any rule for mounts.
    pub(super) fn has_mount_rules(&self) -> bool {
        self.has_mount_rules
    }

    /// The environment that a wish is for.
    pub(super) fn environment(
        &self,
        wish: &Wish,
        now: DateTime<Utc>,
    ) -> std::result::Result<String, NoEnvironment> {
        let of_user = |grant: &&Grant| wish.user.groups.contains(&grant.owner);
        let grants: Vec<_> = self.grants.iter().filter(of_user).cloned().collect();
        let granted = environment::granted(&grants, &wish.user.name, now);
        let granted = granted.into_iter().map(|(name, _)| name);
        let granted: Vec<_> = granted
            .filter(|name| self.environments.contains(name))
            .collect();
        environment::choose(wish.input.spec.image(), &granted)
    }
}

fn asking<T: Into<serde_json::Value>>(
    backend: DbBackend,
    sql: &str,
    about: impl IntoIterator<Item = T>,
) -> Statement {
    let about: serde_json::Value = about.into_iter().map(Into::into).collect();
    Statement::from_sql_and_values(backend, sql, [Value::from(about)])
}

/// The condition is as the index of live names has it: with a parameter instead, all tasks that the user ever had would be
/// read.
fn live(backend: DbBackend) -> &'static str {
    match backend {
        DbBackend::Postgres => {
            "SELECT asked.id::bigint AS user_id,
                    (SELECT count(*) FROM task WHERE user_id = asked.id::bigint AND state <> 'FINISHED') AS n_live,
                    EXISTS (SELECT 1 FROM mount_rule WHERE active) AS has_mount_rules
             FROM jsonb_array_elements_text($1) AS asked (id)"
        }
        _ => {
            "SELECT asked.value AS user_id,
                    (SELECT count(*) FROM task WHERE user_id = asked.value AND state <> 'FINISHED') AS n_live,
                    EXISTS (SELECT 1 FROM mount_rule WHERE active) AS has_mount_rules
             FROM json_each(?) AS asked"
        }
    }
}

fn groups(backend: DbBackend) -> &'static str {
    match backend {
        DbBackend::Postgres => {
            "SELECT asked.name FROM jsonb_array_elements_text($1) AS asked (name)
             WHERE EXISTS (SELECT 1 FROM host WHERE group_name = asked.name AND removed_at IS NULL)"
        }
        _ => {
            "SELECT asked.value AS name FROM json_each(?) AS asked
             WHERE EXISTS (SELECT 1 FROM host WHERE group_name = asked.value AND removed_at IS NULL)"
        }
    }
}
