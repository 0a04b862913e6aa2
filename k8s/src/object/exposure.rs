//! How a rank is reached from outside: only where one of its services asks for it.
//!
//! ```text
//! by a path        Ingress ─▶ Service ─▶ pod
//! by a node port              Service ─▶ pod
//! ```
//!
//! Ranks are spoken to by ranks only, so a policy lets everybody else speak with these ports of this pod. All of it goes with
//! the Secret of the run.

use domain::runtime::{Exposure, LaunchRank, Reach};
use k8s_openapi::api::core::v1::{Secret, Service, ServicePort, ServiceSpec};
use k8s_openapi::api::networking::v1::{
    HTTPIngressPath, HTTPIngressRuleValue, Ingress, IngressBackend, IngressRule,
    IngressServiceBackend, IngressSpec, IngressTLS, NetworkPolicy, NetworkPolicyIngressRule,
    NetworkPolicyPort, NetworkPolicySpec, ServiceBackendPort,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::owner;
use crate::cluster::Cluster;
use crate::{labels, names};

/// The objects by which a rank is reached.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Exposed {
    /// Of the ports that are reached by a path, and of those of every node.
    pub services: Vec<Service>,
    /// The paths.
    pub ingress: Option<Ingress>,
    /// Who may speak with these ports.
    pub policy: Option<NetworkPolicy>,
}

/// What exposes the ports of a rank; nothing if none is to be.
pub fn exposed(cluster: &Cluster, launch: &LaunchRank, anchor: &Secret) -> Exposed {
    let all = &launch.container.exposures;
    if all.is_empty() {
        return Exposed::default();
    }
    let is_by_path = |it: &&Exposure| matches!(it.reach, Reach::Path(_));
    let (by_path, by_port): (Vec<_>, Vec<_>) = all.iter().partition(is_by_path);
    let name = names::pod(&launch.key);
    let meta = |name: &str| ObjectMeta {
        name: Some(name.to_owned()),
        namespace: Some(cluster.namespace.clone()),
        labels: Some(labels::of_rank(&launch.key, &launch.user)),
        owner_references: Some(vec![owner(anchor)]),
        ..ObjectMeta::default()
    };
    let service = |name: &str, kind: &str, ports: &[&Exposure]| Service {
        metadata: meta(name),
        spec: Some(ServiceSpec {
            type_: Some(kind.to_owned()),
            selector: Some(labels::of_rank(&launch.key, &launch.user)),
            ports: Some(ports.iter().map(|it| service_port(it)).collect()),
            ..ServiceSpec::default()
        }),
        status: None,
    };
    let mut services = Vec::new();
    if !by_path.is_empty() {
        services.push(service(&name, "ClusterIP", &by_path));
    }
    if !by_port.is_empty() {
        services.push(service(
            &names::node_ports(&launch.key),
            "NodePort",
            &by_port,
        ));
    }
    Exposed {
        services,
        ingress: (!by_path.is_empty()).then(|| Ingress {
            metadata: meta(&name),
            spec: Some(paths(cluster, &name, &by_path)),
            status: None,
        }),
        policy: Some(NetworkPolicy {
            metadata: meta(&name),
            spec: Some(NetworkPolicySpec {
                pod_selector: Some(LabelSelector {
                    match_labels: Some(labels::of_rank(&launch.key, &launch.user)),
                    ..LabelSelector::default()
                }),
                policy_types: Some(vec!["Ingress".to_owned()]),
                ingress: Some(vec![NetworkPolicyIngressRule {
                    // Whoever comes through a node or an ingress is no pod that could be named here.
                    from: None,
                    ports: Some(all.iter().map(policy_port).collect()),
                }]),
                egress: None,
            }),
        }),
    }
}

fn service_port(exposure: &Exposure) -> ServicePort {
    ServicePort {
        name: Some(exposure.name.clone()),
        port: exposure.port.into(),
        target_port: Some(IntOrString::Int(exposure.port.into())),
        protocol: Some("TCP".to_owned()),
        node_port: match exposure.reach {
            Reach::NodePort(port) => port.map(i32::from),
            Reach::Path(_) => None,
        },
        ..ServicePort::default()
    }
}

fn policy_port(exposure: &Exposure) -> NetworkPolicyPort {
    NetworkPolicyPort {
        port: Some(IntOrString::Int(exposure.port.into())),
        protocol: Some("TCP".to_owned()),
        end_port: None,
    }
}

/// The same paths on each host of the cluster; on any that leads there if none is configured.
fn paths(cluster: &Cluster, service: &str, exposures: &[&Exposure]) -> IngressSpec {
    let path = |exposure: &&Exposure| {
        let Reach::Path(path) = &exposure.reach else {
            return None;
        };
        Some(HTTPIngressPath {
            path: Some(path.clone()),
            path_type: "Prefix".to_owned(),
            backend: IngressBackend {
                service: Some(IngressServiceBackend {
                    name: service.to_owned(),
                    port: Some(ServiceBackendPort {
                        name: Some(exposure.name.clone()),
                        number: None,
                    }),
                }),
                resource: None,
            },
        })
    };
    let rule = |host: Option<String>| IngressRule {
        host,
        http: Some(HTTPIngressRuleValue {
            paths: exposures.iter().filter_map(path).collect(),
        }),
    };
    let hosts = &cluster.ingress.hosts;
    let mut rules: Vec<_> = hosts.iter().cloned().map(Some).map(rule).collect();
    if rules.is_empty() {
        rules.push(rule(None));
    }
    IngressSpec {
        ingress_class_name: cluster.ingress.class.clone(),
        rules: Some(rules),
        tls: cluster.ingress.tls_secret.clone().map(|secret| {
            vec![IngressTLS {
                hosts: Some(hosts.clone()),
                secret_name: Some(secret),
            }]
        }),
        ..IngressSpec::default()
    }
}
