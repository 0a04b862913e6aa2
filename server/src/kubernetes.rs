//! The Kubernetes cluster whose nodes are handed out, in the words of the file.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use k8s::{Cluster, IngressAddress, PullPolicy, Storage};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use crate::data_dir::DataDir;

/// The resource of the original's InfiniBand cards.
const RDMA: &str = "rdma/hca";

/// `[runtime.kubernetes]`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kubernetes {
    /// How to reach the cluster and who we are there; absent: as the service account of the pod that this runs in.
    pub(crate) kubeconfig: Option<PathBuf>,
    /// Which of the file's contexts; absent: its current one.
    pub(crate) context: Option<String>,
    namespace: Option<String>,
    #[serde(deserialize_with = "image")]
    agent_image: String,
    #[serde(deserialize_with = "image")]
    default_image: String,
    server_url: Option<String>,
    #[serde(default)]
    pull_secrets: Vec<String>,
    image_pull_policy: Option<PullPolicy>,
    priority_class: Option<String>,
    #[serde(default)]
    tolerations: Vec<String>,
    group_label: Option<String>,
    gpu_resource: Option<String>,
    #[serde(default)]
    devices: BTreeMap<String, u32>,
    #[serde(default)]
    reserved_cpus: u32,
    #[serde(default)]
    reserved_memory_gib: u32,
    give_up_after_secs: Option<u32>,
    #[serde(default)]
    ingress_hosts: Vec<String>,
    ingress_class: Option<String>,
    ingress_tls_secret: Option<String>,
    storage_claim: Option<String>,
    /// Further clusters, by name.
    #[serde(default)]
    others: BTreeMap<String, Other>,
}

/// What is otherwise in a further cluster.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Other {
    kubeconfig: PathBuf,
    context: Option<String>,
    server_url: Option<String>,
    ingress_hosts: Option<Vec<String>>,
    storage_claim: Option<String>,
}

/// The name of the first cluster, which has none in the file.
const FIRST: &str = "first";

/// What is known only when the server starts.
pub(crate) struct Here<'a> {
    /// Where agents reach it, unless the file says it.
    pub(crate) agent_url: &'a str,
    /// The certificate that it shows there, if nobody else vouches for it.
    pub(crate) certificate: Option<String>,
    /// Where its data is.
    pub(crate) data_dir: &'a DataDir,
    /// Whether the environment says that each node has an InfiniBand card.
    pub(crate) has_rdma: bool,
}

impl Kubernetes {
    /// All clusters, by name.
    pub(crate) fn all(&self) -> Vec<(String, Self)> {
        let alone = Self {
            others: BTreeMap::new(),
            ..self.clone()
        };
        let of = |(name, other): (&String, &Other)| {
            let other = other.clone();
            let cluster = Self {
                kubeconfig: Some(other.kubeconfig),
                context: other.context,
                server_url: other.server_url.or_else(|| alone.server_url.clone()),
                ingress_hosts: other
                    .ingress_hosts
                    .unwrap_or_else(|| alone.ingress_hosts.clone()),
                storage_claim: other.storage_claim.or_else(|| alone.storage_claim.clone()),
                ..alone.clone()
            };
            (name.clone(), cluster)
        };
        let others: Vec<_> = self.others.iter().map(of).collect();
        std::iter::once((FIRST.to_owned(), alone.clone()))
            .chain(others)
            .collect()
    }

    /// The cluster, as the adapter wants to know it.
    pub(crate) fn cluster(&self, here: &Here<'_>) -> Cluster {
        let this = self.clone();
        let url = this.server_url.unwrap_or_else(|| here.agent_url.to_owned());
        let usual = Cluster::new(this.agent_image, this.default_image, url);
        let mut devices = this.devices;
        if here.has_rdma {
            devices.entry(RDMA.to_owned()).or_insert(1);
        }
        Cluster {
            namespace: this.namespace.unwrap_or(usual.namespace),
            server_certificate: here.certificate.clone(),
            pull_secrets: this.pull_secrets,
            pull_policy: this.image_pull_policy,
            priority_class: this.priority_class,
            tolerations: this.tolerations,
            group_label: this.group_label.unwrap_or(usual.group_label),
            gpu_resource: this.gpu_resource.unwrap_or(usual.gpu_resource),
            devices,
            reserved_millicpus: u64::from(this.reserved_cpus) * 1000,
            reserved_memory_bytes: u64::from(this.reserved_memory_gib) << 30,
            give_up_after: this
                .give_up_after_secs
                .map_or(usual.give_up_after, |seconds| {
                    Duration::from_secs(seconds.into())
                }),
            ingress: IngressAddress {
                hosts: this.ingress_hosts,
                class: this.ingress_class,
                tls_secret: this.ingress_tls_secret,
            },
            storage: match this.storage_claim {
                None => Storage::Everywhere,
                Some(name) => Storage::Claim {
                    name,
                    root: here.data_dir.path().to_string_lossy().into_owned(),
                },
            },
            ..usual
        }
    }
}

