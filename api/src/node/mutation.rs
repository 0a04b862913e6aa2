//! Changes of the inventory, and of what the scheduler may use.

use async_graphql::{Context, Object, Result};
use domain::node::{self, Disable, Running};

use super::input::{
    CreateHostInput, DeleteHostInput, DisableNodeInput, EnableNodeInput, UpdateHostInput,
};
use super::object::Node;
use crate::audit;
use crate::context::Access;

/// Changes of nodes.
#[derive(Debug, Default)]
pub(crate) struct NodeMutation;

#[Object]
impl NodeMutation {
    /// Takes a host into the inventory, before the runtime reports it. Only for administrators of nodes.
    async fn create_host(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The host.")] input: CreateHostInput,
    ) -> Result<Node> {
        let name = input.name.clone();
        let mut change = audit::begin(ctx, object(&name)).await?;
        let done = node::create(change.tx(), ctx.actor(), &name, input.into()).await;
        Ok(Node(change.end(done).await?))
    }

    /// Changes what is said of a host; what is not named stays. Only for administrators of nodes.
    async fn update_host(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The host, and what is to be said of it.")] input: UpdateHostInput,
    ) -> Result<Node> {
        let name = input.name.clone();
        let mut change = audit::begin(ctx, object(&name)).await?;
        let done = node::update(change.tx(), ctx.actor(), &name, input.into()).await;
        Ok(Node(change.end(done).await?))
    }

    /// Takes a host out of the inventory: not while a task is on it or the runtime can use it. Answers it as it was. Only
    /// for administrators of nodes.
    async fn delete_host(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The host.")] input: DeleteHostInput,
    ) -> Result<Node> {
        let mut change = audit::begin(ctx, object(&input.name)).await?;
        let done = node::delete(change.tx(), ctx.actor(), &input.name).await;
        Ok(Node(change.end(done).await?))
    }

    /// Takes a node from the scheduler: nothing new starts on it. Only for administrators of nodes.
    async fn disable_node(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The node.")] input: DisableNodeInput,
    ) -> Result<Node> {
        let input = Disable::from(input);
        let mut change = audit::begin(ctx, object(&input.name)).await?;
        let and = match input.running {
            Running::GoesOn => "",
            Running::Moves => ", and its task is to go elsewhere",
        };
        change.tells(format!("{}{and}", input.why));
        let done = node::disable(change.tx(), ctx.app(), ctx.actor(), input).await;
        Ok(Node(change.end(done).await?))
    }

    /// Gives a node back to the scheduler. Only for administrators of nodes.
    async fn enable_node(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The node.")] input: EnableNodeInput,
    ) -> Result<Node> {
        let mut change = audit::begin(ctx, object(&input.name)).await?;
        let done = node::enable(change.tx(), ctx.actor(), &input.name).await;
        Ok(Node(change.end(done).await?))
    }
}

fn object(name: &str) -> String {
    format!("node {name}")
}
