//! A quota of anything.

use super::{Done, EDITOR, Remarks};
use crate::error::Result;
use crate::quota::{Adopted, SetNamed, adopt, is_known_owner};
use crate::store::Tx;

pub(super) async fn write(tx: &mut Tx, new: SetNamed, remarks: &mut Remarks<'_>) -> Result<Done> {
    let (owner, resource) = (new.owner.clone(), new.resource.to_string());
    let asked = new.number();
    if !is_known_owner(tx.db(), &owner).await? {
        remarks.add(format!(
            "the quota {resource} counts for nobody, because there is no user or user group {owner}"
        ));
    }
    match adopt(tx, EDITOR, new).await? {
        Adopted::Set => Ok(Done::Inserted),
        Adopted::There(number) => {
            if number != asked {
                remarks.add(format!(
                    "the quota {resource} of {owner} is {number} already and stays, the file says {asked}"
                ));
            }
            Ok(Done::There)
        }
    }
}
