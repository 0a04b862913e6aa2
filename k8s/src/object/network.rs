//! What all ranks of a namespace have in common: how they find each other, and who may speak with them.

use k8s_openapi::api::core::v1::{Service, ServicePort, ServiceSpec};
use k8s_openapi::api::networking::v1::{
    NetworkPolicy, NetworkPolicyIngressRule, NetworkPolicyPeer, NetworkPolicySpec,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use crate::cluster::Cluster;
use crate::{labels, names};

/// The service without an address by which each rank has a name.
pub fn service(cluster: &Cluster) -> Service {
    Service {
        metadata: meta(cluster, names::SERVICE),
        spec: Some(ServiceSpec {
            cluster_ip: Some("None".to_owned()),
            // Ranks look for each other before any of them is ready for anything.
            publish_not_ready_addresses: Some(true),
            selector: Some(labels::of_ranks()),
            ports: Some(vec![ServicePort {
                name: Some("master".to_owned()),
                port: i32::from(names::MASTER_PORT),
                target_port: Some(IntOrString::Int(i32::from(names::MASTER_PORT))),
                protocol: Some("TCP".to_owned()),
                ..ServicePort::default()
            }]),
            ..ServiceSpec::default()
        }),
        status: None,
    }
}

/// Ranks are spoken to by ranks only. Whom they speak to is not limited: training fetches data from anywhere.
pub fn policy(cluster: &Cluster) -> NetworkPolicy {
    let ranks = || LabelSelector {
        match_labels: Some(labels::of_ranks()),
        ..LabelSelector::default()
    };
    NetworkPolicy {
        metadata: meta(cluster, names::POLICY),
        spec: Some(NetworkPolicySpec {
            pod_selector: Some(ranks()),
            policy_types: Some(vec!["Ingress".to_owned()]),
            ingress: Some(vec![NetworkPolicyIngressRule {
                from: Some(vec![NetworkPolicyPeer {
                    pod_selector: Some(ranks()),
                    ..NetworkPolicyPeer::default()
                }]),
                ports: None,
            }]),
            egress: None,
        }),
    }
}

fn meta(cluster: &Cluster, name: &str) -> ObjectMeta {
    ObjectMeta {
        name: Some(name.to_owned()),
        namespace: Some(cluster.namespace.clone()),
        labels: Some(labels::of_ranks()),
        ..ObjectMeta::default()
    }
}
