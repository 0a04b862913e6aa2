//! What must be known of a cluster.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;

/// A cluster, and how it is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cluster {
    /// The namespace of the tasks. Nothing else is in it.
    pub namespace: String,
    /// An image with `hai-agent` in `/usr/local/bin`: the platform's own.
    pub agent_image: String,
    /// The image of tasks whose environment names none.
    pub default_image: String,
    /// Base address at which agents reach the platform.
    pub server_url: String,
    /// The certificate that the platform shows there, in PEM, if nobody signed it whom images trust.
    pub server_certificate: Option<String>,
    /// Secrets with which images are pulled.
    pub pull_secrets: Vec<String>,
    /// When nodes ask the registry for an image that they have already; absent: as the cluster does it.
    pub pull_policy: Option<PullPolicy>,
    /// Priority class of the pods.
    pub priority_class: Option<String>,
    /// Taints of nodes that tasks may be on in spite of them, by key; all effects.
    pub tolerations: Vec<String>,
    /// Label of nodes with the group that they belong to. Those without it are not used.
    pub group_label: String,
    /// Resource under which nodes have GPUs.
    pub gpu_resource: String,
    /// Further resources that each rank gets, such as `rdma/hca`, with their amounts.
    pub devices: BTreeMap<String, u32>,
    /// Processors of each node that are not for tasks, in thousandths.
    pub reserved_millicpus: u64,
    /// Memory of each node that is not for tasks, in bytes.
    pub reserved_memory_bytes: u64,
    /// How long a node may be silent before what runs there is given up, and runs again elsewhere.
    pub give_up_after: Duration,
    /// Where what ranks show by HTTP is reached.
    pub ingress: IngressAddress,
    /// Where logs are.
    pub storage: Storage,
}

impl Cluster {
    /// A cluster as most are: pods in `hai-tasks`, groups by the original's label, GPUs of NVIDIA, a storage at the same path
    /// everywhere, nothing reserved.
    pub fn new(agent_image: String, default_image: String, server_url: String) -> Self {
        Self {
            namespace: "hai-tasks".to_owned(),
            agent_image,
            default_image,
            server_url,
            server_certificate: None,
            pull_secrets: Vec::new(),
            pull_policy: None,
            priority_class: None,
            tolerations: Vec::new(),
            group_label: "hai_mars_group".to_owned(),
            gpu_resource: "nvidia.com/gpu".to_owned(),
            devices: BTreeMap::new(),
            reserved_millicpus: 0,
            reserved_memory_bytes: 0,
            give_up_after: Duration::from_secs(60),
            ingress: IngressAddress::default(),
            storage: Storage::Everywhere,
        }
    }
}

/// When nodes ask the registry for an image; also in settings by the words of Kubernetes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum PullPolicy {
    /// At every start of a rank.
    Always,
    /// If they do not have it.
    IfNotPresent,
    /// They do not: it is there.
    Never,
}

impl PullPolicy {
    /// As in an object.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Always => "Always",
            Self::IfNotPresent => "IfNotPresent",
            Self::Never => "Never",
        }
    }
}

/// Where what ranks show by HTTP is reached.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IngressAddress {
    /// Host names; none: any that leads to the ingress controller.
    pub hosts: Vec<String>,
    /// Which ingress controller; the cluster's usual one if absent.
    pub class: Option<String>,
    /// The Secret with the certificate for these hosts; without TLS if absent.
    pub tls_secret: Option<String>,
}

/// A storage that every node and the platform share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Storage {
    /// It is mounted at the same path everywhere.
    Everywhere,
    /// It is a volume claim in the namespace of the tasks, which the platform has at this path.
    Claim {
        /// Name of the claim.
        name: String,
        /// Where the platform has it.
        root: String,
    },
}
