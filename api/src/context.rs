//! What resolvers find in their context.

use std::sync::Arc;

use async_graphql::Context;
use domain::auth::{Action, Actor, Target, UserActor, require};
use domain::node::Sight;
use domain::{App, Error, Result};
use tokio_util::task::TaskTracker;

use crate::loaders::Loaders;

/// Invariant: the schema is built with an [`App`] and a [`TaskTracker`], and the engine gives every request that reaches
/// a resolver its [`Actor`] and its [`Loaders`].
pub(crate) trait Access {
    /// The platform.
    fn app(&self) -> &App;
    /// Who asks.
    fn actor(&self) -> &Actor;
    /// Rows that belong to other rows.
    fn loaders(&self) -> &Loaders;
    /// For what must run beside the request.
    fn tracker(&self) -> &TaskTracker;

    /// How whoever asks sees nodes.
    fn sight(&self) -> Sight<'_> {
        Sight::of(self.app(), self.actor())
    }

    /// The user who asks, once it is sure that agents are not meant.
    ///
    /// # Errors
    /// [`Error::Forbidden`] for an agent.
    fn user(&self) -> Result<&UserActor> {
        user(self.actor())
    }
}

/// The user behind an actor, once it is sure that agents are not meant.
///
/// # Errors
/// [`Error::Forbidden`] for an agent.
pub(crate) fn user(actor: &Actor) -> Result<&UserActor> {
    require(actor, Action::Look, Target::Platform)?;
    actor
        .user()
        .ok_or_else(|| Error::Forbidden("this is for users only".to_owned()))
}

impl Access for Context<'_> {
    fn app(&self) -> &App {
        self.data_unchecked()
    }

    fn actor(&self) -> &Actor {
        self.data_unchecked()
    }

    fn loaders(&self) -> &Loaders {
        self.data_unchecked::<Arc<Loaders>>()
    }

    fn tracker(&self) -> &TaskTracker {
        self.data_unchecked()
    }
}
