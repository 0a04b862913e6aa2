//! How people reach the platform from outside: an example for whoever has an Ingress controller.

use k8s_openapi::api::networking::v1::{
    HTTPIngressPath, HTTPIngressRuleValue, Ingress, IngressBackend, IngressRule,
    IngressServiceBackend, IngressSpec, IngressTLS, ServiceBackendPort,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use crate::name::{self, PLATFORM, PORT_NAME, SERVICE, labels};
use crate::settings::Settings;

/// What people and their programs ask for. What is measured is not among it: it stays inside.
const PATHS: [&str; 4] = ["/graphql", "/graphiql", "/session", "/tasks"];

/// What must be there before it.
pub(crate) const WHY: &str = "\
The certificate is in the Secret hai-platform-tls of this namespace, which is made by hand or by cert-manager. The annotations
are those of the controller ingress-nginx: whoever follows a log is connected for hours, and a request has at most 1 MiB.";

/// The Ingress.
pub(crate) fn ingress(settings: &Settings) -> Ingress {
    Ingress {
        metadata: ObjectMeta {
            annotations: Some(labels([
                ("nginx.ingress.kubernetes.io/proxy-read-timeout", "3600"),
                ("nginx.ingress.kubernetes.io/proxy-send-timeout", "3600"),
                ("nginx.ingress.kubernetes.io/proxy-body-size", "1m"),
            ])),
            ..name::meta(PLATFORM, SERVICE)
        },
        spec: Some(IngressSpec {
            ingress_class_name: Some("nginx".to_owned()),
            tls: Some(vec![IngressTLS {
                hosts: Some(vec![settings.host.clone()]),
                secret_name: Some("hai-platform-tls".to_owned()),
            }]),
            rules: Some(vec![IngressRule {
                host: Some(settings.host.clone()),
                http: Some(HTTPIngressRuleValue {
                    paths: PATHS.map(to_platform).into(),
                }),
            }]),
            default_backend: None,
        }),
        status: None,
    }
}

fn to_platform(path: &str) -> HTTPIngressPath {
    HTTPIngressPath {
        path: Some(path.to_owned()),
        path_type: "Prefix".to_owned(),
        backend: IngressBackend {
            service: Some(IngressServiceBackend {
                name: SERVICE.to_owned(),
                port: Some(ServiceBackendPort {
                    name: Some(PORT_NAME.to_owned()),
                    number: None,
                }),
            }),
            resource: None,
        },
    }
}
