//! Kinds of objects, and how the API calls them.

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
    /// A network policy.
    NetworkPolicy,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Pod,
        Self::Secret,
        Self::Service,
        Self::ConfigMap,
        Self::Node,
        Self::NetworkPolicy,
    ];

    /// As in an object.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pod => "Pod",
            Self::Secret => "Secret",
            Self::Service => "Service",
            Self::ConfigMap => "ConfigMap",
            Self::Node => "Node",
            Self::NetworkPolicy => "NetworkPolicy",
        }
    }

    /// As in a path.
    pub fn plural(self) -> &'static str {
        match self {
            Self::Pod => "pods",
            Self::Secret => "secrets",
            Self::Service => "services",
            Self::ConfigMap => "configmaps",
            Self::Node => "nodes",
            Self::NetworkPolicy => "networkpolicies",
        }
    }

    /// As in an object.
    pub fn api_version(self) -> &'static str {
        match self {
            Self::NetworkPolicy => "networking.k8s.io/v1",
            _ => "v1",
        }
    }

    /// The kind of a path.
    pub(crate) fn of(api_version: &str, plural: &str) -> Option<Self> {
        let mut all = Self::ALL.into_iter();
        all.find(|kind| kind.api_version() == api_version && kind.plural() == plural)
    }
}
