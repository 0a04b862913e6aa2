//! What a user asks for: task schema v2, read from YAML or JSON into a [`TaskSpec`] that cannot be wrong.
//!
//! ```text
//! YAML ─yaml─▶ JSON ─fields, keys─▶ values ─kinds, rules─▶ TaskSpec ─command─▶ shell line
//!                         └────────────────────┴─▶ SpecErrors: every problem, with its field
//! ```
//!
//! There is one parser: the API turns its input into the same JSON document, and a stored spec is such a document too.

mod command;
mod document;
mod error;
mod fields;
mod keys;
mod kinds;
mod rules;
mod suggest;
mod task_spec;
mod yaml;

#[cfg(test)]
mod tests;

pub use command::shell_line;
pub use error::{SpecError, SpecErrors};
pub use task_spec::{TaskSpec, TaskType};
