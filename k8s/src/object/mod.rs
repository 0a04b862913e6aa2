//! The objects that the platform wants. Pure: the same in, the same out.

mod exposure;
mod network;
mod pod;
mod run_secret;
#[cfg(test)]
mod tests;
mod volume;

use domain::runtime::LaunchRank;
use k8s_openapi::api::core::v1::{Pod, Secret};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;

pub use exposure::{Exposed, exposed};
pub use network::{policy, service};
pub use run_secret::secret;

use crate::cluster::Cluster;

/// What a node has for tasks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capacity {
    /// Processors that can be asked for, in thousandths.
    pub millicpus: u64,
    /// Memory that can be asked for, in bytes.
    pub memory_bytes: u64,
    /// GPUs.
    pub gpus: u32,
}

/// An object cannot be made, whatever the cluster says.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ObjectError {
    /// A Secret holds a megabyte.
    #[error("a run of {ranks} ranks needs a Secret of {bytes} bytes, and one holds {most}")]
    TooLarge {
        /// Number of ranks.
        ranks: usize,
        /// Size of what they are started with.
        bytes: usize,
        /// What there is room for.
        most: usize,
    },
    /// Logs must be where the platform finds them.
    #[error("the log directory {path} is not on the claim {claim}, which is at {root}")]
    OutsideClaim {
        /// The directory.
        path: String,
        /// Name of the claim.
        claim: String,
        /// Where the platform has it.
        root: String,
    },
}

/// The pod of a rank: it goes with the Secret of its run.
///
/// # Errors
/// If its logs would be where nobody finds them.
pub fn pod(
    cluster: &Cluster,
    launch: &LaunchRank,
    node: Capacity,
    anchor: &Secret,
) -> Result<Pod, ObjectError> {
    pod::pod(cluster, launch, node, owner(anchor))
}

/// What goes with the Secret of its run.
fn owner(anchor: &Secret) -> OwnerReference {
    OwnerReference {
        api_version: "v1".to_owned(),
        kind: "Secret".to_owned(),
        name: anchor.metadata.name.clone().unwrap_or_default(),
        uid: anchor.metadata.uid.clone().unwrap_or_default(),
        block_owner_deletion: Some(false),
        controller: Some(true),
    }
}
