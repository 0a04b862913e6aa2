//! The cluster in a few numbers.

use std::collections::BTreeMap;

use entity::task;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter};

use super::{Filter, NodeView, Status, list};
use crate::error::Result;

/// The cluster in a few numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overview {
    /// By name.
    pub groups: Vec<GroupOverview>,
    /// Tasks that wait.
    pub queued_tasks: u64,
    /// Tasks with an open run.
    pub running_tasks: u64,
}

/// One node group in a few numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GroupOverview {
    /// Name of the group.
    pub name: String,
    /// All nodes.
    pub nodes: u32,
    /// Those that may take tasks.
    pub ready: u32,
    /// Those that are ready and held by nobody.
    pub free: u32,
    /// Those that are held by a run, ready or not.
    pub working: u32,
}

/// Counts.
///
/// # Errors
/// If the database is away.
pub async fn overview(db: &impl ConnectionTrait) -> Result<Overview> {
    let nodes = list(db, &Filter::default(), None, None).await?;
    let count = |state: task::State| {
        task::Entity::find()
            .filter(task::Column::State.eq(state))
            .count(db)
    };
    Ok(Overview {
        groups: by_group(&nodes),
        queued_tasks: count(task::State::Queued).await?,
        running_tasks: count(task::State::Running).await?,
    })
}

fn by_group(nodes: &[NodeView]) -> Vec<GroupOverview> {
    let mut groups: BTreeMap<&str, GroupOverview> = BTreeMap::new();
    for node in nodes {
        let group = groups.entry(&node.host.group_name).or_default();
        group.nodes += 1;
        group.ready += u32::from(node.status == Status::Ready);
        group.free += u32::from(node.status == Status::Ready && node.run_id.is_none());
        group.working += u32::from(node.run_id.is_some());
    }
    groups
        .into_iter()
        .map(|(name, group)| GroupOverview {
            name: name.to_owned(),
            ..group
        })
        .collect()
}
