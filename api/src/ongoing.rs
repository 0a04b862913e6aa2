//! An operation that goes on for as long as its token is good.

use std::sync::Arc;
use std::time::Duration;

use async_graphql::{Request, Response};
use domain::Error;
use futures_util::StreamExt;
use futures_util::future::{Either, select};
use futures_util::stream::BoxStream;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};
use tracing::{Instrument, Span};

use crate::answer::Answer;
use crate::auth::Bearer;
use crate::engine::Engine;
use crate::error;

/// An operation that goes on for as long as its token is good.
pub(crate) struct Ongoing {
    engine: Arc<Engine>,
    bearer: Option<Bearer>,
    results: BoxStream<'static, Answer>,
    recheck: Interval,
    is_over: bool,
    span: Span,
}

impl Ongoing {
    /// Begins it, under the present span. The token is checked now, and again after each `recheck`.
    pub(crate) fn begin(
        engine: &Arc<Engine>,
        bearer: Option<Bearer>,
        request: Request,
        recheck: Duration,
    ) -> Self {
        let results = Arc::clone(engine).results(bearer.clone(), request);
        let mut recheck = interval_at(Instant::now() + recheck, recheck);
        recheck.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            engine: Arc::clone(engine),
            bearer,
            results: results.boxed(),
            recheck,
            is_over: false,
            span: Span::current(),
        }
    }

    /// The next result; nothing comes after a failure.
    pub(crate) async fn next(&mut self) -> Option<Answer> {
        let span = self.span.clone();
        self.advance().instrument(span).await
    }

    async fn advance(&mut self) -> Option<Answer> {
        if self.is_over {
            return None;
        }
        let answer = loop {
            tokio::select! {
                // A client that was slow is asked who it is before it gets more.
                biased;
                _ = self.recheck.tick() => {
                    // It needs far more memory than to wait, so it has that only meanwhile.
                    let check = Box::pin(refused(&self.engine, self.bearer.as_ref()));
                    let (refused, answer) = beside(check, &mut self.results).await;
                    if refused.is_some() {
                        break refused;
                    }
                    if let Some(answer) = answer {
                        break answer;
                    }
                }
                answer = self.results.next() => break answer,
            }
        };
        self.is_over = matches!(answer, None | Some(Answer::Failure { .. }));
        answer
    }
}

/// What comes of a check, and the answer if one came meanwhile, which nobody has seen yet.
///
/// The operation goes on beside it. If it stood still, it could keep the connection to the database for which the check
/// waits, as could all others that are checked at the same moment.
async fn beside(
    check: impl Future<Output = Option<Answer>> + Unpin,
    results: &mut BoxStream<'static, Answer>,
) -> (Option<Answer>, Option<Option<Answer>>) {
    match select(check, results.next()).await {
        Either::Left((refused, _)) => (refused, None),
        Either::Right((answer, check)) => (check.await, Some(answer)),
    }
}

/// The answer to a token that is no longer good. A database that is away for a moment ends nothing.
async fn refused(engine: &Engine, bearer: Option<&Bearer>) -> Option<Answer> {
    match engine.check(bearer?).await {
        Err(failure @ Error::Unauthenticated) => {
            let refusal = error::refusal(failure);
            Some(error::told(Response::from_errors(vec![refusal])).into())
        }
        Ok(()) | Err(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use futures_util::{FutureExt, stream};
    use tokio::sync::Semaphore;
    use tokio::task::yield_now;

    use super::*;

    fn answer() -> Answer {
        Response::default().into()
    }

    #[tokio::test]
    async fn an_operation_that_has_the_last_connection_gives_it_to_the_check_of_its_token() {
        let connections = Arc::new(Semaphore::new(1));
        let of_operation = Arc::clone(&connections);
        let operation = async move {
            let _connection = of_operation.acquire().await.unwrap();
            yield_now().await;
            answer()
        };
        let mut results = stream::once(operation).boxed();
        assert!(results.next().now_or_never().is_none(), "it has begun");
        let check = Box::pin(async {
            let _connection = connections.acquire().await.unwrap();
            None
        });
        let (refused, answered) = beside(check, &mut results).await;
        assert!(refused.is_none() && matches!(answered, Some(Some(_))));
    }
}
