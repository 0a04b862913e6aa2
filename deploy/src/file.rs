//! A file of objects, as an administrator reads it.

use serde::Serialize;

/// The first line of every file that is written here.
const ORIGIN: &str =
    "# Written by `cargo xtask deploy`: change deploy/src, or its settings, not this file.\n";

/// A file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Where it is, below the folder that is written.
    pub path: String,
    /// What is in it.
    pub text: String,
}

impl File {
    /// A file of other texts than objects.
    pub(crate) fn plain(path: impl Into<String>, text: &str) -> Self {
        Self {
            path: path.into(),
            text: format!("{ORIGIN}{text}"),
        }
    }

    /// A file of objects.
    pub(crate) fn of(path: impl Into<String>, objects: &[String]) -> Self {
        Self::plain(path, &objects.join("---\n"))
    }
}

/// An object, with the reason for what is special about it.
///
/// # Errors
/// If it cannot be written as YAML.
pub(crate) fn yaml(
    why: &str,
    object: &impl Serialize,
) -> Result<String, serde_saphyr::SerializeError> {
    let reason: String = why.lines().map(|line| format!("# {line}\n")).collect();
    Ok(format!("{reason}{}", serde_saphyr::to_string(object)?))
}
