//! Completion of words in a shell.

mod answer;
mod script;
mod wanted;

pub(super) use answer::{complete, print_script};
