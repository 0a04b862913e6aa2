//! Takes in what the runtime reports: new hosts, and which nodes are ready.

use std::collections::{BTreeMap, BTreeSet};

use entity::{host, node, occupancy};
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel,
    QueryFilter,
};

use crate::error::Result;
use crate::events::Event;
use crate::runtime::NodeReport;
use crate::store::{Tx, exactly_one};

/// Something that the rows do not say yet.
#[derive(Debug)]
pub(crate) enum Change {
    /// A host is new, or was changed.
    Host(host::Model),
    /// A node is reported for the first time.
    New(String, node::Status),
    /// A known node has this status now.
    Status(node::Model, node::Status),
}

/// What is new in the reports. A node that is no longer reported is not ready; it is never forgotten, because runs refer to
/// it.
///
/// # Errors
/// If the database is away.
pub(crate) async fn compare(
    db: &impl ConnectionTrait,
    reports: &[NodeReport],
) -> Result<Vec<Change>> {
    let nodes = node::Entity::find().all(db).await?;
    let hosts = host::Entity::find().all(db).await?;
    let known: BTreeMap<&str, &node::Model> =
        nodes.iter().map(|node| (&*node.name, node)).collect();
    let hosts: BTreeMap<&str, &host::Model> =
        hosts.iter().map(|host| (&*host.name, host)).collect();
    let mut changes = Vec::new();
    for report in reports {
        let status = if report.ready {
            node::Status::Ready
        } else {
            node::Status::NotReady
        };
        let host = host_of(report);
        if hosts.get(&*host.name) != Some(&&host) {
            changes.push(Change::Host(host));
        }
        match known.get(&*report.name) {
            None => changes.push(Change::New(report.name.clone(), status)),
            Some(node) if node.status != status => {
                changes.push(Change::Status((*node).clone(), status));
            }
            Some(_) => {}
        }
    }
    let reported: BTreeSet<&str> = reports.iter().map(|report| &*report.name).collect();
    let silent = nodes
        .iter()
        .filter(|node| node.status == node::Status::Ready && !reported.contains(&*node.name));
    changes.extend(silent.map(|node| Change::Status(node.clone(), node::Status::NotReady)));
    Ok(changes)
}

/// Writes what is new.
///
/// # Errors
/// [`Error::Conflict`](crate::Error::Conflict) if somebody else has written it meanwhile.
pub(crate) async fn sync(tx: &mut Tx, changes: Vec<Change>) -> Result<()> {
    for change in changes {
        match change {
            Change::Host(host) => write_host(tx, host).await?,
            Change::New(name, status) => insert(tx, &name, status).await?,
            Change::Status(node, status) => set_status(tx, &node, status).await?,
        }
    }
    Ok(())
}

/// The row that a report asks for.
fn host_of(report: &NodeReport) -> host::Model {
    host::Model {
        name: report.name.clone(),
        group_name: report.group.clone(),
        zone: report.zone.clone(),
        cpus: i32::try_from(report.cpus).unwrap_or(i32::MAX),
        memory_bytes: i64::try_from(report.memory_bytes).unwrap_or(i64::MAX),
        gpus: i32::try_from(report.gpus).unwrap_or(i32::MAX),
    }
}

async fn write_host(tx: &mut Tx, host: host::Model) -> Result<()> {
    host::Entity::insert(host.into_active_model().reset_all())
        .on_conflict(
            OnConflict::column(host::Column::Name)
                .update_columns([
                    host::Column::GroupName,
                    host::Column::Zone,
                    host::Column::Cpus,
                    host::Column::MemoryBytes,
                    host::Column::Gpus,
                ])
                .to_owned(),
        )
        .exec_without_returning(tx.db())
        .await?;
    tx.wake(Event::Nodes);
    Ok(())
}

async fn insert(tx: &mut Tx, name: &str, status: node::Status) -> Result<()> {
    let row = node::ActiveModel {
        name: Set(name.to_owned()),
        status: Set(status),
        status_since: Set(tx.now()),
        version: Set(0),
    };
    node::Entity::insert(row)
        .exec_without_returning(tx.db())
        .await?;
    let holder = occupancy::ActiveModel {
        node_name: Set(name.to_owned()),
        mode: Set(occupancy::Mode::Free),
        run_id: Set(None),
        version: Set(0),
    };
    occupancy::Entity::insert(holder)
        .exec_without_returning(tx.db())
        .await?;
    tx.wake(Event::Nodes);
    Ok(())
}

async fn set_status(tx: &mut Tx, node: &node::Model, status: node::Status) -> Result<()> {
    let result = node::Entity::update_many()
        .col_expr(node::Column::Status, Expr::value(status))
        .col_expr(node::Column::StatusSince, Expr::value(tx.now()))
        .col_expr(node::Column::Version, Expr::value(node.version + 1))
        .filter(node::Column::Name.eq(&node.name))
        .filter(node::Column::Version.eq(node.version))
        .exec(tx.db())
        .await?;
    exactly_one(result.rows_affected, &format!("node {}", node.name))?;
    tx.wake(Event::Nodes);
    Ok(())
}
