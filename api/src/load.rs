//! How much is done at the same time, and who is turned away when it is too much: soon, and with a moment to come again.
//!
//! ```text
//! request ─▶ place among the operations ─▶ who asks ─▶ turn among the queries of the token ─▶ connection ─▶ executed
//!            or UNAVAILABLE                            or UNAVAILABLE                        or UNAVAILABLE
//! ```
//!
//! Invariant: an agent is never turned away while people are let in.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use domain::metrics::{LoadMetrics, Overload};
use domain::{App, Result};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{sleep, timeout};

use crate::auth::Bearer;
use crate::config::Capacity;
use crate::lane::Lane;
use crate::places::{Bounds, Full, Place, Places, Precedence};

/// Queries of one token that are executed at the same time; its others wait for these. One connection to the database in
/// four is left for everybody else, with the pool of SQLite.
const QUERIES_OF_ONE: usize = 6;
/// How long a query waits for the others of its token.
const OWN_PATIENCE: Duration = Duration::from_secs(5);
/// How long an operation that takes long, or a request that is long, waits for a place among those.
const LONG_PATIENCE: Duration = Duration::from_secs(1);
/// How long a query waits for a connection to the database before it begins.
const POOL_PATIENCE: Duration = Duration::from_secs(1);
/// Writes of which each may wait for the writer or for a connection. What is done in a second or so.
const MOST_WRITES: usize = 1536;
/// Long operations in flight; each may be large.
const LONG_OPERATIONS: Bounds = Bounds {
    most: 64,
    share: 16,
    reserve: 0,
};
/// Long requests in memory, of as much as a request may have.
const LONG_REQUESTS: Bounds = Bounds {
    most: 32,
    share: 4,
    reserve: 8,
};

/// How much is done at the same time.
#[derive(Debug)]
pub(crate) struct Load {
    metrics: LoadMetrics,
    connections: Places,
    operations: Places,
    subscriptions: Places,
    long_operations: Places,
    long_requests: Places,
    /// The queries of each token.
    queries: Mutex<HashMap<u64, Weak<Semaphore>>>,
    /// Where what is long is computed.
    pub(crate) lane: Lane,
    /// Holders are remembered as something that nobody can turn back.
    hasher: RandomState,
}

/// Who wants something done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Holder {
    id: u64,
    precedence: Precedence,
}

impl Holder {
    /// Whether it is a person, or nobody knows who.
    pub(crate) fn is_usual(self) -> bool {
        self.precedence == Precedence::Usual
    }
}

/// The place of a connection.
#[derive(Debug)]
pub(crate) struct Seat {
    /// Taken while it is open.
    pub(crate) place: Place,
    /// Whether it is of the reserve: only those are served on it who go first.
    pub(crate) is_of_reserve: bool,
}

impl Load {
    /// Nothing is done yet.
    pub(crate) fn new(capacity: &Capacity, metrics: LoadMetrics) -> Self {
        Self {
            metrics,
            connections: Places::new(Bounds {
                most: capacity.connections,
                share: capacity.connections_per_address,
                reserve: capacity.connections / 8,
            }),
            operations: Places::new(Bounds {
                most: capacity.operations,
                share: capacity.operations_per_token,
                reserve: capacity.operations / 4,
            }),
            subscriptions: Places::new(Bounds {
                most: capacity.subscriptions,
                share: capacity.subscriptions_per_token,
                reserve: capacity.subscriptions / 8,
            }),
            long_operations: Places::new(LONG_OPERATIONS),
            long_requests: Places::new(LONG_REQUESTS),
            queries: Mutex::default(),
            lane: Lane::default(),
            hasher: RandomState::new(),
        }
    }

    /// Who this is, as far as it can be known before anybody is asked: a token, a session, else an address.
    pub(crate) fn holder(&self, bearer: Option<&Bearer>) -> Holder {
        let Some(bearer) = bearer else {
            return self.stranger("");
        };
        match bearer.of_a_person() {
            Some(person) => Holder {
                id: self.hasher.hash_one(person.as_ref()),
                precedence: Precedence::Usual,
            },
            None => Holder {
                id: self.hasher.hash_one(bearer.token().unwrap_or_default()),
                precedence: Precedence::First,
            },
        }
    }

    fn stranger(&self, address: &str) -> Holder {
        Holder {
            id: self.hasher.hash_one(("address", address)),
            precedence: Precedence::Usual,
        }
    }

    /// An operation is about to begin.
    ///
    /// # Errors
    /// [`domain::Error::Overloaded`] if too many are in flight.
    pub(crate) fn operation(&self, holder: Holder) -> Result<Place> {
        let place = self.operations.take(holder.id, holder.precedence);
        place.map_err(|full| {
            self.metrics.shed(match full {
                Full::Share => Overload::OwnOperations,
                Full::All => Overload::Operations,
            })
        })
    }

