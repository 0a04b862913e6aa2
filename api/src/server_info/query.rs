//! What kind of platform this is and what tasks may name.

use async_graphql::{Context, Enum, Object, Result};
use chrono::{DateTime, Utc};
use domain::{environment, node, runtime};

use crate::context::Access;

/// Where tasks run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub(crate) enum RuntimeKind {
    /// As processes of the server's machine.
    Local,
    /// As pods of a Kubernetes cluster.
    Kubernetes,
}

impl From<runtime::RuntimeKind> for RuntimeKind {
    fn from(kind: runtime::RuntimeKind) -> Self {
        match kind {
            runtime::RuntimeKind::Local => Self::Local,
            runtime::RuntimeKind::Kubernetes => Self::Kubernetes,
        }
    }
}

/// Fetches what is asked for.
#[derive(Debug)]
pub(crate) struct ServerInfo;

/// What kind of platform this is and what tasks may name.
#[Object]
impl ServerInfo {
    /// Version of the platform.
    async fn version(&self) -> &str {
        env!("CARGO_PKG_VERSION")
    }

    /// Where tasks run.
    async fn runtime(&self, ctx: &Context<'_>) -> RuntimeKind {
        ctx.app().runtime.kind().into()
    }

    /// The server's time.
    async fn time(&self, ctx: &Context<'_>) -> DateTime<Utc> {
        ctx.app().now()
    }

    /// The node group that `default` stands for.
    async fn default_group(&self, ctx: &Context<'_>) -> String {
        ctx.app().settings.default_group.clone()
    }

    /// The names of the node groups, at most one entry for each.
    async fn groups(&self, ctx: &Context<'_>) -> Result<Vec<String>> {
        Ok(node::groups(ctx.app().reader()).await?)
    }

    /// The names of the environments that you may use, the default first: at most one entry for each.
    async fn environments(&self, ctx: &Context<'_>) -> Result<Vec<String>> {
        let app = ctx.app();
        let usable = environment::usable(app.reader(), app.now(), ctx.user()?).await?;
        Ok(usable.into_iter().map(|(it, _)| it.name).collect())
    }
}

/// Questions about the platform itself.
#[derive(Debug, Default)]
pub(crate) struct ServerInfoQuery;

#[Object]
impl ServerInfoQuery {
    /// What kind of platform this is and what tasks may name.
    async fn server_info(&self, ctx: &Context<'_>) -> Result<ServerInfo> {
        ctx.user()?;
        Ok(ServerInfo)
    }
}
