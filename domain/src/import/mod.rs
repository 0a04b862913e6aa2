//! Takes in what the original keeps in its database, from SQL files in the form of its `init.sql`.
//!
//! [`read`] is pure: texts and variables in, a [`Plan`] out, or everything that is wrong with them, each with its line. Variables
//! are filled in behind the lexer: what is in quotes stays one text whatever its value has in it, and comments ask for nothing.
//! [`apply()`] writes what is not there yet, in the transaction of the caller, who keeps nothing of it if there is a problem.

mod apply;
mod array;
mod cell;
mod literal;
mod note;
mod plan;
mod report;
mod row;
mod statement;
mod table;
#[cfg(test)]
mod tests;
mod variables;

pub use apply::apply;
pub use note::{Note, Place};
pub use plan::Plan;
pub use report::{Refusal, Report, Tally};
pub use variables::Variables;

use plan::plan;

/// A file that is to be taken in.
#[derive(Debug, Clone)]
pub struct Source {
    /// What it is called in what is said of it.
    pub name: String,
    /// What is in it.
    pub text: String,
}

/// What is to be written.
///
/// # Errors
/// Everything that is wrong, in the order of the files.
pub fn read(sources: &[Source], variables: &Variables<'_>) -> Result<Plan, Vec<Note>> {
    let mut problems = Vec::new();
    let rows = sources.iter().flat_map(|source| {
        let (rows, wrong) = statement::rows(source, variables);
        problems.extend(wrong);
        rows
    });
    let rows: Vec<_> = rows.collect();
    let (plan, wrong) = plan(&rows);
    problems.extend(wrong);
    if problems.is_empty() {
        return Ok(plan);
    }
    let order = |note: &Note| sources.iter().position(|it| *it.name == *note.place.file);
    problems.sort_by_key(|note| (order(note), note.place.line));
    Err(problems)
}
