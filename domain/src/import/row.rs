//! A row of a statement, read column by column.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::Value as Json;

use super::literal::Literal;
use super::note::{Note, Place};

/// A row as it is written.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) table: &'static str,
    pub(super) place: Place,
    /// The columns that are named, without those that are left to their default.
    pub(super) cells: BTreeMap<&'static str, Cell>,
}

/// A column of a row.
#[derive(Debug)]
pub(super) struct Cell {
    pub(super) line: u64,
    pub(super) literal: Literal,
}

/// Something that a row says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Placed<T> {
    pub(super) place: Place,
    pub(super) value: T,
}

/// Reads a row to its end, whatever is wrong with it.
pub(super) struct Reader<'a> {
    row: &'a Row,
    problems: Vec<Note>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(row: &'a Row) -> Self {
        Self {
            row,
            problems: Vec::new(),
        }
    }

    pub(super) fn text(&mut self, column: &str) -> Option<String> {
        self.read(column, Literal::text)
    }

    pub(super) fn int(&mut self, column: &str) -> Option<i64> {
        self.read(column, Literal::int)
    }

    pub(super) fn bool(&mut self, column: &str) -> Option<bool> {
        self.read(column, Literal::bool)
    }

    pub(super) fn words(&mut self, column: &str) -> Option<Vec<String>> {
        self.read(column, Literal::words)
    }

    pub(super) fn json(&mut self, column: &str) -> Option<Json> {
        self.read(column, Literal::json)
    }

    pub(super) fn time(&mut self, column: &str) -> Option<DateTime<Utc>> {
        self.read(column, Literal::time)
    }

    /// A text that must be there, or a problem and an empty one.
    pub(super) fn needed(&mut self, column: &str) -> String {
        let cell = self.row.cells.get(column);
        let is_empty = |cell: &Cell| match &cell.literal {
            Literal::Null => true,
            Literal::Text(text) => text.is_empty(),
            _ => false,
        };
        if cell.is_none_or(is_empty) {
            self.wrong(column, "is needed");
        }
        self.text(column).unwrap_or_default()
    }

    /// Notes what is wrong with a column.
    pub(super) fn wrong(&mut self, column: &str, reason: impl std::fmt::Display) {
        let line = self.row.cells.get(column).map(|cell| cell.line);
        let place = self.row.place.at(line.unwrap_or(self.row.place.line));
        let text = format!("{}.{column}: {reason}", self.row.table);
        self.problems.push(place.says(text));
    }

    /// What was read, or all that was wrong.
    pub(super) fn end<T>(self, value: T) -> Result<Placed<T>, Vec<Note>> {
        if !self.problems.is_empty() {
            return Err(self.problems);
        }
        let place = self.row.place.clone();
        Ok(Placed { place, value })
    }

    fn read<T>(
        &mut self,
        column: &str,
        read: impl FnOnce(&Literal) -> Result<T, &'static str>,
    ) -> Option<T> {
        let cell = self.row.cells.get(column)?;
        if cell.literal == Literal::Null {
            return None;
        }
        match read(&cell.literal) {
            Ok(value) => Some(value),
            Err(reason) => {
                self.wrong(column, reason);
                None
            }
        }
    }
}
