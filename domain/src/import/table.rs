//! The tables of the original that can be taken in, with their columns.

/// A table.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) name: &'static str,
    columns: &'static [&'static str],
    /// Columns that mean nothing here: when something was written is known anyway.
    unused: &'static [&'static str],
}

/// In the order in which they are written: what is referred to comes first.
pub(super) static TABLES: [Table; 6] = [
    Table {
        name: "user",
        columns: &[
            "user_id",
            "user_name",
            "nick_name",
            "token",
            "role",
            "active",
            "shared_group",
        ],
        unused: &["last_activity"],
    },
    Table {
        name: "user_group",
        columns: &["user_name", "group"],
        unused: &[],
    },
    Table {
        name: "train_environment",
        columns: &["env_name", "image", "schema_template", "config"],
        unused: &[],
    },
    Table {
        name: "host",
        columns: &[
            "node",
            "gpu_num",
            "type",
            "use",
            "origin_group",
            "room",
            "schedule_zone",
            "flags",
        ],
        unused: &[],
    },
    Table {
        name: "quota",
        columns: &["user_name", "resource", "quota", "expire_time"],
        unused: &["created_at", "updated_at"],
    },
    Table {
        name: "storage",
        columns: &[
            "host_path",
            "mount_path",
            "owners",
            "conditions",
            "mount_type",
            "read_only",
            "action",
            "active",
        ],
        unused: &[],
    },
];

/// A column that a statement names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Column {
    Used(&'static str),
    Unused,
}

/// The table of this name.
///
/// # Errors
/// Says what is wrong.
pub(super) fn find(name: &str) -> Result<&'static Table, String> {
    let found = TABLES.iter().find(|table| table.name == name);
    let names = || TABLES.iter().map(|table| table.name);
    found.ok_or_else(|| unknown("table", name, names()))
}

impl Table {
    /// The column of this name.
    ///
    /// # Errors
    /// Says what is wrong.
    pub(super) fn column(&self, name: &str) -> Result<Column, String> {
        if self.unused.contains(&name) {
            return Ok(Column::Unused);
        }
        let found = self.columns.iter().find(|column| **column == name);
        let kind = || format!("column of the table {}", self.name);
        let names = self.columns.iter().copied();
        found
            .map(|column| Column::Used(column))
            .ok_or_else(|| unknown(&kind(), name, names))
    }
}

/// What there is to say of a word that is none of these.
pub(super) fn unknown(
    kind: &str,
    word: &str,
    known: impl Iterator<Item = &'static str> + Clone,
) -> String {
    let names: Vec<_> = known.clone().collect();
    let alike = known
        .map(|name| (strsim::jaro_winkler(word, name), name))
        .filter(|(likeness, _)| *likeness >= 0.84)
        .max_by(|(one, _), (other, _)| one.total_cmp(other));
    match alike {
        Some((_, name)) => format!("`{word}` is no {kind}: did you mean `{name}`?"),
        None => format!(
            "`{word}` is no {kind} that is taken in: these are {}",
            names.join(", ")
        ),
    }
}
