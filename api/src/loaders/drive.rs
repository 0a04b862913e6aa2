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
}

impl Driven {
    /// Drives the operation that gives these results.
    pub(crate) fn new(results: BoxStream<'static, Response>, loaders: Arc<Loaders>) -> Self {
        Self {
            results,
            loaders,
            fetches: FuturesUnordered::new(),
            seen: 0,
        }
    }
}

impl Stream for Driven {
    type Item = Response;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Response>> {
        let this = &mut *self;
        if let Poll::Ready(result) = this.results.poll_next_unpin(cx) {
            return Poll::Ready(result);
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
