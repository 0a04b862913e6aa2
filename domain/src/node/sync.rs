//! Takes in what the runtime reports: new hosts, and which nodes are ready.

use std::collections::{BTreeMap, BTreeSet};

use entity::node_state::State;
use entity::{Words, host, node, occupancy};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ActiveValue::Unchanged, ColumnTrait, ConnectionTrait,
    EntityTrait, IntoActiveModel, QueryFilter,
};

use super::history::{Cause, keep};
use super::path::last_part;
use crate::error::Result;
use crate::events::Event;
use crate::runtime::NodeReport;
use crate::store::{Tx, exactly_one};

/// Why a node is not ready of which the runtime says so.
const OUT_OF_ORDER: &str = "the runtime can start nothing on it";
/// Why a node is not ready of which the runtime says nothing.
const SILENT: &str = "the runtime no longer reports it";

/// Something that the rows do not say yet.
#[derive(Debug)]
pub(crate) enum Change {
    /// A host is new.
    NewHost(host::Model),
    /// A known host was changed: how it is to be.
    Host(host::Model),
    /// A node is reported for the first time.
    New(String, node::Status),
    /// A known node has this status now, and why.
    Status(node::Model, node::Status, Option<&'static str>),
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
        match hosts.get(&*report.name) {
            None => changes.push(Change::NewHost(host_of(report))),
            Some(known) => {
                let host = merged(report, known);
                if host != **known {
                    changes.push(Change::Host(host));
                }
            }
        }
        match known.get(&*report.name) {
            None => changes.push(Change::New(report.name.clone(), status)),
            Some(node) if node.status != status => {
                let why = (!report.ready).then_some(OUT_OF_ORDER);
                changes.push(Change::Status((*node).clone(), status, why));
            }
            Some(_) => {}
        }
    }
    let reported: BTreeSet<&str> = reports.iter().map(|report| &*report.name).collect();
    let silent = nodes
        .iter()
        .filter(|node| node.status == node::Status::Ready && !reported.contains(&*node.name));
    changes.extend(
        silent.map(|node| Change::Status(node.clone(), node::Status::NotReady, Some(SILENT))),
    );
    Ok(changes)
}

/// Writes what is new.
///
/// # Errors
/// [`Error::Conflict`](crate::Error::Conflict) if somebody else has written it meanwhile.
pub(crate) async fn sync(tx: &mut Tx, changes: Vec<Change>) -> Result<()> {
    for change in changes {
        match change {
            Change::NewHost(host) => add_host(tx, host).await?,
            Change::Host(host) => drop(update_host(tx, host).await?),
            Change::New(name, status) => insert(tx, &name, status).await?,
            Change::Status(node, status, why) => set_status(tx, &node, status, why).await?,
        }
    }
    Ok(())
}

/// The row that a report of an unknown host asks for.
fn host_of(report: &NodeReport) -> host::Model {
    host::Model {
        name: report.name.clone(),
        group_name: last_part(&report.group).to_owned(),
        zone: report.zone.clone(),
        cpus: i32::try_from(report.cpus).unwrap_or(i32::MAX),
        memory_bytes: i64::try_from(report.memory_bytes).unwrap_or(i64::MAX),
        gpus: i32::try_from(report.gpus).unwrap_or(i32::MAX),
        kind: super::KIND.to_owned(),
        purpose: super::PURPOSE.to_owned(),
        group_path: Some(report.group.clone()),
        room: None,
        flags: Words::default(),
        spine: None,
        leaf: None,
        pinned: Words::default(),
        disabled_at: None,
        disabled_by: None,
        disabled_why: None,
        removed_at: None,
        version: 0,
    }
}

/// What becomes of a known host by a report. What an administrator has set stays. A host that was removed and can be used
/// again is there again.
fn merged(report: &NodeReport, known: &host::Model) -> host::Model {
    let reported = host_of(report);
    let mut host = known.clone();
    (host.cpus, host.memory_bytes) = (reported.cpus, reported.memory_bytes);
    let is_pinned = |fact: &str| known.pinned.0.iter().any(|it| it == fact);
    if !is_pinned(super::GROUP) {
        (host.group_name, host.group_path) = (reported.group_name, reported.group_path);
    }
    if !is_pinned(super::ZONE) {
        host.zone = reported.zone;
    }
    if !is_pinned(super::GPUS) {
        host.gpus = reported.gpus;
    }
    if report.ready {
        host.removed_at = None;
    }
    host
}

async fn add_host(tx: &mut Tx, host: host::Model) -> Result<()> {
    let row = host.into_active_model().reset_all();
    host::Entity::insert(row)
        .exec_without_returning(tx.db())
        .await?;
    tx.wake(Event::Nodes);
    Ok(())
}

/// Writes a host over the version that it was made from.
///
/// # Errors
/// [`Error::Conflict`](crate::Error::Conflict) if somebody else has written it meanwhile.
pub(super) async fn update_host(tx: &mut Tx, host: host::Model) -> Result<host::Model> {
    let read = host.version;
    let host = host::Model {
        version: read + 1,
        ..host
    };
    let mut row = host.clone().into_active_model().reset_all();
    row.name = Unchanged(host.name.clone());
    let result = host::Entity::update_many()
        .set(row)
        .filter(host::Column::Name.eq(&host.name))
        .filter(host::Column::Version.eq(read))
        .exec(tx.db())
        .await?;
    exactly_one(result.rows_affected, &format!("node {}", host.name))?;
    tx.wake(Event::Nodes);
    Ok(host)
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
    keep(tx, name, state_of(status), Cause::default()).await?;
    tx.wake(Event::Nodes);
    Ok(())
}

fn state_of(status: node::Status) -> State {
    match status {
        node::Status::Ready => State::Ready,
        node::Status::NotReady => State::NotReady,
    }
}

async fn set_status(
    tx: &mut Tx,
    node: &node::Model,
    status: node::Status,
    why: Option<&str>,
) -> Result<()> {
    let result = node::Entity::update_many()
        .col_expr(node::Column::Status, Expr::value(status))
        .col_expr(node::Column::StatusSince, Expr::value(tx.now()))
        .col_expr(node::Column::Version, Expr::value(node.version + 1))
        .filter(node::Column::Name.eq(&node.name))
        .filter(node::Column::Version.eq(node.version))
        .exec(tx.db())
        .await?;
    exactly_one(result.rows_affected, &format!("node {}", node.name))?;
    let cause = Cause { by: None, why };
    keep(tx, &node.name, state_of(status), cause).await?;
    tx.wake(Event::Nodes);
    Ok(())
}
