//! Quotas: ledgers, changes, and what would be.

use chrono::{DateTime, Utc};
use comfy_table::Row;

use super::frame::{moment, table};
use crate::{
    operations::{Quota, QuotaChange, QuotaLedger, QuotaSimulation, ResourceAmount, ResourceQuota},
    output::Look,
};

/// Where the resources are in a table of changes.
const RESOURCE: usize = 3;

/// What a user holds and may hold.
pub(crate) fn quota_ledger(ledger: &QuotaLedger, look: Look) -> String {
    let nodes = ledger.quotas.iter().map(|quota| {
        let ceiling = quota.ceiling.map_or("-".to_owned(), |it| it.to_string());
        Row::from([
            quota.group.clone(),
            quota.priority.to_string(),
            quota.used.to_string(),
            quota.limit.to_string(),
            quota.available.to_string(),
            ceiling,
        ])
    });
    let mut text = match ledger.quotas.is_empty() {
        true => format!(
            "{} may hold no nodes: an administrator grants them\n",
            ledger.user
        ),
        false => {
            let header = ["group", "priority", "used", "limit", "available", "ceiling"];
            table(header, 0, nodes, look)
        }
    };
    if !ledger.resources.is_empty() {
        let others = ledger.resources.iter();
        let others = others.map(|other| Row::from([other.resource.clone(), amount(other)]));
        text += "\n";
        text += &table(["resource", "amount"], 0, others, look);
    }
    if let Some(end) = ledger.valid_until {
        text += &format!("\na part of it ends at {} UTC\n", moment(Some(end)));
    }
    text
}

fn amount(amount: &ResourceAmount) -> String {
    of_containers(amount.amount, amount.memory_gib, amount.cpus)
}

fn of_containers(amount: i64, memory_gib: Option<i32>, cpus: Option<i32>) -> String {
    match (memory_gib, cpus) {
        (Some(memory), Some(cpus)) => {
            format!("{amount} with {memory} GiB together, {cpus} CPUs each")
        }
        _ => amount.to_string(),
    }
}

fn until(end: Option<DateTime<Utc>>) -> String {
    end.map_or_else(String::new, |end| {
        format!(" until {} UTC", moment(Some(end)))
    })
}

/// A quota that was set, in a line.
pub(crate) fn quota_set(quota: &ResourceQuota) -> String {
    let ResourceQuota {
        owner, resource, ..
    } = quota;
    let amount = of_containers(quota.amount, quota.memory_gib, quota.cpus);
    format!(
        "{owner} has {resource} {amount}{}\n",
        until(quota.expires_at)
    )
}

/// A quota that was removed, in a line.
pub(crate) fn quota_removed(quota: &ResourceQuota) -> String {
    let ResourceQuota {
        owner, resource, ..
    } = quota;
    let amount = of_containers(quota.amount, quota.memory_gib, quota.cpus);
    format!("{owner} had {resource} {amount}; now those of the groups count\n")
}

/// A quota of nodes of one's own that was set, in a line.
pub(crate) fn own_quota_set(quota: &Quota) -> String {
    format!(
        "you may hold {} nodes of {} at {}{}\n",
        quota.nodes,
        quota.group,
        quota.priority,
        until(quota.expires_at)
    )
}

/// Changes, one a line.
pub(crate) fn quota_changes(changes: &[QuotaChange], look: Look) -> String {
    let or_none = |amount: Option<i64>| amount.map_or("-".to_owned(), |it| it.to_string());
    let rows = changes.iter().map(|change| {
        Row::from([
            moment(Some(change.at)),
            change.editor.clone(),
            change.owner.clone(),
            change.resource.clone(),
            or_none(change.before),
            or_none(change.after),
            moment(change.expires_at),
        ])
    });
    let header = [
        "at", "editor", "owner", "resource", "before", "after", "ends",
    ];
    table(header, RESOURCE, rows, look)
}

/// What would be different at once, a sentence a line.
pub(crate) fn quota_simulation(simulation: &QuotaSimulation) -> String {
    let mut text = String::new();
    for start in &simulation.starts {
        let nodes = start.nodes.join(", ");
        let (task, priority) = (start.task.inner(), &start.priority);
        text += &format!("task {task} would start at {priority} on {nodes}\n");
    }
    for one in &simulation.give_way {
        let (task, other) = (one.task.inner(), one.for_task.inner());
        text += &format!("task {task} would give way to task {other}\n");
    }
    let starts = |task: &cynic::Id| simulation.starts.iter().any(|start| start.task == *task);
    // Whoever starts waits no more.
    for wait in simulation.waits.iter().filter(|wait| !starts(&wait.task)) {
        let task = wait.task.inner();
        text += &match (&wait.before, &wait.after) {
            (_, Some(after)) => format!("task {task} would wait: {after}\n"),
            (Some(before), None) => format!("task {task} would no longer wait; now: {before}\n"),
            (None, None) => String::new(),
        };
    }
    if text.is_empty() {
        text += "nothing would be different at once\n";
    }
    text
}
