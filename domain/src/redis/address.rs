//! Where a Redis is.

use std::fmt;
use std::time::Duration;

use fred::clients::Client;
use fred::error::Error;
use fred::types::Builder;
use fred::types::config::{Config, ReconnectPolicy, ServerConfig};

/// How long it may take to connect and to sign in.
const CONNECT: Duration = Duration::from_secs(3);
/// How long a command may take that does not say it.
const COMMAND: Duration = Duration::from_secs(5);
/// Messages that were received and are not looked at yet.
const RECEIVED: usize = 1024;

/// How addresses begin. `valkey` stands for `redis` in each.
const SCHEMES: [&str; 7] = [
    "redis",
    "rediss",
    "redis-cluster",
    "rediss-cluster",
    "redis-sentinel",
    "rediss-sentinel",
    "redis+unix",
];

/// Where a Redis is, with what is needed to sign in: one server, a cluster, or what sentinels say.
#[derive(Clone, PartialEq, Eq)]
pub struct Redis(Config);

/// An address that is not understood. What it is, is not said: it may hold a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "not an address like redis://USER:PASSWORD@HOST:PORT/DATABASE, with the password's special characters as %XX; rediss:// is with TLS, \
     redis-sentinel:// and redis-cluster:// name further hosts with ?node=HOST:PORT"
)]
pub struct AddressError;

impl Redis {
    /// The one with this address.
    ///
    /// # Errors
    /// If it is not understood.
    pub fn from_url(url: &str) -> Result<Self, AddressError> {
        let (scheme, _) = url.split_once("://").ok_or(AddressError)?;
        let scheme = scheme.replacen("valkey", "redis", 1);
        // `valkeys` is `rediss`.
        if !SCHEMES.contains(&scheme.as_str()) {
            return Err(AddressError);
        }
        // The cause is left out: it might quote the address.
        Config::from_url(url).map(Self).map_err(|_| AddressError)
    }

    /// One server.
    pub fn at(host: &str, port: u16, database: u8, password: Option<String>) -> Self {
        Self(Config {
            server: ServerConfig::new_centralized(host, port),
            database: Some(database),
            password,
            ..Config::default()
        })
    }

    /// The number of its database.
    pub fn database(&self) -> u8 {
        self.0.database.unwrap_or_default()
    }

    /// A client that is not connected yet. Without a policy it connects once and is done when it cannot.
    pub(crate) fn client(&self, policy: Option<ReconnectPolicy>) -> Result<Client, Error> {
        let mut builder = Builder::from_config(self.0.clone());
        builder.with_connection_config(|config| {
            config.connection_timeout = CONNECT;
            config.internal_command_timeout = CONNECT;
            config.max_command_attempts = 1;
            config.tcp.nodelay = Some(true);
        });
        builder.with_performance_config(|config| {
            config.default_command_timeout = COMMAND;
            config.broadcast_channel_capacity = RECEIVED;
        });
        if let Some(policy) = policy {
            builder.with_config(|config| config.fail_fast = false);
            builder.with_connection_config(|config| config.reconnect_on_auth_error = true);
            builder.set_policy(policy);
        }
        builder.build()
    }
}

impl fmt::Debug for Redis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Redis({self})")
    }
}

/// Its hosts and the number of its database: no user and no password.
impl fmt::Display for Redis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hosts = self.0.server.hosts();
        let mut hosts: Vec<_> = hosts.iter().map(ToString::to_string).collect();
        hosts.sort();
        write!(f, "{}/{}", hosts.join(","), self.database())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_an_address_is_understood_and_none_shows_its_password() {
        for (url, shown) in [
            ("redis://ada:s3cret@db.example:6380/3", "db.example:6380/3"),
            ("redis://:s3cret@db.example", "db.example:6379/0"),
            ("valkey://:s3cret@db.example", "db.example:6379/0"),
            ("rediss://:s3cret@db.example:6380", "db.example:6380/0"),
            ("valkeys://:s3cret@db.example:6380", "db.example:6380/0"),
            (
                "redis-cluster://ada:s3cret@a:1?node=b:2&node=c:3",
                "a:1,b:2,c:3/0",
            ),
            (
                "redis-sentinel://ada:s3cret@a:1/2?node=b:2&sentinelServiceName=x&sentinelPassword=s3cret",
                "a:1,b:2/2",
            ),
        ] {
            let redis = Redis::from_url(url).unwrap();
            assert_eq!(redis.to_string(), shown, "{url}");
            assert_eq!(format!("{redis:?}"), format!("Redis({shown})"));
        }
        let named = Redis::at("db.example", 6380, 3, Some("s3cret".to_owned()));
        assert_eq!(
            named,
            Redis::from_url("redis://:s3cret@db.example:6380/3").unwrap()
        );
        let escaped = Redis::from_url("redis://:s%2Fcret@db.example/3").unwrap();
        let plain = Redis::at("db.example", 6379, 3, Some("s/cret".to_owned()));
        assert_eq!(escaped, plain);
    }

    #[test]
    fn what_is_no_address_is_refused_and_not_shown() {
        for url in [
            "",
            "db.example:6379",
            "http://:s3cret@db.example",
            "postgres://:s3cret@db.example",
            "redis:s3cret@db.example",
            "redis://:s3cret@",
            "redis://:s3cret@db.example/s3cret",
            "redis://:s3cret@db.example:s3cret",
        ] {
            let error = Redis::from_url(url).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("s3cret"), "{url}");
        }
    }
}
