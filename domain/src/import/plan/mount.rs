//! Rows of `storage`.

use crate::import::row::Reader;
use crate::mount::{Action, Definition, Kind};

/// A rule for a mount.
#[derive(Debug)]
pub(in crate::import) struct NewRule {
    pub(in crate::import) definition: Definition,
    /// Whether it counts.
    pub(in crate::import) is_active: bool,
    /// Whether it gives what the agent brings along.
    pub(in crate::import) is_agents: bool,
}

/// Config maps that the original makes for each task, with the programs that run beside the user's.
const AGENTS: [&str; 2] = ["marsv2-scripts-{task.id}", "marsv2-entrypoints-{task.id}"];

/// Fields of the API and the columns that they are in; `conditions` is one of both.
const COLUMNS: [(&str, &str); 3] = [
    ("hostPath", "host_path"),
    ("mountPath", "mount_path"),
    ("owner", "owners"),
];

pub(super) fn rule(row: &mut Reader<'_>) -> NewRule {
    let action = match row.needed("action").as_str() {
        "add" => Action::Add,
        "remove" => Action::Remove,
        other => {
            row.wrong("action", format!("{other:?} is neither add nor remove"));
            Action::Add
        }
    };
    let kind = kind(row);
    let read_only = row.bool("read_only").unwrap_or(true);
    let mut conditions = row.words("conditions").unwrap_or_default();
    for condition in &mut conditions {
        condition.truncate(condition.trim_end().len());
    }
    let mut definition = Definition {
        host_path: row.needed("host_path"),
        mount_path: row.needed("mount_path"),
        owners: row.words("owners").unwrap_or_default(),
        conditions,
        kind,
        read_only,
        action,
    };
    if action == Action::Remove {
        definition.take_anything();
    }
    for problem in definition.problems() {
        let column = COLUMNS.iter().find(|(field, _)| *field == problem.field);
        row.wrong(
            column.map_or("conditions", |(_, column)| column),
            problem.reason,
        );
    }
    let is_agents = AGENTS.iter().any(|name| {
        let rest = definition.host_path.strip_prefix(name);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
    });
    NewRule {
        definition,
        is_active: row.bool("active").unwrap_or(true) && !is_agents,
        is_agents,
    }
}

fn kind(row: &mut Reader<'_>) -> Kind {
    match row.text("mount_type").unwrap_or_default().as_str() {
        "" => Kind::Path,
        "Directory" => Kind::Directory,
        "DirectoryOrCreate" => Kind::DirectoryOrCreate,
        "File" => Kind::File,
        "FileOrCreate" => Kind::FileOrCreate,
        "Socket" => Kind::Socket,
        "configmap" => Kind::ConfigMap,
        "pvc" => Kind::VolumeClaim,
        other => {
            let known = "Directory, DirectoryOrCreate, File, FileOrCreate, Socket, configmap, pvc";
            row.wrong(
                "mount_type",
                format!("{other:?} is none of {known}, nor empty"),
            );
            Kind::Path
        }
    }
}
