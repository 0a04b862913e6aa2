//! A task as input: the same document as the YAML of schema version 2, with types.

use std::collections::BTreeSet;

use async_graphql::InputObject;
use domain::{Error, Result, task};
use serde_json::{Map, Value, json};

use super::kinds::TaskType;
use super::priority::Priority;

/// A task to be submitted, as version 2 of the task schema describes it.
#[derive(Debug, InputObject)]
pub(crate) struct TaskInput {
    /// Version of the task schema: 2.
    #[graphql(default = 2)]
    version: i32,
    /// Name, 1 to 511 characters, not that of another task of yours that is not finished.
    name: String,
    /// Kind of the task.
    #[graphql(default_with = "TaskType::Training")]
    task_type: TaskType,
    /// How urgent it is.
    #[graphql(default_with = "Priority::Auto")]
    priority: Priority,
    /// What runs.
    spec: TaskSpecInput,
    /// What it runs on.
    resource: Option<TaskResourceInput>,
    /// Everything else.
    options: Option<TaskOptionsInput>,
}

/// What is to change about how urgent a task is.
#[derive(Debug, InputObject)]
pub(crate) struct UpdateTaskPriorityInput {
    /// How urgent it is; left as it is without one.
    priority: Option<Priority>,
    /// Whether the priority is for every run to come. If not, the task has the submitted one again when its present run
    /// has ended, or the next one if it waits.
    #[graphql(default)]
    for_every_run: bool,
    /// Place among the owner's own tasks, lower first; without one a task has its number. Left as it is without one.
    custom_rank: Option<f64>,
}

impl From<UpdateTaskPriorityInput> for task::Reprioritize {
    fn from(input: UpdateTaskPriorityInput) -> Self {
        Self {
            priority: input.priority.map(Into::into),
            lasts: if input.for_every_run {
                task::Lasts::EveryRun
            } else {
                task::Lasts::OneRun
            },
            custom_rank: input.custom_rank,
        }
    }
}

/// What runs.
#[derive(Debug, InputObject)]
pub(crate) struct TaskSpecInput {
    /// Absolute path of the directory in which the command runs; it must be one that the nodes can read.
    workspace: String,
    /// Path of the script or program, absolute or relative to the workspace.
    entrypoint: String,
    /// Shell text that follows the entrypoint.
    #[graphql(default)]
    parameters: String,
    /// Environment variables, each name once, at most 256 KiB in all.
    #[graphql(default)]
    environments: Vec<EnvironmentVariableInput>,
    /// Whether the entrypoint is executed itself. If not, `*.py` is given to Python and everything else to bash.
    #[graphql(default)]
    entrypoint_executable: bool,
}

/// An environment variable.
#[derive(Debug, InputObject)]
pub(crate) struct EnvironmentVariableInput {
    /// Name: letters, digits and `_`, not beginning with a digit.
    name: String,
    /// Value, taken literally.
    value: String,
}

/// What a task runs on.
#[derive(Debug, InputObject)]
pub(crate) struct TaskResourceInput {
    /// Name of the environment.
    #[graphql(default_with = "\"default\".to_owned()")]
    image: String,
    /// Node group, or `group#zone` for one zone of it.
    #[graphql(default_with = "\"default\".to_owned()")]
    group: String,
    /// Number of nodes, 1 to 100000. All of them start together.
    #[graphql(default = 1)]
    node_count: i32,
}

/// Everything else about a task.
#[derive(Debug, InputObject)]
pub(crate) struct TaskOptionsInput {
    /// First value of the number that the user's code may carry from run to run.
    whole_life_state: Option<i32>,
    /// A run that prints nothing for so many seconds is ended.
    watchdog_time: Option<i32>,
    /// A run is ended so many seconds after its start.
    timeout: Option<i32>,
    /// How often a run that failed by itself is repeated, 0 to 1000.
    max_restarts: Option<i32>,
    /// Words to find the task again, at most 64.
    tags: Option<Vec<String>>,
    /// Whether the members of your team may see it and its logs from the beginning.
    shared_in_group: Option<bool>,
}

impl TaskInput {
    /// The document that says the same.
    ///
    /// # Errors
    /// [`Error::Invalid`] if a variable is given twice: a document cannot say that.
    pub(super) fn into_document(self) -> Result<Value> {
        let mut document = Map::from_iter([
            ("version".to_owned(), json!(self.version)),
            ("name".to_owned(), json!(self.name)),
            (
                "task_type".to_owned(),
                json!(task::TaskType::from(self.task_type).as_str()),
            ),
            ("priority".to_owned(), json!(self.priority.value())),
            ("spec".to_owned(), self.spec.into_document()?),
        ]);
        if let Some(resource) = self.resource {
            document.insert("resource".to_owned(), resource.into_document());
        }
        if let Some(options) = self.options {
            document.insert("options".to_owned(), options.into_document());
        }
        Ok(Value::Object(document))
    }
}

impl TaskSpecInput {
    fn into_document(self) -> Result<Value> {
        let mut names = BTreeSet::new();
        for variable in &self.environments {
            if !names.insert(&variable.name) {
                let field = format!("spec.environments.{}", variable.name);
                return Err(Error::invalid(field, "is given twice"));
            }
        }
        let environments: Map<String, Value> = self
            .environments
            .into_iter()
            .map(|variable| (variable.name, variable.value.into()))
            .collect();
        Ok(json!({
            "workspace": self.workspace,
            "entrypoint": self.entrypoint,
            "parameters": self.parameters,
            "environments": environments,
            "entrypoint_executable": self.entrypoint_executable,
        }))
    }
}

impl TaskResourceInput {
    fn into_document(self) -> Value {
        json!({ "image": self.image, "group": self.group, "node_count": self.node_count })
    }
}

impl TaskOptionsInput {
    fn into_document(self) -> Value {
        let entries = [
            ("whole_life_state", self.whole_life_state.map(Value::from)),
            ("watchdog_time", self.watchdog_time.map(Value::from)),
            ("timeout", self.timeout.map(Value::from)),
            ("max_restarts", self.max_restarts.map(Value::from)),
            ("tags", self.tags.map(Value::from)),
            ("shared_in_group", self.shared_in_group.map(Value::from)),
        ];
        entries
            .into_iter()
            .filter_map(|(key, value)| Some((key.to_owned(), value?)))
            .collect::<Map<String, Value>>()
            .into()
    }
}
