//! What an import has come to.

use super::note::Note;
use crate::error::Error;

/// What an import has come to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// One for each table that had rows.
    pub tables: Vec<Tally>,
    /// What whoever imports should know.
    pub remarks: Vec<Note>,
}

/// The rows of a table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// Name of the table in the original.
    pub table: &'static str,
    /// Rows that were written.
    pub inserted: u32,
    /// Rows of which something like it was there, which has stayed as it was.
    pub there: u32,
    /// Rows that were written and do not count.
    pub inactive: u32,
}

/// Why nothing may be kept of an import.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// It does not fit what is there.
    #[error("{} problem(s)", .0.len())]
    Problems(Vec<Note>),
    /// It could not be tried.
    #[error(transparent)]
    Failed(#[from] Error),
}

/// What became of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Done {
    Inserted,
    There,
    Inactive,
}

impl Report {
    /// Whether anything was written.
    pub fn has_changes(&self) -> bool {
        self.tables
            .iter()
            .any(|tally| tally.inserted + tally.inactive > 0)
    }

    pub(super) fn count(&mut self, table: &'static str, done: Done) {
        let known = self.tables.iter().position(|tally| tally.table == table);
        let place = known.unwrap_or(self.tables.len());
        if known.is_none() {
            self.tables.push(Tally {
                table,
                ..Tally::default()
            });
        }
        let tally = &mut self.tables[place];
        match done {
            Done::Inserted => tally.inserted += 1,
            Done::There => tally.there += 1,
            Done::Inactive => tally.inactive += 1,
        }
    }
}
