//! A [`TaskSpec`] as a document: reads one from YAML and JSON, and writes one to be stored.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::{Value, json};

use super::command;
use super::error::{Problems, SpecErrors, of_document};
use super::fields::Fields;
use super::keys::{OPTIONS, RESOURCE, SPEC, TOP};
use super::kinds;
use super::rules;
use super::task_spec::TaskSpec;
use super::yaml;

impl TaskSpec {
    /// Reads a YAML document. Also returns the document as it was written, in JSON.
    pub fn from_yaml(text: &str) -> Result<(Self, Value), SpecErrors> {
        let document = yaml::parse(text)?;
        Ok((Self::from_json(&document)?, document))
    }

    /// Reads a document with the same keys in JSON.
    pub fn from_json(document: &Value) -> Result<Self, SpecErrors> {
        kinds::mapping(document).map_err(of_document)?;

        // What cannot be read counts as its default meanwhile: the spec made of it is thrown away below.
        let mut problems = Problems::default();

        let mut top = Fields::open(&TOP, Some(document), &mut problems);
        top.required("version", rules::version);
        let name = top.required("name", rules::name);
        let task_type = top.defaulted("task_type", rules::task_type);
        let priority = top.defaulted("priority", rules::priority);
        let [spec, resource, options] = ["spec", "resource", "options"].map(|key| top.value(key));

        let mut spec = Fields::open(&SPEC, spec, &mut problems);
        let workspace = spec.required("workspace", rules::workspace);
        let entrypoint = spec.required("entrypoint", rules::entrypoint);
        let entrypoint_executable = spec.defaulted("entrypoint_executable", kinds::flag);
        let parameters = spec.defaulted("parameters", rules::parameters);
        let command = command::shown(&workspace, &entrypoint, &parameters);
        spec.check("parameters", rules::command(&command));
        let environments = spec.entries("environments", rules::variable);
        spec.check("environments", rules::variables(&environments));

        let mut resource = Fields::open(&RESOURCE, resource, &mut problems);
        let default = || rules::DEFAULT.to_owned();
        let image = resource.optional("image", rules::image);
        let group = resource.optional("group", rules::group);
        let (group, zone) = group.unwrap_or_else(|| (default(), None));
        let node_count = resource.optional("node_count", rules::node_count);

        let mut options = Fields::open(&OPTIONS, options, &mut problems);
        let whole_life_state = options.defaulted("whole_life_state", rules::whole_life_state);
        let watchdog_time = options.optional("watchdog_time", rules::seconds);
        let timeout = options.optional("timeout", rules::seconds);
        let max_restarts = options.defaulted("max_restarts", rules::max_restarts);
        let tags = options.words("tags", rules::tag);
        options.check("tags", rules::tags(&tags));
        let shared_in_group = options.defaulted("shared_in_group", kinds::flag);

        problems.into_result(Self {
            name,
            task_type,
            priority,
            workspace,
            entrypoint,
            entrypoint_executable,
            parameters,
            environments,
            image: image.unwrap_or_else(default),
            group,
            zone,
            node_count: node_count.unwrap_or(1),
            whole_life_state,
            watchdog_time,
            timeout,
            max_restarts,
            tags,
            shared_in_group,
        })
    }

    /// The document that says the same, every field spelled out: [`TaskSpec::from_json`] gives this spec back.
    pub fn to_json(&self) -> Value {
        let group = match &self.zone {
            Some(zone) => format!("{}#{zone}", self.group),
            None => self.group.clone(),
        };
        json!({
            "version": 2,
            "name": self.name,
            "task_type": self.task_type.as_str(),
            "priority": self.priority.value(),
            "spec": {
                "workspace": self.workspace,
                "entrypoint": self.entrypoint,
                "entrypoint_executable": self.entrypoint_executable,
                "parameters": self.parameters,
                "environments": self.environments,
            },
            "resource": { "image": self.image, "group": group, "node_count": self.node_count },
            "options": {
                "whole_life_state": self.whole_life_state,
                "watchdog_time": self.watchdog_time,
                "timeout": self.timeout,
                "max_restarts": self.max_restarts,
                "tags": self.tags,
                "shared_in_group": self.shared_in_group,
            },
        })
    }
}

/// As a document of schema v2, so that what is stored is what a user could have written.
impl Serialize for TaskSpec {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.to_json().serialize(serializer)
    }
}

/// Checks every rule again. Invariant: a rule made stricter still accepts what is stored.
impl<'de> Deserialize<'de> for TaskSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let document = Value::deserialize(deserializer)?;
        Self::from_json(&document).map_err(de::Error::custom)
    }
}
