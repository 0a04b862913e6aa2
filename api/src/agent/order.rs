//! An order to an agent.

use async_graphql::{Enum, SimpleObject};
use protocol::{Desired, Order};

use crate::scalar::int;

/// What the platform wants of a rank. A state, not an event: it may be repeated and may skip steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub(crate) enum AgentDesired {
    /// Hold at the start gate: the command must not run yet.
    Wait,
    /// Run the command.
    Run,
    /// End it: SIGTERM, then SIGKILL after the grace.
    Stop,
    /// The run is over: kill everything at once and leave.
    Over,
}

impl From<Desired> for AgentDesired {
    fn from(desired: Desired) -> Self {
        match desired {
            Desired::Wait => Self::Wait,
            Desired::Run => Self::Run,
            Desired::Stop => Self::Stop,
            Desired::Over => Self::Over,
        }
    }
}

/// An order to an agent.
#[derive(Debug, SimpleObject)]
pub(crate) struct AgentOrder {
    /// What is wanted.
    desired: AgentDesired,
    /// Milliseconds between SIGTERM and SIGKILL, from when the agent hears it.
    grace_ms: i32,
}

impl From<Order> for AgentOrder {
    fn from(order: Order) -> Self {
        Self {
            desired: order.desired.into(),
            grace_ms: int(order.grace_ms),
        }
    }
}
