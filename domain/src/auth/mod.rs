//! Who is asking, and what they may do.

mod access;
mod actor;
pub mod agent_token;
mod permission;
mod policy;
pub(crate) mod sign_in;
mod token;
pub mod tokens;

pub use access::{AccessListener, AccessTime, AccessTopics, Woken};
pub use actor::{Actor, AgentActor, Scope, UserActor};
pub use permission::Permission;
pub use policy::{Action, Target, may, may_at_all, require, require_of_named};
pub use sign_in::sign_in;
pub use token::{Token, issue};
pub(crate) use token::{hash, hex, holder, keep};
