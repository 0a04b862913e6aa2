//! Wake-ups through PostgreSQL: LISTEN and NOTIFY, beside the pool that serves use cases.
//!
//! A notification in the transaction that it tells of would make all commits of the database wait for one another:
//! PostgreSQL keeps the order of notifications by a lock that is held until the transaction is on the disk. So they are
//! sent after the commit, in a transaction of their own, as many at a time as there are.

use std::fmt;
use std::str::FromStr;

use async_trait::async_trait;
use sqlx::postgres::{PgConnectOptions, PgListener, PgPool, PgPoolOptions};
use sqlx::{ConnectOptions, query};

use super::{Heard, Link, Receiver, Relay, RelayError, Sender};

/// Where all servers of a platform listen. Channels belong to a database.
const CHANNEL: &str = "hai_events";
/// How the connections are called in `pg_stat_activity`.
pub(super) const NAME: &str = "hai-platform events";
/// PostgreSQL takes less than 8000 bytes.
const MOST_BYTES: usize = 7999;
/// One message in each row, all in one transaction.
const NOTIFY: &str = "SELECT pg_notify($1, message) FROM unnest($2::text[]) AS message";

/// LISTEN and NOTIFY. A pooler between the server and the database must give a session for itself; one that gives only
/// transactions is noticed, because nothing is heard.
#[derive(Clone)]
pub struct PostgresRelay {
    /// May hold a password.
    url: String,
}

impl PostgresRelay {
    /// Through the database with this address.
    pub fn new(url: &str) -> Self {
        let url = url.to_owned();
        Self { url }
    }
}

impl fmt::Debug for PostgresRelay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PostgresRelay(…)")
    }
}

#[async_trait]
impl Relay for PostgresRelay {
    fn name(&self) -> &'static str {
        "PostgreSQL"
    }

    fn most_bytes(&self) -> usize {
        MOST_BYTES
    }

    async fn connect(&self) -> Result<Link, RelayError> {
        let options = PgConnectOptions::from_str(&self.url)?
            .application_name(NAME)
            .disable_statement_logging();
        // One to hear, one to speak; neither is ever given to anybody else.
        let pool = PgPoolOptions::new()
            .max_connections(2)
            .idle_timeout(None)
            .max_lifetime(None)
            .connect_with(options)
            .await?;
        let mut listener = PgListener::connect_with(&pool).await?;
        listener.eager_reconnect(false);
        listener.listen(CHANNEL).await?;
        Ok(Link {
            sender: Box::new(pool),
            receiver: Box::new(listener),
        })
    }
}

#[async_trait]
impl Sender for PgPool {
    async fn send(&mut self, messages: Vec<String>) -> Result<(), RelayError> {
        let notify = query(NOTIFY).bind(CHANNEL).bind(messages);
        notify.execute(&*self).await?;
        Ok(())
    }
}

#[async_trait]
impl Receiver for PgListener {
    async fn next(&mut self) -> Result<Heard, RelayError> {
        let notification = self.try_recv().await?.ok_or(RelayError::Closed)?;
        Ok(Heard::Message(notification.payload().to_owned()))
    }
}
