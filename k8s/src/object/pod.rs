//! The pod of a rank.

use std::collections::BTreeMap;

use domain::runtime::LaunchRank;
use k8s_openapi::api::core::v1::{
    Capabilities, Container, EmptyDirVolumeSource, KeyToPath, LocalObjectReference, Pod,
    PodSecurityContext, PodSpec, ResourceRequirements, SeccompProfile, SecretVolumeSource,
    SecurityContext, Toleration, Volume, VolumeMount,
};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};

use super::volume::{Mounted, of_log, of_rules};
use super::{Capacity, ObjectError};
use crate::cluster::Cluster;
use crate::labels;
use crate::names::{self, path};

/// How long a rank may take to end when its node is to be emptied: the agent lets the command save.
const GRACE_SECS: i64 = 60;
/// What the agent needs to become the user, to hand over files, and to end what the user has started.
const CAPABILITIES: [&str; 6] = [
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "KILL",
    "SETGID",
    "SETUID",
];
/// With it a process may do so much that there is no escalation left to forbid; the API server demands that it is said.
const ALMIGHTY: &str = "SYS_ADMIN";

pub(super) fn pod(
    cluster: &Cluster,
    launch: &LaunchRank,
    node: Capacity,
    owner: OwnerReference,
) -> Result<Pod, ObjectError> {
    let rights = &launch.container.rights;
    let name = names::pod(&launch.key);
    let log_dir = launch.log_dir.to_string_lossy();
    let resources = resources(cluster, node);
    let mut mounted = vec![
        home(),
        shared_memory(&resources),
        of_log(&cluster.storage, &log_dir)?,
    ];
    mounted.extend(of_rules(&cluster.storage, &launch.container.mounts));
    let (mut volumes, mounts): (Vec<_>, Vec<_>) =
        mounted.into_iter().map(|it| (it.volume, it.mount)).unzip();
    volumes.push(secret(launch));
    Ok(Pod {
        metadata: ObjectMeta {
            name: Some(name.clone()),
            namespace: Some(cluster.namespace.clone()),
            labels: Some(labels::of_rank(&launch.key, &launch.user)),
            annotations: labels::annotations(&launch.log_dir),
            owner_references: Some(vec![owner]),
            ..ObjectMeta::default()
        },
        spec: Some(PodSpec {
            node_selector: Some(BTreeMap::from([(
                labels::HOSTNAME.to_owned(),
                launch.node.clone(),
            )])),
            hostname: Some(name),
            subdomain: Some(names::SERVICE.to_owned()),
            restart_policy: Some("Never".to_owned()),
            termination_grace_period_seconds: Some(GRACE_SECS),
            automount_service_account_token: Some(false),
            enable_service_links: Some(false),
            priority_class_name: cluster.priority_class.clone(),
            image_pull_secrets: pull_secrets(cluster),
            tolerations: tolerations(cluster),
            host_network: Some(rights.host_network),
            // In the node's network it still has to find its run.
            dns_policy: rights
                .host_network
                .then(|| "ClusterFirstWithHostNet".to_owned()),
            host_ipc: Some(rights.host_ipc),
            host_pid: Some(rights.host_pid),
            security_context: Some(PodSecurityContext {
                seccomp_profile: (!rights.privileged).then(runtime_default),
                ..PodSecurityContext::default()
            }),
            init_containers: Some(vec![agent(cluster)]),
            containers: vec![Container {
                name: names::CONTAINER.to_owned(),
                image: Some(image(cluster, launch)),
                image_pull_policy: pull_policy(cluster),
                command: Some(words(&[path::AGENT, "--launch", path::LAUNCH])),
                resources: Some(resources),
                security_context: Some(security(launch)),
                termination_message_path: Some(path::LAST_WORD.to_owned()),
                volume_mounts: Some(mounts),
                ..Container::default()
            }],
            volumes: Some(volumes),
            ..PodSpec::default()
        }),
        status: None,
    })
}

/// Brings the agent, which needs nothing of the image but a kernel, and what it is started with.
fn agent(cluster: &Cluster) -> Container {
    let mount = |name: &str, at: &str, read_only| VolumeMount {
        name: name.to_owned(),
        mount_path: at.to_owned(),
        read_only: Some(read_only),
        ..VolumeMount::default()
    };
    let little = BTreeMap::from([
        ("cpu".to_owned(), Quantity("100m".to_owned())),
        ("memory".to_owned(), Quantity("64Mi".to_owned())),
    ]);
    Container {
        name: names::AGENT.to_owned(),
        image: Some(cluster.agent_image.clone()),
        image_pull_policy: pull_policy(cluster),
        command: Some(words(&[
            "/usr/local/bin/hai-agent",
            "--install",
            path::SECRET,
            "--to",
            path::HOME,
        ])),
        resources: Some(ResourceRequirements {
            limits: Some(little.clone()),
            requests: Some(little),
            ..ResourceRequirements::default()
        }),
        security_context: Some(SecurityContext {
            run_as_user: Some(0),
            allow_privilege_escalation: Some(false),
            read_only_root_filesystem: Some(true),
            capabilities: Some(Capabilities {
                add: None,
                drop: Some(words(&["ALL"])),
            }),
            ..SecurityContext::default()
        }),
        volume_mounts: Some(vec![
            mount("hai", path::HOME, false),
            mount("secret", path::SECRET, true),
        ]),
        ..Container::default()
    }
}

