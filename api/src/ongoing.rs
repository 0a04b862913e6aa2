//! An operation of a live connection, under its span, up to its end.

use std::sync::Arc;

use async_graphql::Request;
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use tracing::{Instrument, Span};

use crate::answer::Answer;
use crate::auth::Bearer;
use crate::engine::Engine;

/// An operation that goes on until it has failed or there is no more.
pub(crate) struct Ongoing {
    results: BoxStream<'static, Answer>,
    is_over: bool,
    span: Span,
}

impl Ongoing {
    /// Begins it, under the present span.
    pub(crate) fn begin(engine: &Arc<Engine>, bearer: Option<Bearer>, request: Request) -> Self {
        Self {
            results: Arc::clone(engine).results(bearer, request).boxed(),
            is_over: false,
            span: Span::current(),
        }
    }

    /// The next result; nothing comes after a failure.
    pub(crate) async fn next(&mut self) -> Option<Answer> {
        if self.is_over {
            return None;
        }
        let answer = self.results.next().instrument(self.span.clone()).await;
        self.is_over = matches!(answer, None | Some(Answer::Failure { .. }));
        answer
    }
}
