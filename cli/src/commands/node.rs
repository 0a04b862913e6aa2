//! `node`: takes a node from the scheduler, gives it back, and tells what became of it.

use cynic::{MutationBuilder, QueryBuilder};

use super::{Context, log_start::now};
use crate::{
    args::NodeCommand,
    error::Result,
    operations::{
        DisableNode, DisableNodeInput, EnableNode, EnableNodeInput, FindTaskOnNode, ListNodeStates,
        PlaceAndTime, StatesOf, WhichNode, WhyDisabled,
    },
    output,
};

pub(super) async fn run(context: &mut Context, command: NodeCommand) -> Result<u8> {
    let client = context.client()?;
    let changed = match command {
        NodeCommand::History { name, number } => {
            let which = StatesOf {
                node: name,
                first: number,
            };
            let answer = client.ask(&ListNodeStates::build(which)).await?;
            let states = answer.node_states.nodes;
            let text = match context.json {
                true => output::json(&states),
                false => output::state_table(&states, context.screen.look()),
            };
            context.screen.print(&text)?;
            return Ok(0);
        }
        NodeCommand::TaskAt { name, when } => {
            let which = PlaceAndTime {
                at: when.map(|when| when.moment(now())),
                node: name,
            };
            let found = client.ask(&FindTaskOnNode::build(which)).await?;
            let Some(found) = found.task_on_node else {
                match context.json {
                    true => context.screen.print("null\n")?,
                    false => context.screen.note("no task was on it"),
                }
                return Ok(1);
            };
            let text = match context.json {
                true => output::json(&found),
                false => output::located(&found),
            };
            context.screen.print(&text)?;
            return Ok(0);
        }
        NodeCommand::Disable {
            name,
            why,
            suspend_task,
        } => {
            let input = DisableNodeInput {
                name,
                why,
                suspend_task,
            };
            let disable = DisableNode::build(WhyDisabled { input });
            client.ask(&disable).await?.disable_node
        }
        NodeCommand::Enable { name } => {
            let input = EnableNodeInput { name };
            let enable = EnableNode::build(WhichNode { input });
            client.ask(&enable).await?.enable_node
        }
    };
    let text = match context.json {
        true => output::json(&changed),
        false => output::node_table(&[changed], context.screen.look()),
    };
    context.screen.print(&text)?;
    Ok(0)
}