    /// It is a query: it waits for its turn among those of the same token, and until the database has room. Agents do not
    /// wait.
    ///
    /// # Errors
    /// [`domain::Error::Overloaded`] if that takes too long.
    pub(crate) async fn query(
        &self,
        holder: Holder,
        app: &App,
    ) -> Result<Option<OwnedSemaphorePermit>> {
        if !holder.is_usual() {
            return Ok(None);
        }
        let turn = timeout(OWN_PATIENCE, self.turns(holder).acquire_owned()).await;
        // It is never closed.
        let turn = turn.ok().and_then(std::result::Result::ok);
        let turn = turn.ok_or_else(|| self.metrics.shed(Overload::OwnOperations))?;
        let waited = app.store.room(POOL_PATIENCE).await;
        let waited = waited.ok_or_else(|| self.metrics.shed(Overload::Reads))?;
        self.metrics.waited_for_pool(waited);
        Ok(Some(turn))
    }

    /// It changes something.
    ///
    /// # Errors
    /// [`domain::Error::Overloaded`] if too many writes wait, unless it is an agent's.
    pub(crate) fn mutation(&self, holder: Holder, app: &App) -> Result<()> {
        if holder.is_usual() && app.store.n_writes() >= MOST_WRITES {
            return Err(self.metrics.shed(Overload::Writes));
        }
        Ok(())
    }

    /// It goes on, for as long as the place is kept.
    ///
    /// # Errors
    /// [`domain::Error::Overloaded`] if too many do.
    pub(crate) fn subscription(&self, holder: Holder) -> Result<Place> {
        let place = self.subscriptions.take(holder.id, holder.precedence);
        place.map_err(|full| {
            self.metrics.shed(match full {
                Full::Share => Overload::OwnSubscriptions,
                Full::All => Overload::Subscriptions,
            })
        })
    }

    /// It takes long to compute, and waits a while for its place. So nobody comes here but who has a place among the operations,
    /// and is known.
    ///
    /// # Errors
    /// [`domain::Error::Overloaded`] if too many do.
    pub(crate) async fn long_operation(&self, holder: Holder) -> Result<Place> {
        let place = in_turn(&self.long_operations, holder.id, Precedence::Usual).await;
        place.map_err(|_| self.metrics.shed(Overload::LongOperations))
    }

    /// A long request from there is to be read, and waits a while for its place; nothing more of it is read meanwhile. Who sends
    /// it is not known yet.
    ///
    /// # Errors
    /// [`domain::Error::Overloaded`] if too many are.
    pub(crate) async fn long_request(&self, address: &str, is_agent: bool) -> Result<Place> {
        let precedence = match is_agent {
            true => Precedence::First,
            false => Precedence::Usual,
        };
        let holder = self.stranger(address);
        let place = in_turn(&self.long_requests, holder.id, precedence).await;
        place.map_err(|_| self.metrics.shed(Overload::LongRequests))
    }

    /// Somebody connects from there. Beyond the share of an address, and when connections become few, there are still those of
    /// the reserve.
    ///
    /// # Errors
    /// [`domain::Error::Overloaded`] if there is none left.
    pub(crate) fn connection(&self, address: IpAddr) -> Result<Seat> {
        let holder = self.hasher.hash_one(address.to_canonical());
        let usual = self.connections.take(holder, Precedence::Usual);
        let is_of_reserve = usual.is_err();
        let place = usual.or_else(|_| self.connections.take(holder, Precedence::First));
        let place = place.map_err(|full| {
            self.metrics.shed(match full {
                Full::Share => Overload::OwnConnections,
                Full::All => Overload::Connections,
            })
        });
        place.map(|place| Seat {
            place,
            is_of_reserve,
        })
    }

    /// Somebody has a connection of the reserve and does not go first.
    pub(crate) fn not_for_usual(&self) -> domain::Error {
        self.metrics.shed(Overload::Connections)
    }

    /// Connections that are open.
    pub(crate) fn n_connections(&self) -> usize {
        self.connections.n_taken()
    }

    /// Operations in flight.
    pub(crate) fn n_operations(&self) -> usize {
        self.operations.n_taken()
    }

    fn turns(&self, holder: Holder) -> Arc<Semaphore> {
        let queries = self.queries.lock();
        // No step leaves it half changed, so a panic elsewhere does not matter.
        let mut queries = queries.unwrap_or_else(PoisonError::into_inner);
        if let Some(turns) = queries.get(&holder.id).and_then(Weak::upgrade) {
            return turns;
        }
        // Each of those that are left has a place, so there are not many more than places.
        if queries.len() >= 2 * self.operations.n_taken().max(512) {
            queries.retain(|_, turns| turns.strong_count() > 0);
        }
        let turns = Arc::new(Semaphore::new(QUERIES_OF_ONE));
        queries.insert(holder.id, Arc::downgrade(&turns));
        turns
    }
}

