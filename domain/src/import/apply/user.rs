//! A user with the token that he has.

use super::super::plan::NewUser;
use super::{Done, Remarks};
use crate::auth::{holder, keep};
use crate::error::{Error, Result};
use crate::store::Tx;
use crate::user::{self, find_by_name, find_by_uid};

/// A shorter token can be guessed by whoever has its hash.
const SHORTEST_TOKEN_CHARS: usize = 20;

/// What the token is called.
const NAME: &str = "imported";

pub(super) async fn write(tx: &mut Tx, new: NewUser, remarks: &mut Remarks<'_>) -> Result<Done> {
    let name = new.user.name.clone();
    let owner = match &new.token {
        Some(token) => holder(tx.db(), token).await?,
        None => None,
    };
    if let Some(user) = find_by_name(tx.db(), &name).await? {
        if owner != Some(user.id) {
            remarks.add(format!(
                "the user {name} was there already and stays as he is: he has not got the token of the file"
            ));
        }
        return Ok(Done::There);
    }
    if let Some(uid) = new.user.uid
        && let Some(other) = find_by_uid(tx.db(), uid).await?
    {
        let reason = format!(
            "{name} cannot have the uid {uid}, it is that of {}",
            other.name
        );
        return Err(Error::Conflict(reason));
    }
    if owner.is_some() {
        let reason = format!("{name} cannot have his token, it is that of somebody else");
        return Err(Error::Conflict(reason));
    }
    let user = user::add(tx, new.user).await?;
    if let Some(token) = new.token {
        if token.reveal().chars().count() < SHORTEST_TOKEN_CHARS {
            remarks.add(format!(
                "the token of {name} is short enough to be guessed: make him another one, then revoke this one"
            ));
        }
        keep(tx, user.id, &token, Some(NAME)).await?;
    }
    Ok(Done::Inserted)
}
