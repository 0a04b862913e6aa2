//! The files by which `kubectl apply -k` knows what belongs together.

use serde::Serialize;

use crate::name::{PLATFORM, SERVICE};

/// What a folder is for others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Something whole.
    Whole,
    /// A part that is added to something whole.
    Part,
}

/// `kustomization.yaml`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Kustomization {
    api_version: &'static str,
    kind: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    resources: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    components: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    config_map_generator: Vec<Generated>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    secret_generator: Vec<Generated>,
}

/// A ConfigMap or a Secret whose name ends with a digest of what is in it, so that what uses it is replaced with it.
#[derive(Debug, Serialize)]
struct Generated {
    name: &'static str,
    namespace: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    files: Vec<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    envs: Vec<&'static str>,
}

impl Kustomization {
    /// One with these files or folders.
    pub(crate) fn of(kind: Kind, resources: &[&str]) -> Self {
        let (api_version, kind) = match kind {
            Kind::Whole => ("kustomize.config.k8s.io/v1beta1", "Kustomization"),
            Kind::Part => ("kustomize.config.k8s.io/v1alpha1", "Component"),
        };
        Self {
            api_version,
            kind,
            resources: resources.iter().map(|&it| it.to_owned()).collect(),
            components: Vec::new(),
            config_map_generator: Vec::new(),
            secret_generator: Vec::new(),
        }
    }

    /// With parts, too.
    pub(crate) fn with(mut self, parts: &[&str]) -> Self {
        let folder = |part: &&str| format!("../../components/{part}");
        self.components = parts.iter().map(folder).collect();
        self
    }

    /// With the settings of the platform, and its secrets, each line of which is a variable.
    pub(crate) fn with_settings(mut self, settings: &'static str, secrets: &'static str) -> Self {
        self.config_map_generator.push(Generated {
            files: vec![settings],
            envs: Vec::new(),
            ..GENERATED
        });
        self.secret_generator.push(Generated {
            files: Vec::new(),
            envs: vec![secrets],
            ..GENERATED
        });
        self
    }
}

const GENERATED: Generated = Generated {
    name: SERVICE,
    namespace: PLATFORM,
    files: Vec::new(),
    envs: Vec::new(),
};
