//! Takes in what the runtime reports: new hosts, and which nodes are ready.

use std::collections::BTreeMap;

use entity::{host, node, occupancy};
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter,
};

use crate::error::Result;
use crate::events::Event;
use crate::runtime::NodeReport;
use crate::store::{Tx, exactly_one};

/// Writes what changed. A node that is no longer reported is not ready; it is never forgotten, because runs refer to it.
///
/// # Errors
/// If the database is away.
pub async fn sync(tx: &mut Tx, reports: &[NodeReport]) -> Result<()> {
    let known: BTreeMap<String, node::Model> = node::Entity::find()
        .all(tx.db())
        .await?
        .into_iter()
        .map(|node| (node.name.clone(), node))
        .collect();
    let hosts: BTreeMap<String, host::Model> = host::Entity::find()
        .all(tx.db())
        .await?
        .into_iter()
        .map(|host| (host.name.clone(), host))
        .collect();
    for report in reports {
        let status = if report.ready {
            node::Status::Ready
        } else {
            node::Status::NotReady
        };
        let host = host_of(report);
        if hosts.get(&host.name) != Some(&host) {
            write_host(tx, host).await?;
        }
        match known.get(&report.name) {
            None => insert(tx, &report.name, status).await?,
            Some(node) if node.status != status => set_status(tx, node, status).await?,
            Some(_) => {}
        }
    }
    for node in known.values() {
        let reported = reports.iter().any(|report| report.name == node.name);
        if !reported && node.status == node::Status::Ready {
            set_status(tx, node, node::Status::NotReady).await?;
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
