//! Redis, for whoever has one: where it is, and how it is spoken to.
//!
//! It is never needed, holds nothing that is true, and may go away at any time.

mod address;

pub use address::{AddressError, Redis};
