//! What only the platform can check of a submit.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use chrono::{DateTime, Utc};
use entity::{host, mount_rule, task};
use sea_orm::sea_query::{Expr, Query, SelectStatement, UnionType};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, FromQueryResult, QueryFilter, QueryOrder,
    QuerySelect, QueryTrait, Select,
};

use super::Wish;
use crate::app::App;
use crate::environment::{self, Grant, NoEnvironment};
use crate::error::{Error, Problem, Result};
use crate::mount;
use crate::node;
use crate::store::Tx;

/// Live tasks a user may have (the original's limit).
const MOST_LIVE_TASKS: i64 = 10_000;

/// What the database knows about a submit.
#[derive(Debug, Clone, Copy, FromQueryResult)]
pub(super) struct Facts {
    has_group: bool,
    has_mount_rules: bool,
    n_live: i64,
    /// Which of those that differ.
    place: i64,
}

/// The node group that is meant.
pub(super) fn group<'a>(app: &'a App, wish: &'a Wish) -> &'a str {
    match wish.input.spec.group() {
        "default" => &app.settings.default_group,
        group => group,
    }
}

/// What must be known of each, in the same order: every submit waits for it. What is the same for many is asked once: to
/// count the live tasks of a user takes the longer, the more there are.
pub(super) async fn facts(tx: &Tx, app: &App, wishes: &[&Wish]) -> Result<Vec<Facts>> {
    let key = |wish: &Wish| (wish.user.id, group(app, wish).to_owned());
    let mut places = HashMap::new();
    let mut different = Vec::new();
    let places: Vec<usize> = wishes
        .iter()
        .map(|wish| {
            *places.entry(key(wish)).or_insert_with(|| {
                different.push(*wish);
                different.len() - 1
            })
        })
        .collect();
    let mut selects = (0..)
        .zip(different)
        .map(|(place, wish)| select(app, wish, place));
    let Some(mut all) = selects.next() else {
        return Ok(Vec::new());
    };
    for select in selects {
        all.union(UnionType::All, select);
    }
    let facts = Facts::find_by_statement(tx.db().get_database_backend().build(&all));
    let mut facts = facts.all(tx.db()).await?;
    facts.sort_by_key(|facts| facts.place);
    let of = |place: usize| facts.get(place).copied();
    let facts: Option<Vec<_>> = places.into_iter().map(of).collect();
    facts.ok_or_else(|| Error::internal("nothing is known of a submit"))
}

fn select(app: &App, wish: &Wish, place: i64) -> SelectStatement {
    let group = node::hosts().filter(host::Column::GroupName.eq(group(app, wish)));
    let rules = mount_rule::Entity::find().filter(mount_rule::Column::Active.eq(true));
    let live = task::Entity::find()
        .select_only()
        .column_as(task::Column::Id.count(), "n")
        .filter(task::Column::UserId.eq(wish.user.id))
        // As the index of live names has it: with a parameter instead, all tasks that the user ever had would be read.
        .filter(Expr::cust("state <> 'FINISHED'"));
    Query::select()
        .expr_as(Expr::exists(group.into_query()), "has_group")
        .expr_as(Expr::exists(rules.into_query()), "has_mount_rules")
        .expr_as(
            Expr::SubQuery(None, Box::new(live.into_query().into())),
            "n_live",
        )
        .expr_as(Expr::val(place), "place")
        .take()
}

/// The environments that there are, and who may use them.
pub(super) struct Environments {
    names: Vec<String>,
    grants: Vec<Grant>,
}

impl Environments {
    /// Those that matter for any of the wishes.
    pub(super) async fn of(tx: &Tx, wishes: &[&Wish]) -> Result<Self> {
        let owners: HashSet<_> = wishes.iter().flat_map(|wish| &wish.user.groups).collect();
        Ok(Self {
            names: environment::names(tx.db()).await?,
            grants: environment::grants(tx.db(), owners).await?,
        })
    }

    /// The one that a wish is for.
    fn choose(
        &self,
        wish: &Wish,
        now: DateTime<Utc>,
    ) -> std::result::Result<String, NoEnvironment> {
        let of_user = |grant: &&Grant| wish.user.groups.contains(&grant.owner);
        let grants: Vec<_> = self.grants.iter().filter(of_user).cloned().collect();
        let granted = environment::granted(&grants, &wish.user.name, now);
        let granted = granted.into_iter().map(|(name, _)| name);
        let granted: Vec<_> = granted.filter(|name| self.names.contains(name)).collect();
        let image = wish.input.spec.image();
        let exists = self.names.iter().any(|name| name == image);
        environment::choose(image, &granted, exists)
    }
}

/// Whether it may be stored, with so many of its user before it in the same write. Answers the environment that it gets.
pub(super) async fn check(
    tx: &Tx,
    app: &App,
    wish: &Wish,
    facts: &Facts,
    environments: &Environments,
    n_before: i64,
) -> Result<String> {
    let spec = &wish.input.spec;
    let mut problems = Vec::new();
    let mut wrong = |field: &str, reason: String| {
        problems.push(Problem {
            field: field.to_owned(),
            reason,
        });
    };
    if !facts.has_group {
        let group = group(app, wish);
        let known = names(tx, node::hosts(), host::Column::GroupName).await?;
        wrong(
            "resource.group",
            format!("there is no group {group}: there is {known}"),
        );
    }
    let environment = environments.choose(wish, tx.now());
    if let Err(refusal) = &environment {
        wrong("resource.image", refusal.to_string());
    }
    if let Some(known) = out_of_reach(tx, app, wish, facts.has_mount_rules).await? {
        wrong(
            "spec.workspace",
            format!(
                "{} is not in a directory that the nodes can read: move it under {}",
                spec.workspace(),
                known.join(" or ")
            ),
        );
    }
    let environment = match environment {
        Ok(environment) if problems.is_empty() => environment,
        _ => return Err(Error::Invalid(problems)),
    };
    let n_live = facts.n_live + n_before;
    if n_live >= MOST_LIVE_TASKS {
        return Err(Error::QuotaExceeded {
            what: "tasks that are not finished".to_owned(),
            used: n_live,
            limit: MOST_LIVE_TASKS,
        });
    }
    Ok(environment)
}

/// Where the workspace could be instead, if tasks of the user cannot reach it.
async fn out_of_reach(
    tx: &Tx,
    app: &App,
    wish: &Wish,
    has_rules: bool,
) -> Result<Option<Vec<String>>> {
    let (user, workspace) = (wish.user.id, Path::new(wish.input.spec.workspace()));
    let configured = app.mounts_of(&wish.user.name);
    let is_reached = if has_rules {
        let mounts = mount::visible(tx.db(), app, user, Some(workspace)).await?;
        !mounts.is_empty()
    } else {
        mount::covers(&configured, workspace)
    };
    if is_reached {
        return Ok(None);
    }
    let known = if has_rules {
        mount::visible(tx.db(), app, user, None).await?
    } else {
        configured
    };
    let paths = known.iter().map(|mount| mount.path.display().to_string());
    Ok(Some(paths.collect()))
}

/// The names in a column, each once, as a list for people.
async fn names<E: EntityTrait>(tx: &Tx, rows: Select<E>, column: E::Column) -> Result<String> {
    let names: Vec<String> = rows
        .select_only()
        .column(column)
        .distinct()
        .order_by_asc(column)
        .into_tuple()
        .all(tx.db())
        .await?;
    Ok(names.join(", "))
}
