//! The user behind the token: quota and mounts.

use comfy_table::{Cell, Color, Row};

use super::frame::table;
use crate::{
    operations::{Mount, QuotaUsage, User, UserRole},
    output::Look,
};

/// The user behind the token.
pub(crate) fn user(user: &User, address: &str, ascii: bool, look: Look) -> String {
    let role = match &user.role {
        UserRole::Internal => "internal".to_owned(),
        UserRole::External => "external".to_owned(),
        UserRole::Other(role) => role.to_lowercase(),
    };
    let mut text = format!("{} (uid {}, {role}) at {address}\n", user.name, user.uid);
    if !user.active {
        text += "This account is not active: its tasks do not start.\n";
    }
    if !user.groups.is_empty() {
        text += &format!("groups: {}\n", user.groups.join(", "));
    }
    text += "\n";
    text += &quota_table(user.quotas.as_deref().unwrap_or_default(), ascii, look);
    text += "\n";
    text += &mount_table(user.mounts.as_deref().unwrap_or_default(), look);
    text
}

fn quota_table(quotas: &[QuotaUsage], ascii: bool, look: Look) -> String {
    if quotas.is_empty() {
        return "no quota: ask an administrator for nodes\n".to_owned();
    }
    // The most used groups first; inside one the order of the platform.
    let mut sorted: Vec<&QuotaUsage> = quotas.iter().collect();
    let used_by = |group: &str| -> i32 {
        let of_group = quotas.iter().filter(|quota| quota.group == group);
        of_group.map(|quota| quota.used).sum()
    };
    sorted.sort_by(|a, b| {
        let by_use = used_by(&b.group).cmp(&used_by(&a.group));
        by_use.then_with(|| a.group.cmp(&b.group))
    });
    let rows = sorted.into_iter().map(|quota| {
        let is_full = quota.used >= quota.limit;
        let colour = if is_full { Color::Red } else { Color::Green };
        Row::from([
            Cell::new(&quota.group),
            Cell::new(&quota.priority),
            Cell::new(format!("{}/{}", quota.used, quota.limit)),
            Cell::new(bar(quota.used, quota.limit, ascii)).fg(colour),
        ])
    });
    table(["group", "priority", "nodes", ""], 0, rows, look)
}

fn mount_table(mounts: &[Mount], look: Look) -> String {
    if mounts.is_empty() {
        return "no directory is mounted\n".to_owned();
    }
    let rows = mounts.iter().map(|mount| {
        let access = match mount.read_only {
            true => "read only",
            false => "read and write",
        };
        Row::from([mount.path.as_str(), access])
    });
    table(["mounted directory", "access"], 0, rows, look)
}

/// A bar of twenty steps.
pub(super) fn bar(used: i32, limit: i32, ascii: bool) -> String {
    const STEPS: i64 = 20;
    let (full, empty) = if ascii { ("#", ".") } else { ("█", "░") };
    let limit = i64::from(limit.max(1));
    let filled = (i64::from(used) * STEPS / limit).clamp(0, STEPS);
    let repeat = |text: &str, times: i64| text.repeat(usize::try_from(times).unwrap_or(0));
    repeat(full, filled) + &repeat(empty, STEPS - filled)
}
