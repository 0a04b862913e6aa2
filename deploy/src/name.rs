//! What things are called, and the labels by which they are found.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta};

/// The namespace of the platform.
pub(crate) const PLATFORM: &str = "hai";
/// The namespace of the tasks. Nothing else is in it.
pub(crate) const TASKS: &str = "hai-tasks";

/// The Service of those who answer; also the name of the settings and of the Secret.
pub(crate) const SERVICE: &str = "hai-platform";
/// The address at which agents reach the platform: every pod of the cluster finds it, in the network of a node, too.
pub(crate) const SERVER_URL: &str = "http://hai-platform.hai:7780";
/// The port of every process of the platform.
pub(crate) const PORT: i32 = 7780;
/// That port, in words.
pub(crate) const PORT_NAME: &str = "http";

/// The claim of the shared data, in both namespaces.
pub(crate) const DATA: &str = "hai-data";
/// The file with the settings.
pub(crate) const SETTINGS_FILE: &str = "override.toml";
/// Label of nodes with the group that they belong to. Those without it are not for tasks.
pub(crate) const GROUP_LABEL: &str = "hai_mars_group";

const NAME: &str = "app.kubernetes.io/name";
const COMPONENT: &str = "app.kubernetes.io/component";
const PART_OF: &str = "app.kubernetes.io/part-of";

/// A part of the platform that runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// Answers people and agents.
    Serve,
    /// Drives runs.
    Work,
    /// The database.
    Postgres,
    /// What carries wake-ups.
    Redis,
}

impl Part {
    /// What its objects are called.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Serve => "hai-platform-serve",
            Self::Work => "hai-platform-work",
            Self::Postgres => "hai-postgres",
            Self::Redis => "hai-redis",
        }
    }

    fn component(self) -> &'static str {
        match self {
            Self::Serve => "serve",
            Self::Work => "work",
            Self::Postgres => "postgres",
            Self::Redis => "redis",
        }
    }

    /// Labels by which its pods are selected: they never change.
    pub(crate) fn labels(self) -> BTreeMap<String, String> {
        labels([
            (NAME, program(self)),
            (COMPONENT, self.component()),
            (PART_OF, SERVICE),
        ])
    }

    /// Its pods.
    pub(crate) fn selector(self) -> LabelSelector {
        selector(self.labels())
    }

    /// What an object of it is called, in the namespace of the platform.
    pub(crate) fn meta(self) -> ObjectMeta {
        ObjectMeta {
            name: Some(self.name().to_owned()),
            namespace: Some(PLATFORM.to_owned()),
            labels: Some(self.labels()),
            ..ObjectMeta::default()
        }
    }
}

fn program(part: Part) -> &'static str {
    match part {
        Part::Serve | Part::Work => SERVICE,
        Part::Postgres | Part::Redis => part.name(),
    }
}

/// Both kinds of processes of the platform.
pub(crate) fn processes() -> LabelSelector {
    selector(labels([(NAME, SERVICE)]))
}

/// An object of the platform that belongs to none of its parts.
pub(crate) fn meta(namespace: &str, name: &str) -> ObjectMeta {
    ObjectMeta {
        namespace: Some(namespace.to_owned()),
        ..cluster_meta(name)
    }
}

/// An object of the platform that is in no namespace.
pub(crate) fn cluster_meta(name: &str) -> ObjectMeta {
    ObjectMeta {
        name: Some(name.to_owned()),
        labels: Some(labels([(PART_OF, SERVICE)])),
        ..ObjectMeta::default()
    }
}

/// Whatever has these labels.
pub(crate) fn selector(labels: BTreeMap<String, String>) -> LabelSelector {
    LabelSelector {
        match_labels: Some(labels),
        ..LabelSelector::default()
    }
}

/// Labels, or whatever else is a map of texts.
pub(crate) fn labels<const N: usize>(all: [(&str, &str); N]) -> BTreeMap<String, String> {
    all.map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
}

/// Texts of our own.
pub(crate) fn words(all: &[&str]) -> Vec<String> {
    all.iter().map(|&word| word.to_owned()).collect()
}
