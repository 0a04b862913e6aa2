//! Which task an experiment argument means.

use std::{ffi::OsStr, fs, path::Path};

use cynic::QueryBuilder;

use crate::{
    args::{ExperimentArgs, ExperimentKind},
    client::Client,
    error::{Error, Result},
    operations::{FindTask, Task, TaskSelector},
    submission,
};

/// A task as a user names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Experiment {
    /// By its id.
    Id(String),
    /// The newest of this name.
    Name(String),
    /// The newest of the name in this YAML file.
    File(String),
}

/// Reads the argument. `is_file` says whether it is the path of a file.
pub(crate) fn read(text: &str, kind: ExperimentKind, is_file: bool) -> Experiment {
    let extension = Path::new(text).extension().and_then(OsStr::to_str);
    let is_yaml = is_file && matches!(extension, Some("yml" | "yaml"));
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match kind {
        ExperimentKind::Auto if is_number => Experiment::Id(text.to_owned()),
        ExperimentKind::Auto if is_yaml => Experiment::File(text.to_owned()),
        ExperimentKind::Auto | ExperimentKind::Name => Experiment::Name(text.to_owned()),
        ExperimentKind::Yaml => Experiment::File(text.to_owned()),
        ExperimentKind::Id => Experiment::Id(text.to_owned()),
    }
}

/// What to ask for, and how it is called where there is no such task.
#[derive(Debug)]
pub(crate) struct Selection {
    pub(crate) selector: TaskSelector,
    shown: String,
}

impl Selection {
    /// Reads the argument, and the file that it may stand for.
    pub(crate) fn of(args: &ExperimentArgs) -> Result<Self> {
        let is_file = Path::new(&args.experiment).is_file();
        let (id, name) = match read(&args.experiment, args.kind, is_file) {
            Experiment::Id(id) => (Some(id), None),
            Experiment::Name(name) => (None, Some(name)),
            Experiment::File(file) => (None, Some(name_in_file(&file)?)),
        };
        let shown = match (&id, &name) {
            (Some(id), _) => id.clone(),
            (None, name) => format!("named `{}`", name.as_deref().unwrap_or_default()),
        };
        let id = id.map(cynic::Id::new);
        let selector = TaskSelector { id, name };
        Ok(Self { selector, shown })
    }

    /// There is no such task.
    pub(crate) fn missing(&self) -> Error {
        Error::NoTask(self.shown.clone())
    }
}

/// Asks for the task that the arguments name.
pub(crate) async fn find(client: &Client, args: &ExperimentArgs) -> Result<Task> {
    let selection = Selection::of(args)?;
    let query = FindTask::build(selection.selector.clone());
    client
        .ask(&query)
        .await?
        .task
        .ok_or_else(|| selection.missing())
}

/// Asks for the task with this id.
pub(crate) async fn by_id(client: &Client, id: &str) -> Result<Task> {
    let selector = TaskSelector {
        id: Some(cynic::Id::new(id)),
        name: None,
    };
    let found = client.ask(&FindTask::build(selector)).await?;
    found.task.ok_or_else(|| Error::NoTask(id.to_owned()))
}

fn name_in_file(file: &str) -> Result<String> {
    let text = fs::read_to_string(file).map_err(|source| Error::Read {
        path: file.into(),
        source,
    })?;
    // A file without a name may still be called like a task.
    Ok(submission::name_in(&text).unwrap_or_else(|| file.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_an_id_and_existing_yaml_files_stand_for_the_name_in_them() {
        let auto = |text: &str, is_file| read(text, ExperimentKind::Auto, is_file);
        assert_eq!(auto("42", false), Experiment::Id("42".into()));
        assert_eq!(auto("42", true), Experiment::Id("42".into()));
        assert_eq!(auto("a.yml", true), Experiment::File("a.yml".into()));
        assert_eq!(auto("a.yaml", true), Experiment::File("a.yaml".into()));
        assert_eq!(auto("a.yaml", false), Experiment::Name("a.yaml".into()));
        assert_eq!(auto("train.py", true), Experiment::Name("train.py".into()));
        assert_eq!(auto("4.2", false), Experiment::Name("4.2".into()));
    }

    #[test]
    fn a_given_kind_decides_alone() {
        assert_eq!(
            read("42", ExperimentKind::Name, false),
            Experiment::Name("42".into())
        );
        assert_eq!(
            read("x", ExperimentKind::Id, false),
            Experiment::Id("x".into())
        );
        assert_eq!(
            read("x", ExperimentKind::Yaml, false),
            Experiment::File("x".into())
        );
    }
}
