//! What containers of the platform's namespace have in common: they may do nothing that they need not.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{
    Affinity, Capabilities, EmptyDirVolumeSource, EnvVar, EnvVarSource, NodeAffinity,
    NodeSelectorRequirement, NodeSelectorTerm, PersistentVolumeClaimVolumeSource,
    PodSecurityContext, PreferredSchedulingTerm, ResourceRequirements, SeccompProfile,
    SecretKeySelector, SecurityContext, TopologySpreadConstraint, Volume, VolumeMount,
};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;

use crate::name::{self, GROUP_LABEL, Part, words};

/// The user of the platform's image, who owns the data directory. Users of the platform have higher numbers.
pub(crate) const PLATFORM_USER: i64 = 977;

/// What pods may: run as this user, and own what is in their volumes.
pub(crate) fn pod_security(user: i64) -> PodSecurityContext {
    PodSecurityContext {
        run_as_non_root: Some(true),
        run_as_user: Some(user),
        run_as_group: Some(user),
        fs_group: Some(user),
        // A volume with all logs has too many files to look at each of them at each start; and the keys stay their owner's.
        fs_group_change_policy: Some("OnRootMismatch".to_owned()),
        seccomp_profile: Some(SeccompProfile {
            type_: "RuntimeDefault".to_owned(),
            localhost_profile: None,
        }),
        ..PodSecurityContext::default()
    }
}

/// What containers may: nothing beyond.
pub(crate) fn security() -> SecurityContext {
    SecurityContext {
        allow_privilege_escalation: Some(false),
        read_only_root_filesystem: Some(true),
        capabilities: Some(Capabilities {
            add: None,
            drop: Some(words(&["ALL"])),
        }),
        ..SecurityContext::default()
    }
}

/// What is needed, and the most memory. Time of processors is not limited: it would only be lost.
pub(crate) fn resources(cpu: &str, memory: &str, most_memory: &str) -> ResourceRequirements {
    let amount = |text: &str| Quantity(text.to_owned());
    ResourceRequirements {
        requests: Some(BTreeMap::from([
            ("cpu".to_owned(), amount(cpu)),
            ("memory".to_owned(), amount(memory)),
        ])),
        limits: Some(BTreeMap::from([("memory".to_owned(), amount(most_memory))])),
        ..ResourceRequirements::default()
    }
}

/// A variable with this value.
pub(crate) fn variable(name: &str, value: &str) -> EnvVar {
    EnvVar {
        name: name.to_owned(),
        value: Some(value.to_owned()),
        value_from: None,
    }
}

/// A variable of the Secret, where it has the same name.
pub(crate) fn secret(name: &str, optional: bool) -> EnvVar {
    EnvVar {
        name: name.to_owned(),
        value: None,
        value_from: Some(EnvVarSource {
            secret_key_ref: Some(SecretKeySelector {
                name: name::SERVICE.to_owned(),
                key: name.to_owned(),
                optional: optional.then_some(true),
            }),
            ..EnvVarSource::default()
        }),
    }
}

/// Where a container has a volume.
pub(crate) fn mount(volume: &str, path: &str) -> VolumeMount {
    VolumeMount {
        name: volume.to_owned(),
        mount_path: path.to_owned(),
        ..VolumeMount::default()
    }
}

/// A directory that goes with its pod.
pub(crate) fn empty(name: &str, most: &str) -> Volume {
    Volume {
        name: name.to_owned(),
        empty_dir: Some(EmptyDirVolumeSource {
            size_limit: Some(Quantity(most.to_owned())),
            ..EmptyDirVolumeSource::default()
        }),
        ..Volume::default()
    }
}

/// A claim of the same namespace.
pub(crate) fn claim(name: &str, claim: &str) -> Volume {
    Volume {
        name: name.to_owned(),
        persistent_volume_claim: Some(PersistentVolumeClaimVolumeSource {
            claim_name: claim.to_owned(),
            read_only: None,
        }),
        ..Volume::default()
    }
}

/// Rather elsewhere than on nodes for tasks: a rank asks for all of its node but what is reserved. Where there are no
/// others, these do.
pub(crate) fn off_training_nodes() -> Affinity {
    Affinity {
        node_affinity: Some(NodeAffinity {
            preferred_during_scheduling_ignored_during_execution: Some(vec![
                PreferredSchedulingTerm {
                    weight: 100,
                    preference: NodeSelectorTerm {
                        match_expressions: Some(vec![NodeSelectorRequirement {
                            key: GROUP_LABEL.to_owned(),
                            operator: "DoesNotExist".to_owned(),
                            values: None,
                        }]),
                        match_fields: None,
                    },
                },
            ]),
            required_during_scheduling_ignored_during_execution: None,
        }),
        ..Affinity::default()
    }
}

/// Not all on one node, and not all in one zone, where there are several.
pub(crate) fn apart(part: Part) -> Vec<TopologySpreadConstraint> {
    let over = |key: &str| TopologySpreadConstraint {
        max_skew: 1,
        topology_key: key.to_owned(),
        when_unsatisfiable: "ScheduleAnyway".to_owned(),
        label_selector: Some(part.selector()),
        ..TopologySpreadConstraint::default()
    };
    vec![
        over("kubernetes.io/hostname"),
        over("topology.kubernetes.io/zone"),
    ]
}
