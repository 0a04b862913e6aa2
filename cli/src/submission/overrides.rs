//! Values of `run`'s options that replace the file's.

use serde_json::json;

use super::{DocumentError, Priority, yaml};

/// What replaces the file's values, where it is given.
#[derive(Debug, Default)]
pub(crate) struct Overrides {
    /// `resource.node_count`.
    pub(crate) nodes: Option<u32>,
    /// `resource.group`.
    pub(crate) group: Option<String>,
    /// `priority`.
    pub(crate) priority: Option<Priority>,
}

impl Overrides {
    /// The file's text with these values in it; untouched if there are none.
    pub(crate) fn apply(&self, text: &str) -> Result<String, DocumentError> {
        let values = [
            (
                "priority",
                self.priority.as_ref().map(|priority| json!(priority)),
            ),
            (
                "resource.group",
                self.group.as_ref().map(|group| json!(group)),
            ),
            ("resource.node_count", self.nodes.map(|nodes| json!(nodes))),
        ];
        if values.iter().all(|(_, value)| value.is_none()) {
            return Ok(text.to_owned());
        }
        let mut document = yaml::read(text).map_err(DocumentError::Unreadable)?;
        for (path, value) in values {
            if let Some(value) = value {
                yaml::set(&mut document, path, value)?;
            }
        }
        yaml::write(&document)
    }
}
