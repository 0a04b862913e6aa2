//! Lists nodes with their inventory and their holder.

use std::collections::BTreeMap;

use entity::{RunId, TaskId, host, node, occupancy, run};
use sea_orm::sea_query::{Expr, ExprTrait, LikeExpr, Query};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder,
    QuerySelect, Select,
};

use super::{Sight, Status};
use crate::app::App;
use crate::auth::Actor;
use crate::error::Result;

/// A node as people see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeView {
    /// Inventory.
    pub host: host::Model,
    /// What the runtime reports.
    pub status: Status,
    /// Whether the runtime has ever reported it.
    pub is_known: bool,
    /// The run that holds it.
    pub run_id: Option<RunId>,
}

impl NodeView {
    /// Where its group stands in the tree of groups, with dots.
    pub fn group_path(&self) -> &str {
        let host = &self.host;
        host.group_path.as_deref().unwrap_or(&host.group_name)
    }

    /// Whether new tasks may start on it, unless it has one.
    pub fn takes_tasks(&self) -> bool {
        self.status == Status::Ready && self.host.disabled_at.is_none()
    }

    /// Why it takes no tasks, in a sentence; absent if it does.
    pub fn reason(&self) -> Option<String> {
        let host = &self.host;
        if host.disabled_at.is_some() {
            return Some(match (&host.disabled_by, &host.disabled_why) {
                (Some(by), Some(why)) => format!("{by} has disabled it: {why}"),
                _ => "it is disabled".to_owned(),
            });
        }
        let reason = match self.status {
            Status::Ready => return None,
            Status::NotReady if self.is_known => {
                "it is out of order, or its machine does not answer"
            }
            Status::NotReady => "it is in the inventory, but the runtime has never reported it",
        };
        Some(reason.to_owned())
    }
}

/// Which nodes; an empty filter means all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only the one with this name.
    pub name: Option<String>,
    /// Only this group, and those below this path of groups.
    pub group: Option<String>,
    /// Only this zone.
    pub zone: Option<String>,
    /// Only those with this flag.
    pub flag: Option<String>,
    /// Only this status.
    pub status: Option<Status>,
    /// Only those that are disabled, or that are not.
    pub disabled: Option<bool>,
}

/// Nodes by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// By name, as the actor sees it.
    pub nodes: Vec<NodeView>,
    /// Whether there are more behind them.
    pub has_more: bool,
}

/// The hosts of the inventory.
pub(crate) fn hosts() -> Select<host::Entity> {
    host::Entity::find().filter(host::Column::RemovedAt.is_null())
}

/// A page of the nodes as an actor sees them, behind a name.
///
/// # Errors
/// If the database is away.
pub async fn page(
    app: &App,
    actor: &Actor,
    filter: &Filter,
    after: Option<&str>,
    limit: u64,
) -> Result<Page> {
    let (db, sight) = (app.reader(), Sight::of(app, actor));
    let mut nodes = if sight.is_masked() {
        // Masks have another order than names, and the database does not know them.
        let mut nodes = masked(app, sight, filter).await?;
        nodes.retain(|node| after.is_none_or(|after| *node.host.name > *after));
        nodes.sort_by(|one, other| one.host.name.cmp(&other.host.name));
        nodes
    } else {
        list(db, filter, after, Some(limit + 1)).await?
    };
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let has_more = nodes.len() > limit;
    nodes.truncate(limit);
    Ok(Page { nodes, has_more })
}

/// How many nodes match, as an actor sees them.
///
/// # Errors
/// If the database is away.
pub async fn count(app: &App, actor: &Actor, filter: &Filter) -> Result<u64> {
    let sight = Sight::of(app, actor);
    if sight.is_masked() {
        return Ok(masked(app, sight, filter).await?.len() as u64);
    }
    Ok(matching(filter).count(app.reader()).await?)
}

/// All nodes that match, for somebody who may not know their names. A flag that he does not see matches nothing.
async fn masked(app: &App, sight: Sight<'_>, filter: &Filter) -> Result<Vec<NodeView>> {
    if filter.flag.is_some() {
        return Ok(Vec::new());
    }
    let unnamed = Filter {
        name: None,
        ..filter.clone()
    };
    let nodes = list(app.reader(), &unnamed, None, None).await?.into_iter();
    let nodes = nodes.map(|node| sight.node(node));
    let is_meant = |node: &NodeView| filter.name.as_ref().is_none_or(|it| *it == node.host.name);
    Ok(nodes.filter(is_meant).collect())
}

