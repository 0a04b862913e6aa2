//! What a whole-system test may ask for.
//!
//! - [`Platform`]: the real platform in this process, with real agents and commands, on the database that
//!   `HAI_TEST_DATABASE` chooses.
//! - [`Up`]: the real program `hai-platform up`, to be killed and started again.
//! - [`Client`]: GraphQL in, JSON out.
//! - [`Gate`]: holds a command until the test lets it go on, without a clock.

mod client;
mod gate;
mod platform;
mod program;
mod up;

pub use client::Client;
pub use gate::Gate;
pub use platform::Platform;
pub use program::{Output, program, run};
pub use up::Up;
