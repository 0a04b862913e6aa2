//! What one server does is heard by others, through the database or through Redis.

use std::sync::Arc;

use anyhow::Result;
use domain::events::{Courier, Event, Events, Listener, Origin, PostgresRelay, RedisRelay, Relay};
use domain::metrics::RelayMetrics;
use domain::store::Location;
use domain::testing;
use rand::SeedableRng;
use rand::rngs::StdRng;
use serde_json::Value;
use tests::{Up, within};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Listens as another server of the platform would.
async fn other_server(relay: Arc<dyn Relay>) -> Result<Listener> {
    let events = Events::default();
    let mut listener = events.subscribe();
    let courier = Courier {
        relay,
        origin: Origin::new(&mut StdRng::seed_from_u64(1)),
        events,
        metrics: RelayMetrics::default(),
    };
    courier.start(&TaskTracker::new(), &CancellationToken::new());
    assert_eq!(within(listener.next()).await?, Event::Resync);
    Ok(listener)
}

/// A new user may have other quotas, which everybody who plans has to know.
async fn a_new_user_is_heard_of(up: &Up, relay: Arc<dyn Relay>) -> Result<()> {
    let mut listener = other_server(relay).await?;
    up.admin().await?.create_user("ada").await?;
    while within(listener.next()).await? != Event::Quotas {}
    Ok(())
}

/// What `doctor` says about the relay: its verdict, and the rest.
async fn examined(up: &Up) -> Result<(Value, String)> {
    let output = up.run(&["doctor", "--json"]).await?;
    let findings: Vec<Value> = serde_json::from_str(&output.stdout)?;
    let relay = findings.iter().find(|it| it["what"] == "relay");
    let relay = relay.cloned().unwrap_or_default();
    Ok((relay["verdict"].clone(), relay["said"].to_string()))
}

#[tokio::test]
async fn servers_hear_each_other_through_redis() -> Result<()> {
    let url = testing::redis_url(3);
    let up = Up::start_with_redis(&url).await?;
    let redis = testing::redis(3);
    a_new_user_is_heard_of(&up, Arc::new(RedisRelay::new(&redis))).await?;
    let (verdict, said) = examined(&up).await?;
    assert_eq!(verdict, "ok", "{said}");
    assert!(said.contains(&redis.to_string()), "{said}");
    Ok(())
}

#[tokio::test]
async fn servers_hear_each_other_through_the_database_and_sqlite_serves_one() -> Result<()> {
    let up = Up::start().await?;
    if let Location::Postgres(url) = up.database() {
        a_new_user_is_heard_of(&up, Arc::new(PostgresRelay::new(url))).await?;
    }
    let (verdict, said) = examined(&up).await?;
    assert_eq!(verdict, "ok", "{said}");
    Ok(())
}

#[tokio::test]
async fn a_redis_that_is_away_keeps_nobody_from_starting() -> Result<()> {
    let mut up = Up::start_with_redis("redis://:s3cret@127.0.0.1:1").await?;
    up.admin().await?.create_user("ada").await?;
    let (verdict, said) = examined(&up).await?;
    assert_eq!(verdict, "warning", "{said}");
    assert!(
        said.contains("127.0.0.1:1") && !said.contains("s3cret"),
        "{said}"
    );
    up.run(&["down"]).await?;
    assert!(up.has_ended().await?);
    Ok(())
}
