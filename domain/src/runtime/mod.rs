//! Where ranks run: the port [`Runtime`] and its adapter for this machine.
//!
//! A runtime starts one agent per rank, says what became of it, and kills it. It decides nothing and remembers
//! nothing that it could not find again after a crash: every method may be repeated.

mod event;
mod key;
mod launch;
pub mod local;
mod observation;
pub mod ownership;
mod port;

#[cfg(any(test, feature = "testing"))]
pub mod contract;
#[cfg(any(test, feature = "testing"))]
pub mod fake;

pub use event::RankEvent;
pub use key::{RankKey, RunKey};
pub use launch::{AgentToken, Container, Exposure, LaunchRank, Reach, Rights};
pub use observation::Observation;
pub use port::{Killed, NodeReport, Rendezvous, Runtime, RuntimeError, RuntimeKind, Visibility};