fn image(cluster: &Cluster, launch: &LaunchRank) -> String {
    match launch.container.image.as_str() {
        "" => cluster.default_image.clone(),
        image => image.to_owned(),
    }
}

/// All that a node has but what is reserved. Requests are as high, so that nothing else of this kind fits beside it.
fn resources(cluster: &Cluster, node: Capacity) -> ResourceRequirements {
    let cpu = node.millicpus.saturating_sub(cluster.reserved_millicpus);
    let memory = node
        .memory_bytes
        .saturating_sub(cluster.reserved_memory_bytes);
    let mut all = BTreeMap::from([
        ("cpu".to_owned(), Quantity(format!("{cpu}m"))),
        ("memory".to_owned(), Quantity(memory.to_string())),
    ]);
    if node.gpus > 0 {
        all.insert(
            cluster.gpu_resource.clone(),
            Quantity(node.gpus.to_string()),
        );
    }
    let devices = cluster.devices.iter();
    all.extend(devices.map(|(name, amount)| (name.clone(), Quantity(amount.to_string()))));
    ResourceRequirements {
        limits: Some(all.clone()),
        requests: Some(all),
        ..ResourceRequirements::default()
    }
}

/// The agent is root, the user's command is not.
fn security(launch: &LaunchRank) -> SecurityContext {
    let rights = &launch.container.rights;
    let mut added = words(&CAPABILITIES);
    added.extend(rights.capabilities.iter().cloned());
    added.sort();
    added.dedup();
    let is_almighty = rights.privileged || added.iter().any(|it| it == ALMIGHTY);
    SecurityContext {
        run_as_user: Some(0),
        privileged: Some(rights.privileged),
        allow_privilege_escalation: Some(is_almighty),
        capabilities: (!rights.privileged).then(|| Capabilities {
            add: Some(added),
            drop: Some(words(&["ALL"])),
        }),
        ..SecurityContext::default()
    }
}

fn runtime_default() -> SeccompProfile {
    SeccompProfile {
        type_: "RuntimeDefault".to_owned(),
        localhost_profile: None,
    }
}

fn pull_policy(cluster: &Cluster) -> Option<String> {
    cluster.pull_policy.map(|policy| policy.name().to_owned())
}

fn pull_secrets(cluster: &Cluster) -> Option<Vec<LocalObjectReference>> {
    let all = cluster.pull_secrets.iter();
    let all: Vec<_> = all
        .map(|name| LocalObjectReference { name: name.clone() })
        .collect();
    (!all.is_empty()).then_some(all)
}

/// A node whose memory is scarce is the task's own doing; what else is tolerated is configured.
fn tolerations(cluster: &Cluster) -> Option<Vec<Toleration>> {
    let usual = ["node.kubernetes.io/memory-pressure"].into_iter();
    let keys = usual.chain(cluster.tolerations.iter().map(String::as_str));
    let all = keys.map(|key| Toleration {
        key: Some(key.to_owned()),
        operator: Some("Exists".to_owned()),
        ..Toleration::default()
    });
    Some(all.collect())
}

/// The files of the agent. In memory: what is in it are secrets, and little.
fn home() -> Mounted {
    emptied("hai", path::HOME, None)
}

/// What processes share: as much as the rank may have, of which it is a part. Without a size some kubelets give it half of
/// their node.
fn shared_memory(resources: &ResourceRequirements) -> Mounted {
    let limits = resources.limits.as_ref();
    emptied("shm", "/dev/shm", limits.and_then(|all| all.get("memory")))
}

fn emptied(name: &str, at: &str, most: Option<&Quantity>) -> Mounted {
    Mounted {
        volume: Volume {
            name: name.to_owned(),
            empty_dir: Some(EmptyDirVolumeSource {
                medium: Some("Memory".to_owned()),
                size_limit: most.cloned(),
                ..EmptyDirVolumeSource::default()
            }),
            ..Volume::default()
        },
        mount: VolumeMount {
            name: name.to_owned(),
            mount_path: at.to_owned(),
            ..VolumeMount::default()
        },
    }
}

/// Of the Secret, what concerns this rank.
fn secret(launch: &LaunchRank) -> Volume {
    let item = |key: &str, path: &str| KeyToPath {
        key: key.to_owned(),
        path: path.to_owned(),
        ..KeyToPath::default()
    };
    Volume {
        name: "secret".to_owned(),
        secret: Some(SecretVolumeSource {
            secret_name: Some(names::secret(&launch.key.run_key())),
            default_mode: Some(0o400),
            items: Some(vec![
                item(names::COMMON, names::COMMON),
                item(names::SERVER, names::SERVER),
                item(&names::part(launch.key.rank), "rank.json"),
            ]),
            optional: Some(false),
            ..SecretVolumeSource::default()
        }),
        ..Volume::default()
    }
}

fn words(all: &[&str]) -> Vec<String> {
    all.iter().map(|&word| word.to_owned()).collect()
}
