//! Removes a quota: then those of the owner's groups count again.

use sea_orm::ModelTrait;

use super::changes::{self, Change};
use super::named::{self, NamedQuota, SetNamed};
use super::owner::permit;
use super::{Resource, set};
use crate::auth::Actor;
use crate::error::{Error, Result};
use crate::events::Event;
use crate::store::Tx;

/// Removes the quota of an owner, and gives what it was.
///
/// # Errors
/// [`Error::NotFound`] if there is none, [`Error::Forbidden`] if the actor may not.
pub async fn remove(
    tx: &mut Tx,
    actor: &Actor,
    owner: &str,
    resource: Resource,
) -> Result<NamedQuota> {
    permit(tx.db(), actor, owner).await?;
    let name = resource.to_string();
    let missing = || Error::not_found("quota", format!("{name} of {owner}"));
    let input = SetNamed {
        owner: owner.to_owned(),
        resource: resource.clone(),
        amount: 0,
        memory_gib: None,
        cpus: None,
        expires_at: None,
    };
    let (removed, before) = match named::of_nodes(&input)? {
        Some(nodes) => {
            let row = set::one(&nodes).one(tx.db()).await?;
            let row = row.ok_or_else(missing)?;
            row.clone().delete(tx.db()).await?;
            let before = i64::from(row.nodes);
            (NamedQuota::of_nodes(row)?, before)
        }
        None => {
            let row = named::find(tx.db(), owner, &name).await?;
            let row = row.ok_or_else(missing)?;
            row.clone().delete(tx.db()).await?;
            let before = named::shown(&row);
            (row.into(), before)
        }
    };
    tx.wake(Event::Quotas);
    let change = Change {
        owner: owner.to_owned(),
        resource,
        before: Some(before),
        after: None,
        expires_at: None,
    };
    changes::note(tx, actor, change).await?;
    Ok(removed)
}
