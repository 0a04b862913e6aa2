//! What all ranks have in common: how they find each other, and who may speak with them.
//!
//! The platform itself asks for neither, so it needs no right to. Both are those of `k8s/src/object/network.rs`, which a test
//! compares.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{Service, ServicePort, ServiceSpec};
use k8s_openapi::api::networking::v1::{
    NetworkPolicy, NetworkPolicyIngressRule, NetworkPolicyPeer, NetworkPolicySpec,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use crate::name::{TASKS, labels, selector, words};

const RANKS: &str = "hai-ranks";
/// The port of rank 0 by which the ranks of a run meet.
const MASTER_PORT: i32 = 2223;

/// The service without an address by which each rank has a name.
pub(crate) fn service() -> Service {
    Service {
        metadata: meta(),
        spec: Some(ServiceSpec {
            cluster_ip: Some("None".to_owned()),
            // Ranks look for each other before any of them is ready for anything.
            publish_not_ready_addresses: Some(true),
            selector: Some(of_ranks()),
            ports: Some(vec![ServicePort {
                name: Some("master".to_owned()),
                port: MASTER_PORT,
                target_port: Some(IntOrString::Int(MASTER_PORT)),
                protocol: Some("TCP".to_owned()),
                ..ServicePort::default()
            }]),
            ..ServiceSpec::default()
        }),
        status: None,
    }
}

/// Ranks are spoken to by ranks only.
pub(crate) fn policy() -> NetworkPolicy {
    NetworkPolicy {
        metadata: meta(),
        spec: Some(NetworkPolicySpec {
            pod_selector: Some(selector(of_ranks())),
            policy_types: Some(words(&["Ingress"])),
            ingress: Some(vec![NetworkPolicyIngressRule {
                from: Some(vec![NetworkPolicyPeer {
                    pod_selector: Some(selector(of_ranks())),
                    ..NetworkPolicyPeer::default()
                }]),
                ports: None,
            }]),
            egress: None,
        }),
    }
}

fn meta() -> ObjectMeta {
    ObjectMeta {
        name: Some(RANKS.to_owned()),
        namespace: Some(TASKS.to_owned()),
        labels: Some(of_ranks()),
        ..ObjectMeta::default()
    }
}

fn of_ranks() -> BTreeMap<String, String> {
    labels([
        ("app.kubernetes.io/managed-by", "hai-platform"),
        ("app.kubernetes.io/part-of", RANKS),
    ])
}
