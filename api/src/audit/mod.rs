//! Who did what.

mod object;
mod query;
#[cfg(test)]
mod tests;
mod write;

pub(crate) use object::AuditEntry;
pub(crate) use query::{AuditConnection, AuditEdge, AuditQuery};
pub(crate) use write::{act, begin};
