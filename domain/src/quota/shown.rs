//! Shows the ledger of a user to whoever may see it.

use chrono::{DateTime, Utc};
use sea_orm::ConnectionTrait;

use super::list::Sight;
use super::{Filter, Ledger, Resource, ledger};
use crate::auth::Actor;
use crate::error::{Error, Result};
use crate::user::{User, find_by_name, get};

/// What a user holds and may hold, the actor if the filter names nobody; of a group alone if it names one, then dev
/// containers are all that is told beside nodes.
///
/// # Errors
/// [`Error::Forbidden`] if the actor may not see the quotas of that user, [`Error::NotFound`] if there is none.
pub async fn shown(
    db: &impl ConnectionTrait,
    now: DateTime<Utc>,
    actor: &Actor,
    filter: &Filter,
) -> Result<(User, Ledger)> {
    let user = match &filter.owner {
        Some(name) => {
            Sight::of(db, actor, Some(name)).await?;
            let found = find_by_name(db, name).await?;
            found.ok_or_else(|| Error::not_found("user", name))?
        }
        None => {
            let actor = actor.user();
            let actor =
                actor.ok_or_else(|| Error::Forbidden("this is for users only".to_owned()))?;
            get(db, actor.id).await?
        }
    };
    let mut ledger = ledger(db, now, user.id).await?;
    if let Some(group) = &filter.group {
        ledger.entries.retain(|entry| entry.group == *group);
        let dev = Resource::Jupyter(group.clone());
        ledger.amounts.retain(|resource, _| *resource == dev);
    }
    Ok((user, ledger))
}
