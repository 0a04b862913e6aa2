//! Carries wake-ups from the bus of this process to a relay, and back.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::outage::Outage;
use super::{Heard, Link, Receiver, Relay, RelayError, Sender};
use crate::events::wire::{self, Origin};
use crate::events::{Event, Events};
use crate::metrics::RelayMetrics;

/// How long a relay may take to connect, or to take what is sent.
const PATIENCE: Duration = Duration::from_secs(10);
/// So often at least something is sent. As it comes back like everything else, a connection that only looks alive is found.
const PULSE: Duration = Duration::from_secs(5);
/// So long nothing comes back on a connection that carries nothing.
const SILENCE: Duration = Duration::from_secs(16);
/// How long a stop waits for what is still to be sent.
const FLUSH: Duration = Duration::from_secs(1);

/// Joins the bus of this process to a relay.
///
/// What is published while one message is under way goes with the next. Whenever the relay is there (again), everybody on
/// both sides hears [`Event::Resync`]: who was cut off may have missed something.
#[derive(Debug)]
pub struct Courier {
    /// What carries.
    pub relay: Arc<dyn Relay>,
    /// Who this process is.
    pub origin: Origin,
    /// Its bus.
    pub events: Events,
    /// Where it is counted what goes wrong.
    pub metrics: RelayMetrics,
}

impl Courier {
    /// Starts. It ends when the token is cancelled, after what was published until then is sent.
    pub fn start(self, tracker: &TaskTracker, stop: &CancellationToken) {
        // Before anything else happens: what is published from now on is told.
        self.events.outbox().open();
        tracker.spawn(self.run(stop.clone()));
    }

    async fn run(self, stop: CancellationToken) {
        let mut outage = Outage::default();
        let mut is_first = true;
        loop {
            let connected = tokio::select! {
                biased;
                () = stop.cancelled() => break,
                connected = within(self.relay.connect()) => connected,
            };
            let error = match connected {
                Ok(link) => match self.carry(link, &mut outage, &mut is_first, &stop).await {
                    Ok(()) => break,
                    Err(error) => error,
                },
                Err(error) => error,
            };
            let pause = outage.goes_on(self.relay.name(), &error);
            self.events.set_cut_off(true);
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                () = sleep(pause) => {}
            }
        }
        self.events.outbox().close();
        self.events.set_cut_off(false);
    }

    /// Uses a connection until it is lost, or until everything is sent after a stop.
    async fn carry(
        &self,
        link: Link,
        outage: &mut Outage,
        is_first: &mut bool,
        stop: &CancellationToken,
    ) -> Result<(), RelayError> {
        let Link {
            sender,
            mut receiver,
        } = link;
        self.events.outbox().put(Event::Resync);
        let hear = async {
            let first = hear(&mut *receiver).await?;
            // What comes back shows that both directions work.
            outage.is_over(self.relay.name());
            self.events.set_cut_off(false);
            if !std::mem::take(is_first) {
                self.metrics.reconnected();
            }
            self.events.wake(Event::Resync);
            self.wake(first);
            loop {
                let heard = hear(&mut *receiver).await?;
                self.wake(heard);
            }
        };
        let late = async {
            stop.cancelled().await;
            sleep(FLUSH).await;
        };
        tokio::select! {
            lost = hear => { let Err::<Infallible, _>(error) = lost; Err(error) }
            sent = self.send(sender, stop) => sent,
            () = late => Ok(()),
        }
    }

    fn wake(&self, heard: Heard) {
        let events = match heard {
            Heard::Message(message) => wire::decode(self.origin, &message),
            Heard::Gap => vec![Event::Resync],
        };
        for event in events {
            self.events.wake(event);
        }
    }

    /// Sends what is published, until nothing is left after a stop.
    async fn send(
        &self,
        mut sender: Box<dyn Sender>,
        stop: &CancellationToken,
    ) -> Result<(), RelayError> {
        let outbox = self.events.outbox();
        loop {
            tokio::select! {
                biased;
                () = outbox.filled() => {}
                () = stop.cancelled() => return Ok(()),
                () = sleep(PULSE) => {}
            }
            let batch = outbox.take();
            self.metrics.dropped(batch.n_dropped);
            let most_bytes = self.relay.most_bytes();
            let messages = wire::encode(self.origin, &batch.events, most_bytes);
            within(sender.send(messages)).await?;
        }
    }
}

/// Whether a relay carries: connects, says something and hears it.
///
/// # Errors
/// If it does not.
pub async fn probe(relay: &dyn Relay, origin: Origin) -> Result<(), RelayError> {
    let mut link = within(relay.connect()).await?;
    let sign_of_life = wire::encode(origin, &[], relay.most_bytes());
    within(link.sender.send(sign_of_life.clone())).await?;
    // Others may speak at the same time.
    while let heard = hear(&mut *link.receiver).await?
        && !matches!(&heard, Heard::Message(message) if sign_of_life.contains(message))
    {}
    Ok(())
}

async fn hear(receiver: &mut dyn Receiver) -> Result<Heard, RelayError> {
    let heard = timeout(SILENCE, receiver.next()).await;
    heard.unwrap_or(Err(RelayError::Silent(SILENCE)))
}

async fn within<T>(work: impl Future<Output = Result<T, RelayError>>) -> Result<T, RelayError> {
    let done = timeout(PATIENCE, work).await;
    done.unwrap_or(Err(RelayError::Late(PATIENCE)))
}
