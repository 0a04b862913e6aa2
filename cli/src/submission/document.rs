//! What a script call submits.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value};

use super::{DocumentError, Priority, yaml};

/// A task, as its document says it. The field order is the order in the document.
#[derive(Debug, Serialize)]
pub(crate) struct Submission {
    /// Always 2.
    pub(crate) version: u32,
    /// Name of the task.
    pub(crate) name: String,
    /// Its priority.
    pub(crate) priority: Priority,
    /// What runs.
    pub(crate) spec: Spec,
    /// On what.
    pub(crate) resource: Resource,
    /// Everything else.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub(crate) options: Map<String, Value>,
}

/// The section `spec`.
#[derive(Debug, Serialize)]
pub(crate) struct Spec {
    /// Absolute directory in which the task starts.
    pub(crate) workspace: String,
    /// The script, relative to the workspace.
    pub(crate) entrypoint: String,
    /// Its arguments, quoted for a shell.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) parameters: String,
    /// Environment variables.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) environments: BTreeMap<String, String>,
    /// Whether the entrypoint is executed itself, not by an interpreter.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) entrypoint_executable: bool,
}

/// The section `resource`.
#[derive(Debug, Serialize)]
pub(crate) struct Resource {
    /// Environment of the task.
    pub(crate) image: String,
    /// Node group, or group#zone.
    pub(crate) group: String,
    /// Number of nodes.
    pub(crate) node_count: u32,
}

impl Submission {
    /// The document as text.
    pub(crate) fn to_yaml(&self) -> Result<String, DocumentError> {
        yaml::write(self)
    }
}
