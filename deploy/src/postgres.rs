//! A PostgreSQL for trying the platform out: one, without a copy, and backed up by nobody.

use k8s_openapi::api::apps::v1::{StatefulSet, StatefulSetSpec};
use k8s_openapi::api::core::v1::{
    Container, ContainerPort, ExecAction, PersistentVolumeClaim, PersistentVolumeClaimSpec,
    PodSpec, PodTemplateSpec, Probe, Service, VolumeResourceRequirements,
};
use k8s_openapi::api::networking::v1::NetworkPolicy;
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use crate::container::{
    empty, mount, off_training_nodes, pod_security, resources, secret, security, variable,
};
use crate::name::{Part, labels, words};
use crate::network;
use crate::priority;

const IMAGE: &str = "postgres:17.6";
/// The user of that image.
const USER: i64 = 999;
const PORT: i32 = 5432;
const PORT_NAME: &str = "postgres";
const ROOT: &str = "/var/lib/postgresql/data";
/// Name of the database, and of who may use it.
const NAME: &str = "hai";

/// The server.
pub(crate) fn stateful_set() -> StatefulSet {
    StatefulSet {
        metadata: Part::Postgres.meta(),
        spec: StatefulSetSpec {
            replicas: Some(1),
            service_name: Some(Part::Postgres.name().to_owned()),
            selector: Part::Postgres.selector(),
            template: PodTemplateSpec {
                metadata: Some(ObjectMeta {
                    labels: Some(Part::Postgres.labels()),
                    ..ObjectMeta::default()
                }),
                spec: Some(pod()),
            },
            volume_claim_templates: Some(vec![claim()]),
            ..StatefulSetSpec::default()
        },
        status: None,
    }
}

/// Its address.
pub(crate) fn service() -> Service {
    network::service_of(Part::Postgres, Part::Postgres.name(), PORT, PORT_NAME)
}

/// Who may speak with it.
pub(crate) fn policy() -> NetworkPolicy {
    network::only_the_platform(Part::Postgres, PORT_NAME)
}

fn pod() -> PodSpec {
    PodSpec {
        automount_service_account_token: Some(false),
        enable_service_links: Some(false),
        priority_class_name: Some(priority::PLATFORM.to_owned()),
        security_context: Some(pod_security(USER)),
        affinity: Some(off_training_nodes()),
        termination_grace_period_seconds: Some(60),
        containers: vec![Container {
            name: PORT_NAME.to_owned(),
            image: Some(IMAGE.to_owned()),
            // Six processes at most, while one of each kind is replaced, with up to 22 connections each.
            args: Some(words(&["-c", "max_connections=200"])),
            env: Some(vec![
                variable("POSTGRES_USER", NAME),
                variable("POSTGRES_DB", NAME),
                secret("POSTGRES_PASSWORD", false),
                // Not the volume itself, in which a file system may have put things of its own.
                variable("PGDATA", &format!("{ROOT}/pgdata")),
            ]),
            ports: Some(vec![ContainerPort {
                name: Some(PORT_NAME.to_owned()),
                container_port: PORT,
                protocol: Some("TCP".to_owned()),
                ..ContainerPort::default()
            }]),
            readiness_probe: Some(Probe {
                exec: Some(ExecAction {
                    command: Some(words(&["pg_isready", "-U", NAME, "-d", NAME])),
                }),
                period_seconds: Some(5),
                timeout_seconds: Some(3),
                ..Probe::default()
            }),
            resources: Some(resources("250m", "256Mi", "2Gi")),
            security_context: Some(security()),
            volume_mounts: Some(vec![
                mount("postgres", ROOT),
                mount("run", "/var/run/postgresql"),
                mount("tmp", "/tmp"),
            ]),
            ..Container::default()
        }],
        volumes: Some(vec![empty("run", "16Mi"), empty("tmp", "1Gi")]),
        ..PodSpec::default()
    }
}

/// Of the cluster's usual storage.
fn claim() -> PersistentVolumeClaim {
    PersistentVolumeClaim {
        metadata: ObjectMeta {
            name: Some(PORT_NAME.to_owned()),
            ..ObjectMeta::default()
        },
        spec: Some(PersistentVolumeClaimSpec {
            access_modes: Some(words(&["ReadWriteOnce"])),
            resources: Some(VolumeResourceRequirements {
                requests: Some(
                    labels([("storage", "20Gi")])
                        .into_iter()
                        .map(|(name, amount)| (name, Quantity(amount)))
                        .collect(),
                ),
                limits: None,
            }),
            ..PersistentVolumeClaimSpec::default()
        }),
        status: None,
    }
}
