//! Who did what, when, to what, from where, and with what outcome: kept in the transaction that did it.

mod act;
mod query;
mod seal;
#[cfg(test)]
mod tests;

pub use act::{Act, Origin, refuse};
pub use entity::AuditId;
pub use entity::audit::Model as Entry;
pub use query::{Filter, Page, count, list};
pub use seal::{Broken, drop_older, is_to_be_dropped, is_to_be_sealed, seal, verify};
