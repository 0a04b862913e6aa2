//! The two namespaces, and what pods in them may be.

use k8s_openapi::api::core::v1::Namespace;

use crate::name::{self, PLATFORM, TASKS};

/// Why pods of tasks are not held to less.
pub(crate) const WHY_PRIVILEGED: &str = "\
Pods of tasks see directories of their node (hostPath), begin as root with a few capabilities, so that the agent can become
the user, and may be privileged where a quota says so. Every weaker level forbids that. So nobody but the platform may
create pods here: whoever may is root on every node.";

/// The namespace of the platform: what is in it needs nothing of its nodes.
pub(crate) fn platform() -> Namespace {
    namespace(PLATFORM, "restricted")
}

/// The namespace of the tasks.
pub(crate) fn tasks() -> Namespace {
    namespace(TASKS, "privileged")
}

fn namespace(name: &str, level: &str) -> Namespace {
    let mut metadata = name::cluster_meta(name);
    let labels = metadata.labels.get_or_insert_default();
    for mode in ["enforce", "warn", "audit"] {
        let label = format!("pod-security.kubernetes.io/{mode}");
        labels.insert(label, level.to_owned());
    }
    Namespace {
        metadata,
        ..Namespace::default()
    }
}
