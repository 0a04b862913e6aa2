//! Reading the logs that agents write: a [`LogStore`] gives out pages of lines, a [`Cursor`] says where to go on.
//!
//! ```text
//! LogStore ── page   which runs, how much            one page of a rank's log, across its runs
//!               └── line   bytes → lines and gaps    one run
//!                     └── segment   offset → bytes   the files of one run, by pread
//! ```
//!
//! The writer only appends, starts new segments and removes whole oldest ones; it never waits for a reader.

mod cursor;
mod line;
mod page;
mod segment;
mod stamp;
mod store;
#[cfg(test)]
mod tests;

pub use cursor::{Cursor, MalformedCursor};
pub use page::{Item, ItemKind, LogError, Page, PageRequest};
pub use store::LogStore;
