//! Registers agents, takes their reports, and renews their tokens.

use async_graphql::{Context, Object, Result};
use domain::auth::{Actor, AgentActor};
use domain::run::{self, RankReport};
use domain::task::{Lasts, Reprioritize};
use domain::{App, Error};

use super::input::{
    RegisterAgentInput, ReportRankInput, ReportTaskFailureInput, SetTaskLifeStateInput,
    SetTaskPriorityInput,
};
use super::order::AgentOrder;
use crate::context::Access;

/// How often a change is tried if somebody else was faster.
const ATTEMPTS: u32 = 5;

/// What agents say.
#[derive(Debug, Default)]
pub(crate) struct AgentMutation;

#[Object]
impl AgentMutation {
    /// For agents: the agent of a rank is at the start gate, or back. Answers what is wanted of it. A later agent of the
    /// same rank takes its place.
    async fn register_agent(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Who it is.")] input: RegisterAgentInput,
    ) -> Result<AgentOrder> {
        let agent = agent(ctx.actor())?;
        let version = u32::try_from(input.protocol_version)
            .map_err(|_| Error::invalid("protocolVersion", "must not be negative"))?;
        tracing::info!(
            task.id = agent.task.0,
            run.id = agent.run.0,
            rank = agent.rank,
            boot_id = input.boot_id,
            pid = input.pid,
            start_time = input.start_time.0,
            "an agent registers"
        );
        let order = unless_beaten(|| register(ctx.app(), ctx.actor(), version)).await?;
        Ok(order.into())
    }

    /// For agents: how the rank is. Repeating a report changes nothing. Answers true once it is stored.
    async fn report_rank(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How it is.")] input: ReportRankInput,
    ) -> Result<bool> {
        let rank_report = RankReport::from(input);
        unless_beaten(|| run::take_report(ctx.app(), ctx.actor(), &rank_report)).await?;
        Ok(true)
    }

    /// For agents: a number that the training code keeps for the next run of its task.
    async fn set_task_life_state(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The number.")] input: SetTaskLifeStateInput,
    ) -> Result<bool> {
        let tx = ctx.app().begin().await?;
        run::set_life_state(&tx, ctx.actor(), input.state).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// For agents: the training code changes the priority of its task until its next run.
    async fn set_task_priority(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The priority.")] input: SetTaskPriorityInput,
    ) -> Result<bool> {
        let wish = Reprioritize {
            priority: Some(input.priority.into()),
            lasts: Lasts::OneRun,
            custom_rank: input.custom_rank,
        };
        let mut tx = ctx.app().begin().await?;
        run::set_priority(&mut tx, ctx.actor(), &wish).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// For agents: the training code says why it fails. With bad hardware the run ends, and the task runs again on
    /// other nodes.
    async fn report_task_failure(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Why it fails.")] input: ReportTaskFailureInput,
    ) -> Result<bool> {
        let app = ctx.app();
        let mut tx = app.begin().await?;
        let graces = &app.settings.graces;
        let (good, message) = (input.hardware_ok, &input.message);
        run::report_failure(&mut tx, ctx.actor(), good, message, graces).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// For agents: a new token for the same rank, while its run is open. The old one may have run out.
    async fn renew_agent_token(&self, ctx: &Context<'_>) -> Result<String> {
        let agent = agent(ctx.actor())?;
        let app = ctx.app();
        Ok(app
            .keys
            .sign(agent.task, agent.run, agent.rank, app.now())?)
    }
}

fn agent(actor: &Actor) -> domain::Result<&AgentActor> {
    actor
        .agent()
        .ok_or_else(|| Error::Forbidden("this is for agents only".to_owned()))
}

async fn register(app: &App, actor: &Actor, version: u32) -> domain::Result<protocol::Order> {
    let mut tx = app.begin().await?;
    let order = run::register(&mut tx, actor, version, &app.settings.graces).await?;
    tx.commit().await?;
    Ok(order)
}

/// Tries again while somebody else is faster: an agent's word is about its own rank and stays true.
async fn unless_beaten<T, F: Future<Output = domain::Result<T>>>(
    attempt: impl Fn() -> F,
) -> domain::Result<T> {
    for _ in 1..ATTEMPTS {
        match attempt().await {
            Err(error) if error.is_conflict() => {}
            result => return result,
        }
    }
    attempt().await
}
