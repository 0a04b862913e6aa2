//! What every relay does: one suite of behaviours, run for each adapter.

use std::sync::Arc;

use async_trait::async_trait;
use entity::{RunId, TaskId};
use rand::SeedableRng;
use rand::rngs::StdRng;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::{Courier, Relay, probe};
use crate::events::bus::CAPACITY;
use crate::events::{Event, Events, Listener, Origin};
use crate::metrics::RelayMetrics;

/// What carries, with somebody who has power over it. Nobody else uses it.
#[async_trait]
pub(super) trait Subject: Send + Sync {
    /// The adapter, as one more server would have it.
    fn relay(&self) -> Arc<dyn Relay>;

    /// Says something that no server would.
    async fn say(&self, text: &str);

    /// Breaks the connections of all who listen.
    async fn cut(&self);
}

/// Longer than anything takes that does not fail.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(30);

/// Checks every behaviour, one after the other.
///
/// Nothing but what is awaited runs while a test publishes: it must be on a runtime with one thread.
pub(super) async fn check(subject: &dyn Subject) {
    it_carries_what_it_is_given(subject).await;
    what_one_says_the_other_hears_and_nobody_hears_it_twice(subject).await;
    order_is_kept_and_what_is_long_arrives(subject).await;
    what_nobody_understands_makes_everybody_look(subject).await;
    more_than_can_wait_becomes_one_wake_up(subject).await;
    a_connection_that_breaks_is_noticed_and_made_again(subject).await;
    what_is_said_before_a_stop_is_heard(subject).await;
}

/// A server, as far as its bus goes.
struct Server {
    events: Events,
    listener: Listener,
    metrics: RelayMetrics,
    tracker: TaskTracker,
    stop: CancellationToken,
}

fn origin(seed: u64) -> Origin {
    Origin::new(&mut StdRng::seed_from_u64(seed))
}

impl Server {
    /// A server that hears and is heard.
    async fn start(subject: &dyn Subject, seed: u64) -> Self {
        let events = Events::default();
        let mut server = Self {
            listener: events.subscribe(),
            events,
            metrics: RelayMetrics::default(),
            tracker: TaskTracker::new(),
            stop: CancellationToken::new(),
        };
        let courier = Courier {
            relay: subject.relay(),
            origin: origin(seed),
            events: server.events.clone(),
            metrics: server.metrics.clone(),
        };
        courier.start(&server.tracker, &server.stop);
        server.hears(&[Event::Resync]).await;
        server
    }

    /// Two servers that have found each other.
    async fn pair(subject: &dyn Subject) -> (Self, Self) {
        let mut one = Self::start(subject, 1).await;
        let other = Self::start(subject, 2).await;
        one.hears(&[Event::Resync]).await;
        (one, other)
    }

    fn say(&self, events: &[Event]) {
        events.iter().for_each(|event| self.events.publish(*event));
    }

    async fn next(&mut self) -> Event {
        let next = timeout(PATIENCE, self.listener.next()).await;
        next.expect("something is heard")
    }

    /// The next wake-ups are these.
    async fn hears(&mut self, events: &[Event]) {
        for event in events {
            assert_eq!(self.next().await, *event);
        }
    }

    /// This one comes, whatever comes before.
    async fn comes_to_hear(&mut self, event: Event) {
        while self.next().await != event {}
    }

    /// Ends in good order.
    async fn stop(self) {
        self.stop.cancel();
        self.tracker.close();
        let ended = timeout(PATIENCE, self.tracker.wait()).await;
        ended.expect("it stops");
    }
}

const fn task(number: i64) -> Event {
    Event::Task(TaskId(number))
}

async fn it_carries_what_it_is_given(subject: &dyn Subject) {
    let relay = subject.relay();
    probe(&*relay, origin(1)).await.expect("it is there");
}

async fn what_one_says_the_other_hears_and_nobody_hears_it_twice(subject: &dyn Subject) {
    let (mut one, mut other) = Server::pair(subject).await;
    one.say(&[task(1)]);
    one.hears(&[task(1)]).await;
    other.hears(&[task(1)]).await;
    // What one has said came back to it before this.
    other.say(&[task(2)]);
    one.hears(&[task(2)]).await;
    other.hears(&[task(2)]).await;
    one.say(&[task(3)]);
    other.hears(&[task(3)]).await;
    one.hears(&[task(3)]).await;
    one.stop().await;
    other.stop().await;
}

async fn order_is_kept_and_what_is_long_arrives(subject: &dyn Subject) {
    let (one, mut other) = Server::pair(subject).await;
    let of_task = |id: i64| {
        let id = TaskId(1_000_000_000_000 + id);
        [Event::Task(id), Event::Run(id, RunId(7)), Event::Wait(id)]
    };
    let mut events: Vec<_> = (0..1000).flat_map(of_task).collect();
    events.extend([Event::Nodes, Event::Quotas]);
    one.say(&events);
    one.say(&events);
    other.hears(&events).await;
    one.say(&[task(1)]);
    other.hears(&[task(1)]).await;
    one.stop().await;
    other.stop().await;
}

async fn what_nobody_understands_makes_everybody_look(subject: &dyn Subject) {
    let (mut one, mut other) = Server::pair(subject).await;
    for text in [
        "garbage",
        "2 0123456789abcdef task:1",
        "1 0123456789abcdef x",
    ] {
        subject.say(text).await;
        one.hears(&[Event::Resync]).await;
        other.hears(&[Event::Resync]).await;
    }
    one.say(&[task(1)]);
    other.hears(&[task(1)]).await;
    one.stop().await;
    other.stop().await;
}

async fn more_than_can_wait_becomes_one_wake_up(subject: &dyn Subject) {
    let (one, mut other) = Server::pair(subject).await;
    let before = one.metrics.n_dropped();
    let n_events = i64::try_from(CAPACITY).expect("it is small") + 9;
    (0..n_events).for_each(|number| one.say(&[task(number)]));
    other.hears(&[Event::Resync]).await;
    let dropped = one.metrics.n_dropped() - before;
    assert_eq!(i64::try_from(dropped), Ok(n_events));
    one.say(&[task(1)]);
    other.hears(&[task(1)]).await;
    one.stop().await;
    other.stop().await;
}

async fn a_connection_that_breaks_is_noticed_and_made_again(subject: &dyn Subject) {
    let (mut one, mut other) = Server::pair(subject).await;
    subject.cut().await;
    // Nobody else says so: whoever hears it is connected again.
    for server in [&mut one, &mut other] {
        server.hears(&[Event::Resync]).await;
        // What is published before is in what is said first: look everywhere.
        server.events.outbox().emptied().await;
    }
    one.say(&[task(1)]);
    other.comes_to_hear(task(1)).await;
    other.say(&[task(2)]);
    one.comes_to_hear(task(2)).await;
    for server in [&one, &other] {
        assert_eq!(server.metrics.n_reconnects(), 1);
    }
    one.stop().await;
    other.stop().await;
}

async fn what_is_said_before_a_stop_is_heard(subject: &dyn Subject) {
    let (one, mut other) = Server::pair(subject).await;
    one.say(&[task(1), Event::Nodes]);
    let events = one.events.clone();
    one.stop().await;
    other.hears(&[task(1), Event::Nodes]).await;
    // Afterwards nobody takes it, so nothing may pile up.
    events.publish(task(2));
    assert!(events.outbox().take().events.is_empty());
    other.stop().await;
}
