//! The YAML document of a task (schema version 2): written from a script call, or changed by `run`'s options.

mod document;
mod overrides;
mod runner;
mod value;
mod yaml;

#[cfg(test)]
mod tests;

pub(crate) use document::{Resource, Spec, Submission};
pub(crate) use overrides::Overrides;
pub(crate) use runner::Runner;
pub(crate) use value::{Entry, LEVELS, Priority};
pub(crate) use yaml::{DocumentError, name_in, options, write};
