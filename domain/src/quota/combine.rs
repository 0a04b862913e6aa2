//! How much a user may have of everything but nodes.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use entity::resource_quota::{self, Column};
use entity::{UserId, user};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};

use super::named::dev_containers;
use super::{DevContainers, Resource, ResourceQuota};
use crate::error::{Error, Result};
use crate::user::groups_of_all;

/// How much of a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Amount {
    /// A number of things, or whether it is allowed at all.
    Count(i64),
    /// Dev containers.
    Dev(DevContainers),
}

/// How much a user may have of everything for which there is a row; nothing of the rest.
///
/// # Errors
/// [`Error::NotFound`] if there is no such user.
pub async fn amounts(
    db: &impl ConnectionTrait,
    now: DateTime<Utc>,
    id: UserId,
) -> Result<BTreeMap<Resource, Amount>> {
    let user = user::Entity::find_by_id(id).one(db).await?;
    let user = user.ok_or_else(|| Error::not_found("user", id))?;
    let mut groups = groups_of_all(db, &[id]).await?;
    let groups = groups.remove(&id).unwrap_or_default();
    let owners = groups.iter().chain([&user.name]);
    let rows = resource_quota::Entity::find()
        .filter(Column::Owner.is_in(owners))
        .all(db)
        .await?;
    Ok(combine(&user.name, &rows, now))
}

/// Rows that have expired do not count. The user's own row wins, even if it is lower; else the largest does.
fn combine(user: &str, rows: &[ResourceQuota], now: DateTime<Utc>) -> BTreeMap<Resource, Amount> {
    let mut amounts: BTreeMap<Resource, (bool, Amount)> = BTreeMap::new();
    for row in rows {
        let (Ok(resource), false) = (
            row.resource.parse(),
            row.expires_at.is_some_and(|end| end <= now),
        ) else {
            continue;
        };
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
    amounts.map(|(name, (_, amount))| (name, amount)).collect()
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
            let amounts = combine("ada", &rows, NOW);
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
        assert_eq!(
            Vec::from_iter(combine("ada", &rows, NOW).into_values()),
            [Amount::Dev(expected)]
        );
    }
}
