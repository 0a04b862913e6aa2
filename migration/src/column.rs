//! Columns as SQLite and PostgreSQL both understand them.

use sea_orm_migration::prelude::*;

/// A column that must have a value.
pub(crate) fn required(name: &'static str) -> ColumnDef {
    let mut column = ColumnDef::new(name);
    column.not_null();
    column
}

/// A column that may be empty.
pub(crate) fn optional(name: &'static str) -> ColumnDef {
    let mut column = ColumnDef::new(name);
    column.null();
    column
}

/// The number of a row, given by the database and never given twice.
pub(crate) fn id() -> ColumnDef {
    let mut column = required("id");
    column.big_integer().auto_increment().primary_key();
    column
}

/// The counter that every change raises, for compare-and-set.
pub(crate) fn version() -> ColumnDef {
    let mut column = required("version");
    column.big_integer().default(0);
    column
}

/// A text column restricted to the given words.
pub(crate) fn word(mut column: ColumnDef, words: &[&'static str]) -> ColumnDef {
    let name = Alias::new(column.get_column_name());
    column
        .text()
        .check(Expr::col(name).is_in(words.iter().copied()));
    column
}
