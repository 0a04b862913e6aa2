//! A Redis beside the platform. It keeps nothing that is true, so it keeps nothing at all.

use k8s_openapi::api::apps::v1::{Deployment, DeploymentSpec};
use k8s_openapi::api::core::v1::{
    Container, ContainerPort, PodSpec, PodTemplateSpec, Probe, Service, TCPSocketAction,
};
use k8s_openapi::api::networking::v1::NetworkPolicy;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use crate::container::{
    empty, mount, off_training_nodes, pod_security, resources, secret, security,
};
use crate::name::{Part, words};
use crate::network;

const IMAGE: &str = "redis:8.2.1";
/// The user of that image.
const USER: i64 = 999;
const PORT: i32 = 6379;
const PORT_NAME: &str = "redis";

/// It reads its settings from its input, so that the password is on no command line. When memory is scarce, what has not
/// been used for longest goes: counts of requests, which begin anew.
const SCRIPT: &str = "\
exec redis-server - <<END
requirepass $REDIS_PASSWORD
dir /data
save \"\"
appendonly no
maxmemory 256mb
maxmemory-policy allkeys-lru
END
";

/// The server.
pub(crate) fn deployment() -> Deployment {
    Deployment {
        metadata: Part::Redis.meta(),
        spec: DeploymentSpec {
            replicas: Some(1),
            revision_history_limit: Some(3),
            selector: Part::Redis.selector(),
            template: PodTemplateSpec {
                metadata: Some(ObjectMeta {
                    labels: Some(Part::Redis.labels()),
                    ..ObjectMeta::default()
                }),
                spec: Some(pod()),
            },
            ..DeploymentSpec::default()
        },
        status: None,
    }
}

/// Its address.
pub(crate) fn service() -> Service {
    network::service_of(Part::Redis, Part::Redis.name(), PORT, PORT_NAME)
}

/// Who may speak with it.
pub(crate) fn policy() -> NetworkPolicy {
    network::only_the_platform(Part::Redis, PORT_NAME)
}

fn pod() -> PodSpec {
    PodSpec {
        automount_service_account_token: Some(false),
        enable_service_links: Some(false),
        security_context: Some(pod_security(USER)),
        affinity: Some(off_training_nodes()),
        containers: vec![Container {
            name: PORT_NAME.to_owned(),
            image: Some(IMAGE.to_owned()),
            command: Some(words(&["sh", "-c", SCRIPT])),
            env: Some(vec![secret("REDIS_PASSWORD", false)]),
            ports: Some(vec![ContainerPort {
                name: Some(PORT_NAME.to_owned()),
                container_port: PORT,
                protocol: Some("TCP".to_owned()),
                ..ContainerPort::default()
            }]),
            readiness_probe: Some(Probe {
                tcp_socket: Some(TCPSocketAction {
                    port: IntOrString::String(PORT_NAME.to_owned()),
                    host: None,
                }),
                period_seconds: Some(5),
                ..Probe::default()
            }),
            resources: Some(resources("50m", "64Mi", "512Mi")),
            security_context: Some(security()),
            volume_mounts: Some(vec![mount("data", "/data"), mount("tmp", "/tmp")]),
            ..Container::default()
        }],
        volumes: Some(vec![empty("data", "16Mi"), empty("tmp", "16Mi")]),
        ..PodSpec::default()
    }
}
