//! How much a user may have of everything but nodes.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use entity::UserId;
use entity::resource_quota::{self, Column};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};

use super::named::dev_containers;
use super::{DevContainers, Resource, ResourceQuota};
use crate::error::Result;

/// How much of a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Amount {
    /// A number of things, or whether it is allowed at all.
    Count(i64),
    /// Dev containers.
    Dev(DevContainers),
}

/// What a user may have of everything, and when a row behind it expires.
pub(super) type Amounts = (BTreeMap<Resource, Amount>, Option<DateTime<Utc>>);

/// How much some users may have of everything for which there is a row; nothing of the rest.
pub(super) async fn amounts_of(
    db: &impl ConnectionTrait,
    now: DateTime<Utc>,
    users: &BTreeMap<UserId, scheduler::User>,
) -> Result<BTreeMap<UserId, Amounts>> {
    let all: BTreeSet<&str> = users.values().flat_map(owners).collect();
    let rows = resource_quota::Entity::find()
        .filter(Column::Owner.is_in(all))
        .all(db)
        .await?;
    let of_user = |user: &scheduler::User| {
        let names: Vec<&str> = owners(user).collect();
        let rows = rows
            .iter()
            .filter(|row| names.contains(&row.owner.as_str()));
        combine(&user.name.0, rows, now)
    };
    let users = users.iter();
    Ok(users.map(|(id, user)| (*id, of_user(user))).collect())
}

/// Names of all whose rows count for a user.
fn owners(user: &scheduler::User) -> impl Iterator<Item = &str> {
    let groups = user.groups.iter().map(|group| group.0.as_str());
    groups.chain([user.name.0.as_str()])
}

/// Rows that have expired do not count. The user's own row wins, even if it is lower; else the largest does.
fn combine<'a>(
    user: &str,
    rows: impl IntoIterator<Item = &'a ResourceQuota>,
    now: DateTime<Utc>,
) -> Amounts {
    let mut amounts: BTreeMap<Resource, (bool, Amount)> = BTreeMap::new();
    let mut valid_until: Option<DateTime<Utc>> = None;
    for row in rows {
        let (Ok(resource), false) = (
            row.resource.parse(),
            row.expires_at.is_some_and(|end| end <= now),
        ) else {
            continue;
        };
        valid_until = valid_until.into_iter().chain(row.expires_at).min();
        let amount = match dev_containers(row.amount, row.memory_gib, row.cpus) {
            Some(three) => Amount::Dev(three),
            None => Amount::Count(row.amount),
        };
        // An own row is greater than any other.
        let candidate = (row.owner == user, amount);
        let best = amounts.entry(resource).or_insert(candidate);
        *best = candidate.max(*best);
    }
    let amounts = amounts.into_iter();
    let amounts = amounts.map(|(name, (_, amount))| (name, amount));
    (amounts.collect(), valid_until)
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use entity::ResourceQuotaId;

    use super::*;

    const NOW: DateTime<Utc> = DateTime::UNIX_EPOCH;

    fn row(owner: &str, resource: &str, amount: i64) -> ResourceQuota {
        ResourceQuota {
            id: ResourceQuotaId(1),
            owner: owner.to_owned(),
            resource: resource.to_owned(),
            amount,
            memory_gib: None,
            cpus: None,
            expires_at: None,
            version: 0,
        }
    }

    fn until(row: ResourceQuota, seconds: i64) -> ResourceQuota {
        ResourceQuota {
            expires_at: Some(NOW + TimeDelta::seconds(seconds)),
            ..row
        }
    }

    #[test]
    fn rows_combine_as_the_rules_say() {
        let port = |owner, amount| row(owner, "port", amount);
        let table = [
            (vec![], None),
            (vec![port("public", 2), port("lab", 6)], Some(6)),
            (vec![port("public", 8), port("ada", 2)], Some(2)),
            (vec![port("ada", 0), port("public", 8)], Some(0)),
            (vec![until(port("ada", 2), 0), port("public", 8)], Some(8)),
            (vec![until(port("ada", 2), 1), port("public", 8)], Some(2)),
            (vec![until(port("public", 8), 0)], None),
            (vec![row("ada", "prot", 8)], None),
        ];
        for (rows, expected) in table {
            let (amounts, _) = combine("ada", &rows, NOW);
            let expected = expected.map(Amount::Count);
            assert_eq!(amounts.get(&Resource::Port).copied(), expected, "{rows:?}");
        }
    }

    #[test]
    fn dev_containers_of_one_row_stay_together() {
        let dev = |owner, memory_gib, cpus, count| ResourceQuota {
            memory_gib: Some(memory_gib),
            cpus: Some(cpus),
            ..row(owner, "jupyter:dev", count)
        };
        let rows = [dev("public", 100, 64, 9), dev("lab", 200, 8, 1)];
        let expected = DevContainers {
            memory_gib: 200,
            cpus: 8,
            count: 1,
        };
        let (amounts, _) = combine("ada", &rows, NOW);
        assert_eq!(
            Vec::from_iter(amounts.into_values()),
            [Amount::Dev(expected)]
        );
    }

    #[test]
    fn what_is_told_holds_until_the_next_row_expires() {
        let port = row("ada", "port", 1);
        let rows = [
            until(port.clone(), 0),
            until(port.clone(), 9),
            until(port, 7),
        ];
        let (_, valid_until) = combine("ada", &rows, NOW);
        assert_eq!(valid_until, Some(NOW + TimeDelta::seconds(7)));
    }
}