/// Nodes by name, those after `after`, at most `limit`.
///
/// # Errors
/// If the database is away.
pub(crate) async fn list(
    db: &impl ConnectionTrait,
    filter: &Filter,
    after: Option<&str>,
    limit: Option<u64>,
) -> Result<Vec<NodeView>> {
    let mut query = matching(filter).order_by_asc(host::Column::Name);
    if let Some(after) = after {
        query = query.filter(host::Column::Name.gt(after));
    }
    let hosts = query.limit(limit).all(db).await?;
    views(db, hosts).await
}

/// Hosts with what the runtime reports of them.
pub(super) async fn views(
    db: &impl ConnectionTrait,
    hosts: Vec<host::Model>,
) -> Result<Vec<NodeView>> {
    let names: Vec<&str> = hosts.iter().map(|host| host.name.as_str()).collect();
    let statuses: BTreeMap<String, Status> = node::Entity::find()
        .filter(node::Column::Name.is_in(names.iter().copied()))
        .all(db)
        .await?
        .into_iter()
        .map(|row| (row.name, row.status))
        .collect();
    let mut holders: BTreeMap<String, Option<RunId>> = occupancy::Entity::find()
        .filter(occupancy::Column::NodeName.is_in(names))
        .all(db)
        .await?
        .into_iter()
        .map(|row| (row.node_name, row.run_id))
        .collect();
    let view = |host: host::Model| {
        let status = statuses.get(&host.name).copied();
        NodeView {
            // A host that the runtime has never reported takes no tasks.
            status: status.unwrap_or(Status::NotReady),
            is_known: status.is_some(),
            run_id: holders.remove(&host.name).flatten(),
            host,
        }
    };
    Ok(hosts.into_iter().map(view).collect())
}

fn matching(filter: &Filter) -> Select<host::Entity> {
    let mut query = hosts();
    if let Some(name) = &filter.name {
        query = query.filter(host::Column::Name.eq(name));
    }
    if let Some(group) = &filter.group {
        let below = LikeExpr::new(escaped(group) + ".%").escape('!');
        let is_meant = Condition::any()
            .add(host::Column::GroupName.eq(group))
            .add(host::Column::GroupPath.eq(group))
            .add(Expr::col(host::Column::GroupPath).like(below));
        query = query.filter(is_meant);
    }
    if let Some(zone) = &filter.zone {
        query = query.filter(host::Column::Zone.eq(zone));
    }
    if let Some(flag) = &filter.flag {
        // The databases have no common way to look into a list: its text is looked through.
        let quoted = serde_json::Value::from(flag.as_str()).to_string();
        let has_it = LikeExpr::new(format!("%{}%", escaped(&quoted))).escape('!');
        let flags = Expr::col(host::Column::Flags).cast_as("text");
        query = query.filter(flags.like(has_it));
    }
    if let Some(status) = filter.status {
        let ready = Query::select()
            .column(node::Column::Name)
            .from(node::Entity)
            .and_where(node::Column::Status.eq(Status::Ready))
            .take();
        query = query.filter(match status {
            Status::Ready => host::Column::Name.in_subquery(ready),
            Status::NotReady => host::Column::Name.not_in_subquery(ready),
        });
    }
    match filter.disabled {
        Some(true) => query.filter(host::Column::DisabledAt.is_not_null()),
        Some(false) => query.filter(host::Column::DisabledAt.is_null()),
        None => query,
    }
}

fn escaped(text: &str) -> String {
    text.replace('!', "!!")
        .replace('%', "!%")
        .replace('_', "!_")
}

/// The names of all node groups.
///
/// # Errors
/// If the database is away.
pub async fn groups(db: &impl ConnectionTrait) -> Result<Vec<String>> {
    Ok(hosts()
        .select_only()
        .column(host::Column::GroupName)
        .distinct()
        .order_by_asc(host::Column::GroupName)
        .into_tuple()
        .all(db)
        .await?)
}

/// The tasks of some runs.
///
/// # Errors
/// If the database is away.
pub async fn tasks_on(db: &impl ConnectionTrait, runs: &[RunId]) -> Result<Vec<(RunId, TaskId)>> {
    Ok(run::Entity::find()
        .select_only()
        .column(run::Column::Id)
        .column(run::Column::TaskId)
        .filter(run::Column::Id.is_in(runs.iter().copied()))
        .into_tuple()
        .all(db)
        .await?)
}
