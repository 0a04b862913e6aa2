//! Who is asking, and what they may do.

mod actor;
pub mod agent_token;
mod policy;
mod sign_in;
mod token;

pub use actor::{Actor, AgentActor, UserActor};
pub use policy::{Action, Target, may, require};
pub use sign_in::sign_in;
pub(crate) use token::hex;
pub use token::{Token, issue};
