//! Lists nodes with their inventory and their holder.

use std::collections::BTreeMap;

use entity::{RunId, TaskId, host, node, occupancy, run};
use sea_orm::sea_query::Query;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use super::Status;
use crate::error::Result;

/// A node as people see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeView {
    /// Inventory.
    pub host: host::Model,
    /// What the runtime reports.
    pub status: Status,
    /// The run that holds it.
    pub run_id: Option<RunId>,
}

/// Which nodes; an empty filter means all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only this group.
    pub group: Option<String>,
    /// Only this status.
    pub status: Option<Status>,
}

/// Nodes by name, those after `after`, at most `limit`.
///
/// # Errors
/// If the database is away.
pub async fn list(
    db: &impl ConnectionTrait,
    filter: &Filter,
    after: Option<&str>,
    limit: Option<u64>,
) -> Result<Vec<NodeView>> {
    let mut query = host::Entity::find().order_by_asc(host::Column::Name);
    if let Some(group) = &filter.group {
        query = query.filter(host::Column::GroupName.eq(group));
    }
    if let Some(status) = filter.status {
        let named = Query::select()
            .column(node::Column::Name)
            .from(node::Entity)
            .and_where(node::Column::Status.eq(status))
            .take();
        query = query.filter(host::Column::Name.in_subquery(named));
    }
    if let Some(after) = after {
        query = query.filter(host::Column::Name.gt(after));
    }
    let hosts = query.limit(limit).all(db).await?;
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
    Ok(hosts
        .into_iter()
        .map(|host| NodeView {
            // A host that the runtime has never reported takes no tasks.
            status: statuses
                .get(&host.name)
                .copied()
                .unwrap_or(Status::NotReady),
            run_id: holders.remove(&host.name).flatten(),
            host,
        })
        .collect())
}

/// The names of all node groups.
///
/// # Errors
/// If the database is away.
pub async fn groups(db: &impl ConnectionTrait) -> Result<Vec<String>> {
    Ok(host::Entity::find()
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
