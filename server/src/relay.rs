//! What the servers of one platform share beside the database: what carries wake-ups, and counts for limits.

use std::sync::Arc;

use anyhow::{Context, Result};
use domain::counts::Counts;
use domain::events::{PostgresRelay, RedisRelay, Relay};
use domain::redis::Redis;
use domain::store::{Location, Store};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::config::Config;
use crate::environment::Environment;

/// The Redis that was asked for: the one that the environment names, or the one in the file.
///
/// # Errors
/// If the address is not understood. It is not shown: it may hold a password.
pub(crate) fn redis(environment: &Environment, config: &Config) -> Result<Option<Redis>> {
    match &environment.redis_url {
        Some(url) => {
            let redis = Redis::from_url(url).context("HAI_REDIS_URL cannot be used")?;
            Ok(Some(redis))
        }
        None => Ok(config.redis().cloned()),
    }
}

/// What carries wake-ups: Redis where there is one, else the database. Nothing on SQLite, which has one server.
pub(crate) fn choose(redis: Option<&Redis>, database: &Location) -> Option<Arc<dyn Relay>> {
    match (redis, database) {
        (Some(redis), _) => Some(Arc::new(RedisRelay::new(redis))),
        (None, Location::Postgres(url)) => Some(Arc::new(PostgresRelay::new(url))),
        (None, Location::Sqlite(_)) => None,
    }
}

/// Where servers count together: in Redis where there is one, else in the database. Nowhere on SQLite, which has one server.
///
/// # Errors
/// If its address cannot be used at all. That it is away is none.
pub(crate) fn counts(
    redis: Option<&Redis>,
    store: &Store,
    tracker: &TaskTracker,
    stop: &CancellationToken,
) -> Result<Option<Counts>> {
    let Some(redis) = redis else {
        return Ok(Counts::in_database(store));
    };
    let counts = Counts::connect(redis, tracker, stop).context("Redis cannot be used")?;
    Ok(Some(counts))
}

/// A Redis in the words of the original's file.
pub(crate) fn in_words<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Redis>, D::Error> {
    /// It has no `Debug`: nobody prints the password by accident.
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Table {
        host: String,
        #[serde(default = "usual_port")]
        port: u16,
        #[serde(default)]
        db: u8,
        password: Option<String>,
    }
    fn usual_port() -> u16 {
        6379
    }
    let table = Table::deserialize(deserializer)?;
    if table.host.is_empty() {
        return Err(D::Error::custom("host is empty"));
    }
    let password = table.password.filter(|password| !password.is_empty());
    Ok(Some(Redis::at(&table.host, table.port, table.db, password)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(url: Option<&str>) -> Result<Option<Redis>> {
        let environment = Environment {
            redis_url: url.map(str::to_owned),
            ..Environment::default()
        };
        redis(&environment, &Config::default())
    }

    #[test]
    fn redis_comes_before_the_database_and_sqlite_needs_none() {
        let redis = asked(Some("redis://:s3cret@db.example")).unwrap();
        let sqlite = Location::Sqlite("platform.db".into());
        let postgres = Location::Postgres("postgres://ada:s3cret@db.example/hai".to_owned());
        let chosen = |redis: Option<&Redis>, database| {
            let relay = choose(redis, database)?;
            assert!(!format!("{relay:?}").contains("s3cret"));
            Some(relay.name())
        };
        assert_eq!(chosen(None, &sqlite), None);
        assert_eq!(chosen(None, &postgres), Some("PostgreSQL"));
        for database in [&sqlite, &postgres] {
            assert_eq!(chosen(redis.as_ref(), database), Some("Redis"));
        }
        assert_eq!(asked(None).unwrap(), None);
    }

    #[test]
    fn an_address_that_is_no_redis_is_refused_and_not_shown() {
        let error = asked(Some("http://:s3cret@db.example")).unwrap_err();
        let error = format!("{error:#}");
        assert!(error.starts_with("HAI_REDIS_URL "), "{error}");
        assert!(!error.contains("s3cret"), "{error}");
    }
}
