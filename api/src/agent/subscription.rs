//! Orders to agents, live.

use std::time::Duration;

use async_graphql::{Context, Result, Subscription};
use chrono::{DateTime, Utc};
use domain::auth::{Action, AgentActor, Target, require};
use domain::{App, Error, run};
use futures_util::Stream;
use protocol::{Desired, Order};

use super::order::AgentOrder;
use crate::context::Access;
use crate::live::{self, Source, Waker};

/// What agents hear.
#[derive(Debug, Default)]
pub(crate) struct AgentSubscription;

#[Subscription]
impl AgentSubscription {
    /// For agents: what is wanted of the rank, now and whenever it changes. Ends after `OVER`.
    async fn agent_orders(
        &self,
        ctx: &Context<'_>,
    ) -> Result<impl Stream<Item = Result<AgentOrder>> + use<>> {
        require(ctx.actor(), Action::ReportRank, Target::Platform)?;
        let agent = ctx.actor().agent().ok_or(Error::Unauthenticated)?;
        Ok(live::results(Orders {
            waker: Waker::new(&ctx.app().events, agent.task),
            app: ctx.app().clone(),
            agent: agent.clone(),
            last: None,
        }))
    }
}

/// Gives the order of one rank whenever it is another one.
struct Orders {
    app: App,
    agent: AgentActor,
    waker: Waker,
    last: Option<Order>,
}

impl Source for Orders {
    type Item = AgentOrder;

    async fn next(&mut self) -> domain::Result<Option<AgentOrder>> {
        if self.last.is_some_and(|last| last.desired == Desired::Over) {
            return Ok(None);
        }
        loop {
            self.waker.reset();
            let (order, changes_at) = run::order_of(&self.app, &self.agent).await?;
            if self.last != Some(order) {
                self.last = Some(order);
                return Ok(Some(order.into()));
            }
            self.waker.wait(self.patience(changes_at)).await;
        }
    }
}

impl Orders {
    /// How long the order stays what it is if nothing happens.
    fn patience(&self, changes_at: Option<DateTime<Utc>>) -> Duration {
        let period = self.app.settings.period;
        let until = changes_at.map(|at| (at - self.app.now()).to_std().unwrap_or_default());
        until.map_or(period, |until| until.min(period))
    }
}
