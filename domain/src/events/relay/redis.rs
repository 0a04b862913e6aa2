//! Wake-ups through Redis: its channels for publishers and subscribers.

use async_trait::async_trait;
use fred::clients::Client;
use fred::interfaces::{ClientLike, EventInterface, PubsubInterface};
use fred::types::{ConnectHandle, Message};
use tokio::sync::broadcast;

use super::{Heard, Link, Receiver, Relay, RelayError, Sender};
use crate::redis::Redis;

/// Redis takes far more, but whoever waits for a long one waits long.
const MOST_BYTES: usize = 1 << 16;

/// Publish and subscribe, on a channel that the servers of a platform share.
#[derive(Debug, Clone)]
pub struct RedisRelay {
    redis: Redis,
    channel: String,
}

impl RedisRelay {
    /// Through this Redis. Channels do not belong to one of its databases as keys do: so the number of the database is in
    /// the name.
    pub fn new(redis: &Redis) -> Self {
        Self {
            channel: format!("hai:{}:events", redis.database()),
            redis: redis.clone(),
        }
    }

    /// Where it publishes.
    #[cfg(test)]
    pub(super) fn channel(&self) -> &str {
        &self.channel
    }
}

#[async_trait]
impl Relay for RedisRelay {
    fn name(&self) -> &'static str {
        "Redis"
    }

    fn most_bytes(&self) -> usize {
        MOST_BYTES
    }

    async fn connect(&self) -> Result<Link, RelayError> {
        let hearing = Connection::open(&self.redis).await?;
        let messages = hearing.client.message_rx();
        hearing.client.subscribe(self.channel.as_str()).await?;
        let speaking = Connection::open(&self.redis).await?;
        Ok(Link {
            sender: Box::new(Speaker {
                connection: speaking,
                channel: self.channel.clone(),
            }),
            receiver: Box::new(Listener {
                connection: hearing,
                messages,
            }),
        })
    }
}

/// A client that does not connect again, with the task that drives it.
struct Connection {
    client: Client,
    driver: ConnectHandle,
}

impl Connection {
    async fn open(redis: &Redis) -> Result<Self, RelayError> {
        let client = redis.client(None)?;
        let driver = client.init().await?;
        Ok(Self { client, driver })
    }

    /// Why it has ended.
    async fn lost(&mut self) -> RelayError {
        match (&mut self.driver).await {
            Ok(Err(error)) => error.into(),
            Ok(Ok(())) | Err(_) => RelayError::Closed,
        }
    }
}

impl Drop for Connection {
    /// The connection belongs to the task.
    fn drop(&mut self) {
        self.driver.abort();
    }
}

struct Speaker {
    connection: Connection,
    channel: String,
}

#[async_trait]
impl Sender for Speaker {
    async fn send(&mut self, messages: Vec<String>) -> Result<(), RelayError> {
        for message in messages {
            let channel = self.channel.as_str();
            let _: i64 = self.connection.client.publish(channel, message).await?;
        }
        Ok(())
    }
}

struct Listener {
    connection: Connection,
    messages: broadcast::Receiver<Message>,
}

#[async_trait]
impl Receiver for Listener {
    async fn next(&mut self) -> Result<Heard, RelayError> {
        tokio::select! {
            biased;
            message = self.messages.recv() => match message {
                Ok(message) => Ok(Heard::Message(message.value.into_string().unwrap_or_default())),
                Err(broadcast::error::RecvError::Lagged(_)) => Ok(Heard::Gap),
                Err(broadcast::error::RecvError::Closed) => Err(RelayError::Closed),
            },
            error = self.connection.lost() => Err(error),
        }
    }
}
