//! What a courier does when the relay is away. Time is played, so nothing waits.

use std::sync::Arc;

use entity::TaskId;
use rand::SeedableRng;
use rand::rngs::StdRng;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::memory::MemoryRelay;
use super::{Courier, RelayError, probe};
use crate::events::{Event, Events, Listener, Origin};
use crate::metrics::RelayMetrics;

fn origin(seed: u64) -> Origin {
    Origin::new(&mut StdRng::seed_from_u64(seed))
}

fn start(
    relay: &MemoryRelay,
    seed: u64,
    metrics: &RelayMetrics,
) -> (Events, Listener, CancellationToken) {
    let events = Events::default();
    let courier = Courier {
        relay: Arc::new(relay.clone()),
        origin: origin(seed),
        events: events.clone(),
        metrics: metrics.clone(),
    };
    let stop = CancellationToken::new();
    courier.start(&TaskTracker::new(), &stop);
    let listener = events.subscribe();
    (events, listener, stop)
}

#[tokio::test(start_paused = true)]
async fn a_relay_that_is_away_at_the_start_is_asked_again_until_it_is_there() {
    let (relay, metrics) = (MemoryRelay::default(), RelayMetrics::default());
    relay.go_away();
    let (events, mut listener, _stop) = start(&relay, 1, &metrics);
    while relay.n_connections() < 9 {
        tokio::time::sleep(super::outage::LONGEST).await;
    }
    assert!(events.is_cut_off(), "workers look more often meanwhile");
    relay.come_back();
    assert_eq!(listener.next().await, Event::Resync);
    assert!(!events.is_cut_off());
    assert_eq!(metrics.n_reconnects(), 0, "it was never there before");
}

#[tokio::test(start_paused = true)]
async fn what_is_published_while_it_is_away_is_one_wake_up_afterwards() {
    let (relay, metrics) = (MemoryRelay::default(), RelayMetrics::default());
    let (events, mut listener, _stop) = start(&relay, 1, &metrics);
    let (_, mut peer, _peer_stop) = start(&relay, 2, &RelayMetrics::default());
    for listener in [&mut listener, &mut peer] {
        assert_eq!(listener.next().await, Event::Resync);
    }
    relay.go_away();
    for number in 0..99_999 {
        events.publish(Event::Task(TaskId(number)));
    }
    listener.drain();
    peer.drain();
    relay.come_back();
    for listener in [&mut listener, &mut peer] {
        assert_eq!(listener.next().await, Event::Resync);
    }
    // What is published before is in what is said first: look everywhere.
    events.outbox().emptied().await;
    events.publish(Event::Nodes);
    while let event = peer.next().await
        && event != Event::Nodes
    {
        assert_eq!(event, Event::Resync);
    }
    assert!(metrics.n_dropped() >= 99_999);
}

#[tokio::test(start_paused = true)]
async fn a_relay_that_only_looks_alive_is_given_up() {
    let (relay, metrics) = (MemoryRelay::default(), RelayMetrics::default());
    let (_events, mut listener, _stop) = start(&relay, 1, &metrics);
    assert_eq!(listener.next().await, Event::Resync);
    // A quiet hour is no reason.
    tokio::time::sleep(std::time::Duration::from_secs(3600)).await;
    assert_eq!(relay.n_connections(), 1);
    relay.be_deaf(true);
    while relay.n_connections() < 3 {
        tokio::time::sleep(super::outage::LONGEST).await;
    }
    relay.be_deaf(false);
    assert_eq!(listener.next().await, Event::Resync);
    assert_eq!(metrics.n_reconnects(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_stop_does_not_wait_for_a_relay_that_is_away() {
    let (relay, tracker) = (MemoryRelay::default(), TaskTracker::new());
    relay.go_away();
    let stop = CancellationToken::new();
    let courier = Courier {
        relay: Arc::new(relay.clone()),
        origin: origin(1),
        events: Events::default(),
        metrics: RelayMetrics::default(),
    };
    courier.start(&tracker, &stop);
    tokio::task::yield_now().await;
    stop.cancel();
    tracker.close();
    tracker.wait().await;
}

#[tokio::test(start_paused = true)]
async fn a_probe_tells_a_relay_that_carries_from_others() {
    let relay = MemoryRelay::default();
    probe(&relay, origin(1)).await.unwrap();
    relay.be_deaf(true);
    let silent = probe(&relay, origin(1)).await.unwrap_err();
    assert!(matches!(silent, RelayError::Silent(_)), "{silent}");
    relay.go_away();
    let away = probe(&relay, origin(1)).await.unwrap_err();
    assert_eq!(away.chain(), "the connection was closed");
}
