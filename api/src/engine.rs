//! Executes operations: who asks, how much it is, what comes of it. Every way in goes through here.

use std::sync::Arc;

use async_graphql::{Request, Response, ServerError};
use domain::{App, Error, Result};
use futures_util::{Stream, StreamExt, stream};
use tokio_util::task::TaskTracker;

use crate::auth::{self, Bearer};
use crate::config::{ApiConfig, Limits};
use crate::error::{refusal, told};
use crate::limits;
use crate::loaders::loaders;
use crate::schema::{self, PlatformSchema};

/// The schema with everything that it needs.
pub(crate) struct Engine {
    schema: PlatformSchema,
    app: App,
    limits: Limits,
}

impl Engine {
    /// An engine for one platform.
    pub(crate) fn new(config: &ApiConfig, app: App, tracker: TaskTracker) -> Self {
        let mut builder = schema::builder()
            .limit_depth(config.limits.depth)
            .limit_complexity(config.limits.complexity)
            .limit_directives(config.limits.directives)
            .data(app.clone())
            .data(loaders(app.clone(), tracker.clone()))
            .data(tracker);
        if !config.introspection {
            builder = builder.disable_introspection().disable_suggestions();
        }
        Self {
            schema: builder.finish(),
            app,
            limits: config.limits,
        }
    }

    /// Executes a query or a mutation.
    pub(crate) async fn execute(&self, bearer: Option<&Bearer>, request: Request) -> Response {
        told(match self.admit(bearer, request).await {
            Ok(request) => self.schema.execute(request).await,
            Err(error) => Response::from_errors(vec![error]),
        })
    }

    /// Executes any operation: a query or a mutation has one result.
    pub(crate) fn stream(
        self: Arc<Self>,
        bearer: Option<Bearer>,
        request: Request,
    ) -> impl Stream<Item = Response> + Send {
        let results = async move {
            match self.admit(bearer.as_ref(), request).await {
                Ok(request) => self.schema.execute_stream(request),
                Err(error) => stream::iter([Response::from_errors(vec![error])]).boxed(),
            }
        };
        stream::once(results).flatten().map(told)
    }

    /// Whether the token is good now.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] if it is not.
    pub(crate) async fn check(&self, bearer: &Bearer) -> Result<()> {
        auth::sign_in(&self.app, bearer).await.map(drop)
    }

    /// Whether the database can be reached.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if not.
    pub(crate) async fn is_ready(&self) -> Result<()> {
        Ok(self.app.reader().ping().await?)
    }

    /// Finds out who asks, and whether it is not too much. Without a token one can ask what the schema is, nothing else.
    async fn admit(
        &self,
        bearer: Option<&Bearer>,
        mut request: Request,
    ) -> std::result::Result<Request, ServerError> {
        let actor = match bearer {
            Some(bearer) => Some(auth::sign_in(&self.app, bearer).await.map_err(refusal)?),
            None => None,
        };
        let document = request.parsed_query()?;
        limits::check(document, &self.limits)?;
        match actor {
            Some(actor) => Ok(request.data(actor)),
            None if limits::is_introspection(document) => Ok(request),
            None => Err(refusal(Error::Unauthenticated)),
        }
    }
}
