//! The specification of a task, once everything about it has been checked.

use std::collections::BTreeMap;
use std::time::Duration;

use scheduler::Priority;

use super::command;

/// What a user asks for. Invariant: it was read from a document that keeps every rule of schema v2.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskSpec {
    pub(super) name: String,
    pub(super) task_type: TaskType,
    pub(super) priority: Priority,
    pub(super) workspace: String,
    pub(super) entrypoint: String,
    pub(super) entrypoint_executable: bool,
    pub(super) parameters: String,
    pub(super) environments: BTreeMap<String, String>,
    pub(super) image: String,
    pub(super) group: String,
    pub(super) zone: Option<String>,
    pub(super) node_count: u32,
    pub(super) whole_life_state: u32,
    pub(super) watchdog_time: Option<u32>,
    pub(super) timeout: Option<u32>,
    pub(super) max_restarts: u32,
    pub(super) tags: Vec<String>,
    pub(super) shared_in_group: bool,
}

/// What kind of task it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum TaskType {
    /// Scheduled on whole nodes; may be suspended and run again.
    #[default]
    Training,
}

impl TaskType {
    /// The word for it in documents.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Training => "training",
        }
    }
}

impl TaskSpec {
    /// Name: 1 to 511 characters, no parentheses.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Kind of task.
    pub fn task_type(&self) -> TaskType {
        self.task_type
    }

    /// Priority asked for.
    pub fn priority(&self) -> Priority {
        self.priority
    }

    /// The same task with another priority.
    pub fn with_priority(self, priority: Priority) -> Self {
        Self { priority, ..self }
    }

    /// The same task in this environment.
    #[must_use]
    pub fn with_image(self, image: String) -> Self {
        Self { image, ..self }
    }

    /// Absolute path of the folder in which the command runs; no spaces, no `..`.
    pub fn workspace(&self) -> &str {
        &self.workspace
    }

    /// Path of the script or program, absolute or relative to the workspace.
    pub fn entrypoint(&self) -> &str {
        &self.entrypoint
    }

    /// Whether the entrypoint is executed itself, without an interpreter.
    pub fn is_entrypoint_executable(&self) -> bool {
        self.entrypoint_executable
    }

    /// Shell text that follows the entrypoint; may be empty.
    pub fn parameters(&self) -> &str {
        &self.parameters
    }

    /// Path of the entrypoint and the parameters, for people: at most 2047 characters.
    pub fn command(&self) -> String {
        command::shown(&self.workspace, &self.entrypoint, &self.parameters)
    }

    /// The user's environment variables, by name. Values are literal: nothing in them is expanded.
    pub fn environments(&self) -> &BTreeMap<String, String> {
        &self.environments
    }

    /// Image or built-in environment; `default` leaves the choice to the platform.
    pub fn image(&self) -> &str {
        &self.image
    }

    /// Node group, without the zone; `default` stands for the configured default group.
    pub fn group(&self) -> &str {
        &self.group
    }

    /// Zone of the group to which the nodes are pinned.
    pub fn zone(&self) -> Option<&str> {
        self.zone.as_deref()
    }

    /// Nodes of every run: 1 to 100 000.
    pub fn node_count(&self) -> u32 {
        self.node_count
    }

    /// First value of the number that the user's code may carry from run to run; fits an `i32`.
    pub fn whole_life_state(&self) -> u32 {
        self.whole_life_state
    }

    /// A run whose log is silent for so long is ended.
    pub fn watchdog_time(&self) -> Option<Duration> {
        self.watchdog_time.map(seconds)
    }

    /// A run is ended so long after its start.
    pub fn timeout(&self) -> Option<Duration> {
        self.timeout.map(seconds)
    }

    /// How often a run that failed by itself is repeated; 0 to 1000.
    pub fn max_restarts(&self) -> u32 {
        self.max_restarts
    }

    /// Tags, each once, in the user's order; none starts with `_`.
    pub fn tags(&self) -> &[String] {
        &self.tags
    }

    /// Whether the members of its owner's team may see it from the beginning.
    pub fn is_shared_in_group(&self) -> bool {
        self.shared_in_group
    }
}

fn seconds(count: u32) -> Duration {
    Duration::from_secs(count.into())
}