/// A place now, or after a while. To turn away at once what is long would cost more: it would come again at once.
async fn in_turn(
    places: &Places,
    holder: u64,
    precedence: Precedence,
) -> std::result::Result<Place, Full> {
    if let Ok(place) = places.take(holder, precedence) {
        return Ok(place);
    }
    sleep(LONG_PATIENCE).await;
    places.take(holder, precedence)
}

#[cfg(test)]
mod tests {
    use domain::Error;
    use tokio::time::Instant;

    use super::*;
    use crate::testing::TestApi;

    fn load() -> Load {
        let capacity = Capacity {
            operations: 8,
            operations_per_token: 4,
            ..Capacity::default()
        };
        Load::new(&capacity, LoadMetrics::default())
    }

    fn person(load: &Load, token: &str) -> Holder {
        load.holder(Some(&Bearer::new(token)))
    }

    /// What somebody is turned away for, which says when to come again.
    fn shed<T: std::fmt::Debug>(result: Result<T>) -> Overload {
        match result {
            Err(Error::Overloaded { what, retry_after }) => {
                assert!(retry_after >= Duration::from_secs(1));
                what
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_token_has_a_share_of_the_operations_and_agents_have_the_rest() {
        let load = load();
        let flood = person(&load, "flood");
        let mut held: Vec<_> = (0..4).map(|_| load.operation(flood).unwrap()).collect();
        assert_eq!(shed(load.operation(flood)), Overload::OwnOperations);
        let other = person(&load, "other");
        held.extend((0..2).map(|_| load.operation(other).unwrap()));
        assert_eq!(shed(load.operation(other)), Overload::Operations);
        let agent = load.holder(Some(&Bearer::new("a.signed.token")));
        assert!(!agent.is_usual());
        held.extend((0..2).map(|_| load.operation(agent).unwrap()));
        assert_eq!(load.n_operations(), 8);
        drop(held);
        load.operation(other).unwrap();
    }

    #[tokio::test]
    async fn queries_of_a_token_wait_for_each_other_and_for_nobody_else() {
        let api = TestApi::with_nodes(0).await;
        tokio::time::pause();
        let (load, app) = (load(), &api.platform.app);
        let [flood, other] = ["flood", "other"].map(|token| person(&load, token));
        let mut turns = Vec::new();
        for _ in 0..QUERIES_OF_ONE {
            turns.push(load.query(flood, app).await.unwrap());
        }
        load.query(other, app).await.unwrap();
        let begun = Instant::now();
        let late = load.query(flood, app).await;
        assert_eq!(shed(late), Overload::OwnOperations);
        assert!(begun.elapsed() >= OWN_PATIENCE);
        turns.pop();
        load.query(flood, app).await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn what_takes_long_waits_for_a_place_before_it_is_turned_away() {
        let load = load();
        let [flood, other] = ["flood", "other"].map(|token| person(&load, token));
        let mut places = Vec::new();
        for _ in 0..LONG_OPERATIONS.share {
            places.push(load.long_operation(flood).await.unwrap());
        }
        let begun = Instant::now();
        assert_eq!(
            shed(load.long_operation(flood).await),
            Overload::LongOperations
        );
        assert_eq!(begun.elapsed(), LONG_PATIENCE);
        load.long_operation(other).await.unwrap();
        assert_eq!(begun.elapsed(), LONG_PATIENCE, "nobody else waits");
        let waits = load.long_operation(flood);
        let leaves = async {
            tokio::task::yield_now().await;
            places.pop();
        };
        let (place, ()) = tokio::join!(waits, leaves);
        place.unwrap();
    }

    #[tokio::test]
    async fn nobody_waits_long_for_a_database_that_is_busy_with_others() {
        let api = TestApi::with_nodes(0).await;
        let (load, app) = (load(), &api.platform.app);
        let _busy = app.store.all_readers().await;
        tokio::time::pause();
        let late = load.query(person(&load, "a"), app).await;
        assert_eq!(shed(late), Overload::Reads);
    }

    #[test]
    fn an_address_beyond_its_share_has_only_what_is_kept_for_agents() {
        let capacity = Capacity {
            connections: 16,
            connections_per_address: 4,
            ..Capacity::default()
        };
        let load = Load::new(&capacity, LoadMetrics::default());
        let [flood, other] = [1, 2].map(|last| IpAddr::from([10, 0, 0, last]));
        let seats: Vec<_> = (0..5).map(|_| load.connection(flood).unwrap()).collect();
        let of_reserve = seats.iter().map(|seat| seat.is_of_reserve);
        assert_eq!(
            of_reserve.collect::<Vec<_>>(),
            [false, false, false, false, true]
        );
        assert_eq!(shed(load.connection(flood)), Overload::OwnConnections);
        assert!(!load.connection(other).unwrap().is_of_reserve);
        assert_eq!(load.n_connections(), 5);
    }
}