/// The name of an image: any text without blanks.
fn image<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let name: String = Deserialize::deserialize(deserializer)?;
    if name.is_empty() || name.contains(char::is_whitespace) {
        let reason =
            format!("{name:?} is no image such as \"registry.example/hai-platform:0.1.0\"");
        return Err(D::Error::custom(reason));
    }
    Ok(name)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::environment::Environment;

    const LEAST: &str = "agent_image = 'registry.example/hai:1'\ndefault_image = 'train:1'\n";

    fn cluster(more: &str, has_rdma: bool) -> Cluster {
        let read: Kubernetes = toml::from_str(&format!("{LEAST}{more}")).unwrap();
        let data_dir = DataDir::choose(Some("/data".into()), &Environment::default(), false);
        let data_dir = data_dir.unwrap();
        read.cluster(&Here {
            agent_url: "http://hai.example:7780",
            certificate: None,
            data_dir: &data_dir,
            has_rdma,
        })
    }

    #[test]
    fn what_the_file_does_not_say_is_as_usual() {
        let usual = Cluster::new(
            "registry.example/hai:1".to_owned(),
            "train:1".to_owned(),
            "http://hai.example:7780".to_owned(),
        );
        assert_eq!(cluster("", false), usual);
    }

    #[test]
    fn what_the_file_says_counts() {
        let said = cluster(
            "server_url = 'http://hai:7780'\nreserved_cpus = 2\nreserved_memory_gib = 3\n\
             storage_claim = 'hai-data'\ngive_up_after_secs = 9\nimage_pull_policy = 'Always'\n\
             ingress_hosts = ['hai.example']\ningress_class = 'nginx'\ndevices = {'example.com/nic' = 2}\n",
            true,
        );
        assert_eq!(said.server_url, "http://hai:7780");
        assert_eq!(said.reserved_millicpus, 2000);
        assert_eq!(said.reserved_memory_bytes, 3 << 30);
        assert_eq!(said.give_up_after, Duration::from_secs(9));
        assert_eq!(said.pull_policy, Some(PullPolicy::Always));
        assert_eq!(said.ingress.hosts, ["hai.example"]);
        assert_eq!(said.ingress.class.as_deref(), Some("nginx"));
        let claim = Storage::Claim {
            name: "hai-data".to_owned(),
            root: "/data".to_owned(),
        };
        assert_eq!(said.storage, claim);
        let devices = [("example.com/nic".to_owned(), 2), (RDMA.to_owned(), 1)];
        assert_eq!(said.devices, devices.into());
    }

    #[test]
    fn a_further_cluster_is_as_the_first_but_for_what_it_says() {
        let text = format!(
            "{LEAST}context = 'a'\nserver_url = 'http://a'\nnamespace = 'n'\n\
             [others.west]\nkubeconfig = '/west'\nserver_url = 'http://b'\n"
        );
        let read: Kubernetes = toml::from_str(&text).unwrap();
        let all = read.all();
        let names: Vec<&str> = all.iter().map(|(name, _)| &**name).collect();
        assert_eq!(names, [FIRST, "west"]);
        let (first, west) = (&all[0].1, &all[1].1);
        assert_eq!(first.context.as_deref(), Some("a"));
        assert_eq!(
            (west.kubeconfig.as_deref(), west.context.as_deref()),
            (Some(Path::new("/west")), None)
        );
        assert_eq!(west.namespace.as_deref(), Some("n"));
        assert_eq!(west.server_url.as_deref(), Some("http://b"));
        for (wrong, named) in [
            ("kubeconfig = '/w'\nnamespace = 'm'\n", "unknown field"),
            // It would be the first cluster once more.
            ("server_url = 'http://b'\n", "missing field `kubeconfig`"),
        ] {
            let text = format!("{LEAST}[others.west]\n{wrong}");
            let error = toml::from_str::<Kubernetes>(&text).unwrap_err();
            assert!(error.to_string().contains(named), "{error}");
        }
    }

    #[test]
    fn an_image_without_a_name_is_none() {
        let empty = LEAST.replace("train:1", "");
        let error = toml::from_str::<Kubernetes>(&empty).unwrap_err();
        assert!(error.to_string().contains("is no image"), "{error}");
    }
}
