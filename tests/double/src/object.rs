//! Kinds of objects, and how the API calls them.

/// What there is to say of a kind: the kind, its name, its plural, its group and version, whether it is in no namespace.
type Row = (Kind, &'static str, &'static str, &'static str, bool);

const RBAC: &str = "rbac.authorization.k8s.io/v1";

/// All of them.
const TABLE: [Row; 18] = [
    (Kind::Pod, "Pod", "pods", "v1", false),
    (Kind::Secret, "Secret", "secrets", "v1", false),
    (Kind::Service, "Service", "services", "v1", false),
    (Kind::ConfigMap, "ConfigMap", "configmaps", "v1", false),
    (Kind::Node, "Node", "nodes", "v1", true),
    (Kind::Namespace, "Namespace", "namespaces", "v1", true),
    (Kind::Event, "Event", "events", "v1", false),
    (
        Kind::ServiceAccount,
        "ServiceAccount",
        "serviceaccounts",
        "v1",
        false,
    ),
    (
        Kind::PersistentVolumeClaim,
        "PersistentVolumeClaim",
        "persistentvolumeclaims",
        "v1",
        false,
    ),
    (
        Kind::NetworkPolicy,
        "NetworkPolicy",
        "networkpolicies",
        "networking.k8s.io/v1",
        false,
    ),
    (
        Kind::Ingress,
        "Ingress",
        "ingresses",
        "networking.k8s.io/v1",
        false,
    ),
    (Kind::Role, "Role", "roles", RBAC, false),
    (
        Kind::RoleBinding,
        "RoleBinding",
        "rolebindings",
        RBAC,
        false,
    ),
    (Kind::ClusterRole, "ClusterRole", "clusterroles", RBAC, true),
    (
        Kind::ClusterRoleBinding,
        "ClusterRoleBinding",
        "clusterrolebindings",
        RBAC,
        true,
    ),
    (
        Kind::Deployment,
        "Deployment",
        "deployments",
        "apps/v1",
        false,
    ),
    (
        Kind::StatefulSet,
        "StatefulSet",
        "statefulsets",
        "apps/v1",
        false,
    ),
    (
        Kind::PodDisruptionBudget,
        "PodDisruptionBudget",
        "poddisruptionbudgets",
        "policy/v1",
        false,
    ),
];

/// A kind that is known here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A pod.
    Pod,
    /// A secret.
    Secret,
    /// A service.
    Service,
    /// A config map.
    ConfigMap,
    /// A node, which is in no namespace.
    Node,
    /// A namespace.
    Namespace,
    /// What somebody has noticed of an object.
    Event,
    /// An account of a program.
    ServiceAccount,
    /// A claim of storage.
    PersistentVolumeClaim,
    /// A network policy.
    NetworkPolicy,
    /// An ingress.
    Ingress,
    /// What may be done in a namespace.
    Role,
    /// Who may do it.
    RoleBinding,
    /// What may be done everywhere.
    ClusterRole,
    /// Who may do it.
    ClusterRoleBinding,
    /// A deployment. Nobody makes pods of it here.
    Deployment,
    /// A stateful set. Nobody makes pods of it here.
    StatefulSet,
    /// How many pods may be missing.
    PodDisruptionBudget,
}

impl Kind {
    /// All of them.
    pub fn all() -> impl Iterator<Item = Self> {
        TABLE.iter().map(|row| row.0)
    }

    /// As in an object.
    pub fn name(self) -> &'static str {
        self.row().1
    }

    /// As in a path.
    pub fn plural(self) -> &'static str {
        self.row().2
    }

    /// As in an object.
    pub fn api_version(self) -> &'static str {
        self.row().3
    }

    /// Whether it is in no namespace.
    pub fn is_in_cluster(self) -> bool {
        self.row().4
    }

    /// Its group; empty for what was there first.
    pub fn group(self) -> &'static str {
        let parts = self.api_version().split_once('/');
        parts.map_or("", |(group, _)| group)
    }

    /// As the API server calls it in a sentence.
    pub(crate) fn resource(self) -> String {
        match self.group() {
            "" => self.plural().to_owned(),
            group => format!("{}.{group}", self.plural()),
        }
    }

    /// The kind of a path.
    pub(crate) fn of(api_version: &str, plural: &str) -> Option<Self> {
        Self::all().find(|kind| kind.api_version() == api_version && kind.plural() == plural)
    }

    fn row(self) -> &'static Row {
        let mut rows = TABLE.iter();
        rows.find(|row| row.0 == self).unwrap_or(&TABLE[0])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_in_the_table_once() {
        for kind in Kind::all() {
            assert_eq!(Kind::of(kind.api_version(), kind.plural()), Some(kind));
            assert_eq!(TABLE.iter().filter(|row| row.0 == kind).count(), 1);
        }
        assert_eq!(Kind::all().count(), Kind::PodDisruptionBudget as usize + 1);
        assert_eq!(Kind::Ingress.resource(), "ingresses.networking.k8s.io");
    }
}
