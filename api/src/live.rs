//! Live results: a source that is asked again and again, and what wakes it.

use std::time::Duration;

use domain::Result;
use domain::events::{Events, TaskListener};
use domain::task::TaskId;
use futures_util::{Stream, stream};
use tokio::time::sleep;

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

/// Sleeps until there may be something new about one task.
#[derive(Debug)]
pub(crate) struct Waker {
    listener: TaskListener,
}

impl Waker {
    /// Hears of the task from now on: make it before the first look.
    pub(crate) fn new(events: &Events, id: TaskId) -> Self {
        Self {
            listener: events.follow(id),
        }
    }

    /// Forgets what it has heard: the caller is about to look.
    pub(crate) fn reset(&mut self) {
        self.listener.drain();
    }

    /// Waits for a change of the task, but no longer than `patience`: other processes wake nobody here.
    pub(crate) async fn wait(&mut self, patience: Duration) {
        tokio::select! {
            () = self.listener.changed() => {}
            () = sleep(patience) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::Error;
    use domain::events::Event;
    use futures_util::{FutureExt, StreamExt};

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
    async fn a_waker_wakes_for_its_task_also_for_what_came_before_it_waited() {
        let events = Events::default();
        let mut waker = Waker::new(&events, TaskId(1));
        events.publish(Event::Task(TaskId(1)));
        waker.wait(Duration::from_secs(3600)).await;
        waker.reset();
        events.publish(Event::Task(TaskId(2)));
        let woken = waker.wait(Duration::from_secs(3600)).now_or_never();
        assert_eq!(woken, None);
    }
}
