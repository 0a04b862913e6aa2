//! What kubelets do, and with what.

use std::path::PathBuf;
use std::time::Duration;

use super::behaviour::Behave;

/// What kubelets do.
#[derive(Debug, Clone)]
pub struct KubeletOptions {
    /// Their nodes; all there are, if none is named.
    pub nodes: Vec<String>,
    /// With what they run containers as processes. Without it containers are nothing but the word that they run.
    pub processes: Option<ProcessOptions>,
    /// How pods behave.
    pub behave: Behave,
    /// After an image could not be pulled, until it is tried again; twice as long each time.
    pub back_off: Duration,
}

impl Default for KubeletOptions {
    fn default() -> Self {
        Self {
            nodes: Vec::new(),
            processes: None,
            behave: Behave::default(),
            back_off: Duration::from_secs(10),
        }
    }
}

/// With what containers are run as processes.
#[derive(Debug, Clone, Default)]
pub struct ProcessOptions {
    /// A directory for the volumes of pods. It is there, and belongs to these kubelets alone.
    pub root: PathBuf,
    /// What images have that this machine does not.
    pub binaries: Vec<Binary>,
}

/// A file of this machine that an image has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binary {
    /// How the names of the images begin that have it.
    pub image: String,
    /// Where it is on this machine.
    pub from: PathBuf,
    /// Where it is in a container.
    pub at: PathBuf,
}

impl ProcessOptions {
    /// The file in which pods find each other.
    pub(super) fn hosts(&self) -> PathBuf {
        self.root.join("hosts")
    }
}
