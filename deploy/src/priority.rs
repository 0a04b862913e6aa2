//! Who goes first where there is no room for all.

use k8s_openapi::api::scheduling::v1::PriorityClass;

use crate::name;

/// Of the platform's processes.
pub(crate) const PLATFORM: &str = "hai-platform";
/// Of ranks.
pub(crate) const RANKS: &str = "hai-ranks";

/// The platform is needed by every task.
pub(crate) fn platform() -> PriorityClass {
    class(
        PLATFORM,
        1_000_000,
        "PreemptLowerPriority",
        "Processes of the HAI platform.",
    )
}

/// Which rank goes first the platform decides: for the cluster they are all alike, and drive nobody away.
pub(crate) fn ranks() -> PriorityClass {
    class(RANKS, 1000, "Never", "Ranks of tasks of the HAI platform.")
}

fn class(name: &str, value: i32, preemption: &str, description: &str) -> PriorityClass {
    PriorityClass {
        metadata: name::cluster_meta(name),
        value: Some(value),
        preemption_policy: Some(preemption.to_owned()),
        global_default: Some(false),
        description: Some(description.to_owned()),
    }
}
