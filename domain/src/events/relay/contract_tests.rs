//! Runs the suite for each adapter: PostgreSQL and Redis are real.

use std::sync::Arc;

use async_trait::async_trait;
use fred::interfaces::{ClientLike, PubsubInterface};
use fred::types::{ClusterHash, ConnectHandle, CustomCommand};
use sea_orm::{ConnectionTrait, Database, DatabaseConnection};

use super::contract::{self, Subject};
use super::memory::MemoryRelay;
use super::{PostgresRelay, RedisRelay, Relay, postgres};
use crate::store::Location;
use crate::testing;

#[async_trait]
impl Subject for MemoryRelay {
    fn relay(&self) -> Arc<dyn Relay> {
        Arc::new(self.clone())
    }

    async fn say(&self, text: &str) {
        self.say(text);
    }

    async fn cut(&self) {
        self.cut();
    }
}

#[tokio::test]
async fn the_relay_in_memory_does_what_a_relay_does() {
    contract::check(&MemoryRelay::default()).await;
}

struct OfPostgres {
    url: String,
    observer: DatabaseConnection,
}

#[async_trait]
impl Subject for OfPostgres {
    fn relay(&self) -> Arc<dyn Relay> {
        Arc::new(PostgresRelay::new(&self.url))
    }

    async fn say(&self, text: &str) {
        let notify = format!("SELECT pg_notify('hai_events', '{text}')");
        self.observer.execute_unprepared(&notify).await.unwrap();
    }

    async fn cut(&self) {
        let kill = format!(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
             WHERE datname = current_database() AND application_name = '{}' AND query LIKE 'LISTEN%'",
            postgres::NAME
        );
        let killed = self.observer.execute_unprepared(&kill).await.unwrap();
        assert_eq!(killed.rows_affected(), 2);
    }
}

/// SQLite serves one process, and nothing but the file is shared: there is no relay of it.
#[tokio::test]
async fn the_relay_of_the_database_does_what_a_relay_does() {
    let dir = tempfile::tempdir().unwrap();
    if let Location::Postgres(url) = testing::location(dir.path()).await {
        let observer = Database::connect(&url).await.unwrap();
        contract::check(&OfPostgres { url, observer }).await;
    }
}

struct OfRedis {
    relay: RedisRelay,
    observer: fred::clients::Client,
    driver: ConnectHandle,
}

impl Drop for OfRedis {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

#[async_trait]
impl Subject for OfRedis {
    fn relay(&self) -> Arc<dyn Relay> {
        Arc::new(self.relay.clone())
    }

    async fn say(&self, text: &str) {
        let channel = self.relay.channel();
        let heard: i64 = self.observer.publish(channel, text).await.unwrap();
        assert_eq!(heard, 2);
    }

    async fn cut(&self) {
        let kill = CustomCommand::new_static("CLIENT", ClusterHash::Random, false);
        let words = vec!["KILL", "TYPE", "pubsub"];
        let killed: i64 = self.observer.custom(kill, words).await.unwrap();
        assert_eq!(killed, 2);
    }
}

#[tokio::test]
async fn the_relay_of_redis_does_what_a_relay_does() {
    let redis = testing::redis(1);
    let observer = redis.client(None).unwrap();
    let driver = observer.init().await.unwrap();
    let relay = RedisRelay::new(&redis);
    contract::check(&OfRedis {
        relay,
        observer,
        driver,
    })
    .await;
}
