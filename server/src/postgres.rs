//! The section `[database]` of the file with the settings: where PostgreSQL and Redis are and how they are used.

use std::num::NonZeroU32;
use std::time::Duration;

use anyhow::{Result, ensure};
use domain::redis::Redis;
use domain::store::Connections;
use reqwest::Url;
use serde::Deserialize;

use crate::environment::Environment;
use crate::relay;

/// `[database]`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Database {
    max_connections: Option<NonZeroU32>,
    statement_timeout_secs: Option<NonZeroU32>,
    #[serde(default)]
    postgres: Servers,
    #[serde(default, deserialize_with = "relay::in_words")]
    redis: Option<Redis>,
}

/// The names are the original's.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Servers {
    primary: Option<Server>,
    secondary: Option<Server>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Server {
    host: String,
    #[serde(default = "usual_port")]
    port: u16,
    user: Option<String>,
    password: Option<Secret>,
    db: Option<String>,
    sslmode: Option<SslMode>,
    sslrootcert: Option<String>,
}

/// PostgreSQL's own words for how far a connection is protected.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum SslMode {
    Disable,
    Allow,
    Prefer,
    Require,
    VerifyCa,
    VerifyFull,
}

/// Something that is never shown.
#[derive(Deserialize)]
#[serde(transparent)]
struct Secret(String);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("…")
    }
}

fn usual_port() -> u16 {
    5432
}

impl Database {
    /// The Redis that servers share; it may hold a password.
    pub(crate) fn redis(&self) -> Option<&Redis> {
        self.redis.as_ref()
    }

    /// Address of the database, if the file names one.
    ///
    /// # Errors
    /// If the parts make no address, which are not shown, or if there is a copy of nothing.
    pub(crate) fn primary(&self) -> Result<Option<String>> {
        ensure!(
            self.postgres.primary.is_some() || self.postgres.secondary.is_none(),
            "[database.postgres.secondary] is a copy of [database.postgres.primary], which is missing"
        );
        let primary = self.postgres.primary.as_ref();
        primary.map(Server::url).transpose()
    }

    /// How the database is used. A secondary that is the primary, as in the original's example, is no copy.
    ///
    /// # Errors
    /// As [`Database::primary`].
    pub(crate) fn connections(&self, environment: &Environment) -> Result<Connections> {
        let usual = Connections::default();
        let timeout = self.statement_timeout_secs;
        let timeout = timeout.map(|secs| Duration::from_secs(secs.get().into()));
        let replica = match (&environment.database_replica_url, &self.postgres.secondary) {
            (Some(url), _) => Some(url.clone()),
            // Which database it is a copy of the file does not know.
            (None, _) if environment.database_url.is_some() => None,
            (None, Some(secondary)) if !self.is_primary(secondary) => Some(secondary.url()?),
            (None, _) => None,
        };
        Ok(Connections {
            most: self.max_connections.unwrap_or(usual.most),
            statement_timeout: timeout.unwrap_or(usual.statement_timeout),
            replica,
        })
    }

    fn is_primary(&self, secondary: &Server) -> bool {
        let primary = self.postgres.primary.as_ref();
        primary.is_some_and(|it| it.host == secondary.host && it.port == secondary.port)
    }
}

impl Server {
    fn url(&self) -> Result<String> {
        let mut url = Url::parse("postgres://host/")?;
        let port = self.port.to_string();
        let sslmode = self.sslmode.map(SslMode::word);
        // Not in their places of an address: there, no two readers agree on which characters are special.
        let parts = [
            ("host", Some(self.host.as_str())),
            ("port", Some(&port)),
            ("user", self.user.as_deref()),
            ("password", self.password.as_ref().map(|it| it.0.as_str())),
            ("dbname", self.db.as_deref()),
            ("sslmode", sslmode),
            ("sslrootcert", self.sslrootcert.as_deref()),
        ];
        ensure!(
            !self.host.is_empty(),
            "host is empty in a server of [database.postgres]"
        );
        let given = parts
            .into_iter()
            .filter_map(|(key, value)| Some((key, value?)));
        url.query_pairs_mut().extend_pairs(given);
        Ok(url.into())
    }
}

impl SslMode {
    fn word(self) -> &'static str {
        match self {
            Self::Disable => "disable",
            Self::Allow => "allow",
            Self::Prefer => "prefer",
            Self::Require => "require",
            Self::VerifyCa => "verify-ca",
            Self::VerifyFull => "verify-full",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::str::FromStr;

    use sqlx::postgres::{PgConnectOptions, PgSslMode};

    use super::*;

    fn read(text: &str) -> Database {
        toml::from_str(text).unwrap()
    }

    #[test]
    fn the_originals_keys_are_an_address_whatever_is_in_the_password() {
        let database = read(
            "[postgres.primary]\nhost = 'db.example'\nuser = 'a@b'\npassword = 'p%41/?#&=+ ü'\ndb = 'hai'\n",
        );
        let url = database.primary().unwrap().unwrap();
        let address = PgConnectOptions::from_str(&url).unwrap();
        assert_eq!(address.get_host(), "db.example");
        assert_eq!(address.get_port(), 5432);
        assert_eq!(address.get_username(), "a@b");
        assert_eq!(address.get_database(), Some("hai"));
        let password = Url::parse(&url).unwrap();
        let mut pairs = password.query_pairs();
        let (_, password) = pairs.find(|(key, _)| key == "password").unwrap();
        assert_eq!(password, "p%41/?#&=+ ü");
    }

    #[test]
    fn protection_and_a_directory_of_sockets_are_part_of_an_address() {
        let database = read(
            "[postgres.primary]\nhost = '/run/postgresql'\nport = 5433\nsslmode = 'verify-full'\nsslrootcert = '/ca.pem'\n",
        );
        let url = database.primary().unwrap().unwrap();
        let address = PgConnectOptions::from_str(&url).unwrap();
        assert!(matches!(address.get_ssl_mode(), PgSslMode::VerifyFull));
        let socket = address.get_socket().unwrap();
        assert_eq!(socket, std::path::Path::new("/run/postgresql"));
    }

    #[test]
    fn a_secondary_elsewhere_is_a_replica_unless_the_environment_names_the_database() {
        let elsewhere = "[postgres.primary]\nhost = 'a'\n[postgres.secondary]\nhost = 'b'\n";
        let same = "[postgres.primary]\nhost = 'a'\n[postgres.secondary]\nhost = 'a'\n";
        let named = |url: &str| Some(format!("postgres://{url}"));
        for (text, url, replica_url, expected) in [
            (
                elsewhere,
                None,
                None,
                Some("postgres://host/?host=b&port=5432"),
            ),
            (same, None, None, None),
            (elsewhere, named("c"), None, None),
            (elsewhere, named("c"), named("d"), Some("postgres://d")),
        ] {
            let environment = Environment {
                database_url: url,
                database_replica_url: replica_url,
                ..Environment::default()
            };
            let connections = read(text).connections(&environment).unwrap();
            assert_eq!(connections.replica.as_deref(), expected);
        }
    }

    #[test]
    fn a_copy_of_nothing_is_refused() {
        let alone = read("[postgres.secondary]\nhost = 'a'\n");
        let error = alone.primary().unwrap_err().to_string();
        assert!(error.contains("primary], which is missing"), "{error}");
    }

    #[test]
    fn a_password_is_not_shown() {
        let database = read("[postgres.primary]\nhost = 'a'\npassword = 's3cret'\n");
        assert!(!format!("{database:?}").contains("s3cret"));
    }
}
