//! Rows of `quota`.

use crate::import::row::Reader;
use crate::quota::{DevContainers, Resource, SetNamed};

pub(super) fn quota(row: &mut Reader<'_>) -> SetNamed {
    let owner = row.needed("user_name");
    let name = row.needed("resource");
    let amount = row.int("quota").unwrap_or(0);
    let expires_at = row.time("expire_time");
    let resource = match name.parse() {
        Ok(Resource::PortRecord(_)) => {
            let reason = "is the record of a port that the original has given to a task, not a quota: take the row out";
            row.wrong("resource", reason);
            Resource::Node
        }
        Ok(resource) => resource,
        Err(reason) => {
            row.wrong("resource", format!("{name:?} {reason}"));
            Resource::Node
        }
    };
    let mut set = SetNamed {
        owner,
        resource,
        amount,
        memory_gib: None,
        cpus: None,
        expires_at,
    };
    match set.resource {
        Resource::Jupyter(_) => match DevContainers::decode(amount) {
            Ok(three) => set.set_dev_containers(three),
            Err(reason) => row.wrong("quota", format!("{amount} {reason}")),
        },
        Resource::Nodes(_) | Resource::NodeLimit(..) if i32::try_from(amount).is_err() => {
            row.wrong("quota", "is no number of nodes");
        }
        _ => {}
    }
    if amount < 0 {
        row.wrong("quota", "must not be negative");
    }
    set
}
