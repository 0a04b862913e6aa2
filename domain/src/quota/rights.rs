//! What the containers of a user may do that others may not.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use entity::UserId;
use sea_orm::ConnectionTrait;

use super::combine::amounts_of;
use super::{Amount, Resource, planner_users};
use crate::error::Result;
use crate::runtime::Rights;

/// What the quotas of a user, and of the user's groups, give.
pub(crate) async fn rights_of(
    db: &impl ConnectionTrait,
    now: DateTime<Utc>,
    id: UserId,
) -> Result<Rights> {
    let users = planner_users(db, &[id]).await?;
    let mut amounts = amounts_of(db, now, &users).await?;
    let (amounts, _) = amounts.remove(&id).unwrap_or_default();
    Ok(rights(&amounts))
}

/// An amount of at least 1 gives a right.
fn rights(amounts: &BTreeMap<Resource, Amount>) -> Rights {
    let mut rights = Rights::default();
    let is_given = |amount: &Amount| matches!(amount, Amount::Count(count) if *count >= 1);
    for (resource, _) in amounts.iter().filter(|(_, amount)| is_given(amount)) {
        match resource {
            Resource::Capability(name) => rights.capabilities.push(name.clone()),
            Resource::Privileged => rights.privileged = true,
            Resource::HostNetwork => rights.host_network = true,
            Resource::HostIpc => rights.host_ipc = true,
            Resource::HostPid => rights.host_pid = true,
            _ => {}
        }
    }
    rights
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quota_of_one_gives_a_right_and_one_of_none_takes_it() {
        let amounts = BTreeMap::from([
            (
                Resource::Capability("IPC_LOCK".to_owned()),
                Amount::Count(1),
            ),
            (
                Resource::Capability("SYS_ADMIN".to_owned()),
                Amount::Count(0),
            ),
            (Resource::HostNetwork, Amount::Count(2)),
            (Resource::Privileged, Amount::Count(0)),
            (Resource::Port, Amount::Count(3)),
        ]);
        let expected = Rights {
            capabilities: vec!["IPC_LOCK".to_owned()],
            host_network: true,
            ..Rights::default()
        };
        assert_eq!(rights(&amounts), expected);
    }
}
