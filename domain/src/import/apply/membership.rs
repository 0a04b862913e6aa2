//! A user, or a team, in a user group.

use super::super::plan::Membership;
use super::{Done, new_or_there};
use crate::error::{Error, Result};
use crate::store::Tx;
use crate::user::{Joined, join};

pub(super) async fn write(tx: &mut Tx, new: Membership) -> Result<Done> {
    match join(tx, &new.member, &new.group).await? {
        Joined::Now => Ok(new_or_there(true)),
        Joined::Before => Ok(new_or_there(false)),
        Joined::Nobody => Err(Error::Conflict(format!(
            "there is no user and no shared group {}",
            new.member
        ))),
    }
}
