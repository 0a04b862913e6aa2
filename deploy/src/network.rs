//! How the platform is reached, and who may reach what. Whom it speaks to is not limited: its database may be anywhere.

use k8s_openapi::api::core::v1::{Service, ServicePort, ServiceSpec};
use k8s_openapi::api::networking::v1::{
    NetworkPolicy, NetworkPolicyIngressRule, NetworkPolicyPeer, NetworkPolicyPort,
    NetworkPolicySpec,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use crate::name::{
    self, PLATFORM, PORT, PORT_NAME, Part, SERVICE, labels, processes, selector, words,
};

/// Why everybody may speak with those who answer.
pub(crate) const WHY_ANYBODY: &str = "\
People come through whatever stands before the cluster, and agents of tasks that have the network of their node come from its
address: neither is a pod that could be named here. Who may do what is told by tokens.";
/// Who may read what `work` measures.
pub(crate) const WHY_METRICS: &str = "\
Namespaces with the label hai-platform/metrics=true may ask all processes for /metrics; `work` answers nothing else that
matters. Kubelets, which ask whether they live, are not held back by policies.";

/// The label of namespaces that may read what is measured.
const METRICS_LABEL: &str = "hai-platform/metrics";

/// The address of those who answer.
pub(crate) fn service() -> Service {
    service_of(Part::Serve, SERVICE, PORT, PORT_NAME)
}

/// The address of a part.
pub(crate) fn service_of(part: Part, name: &str, port: i32, port_name: &str) -> Service {
    Service {
        metadata: ObjectMeta {
            name: Some(name.to_owned()),
            ..part.meta()
        },
        spec: Some(ServiceSpec {
            type_: Some("ClusterIP".to_owned()),
            selector: Some(part.labels()),
            ports: Some(vec![ServicePort {
                name: Some(port_name.to_owned()),
                port,
                target_port: Some(IntOrString::String(port_name.to_owned())),
                protocol: Some("TCP".to_owned()),
                ..ServicePort::default()
            }]),
            ..ServiceSpec::default()
        }),
        status: None,
    }
}

/// Nobody may speak with anything in a namespace to whom no other policy gives it.
pub(crate) fn nobody(namespace: &str) -> NetworkPolicy {
    NetworkPolicy {
        metadata: name::meta(namespace, "nobody"),
        spec: Some(NetworkPolicySpec {
            pod_selector: Some(LabelSelector::default()),
            policy_types: Some(words(&["Ingress"])),
            ..NetworkPolicySpec::default()
        }),
    }
}

/// Everybody may speak with those who answer.
pub(crate) fn anybody() -> NetworkPolicy {
    NetworkPolicy {
        metadata: Part::Serve.meta(),
        spec: Some(NetworkPolicySpec {
            pod_selector: Some(Part::Serve.selector()),
            policy_types: Some(words(&["Ingress"])),
            ingress: Some(vec![to_port(PORT_NAME, None)]),
            egress: None,
        }),
    }
}

/// Who measures may ask every process.
pub(crate) fn metrics() -> NetworkPolicy {
    let measuring = NetworkPolicyPeer {
        namespace_selector: Some(selector(labels([(METRICS_LABEL, "true")]))),
        ..NetworkPolicyPeer::default()
    };
    NetworkPolicy {
        metadata: name::meta(PLATFORM, "metrics"),
        spec: Some(NetworkPolicySpec {
            pod_selector: Some(processes()),
            policy_types: Some(words(&["Ingress"])),
            ingress: Some(vec![to_port(PORT_NAME, Some(measuring))]),
            egress: None,
        }),
    }
}

/// A server of the platform's own is spoken to by its processes, and speaks to nobody.
pub(crate) fn only_the_platform(part: Part, port_name: &str) -> NetworkPolicy {
    let ours = NetworkPolicyPeer {
        pod_selector: Some(processes()),
        ..NetworkPolicyPeer::default()
    };
    NetworkPolicy {
        metadata: part.meta(),
        spec: Some(NetworkPolicySpec {
            pod_selector: Some(part.selector()),
            policy_types: Some(words(&["Ingress", "Egress"])),
            ingress: Some(vec![to_port(port_name, Some(ours))]),
            egress: None,
        }),
    }
}

fn to_port(name: &str, from: Option<NetworkPolicyPeer>) -> NetworkPolicyIngressRule {
    NetworkPolicyIngressRule {
        from: from.map(|peer| vec![peer]),
        ports: Some(vec![NetworkPolicyPort {
            port: Some(IntOrString::String(name.to_owned())),
            protocol: Some("TCP".to_owned()),
            end_port: None,
        }]),
    }
}
