//! Runs an operation together with the fetches that it waits for.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use async_graphql::Response;
use futures_util::future::BoxFuture;
use futures_util::stream::{BoxStream, FuturesUnordered};
use futures_util::{Stream, StreamExt};

use super::Loaders;

/// The results of an operation whose resolvers use the loaders.
pub(crate) struct Driven {
    results: BoxStream<'static, Response>,
    loaders: Arc<Loaders>,
    fetches: FuturesUnordered<BoxFuture<'static, ()>>,
    /// How many keys had been asked for at the last turn.
    seen: usize,
    /// A result that waits for fetches which nobody needs any more.
    held: Option<Option<Response>>,
}

impl Driven {
    /// Drives the operation that gives these results.
    pub(crate) fn new(results: BoxStream<'static, Response>, loaders: Arc<Loaders>) -> Self {
        Self {
            results,
            loaders,
            fetches: FuturesUnordered::new(),
            seen: 0,
            held: None,
        }
    }
}

impl Stream for Driven {
    type Item = Response;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Response>> {
        let this = &mut *self;
        if this.held.is_none()
            && let Poll::Ready(result) = this.results.poll_next_unpin(cx)
        {
            this.held = Some(result);
        }
        if this.held.is_some() {
            // Whoever takes the result may be long in asking for the next one. Until then nothing here goes on, and a
            // fetch would keep its connection to the database.
            while let Poll::Ready(Some(())) = this.fetches.poll_next_unpin(cx) {}
            return match this.fetches.is_empty() {
                true => Poll::Ready(this.held.take().flatten()),
                false => Poll::Pending,
            };
        }
        let asked = this.loaders.n_asked();
        if asked == this.seen {
            this.fetches.extend(Loaders::start(&this.loaders));
        } else {
            // The operation may have paused in the middle of a long list: another turn tells.
            this.seen = asked;
            cx.waker().wake_by_ref();
        }
        // The end of a fetch wakes the resolvers that wait for it, and so this task.
        while let Poll::Ready(Some(())) = this.fetches.poll_next_unpin(cx) {}
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use futures_util::stream;
    use tokio::task::yield_now;

    use super::*;
    use crate::testing::TestApi;

    #[tokio::test]
    async fn a_result_is_given_when_no_fetch_is_left_that_would_stand_still() {
        let api = TestApi::with_nodes(0).await;
        let loaders = Arc::new(Loaders::new(api.platform.app.clone()));
        let results = stream::iter([Response::default()]).boxed();
        let mut driven = Driven::new(results, loaders);
        let is_fetched = Arc::new(AtomicBool::new(false));
        let fetched = Arc::clone(&is_fetched);
        let fetch = async move {
            yield_now().await;
            fetched.store(true, Ordering::Relaxed);
        };
        driven.fetches.push(Box::pin(fetch));
        assert!(driven.next().await.is_some());
        assert!(is_fetched.load(Ordering::Relaxed));
        assert!(driven.next().await.is_none());
    }
}
