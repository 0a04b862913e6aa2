//! Who may ask the cluster what: `work` what it really asks, everybody else nothing.

use k8s_openapi::api::core::v1::ServiceAccount;
use k8s_openapi::api::rbac::v1::{
    ClusterRole, ClusterRoleBinding, PolicyRule, Role, RoleBinding, RoleRef, Subject,
};

use crate::name::{self, PLATFORM, Part, TASKS, words};

/// What `work` may do in the namespace of the tasks: what `k8s/src/api.rs` and `k8s/src/watcher.rs` call.
const IN_TASKS: [(&str, &str, &[&str]); 6] = [
    // A Secret for each run. None is listed or watched: whoever could would read them all, whatever they are called.
    ("", "secrets", &["create", "delete", "get", "patch"]),
    ("", "pods", &["create", "delete", "get", "list", "watch"]),
    // What went wrong with them.
    ("", "events", &["list", "watch"]),
    // What exposes a rank. It goes with its Secret.
    ("", "services", &["create", "patch"]),
    (NETWORKING, "ingresses", &["create", "patch"]),
    (NETWORKING, "networkpolicies", &["create", "patch"]),
];

/// What it may do with nodes, which are in no namespace: see them, label and cordon them.
const WITH_NODES: [(&str, &str, &[&str]); 1] = [("", "nodes", &["list", "patch", "watch"])];

const RANKS: &str = "hai-ranks";
const NODES: &str = "hai-platform-nodes";

const NETWORKING: &str = "networking.k8s.io";
const GROUP: &str = "rbac.authorization.k8s.io";

/// The account of a part. None brings its token into pods by itself: the pods that need it say so.
pub(crate) fn account(part: Part) -> ServiceAccount {
    ServiceAccount {
        metadata: part.meta(),
        automount_service_account_token: Some(false),
        ..ServiceAccount::default()
    }
}

/// What may be done in the namespace of the tasks.
pub(crate) fn role() -> Role {
    Role {
        metadata: name::meta(TASKS, RANKS),
        rules: Some(rules(&IN_TASKS)),
    }
}

/// Who may do it.
pub(crate) fn role_binding() -> RoleBinding {
    RoleBinding {
        metadata: name::meta(TASKS, RANKS),
        role_ref: role_ref("Role", RANKS),
        subjects: Some(vec![work()]),
    }
}

/// What may be done with nodes.
pub(crate) fn cluster_role() -> ClusterRole {
    ClusterRole {
        metadata: name::cluster_meta(NODES),
        rules: Some(rules(&WITH_NODES)),
        ..ClusterRole::default()
    }
}

/// Who may do that.
pub(crate) fn cluster_role_binding() -> ClusterRoleBinding {
    ClusterRoleBinding {
        metadata: name::cluster_meta(NODES),
        role_ref: role_ref("ClusterRole", NODES),
        subjects: Some(vec![work()]),
    }
}

fn rules(all: &[(&str, &str, &[&str])]) -> Vec<PolicyRule> {
    let rule = |(group, resource, verbs): &(&str, &str, &[&str])| PolicyRule {
        api_groups: Some(words(&[group])),
        resources: Some(words(&[resource])),
        verbs: words(verbs),
        ..PolicyRule::default()
    };
    all.iter().map(rule).collect()
}

fn role_ref(kind: &str, name: &str) -> RoleRef {
    RoleRef {
        api_group: Some(GROUP.to_owned()),
        kind: kind.to_owned(),
        name: name.to_owned(),
    }
}

fn work() -> Subject {
    Subject {
        kind: "ServiceAccount".to_owned(),
        name: Part::Work.name().to_owned(),
        namespace: Some(PLATFORM.to_owned()),
        ..Subject::default()
    }
}
