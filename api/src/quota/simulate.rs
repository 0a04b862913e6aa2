//! What would be if a quota were another.

use async_graphql::{Context, ID, Object, Result, SimpleObject};
use domain::quota;

use super::input::SimulateQuotaInput;
use crate::context::Access;
use crate::task::Priority;

/// So many tasks are told of.
const MOST_TASKS: usize = 1000;

/// What would be different at once if a quota were another.
#[derive(Debug, SimpleObject)]
pub(crate) struct QuotaSimulation {
    /// Tasks that would start, and now do not, at most 1,000.
    starts: Vec<SimulatedStart>,
    /// Tasks that would have to give way, and now have not, at most 1,000.
    give_way: Vec<SimulatedYield>,
    /// Tasks whose reason to wait would be another, at most 1,000.
    waits: Vec<SimulatedWait>,
}

/// A task that would start.
#[derive(Debug, SimpleObject)]
pub(crate) struct SimulatedStart {
    /// Id of the task.
    task: ID,
    /// At which priority.
    priority: Priority,
    /// On which nodes, by rank: at most 100000.
    nodes: Vec<String>,
}

/// A task that would have to give way.
#[derive(Debug, SimpleObject)]
pub(crate) struct SimulatedYield {
    /// Id of the task.
    task: ID,
    /// Id of the task that would get its nodes.
    for_task: ID,
}

/// A task that would wait for something else.
#[derive(Debug, SimpleObject)]
pub(crate) struct SimulatedWait {
    /// Id of the task.
    task: ID,
    /// Why it waits, in a sentence; absent if it does not.
    before: Option<String>,
    /// Why it would wait, in a sentence; absent if it would not.
    after: Option<String>,
}

impl From<quota::Simulation> for QuotaSimulation {
    fn from(simulation: quota::Simulation) -> Self {
        let id = |task: domain::task::TaskId| ID(task.to_string());
        let starts = simulation.starts.into_iter().take(MOST_TASKS);
        let give_way = simulation.give_way.into_iter().take(MOST_TASKS);
        let waits = simulation.waits.into_iter().take(MOST_TASKS);
        Self {
            starts: starts
                .map(|start| SimulatedStart {
                    task: id(start.task),
                    priority: start.level.into(),
                    nodes: start.nodes,
                })
                .collect(),
            give_way: give_way
                .map(|one| SimulatedYield {
                    task: id(one.task),
                    for_task: id(one.for_task),
                })
                .collect(),
            waits: waits
                .map(|wait| SimulatedWait {
                    task: id(wait.task),
                    before: wait.before,
                    after: wait.after,
                })
                .collect(),
        }
    }
}

/// Questions about quotas that are not.
#[derive(Debug, Default)]
pub(crate) struct SimulationQuery;

#[Object]
impl SimulationQuery {
    /// What would be different at once if a quota of nodes were another; nothing is changed. For those who may set it.
    #[graphql(complexity = "100 + child_complexity")]
    async fn simulate_quota(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The quota.")] input: SimulateQuotaInput,
    ) -> Result<QuotaSimulation> {
        let mut done = quota::simulate(ctx.app(), ctx.actor(), input.read()?).await?;
        let sight = ctx.sight();
        for start in &mut done.starts {
            let nodes = std::mem::take(&mut start.nodes).into_iter();
            start.nodes = nodes.map(|node| sight.name(node)).collect();
        }
        Ok(done.into())
    }
}
