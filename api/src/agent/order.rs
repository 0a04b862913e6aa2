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
    /// Let the command save and end, within `suspend`.
    Suspend,
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
            Desired::Suspend => Self::Suspend,
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
    /// With `SUSPEND`: how long the command may take.
    suspend: Option<SuspendOrder>,
}

/// The patience with a command that is to save and end, in milliseconds from when the agent hears it.
#[derive(Debug, SimpleObject)]
pub(crate) struct SuspendOrder {
    /// Within this rank 0 has to take notice.
    acknowledge_ms: i32,
    /// How long rank 0 may go on without a sign of progress, once it has taken notice.
    progress_ms: i32,
    /// Within this rank 0 has to be done, whatever progress it makes.
    budget_ms: i32,
}

impl From<protocol::SuspendOrder> for SuspendOrder {
    fn from(order: protocol::SuspendOrder) -> Self {
        Self {
            acknowledge_ms: int(order.acknowledge_ms),
            progress_ms: int(order.progress_ms),
            budget_ms: int(order.budget_ms),
        }
    }
}

impl From<Order> for AgentOrder {
    fn from(order: Order) -> Self {
        Self {
            desired: order.desired.into(),
            grace_ms: int(order.grace_ms),
            suspend: order.suspend.map(Into::into),
        }
    }
}
