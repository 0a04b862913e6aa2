//! Reading the logs that agents write: a [`LogStore`] gives out pages of lines, a [`Cursor`] says where to go on.
//!
//! ```text
//! LogStore ── page     which runs, how much      one page of a rank's log, from either end
//!          ── tail     what came since            the end of a rank's log, again and again
//!          ── mark     has it grown?              without reading
//!          ── time     moment → cursor           by halving: the stamps are the index
//!          ── search   pattern → lines           in some ranks, as far as the bounds allow
//!          ── raw      offset → bytes            one run, as it is
//!               └── line, back   bytes → lines and gaps   one run, forwards and backwards
//!                     └── segment   offset → bytes        the files of one run, by pread
//! ```
//!
//! The writer only appends, starts new segments and removes whole oldest ones; it never waits for a reader. What a full
//! disk does not take is a hole in front of the next segment.

mod back;
mod cursor;
mod line;
mod mark;
mod page;
mod pattern;
mod raw;
mod search;
mod segment;
mod sieve;
mod stamp;
mod store;
mod tail;
#[cfg(test)]
mod tests;
mod time;

pub use cursor::{Cursor, MalformedCursor};
pub use mark::Mark;
pub use page::{Item, ItemKind, LogError, Page, PageRequest, Place, RankLog};
pub use pattern::{MalformedPattern, Pattern, PatternKind};
pub use raw::RawLog;
pub use search::{Match, Matches, SearchRequest};
pub use store::LogStore;
pub use tail::{Growth, Most, Tail};
