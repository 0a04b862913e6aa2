//! The processes of the platform: two that answer, two of which one drives runs.

use k8s_openapi::api::apps::v1::{
    Deployment, DeploymentSpec, DeploymentStrategy, RollingUpdateDeployment,
};
use k8s_openapi::api::core::v1::{
    ConfigMapVolumeSource, Container, ContainerPort, EnvVar, HTTPGetAction, Lifecycle,
    LifecycleHandler, PodSpec, PodTemplateSpec, Probe, SleepAction, Volume, VolumeMount,
};
use k8s_openapi::api::policy::v1::{PodDisruptionBudget, PodDisruptionBudgetSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use crate::container::{
    PLATFORM_USER, apart, claim, empty, mount, off_training_nodes, pod_security, resources, secret,
    security, variable,
};
use crate::name::{self, DATA, PORT, PORT_NAME, Part, SERVER_URL, SETTINGS_FILE, words};
use crate::priority;
use crate::settings::Settings;

/// The program, where `deploy/Dockerfile` puts it.
const PROGRAM: &str = "/usr/local/bin/hai-platform";
/// The directory of the file with the settings.
const SETTINGS_DIR: &str = "/etc/hai";
/// It has no more than two while it is updated, and one when a node is emptied.
const REPLICAS: i32 = 2;
/// Until nobody sends it anything new: everybody has to hear first that it goes.
const UNTIL_FORGOTTEN_SECS: i64 = 5;
/// That, the ten seconds in which the program stops, and some to spare.
const GRACE_SECS: i64 = UNTIL_FORGOTTEN_SECS + 10 + 5;
/// A start may change the schema, and a big table takes its time: half an hour.
const START_LOOKS: i32 = 360;

/// The processes of one kind.
pub(crate) fn deployment(settings: &Settings, part: Part) -> Deployment {
    Deployment {
        metadata: part.meta(),
        spec: DeploymentSpec {
            replicas: Some(REPLICAS),
            revision_history_limit: Some(3),
            min_ready_seconds: Some(5),
            selector: part.selector(),
            strategy: Some(DeploymentStrategy {
                type_: Some("RollingUpdate".to_owned()),
                rolling_update: Some(RollingUpdateDeployment {
                    max_surge: Some(IntOrString::Int(1)),
                    max_unavailable: Some(IntOrString::Int(0)),
                }),
            }),
            template: PodTemplateSpec {
                metadata: Some(ObjectMeta {
                    labels: Some(part.labels()),
                    ..ObjectMeta::default()
                }),
                spec: Some(pod(settings, part)),
            },
            ..DeploymentSpec::default()
        },
        status: None,
    }
}

/// One of them is always there, whoever empties nodes.
pub(crate) fn budget(part: Part) -> PodDisruptionBudget {
    PodDisruptionBudget {
        metadata: part.meta(),
        spec: Some(PodDisruptionBudgetSpec {
            min_available: Some(IntOrString::Int(1)),
            selector: Some(part.selector()),
            // One that is not ready helps nobody by staying.
            unhealthy_pod_eviction_policy: Some("AlwaysAllow".to_owned()),
            ..PodDisruptionBudgetSpec::default()
        }),
        status: None,
    }
}

fn pod(settings: &Settings, part: Part) -> PodSpec {
    PodSpec {
        service_account_name: Some(part.name().to_owned()),
        // Who answers people has no business with the cluster.
        automount_service_account_token: Some(part == Part::Work),
        enable_service_links: Some(false),
        priority_class_name: Some(priority::PLATFORM.to_owned()),
        termination_grace_period_seconds: Some(GRACE_SECS),
        security_context: Some(pod_security(PLATFORM_USER)),
        affinity: Some(off_training_nodes()),
        topology_spread_constraints: Some(apart(part)),
        containers: vec![container(settings, part)],
        volumes: Some(vec![
            claim("data", DATA),
            settings_file(),
            empty("tmp", "1Gi"),
        ]),
        ..PodSpec::default()
    }
}

fn container(settings: &Settings, part: Part) -> Container {
    let role = match part {
        Part::Work => "work",
        Part::Serve | Part::Postgres | Part::Redis => "serve",
    };
    Container {
        name: role.to_owned(),
        image: Some(settings.image.clone()),
        image_pull_policy: Some("IfNotPresent".to_owned()),
        command: Some(words(&[PROGRAM, role])),
        args: Some(words(&[
            "--data-dir",
            &settings.data_dir,
            "--config",
            &format!("{SETTINGS_DIR}/{SETTINGS_FILE}"),
            "--listen",
            &format!("0.0.0.0:{PORT}"),
        ])),
        env: Some(environment()),
        ports: Some(vec![ContainerPort {
            name: Some(PORT_NAME.to_owned()),
            container_port: PORT,
            protocol: Some("TCP".to_owned()),
            ..ContainerPort::default()
        }]),
        startup_probe: Some(probe("/healthz", 5, START_LOOKS)),
        liveness_probe: Some(probe("/healthz", 10, 6)),
        readiness_probe: Some(probe("/readyz", 5, 2)),
        lifecycle: Some(Lifecycle {
            pre_stop: Some(LifecycleHandler {
                sleep: Some(SleepAction {
                    seconds: UNTIL_FORGOTTEN_SECS,
                }),
                ..LifecycleHandler::default()
            }),
            ..Lifecycle::default()
        }),
        resources: Some(resources("250m", "256Mi", "4Gi")),
        security_context: Some(security()),
        volume_mounts: Some(vec![
            mount("data", &settings.data_dir),
            VolumeMount {
                read_only: Some(true),
                ..mount("settings", SETTINGS_DIR)
            },
            mount("tmp", "/tmp"),
        ]),
        ..Container::default()
    }
}

/// What holds a password is in the Secret; only the database must be there.
fn environment() -> Vec<EnvVar> {
    vec![
        secret("HAI_DATABASE_URL", false),
        secret("HAI_DATABASE_REPLICA_URL", true),
        secret("HAI_REDIS_URL", true),
        variable("HAI_AGENT_URL", SERVER_URL),
        variable("HAI_LOG_FORMAT", "json"),
    ]
}

fn settings_file() -> Volume {
    Volume {
        name: "settings".to_owned(),
        config_map: Some(ConfigMapVolumeSource {
            name: name::SERVICE.to_owned(),
            ..ConfigMapVolumeSource::default()
        }),
        ..Volume::default()
    }
}

/// Asks so often, and believes so many bad answers.
fn probe(path: &str, every_secs: i32, looks: i32) -> Probe {
    Probe {
        http_get: Some(HTTPGetAction {
            path: Some(path.to_owned()),
            port: IntOrString::String(PORT_NAME.to_owned()),
            ..HTTPGetAction::default()
        }),
        period_seconds: Some(every_secs),
        timeout_seconds: Some(3),
        failure_threshold: Some(looks),
        ..Probe::default()
    }
}
