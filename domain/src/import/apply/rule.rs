//! A rule for a mount.

use super::super::plan::NewRule;
use super::{Done, Remarks};
use crate::error::{Error, Result};
use crate::mount::{Adopted, adopt};
use crate::store::Tx;

/// What becomes of the programs that the original mounts into each task.
const AGENTS: &str = "mounts of marsv2-scripts-{task.id} and marsv2-entrypoints-{task.id} are stored inactive, because here the agent \
                      provides what is in them";

pub(super) async fn write(tx: &mut Tx, new: NewRule, remarks: &mut Remarks<'_>) -> Result<Done> {
    let done = if new.is_active {
        Done::Inserted
    } else {
        Done::Inactive
    };
    match adopt(tx, new.definition, new.is_active).await? {
        Adopted::Made => {
            if new.is_agents {
                remarks.add_once(AGENTS);
            }
            Ok(done)
        }
        Adopted::There => Ok(Done::There),
        Adopted::Opposite(rule) => Err(Error::Conflict(format!(
            "the mount rule {rule} says the opposite for the same owners and conditions: one of both must go"
        ))),
    }
}
