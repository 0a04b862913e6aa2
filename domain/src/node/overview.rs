//! The cluster in a few numbers.

use std::collections::BTreeMap;

use entity::task;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter};

use super::path::{above, last_part};
use super::query::list;
use super::{Filter, NodeView};
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
    /// Its nodes.
    pub numbers: Numbers,
}

/// One level of the tree of groups: a group, or what groups have in common, with all below it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Level {
    /// With dots.
    pub path: String,
    /// The last part of the path.
    pub name: String,
    /// The path of the level above.
    pub above: Option<String>,
    /// Whether there are nodes in just this group, so that tasks may be submitted to it.
    pub is_group: bool,
    /// All nodes here and below.
    pub numbers: Numbers,
}

/// Nodes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Numbers {
    /// All.
    pub nodes: u32,
    /// Those that may take tasks: ready and not disabled.
    pub ready: u32,
    /// Those of them that are held by nobody.
    pub free: u32,
    /// Those that are held by a run, ready or not.
    pub working: u32,
    /// Those that are disabled.
    pub disabled: u32,
}

impl Numbers {
    fn add(&mut self, node: &NodeView) {
        self.nodes += 1;
        self.ready += u32::from(node.takes_tasks());
        self.free += u32::from(node.takes_tasks() && node.run_id.is_none());
        self.working += u32::from(node.run_id.is_some());
        self.disabled += u32::from(node.host.disabled_at.is_some());
    }
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

/// The tree of groups: each level behind the one above it.
///
/// # Errors
/// If the database is away.
pub async fn tree(db: &impl ConnectionTrait) -> Result<Vec<Level>> {
    let nodes = list(db, &Filter::default(), None, None).await?;
    Ok(levels(&nodes))
}

fn by_group(nodes: &[NodeView]) -> Vec<GroupOverview> {
    let mut groups: BTreeMap<&str, Numbers> = BTreeMap::new();
    for node in nodes {
        groups.entry(&node.host.group_name).or_default().add(node);
    }
    let groups = groups.into_iter();
    let overview = |(name, numbers): (&str, _)| GroupOverview {
        name: name.to_owned(),
        numbers,
    };
    groups.map(overview).collect()
}

fn levels(nodes: &[NodeView]) -> Vec<Level> {
    // By the parts of paths: a dot comes behind some characters of names, and a level must not come between the one above
    // it and its siblings.
    let mut levels: BTreeMap<Vec<&str>, (bool, Numbers)> = BTreeMap::new();
    for node in nodes {
        let parts: Vec<&str> = node.group_path().split('.').collect();
        for depth in 1..=parts.len() {
            let level = levels.entry(parts[..depth].to_vec()).or_default();
            level.0 |= depth == parts.len();
            level.1.add(node);
        }
    }
    let levels = levels.into_iter();
    let level = |(parts, (is_group, numbers)): (Vec<&str>, _)| {
        let path = parts.join(".");
        Level {
            name: last_part(&path).to_owned(),
            above: above(&path).map(str::to_owned),
            path,
            is_group,
            numbers,
        }
    };
    levels.map(level).collect()
}
