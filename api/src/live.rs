//! Live results: a source that is asked again and again, and what wakes it.

use std::time::Duration;

use domain::Result;
use domain::events::{Event, Events, Listener};
use futures_util::{Stream, stream};
use tokio::time::{Instant, sleep_until};

/// Gives one result after the other. It is only asked when there is room for the result, so it gives the newest, not
/// every one.
pub(crate) trait Source: Send + 'static {
    /// What it gives.
    type Item: Send + 'static;

    /// Waits for the next result; `None` at the end.
    fn next(&mut self) -> impl Future<Output = Result<Option<Self::Item>>> + Send;
}

/// The results of a source. An error is the last one.
pub(crate) fn results<S: Source>(
    source: S,
) -> impl Stream<Item = async_graphql::Result<S::Item>> + Send + use<S> {
    stream::unfold(Some(source), |source| async move {
        let mut source = source?;
        match source.next().await {
            Ok(Some(item)) => Some((Ok(item), Some(source))),
            Ok(None) => None,
            // The error keeps its kind as its cause: the answer is made of that.
            Err(error) => Some((Err(error.into()), None)),
        }
    })
}

/// Sleeps until there may be something new.
#[derive(Debug)]
pub(crate) struct Waker {
    listener: Listener,
}

impl Waker {
    /// Hears everything from now on: make it before the first look.
    pub(crate) fn new(events: &Events) -> Self {
        Self {
            listener: events.subscribe(),
        }
    }

    /// Forgets what it has heard: the caller is about to look.
    pub(crate) fn reset(&mut self) {
        self.listener.drain();
    }

    /// Waits for a wake-up that matters, but no longer than `patience`: some wake-ups are lost, and shared file systems
    /// give none.
    pub(crate) async fn wait(
        &mut self,
        patience: Duration,
        matters: impl Fn(Event) -> bool + Send + Sync,
    ) {
        let until = Instant::now() + patience;
        let woken = async { while !matters(self.listener.next().await) {} };
        tokio::select! {
            () = woken => {}
            () = sleep_until(until) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::Error;
    use futures_util::StreamExt;

    use super::*;

    struct Countdown(u32);

    impl Source for Countdown {
        type Item = u32;

        async fn next(&mut self) -> Result<Option<u32>> {
            self.0 -= 1;
            match self.0 {
                0 => Ok(None),
                13 => Err(Error::Unauthenticated),
                n => Ok(Some(n)),
            }
        }
    }

    #[tokio::test]
    async fn a_stream_ends_with_its_source() {
        let items: Vec<_> = results(Countdown(4))
            .map(|item| item.unwrap())
            .collect()
            .await;
        assert_eq!(items, [3, 2, 1]);
    }

    #[tokio::test]
    async fn an_error_is_the_last_result() {
        let items: Vec<_> = results(Countdown(16)).collect().await;
        assert_eq!(items.len(), 3);
        assert!(items[..2].iter().all(|item| item.is_ok()));
        assert!(items[2].is_err());
    }

    #[tokio::test]
    async fn a_waker_wakes_for_what_matters_and_for_what_came_before_it_waited() {
        let events = Events::default();
        let mut waker = Waker::new(&events);
        events.publish(Event::Quotas);
        events.publish(Event::Nodes);
        waker
            .wait(Duration::from_secs(3600), |event| event == Event::Nodes)
            .await;
    }
}
