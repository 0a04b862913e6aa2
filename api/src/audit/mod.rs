//! Who did what.

mod object;
mod query;
mod refused;
#[cfg(test)]
mod tests;
mod write;

pub(crate) use object::AuditEntry;
pub(crate) use query::{AuditConnection, AuditEdge, AuditQuery};
pub(crate) use refused::refused;
pub(crate) use write::{act, begin};
