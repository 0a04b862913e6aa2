//! Which process drives the platform: one of all that could.
//!
//! ```text
//! take ─▶ term, with an epoch ─▶ renew, renew, … ─▶ release, or it expires ─▶ somebody else takes it, with the next epoch
//! ```
//!
//! Time alone is no proof: a leader that was stopped for a while, or cut off, does not know that its term is over. So each
//! of its writes ends with a look at the epoch in the same transaction ([`Fence`]), and is undone if there is a later one.
//! What it has started late passes no gate, because that is opened by a write too.

mod fence;
mod take;
#[cfg(test)]
mod tests;

pub use fence::Fence;
pub use take::{Term, holder, release, renew, seize, take};

/// The right to drive runs: to plan, launch, supervise, and clean up.
pub const WORK: &str = "work";
