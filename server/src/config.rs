//! What whoever runs the platform may choose in a file; `config.default.toml` documents every key.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, ensure};
use api::{Capacity, ForwardedHeader, Proxies, Rate};
use axum::http::HeaderValue;
use chrono::TimeDelta;
use domain::Level;
use domain::redis::Redis;
use domain::retention::Retention;
use domain::run::{Grace, Graces};
use ipnet::IpNet;
use reqwest::Url;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use toml::de::DeTable;

use crate::data_dir::DataDir;
use crate::kubernetes::Kubernetes;
use crate::original;
use crate::postgres::Database;
use crate::tls;

/// The file in the data directory that is read if it is there.
pub(crate) const FILE: &str = "override.toml";

/// What a file says; what it leaves out keeps its default.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    #[serde(default)]
    suspend: Times,
    #[serde(default)]
    suspend_at: BTreeMap<Level, Times>,
    #[serde(default)]
    audit: Audit,
    #[serde(default)]
    retention: Days,
    #[serde(default)]
    http: Http,
    #[serde(default)]
    scheduler: Scheduler,
    #[serde(default)]
    database: Database,
    #[serde(default)]
    runtime: Runtime,
    /// Lines about keys that have no effect.
    #[serde(skip)]
    unused: Vec<String>,
}

/// Where tasks run.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Runtime {
    kubernetes: Option<Kubernetes>,
}

/// As in the original's file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Scheduler {
    #[serde(default, deserialize_with = "group")]
    default_group: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Http {
    #[serde(default, deserialize_with = "origins")]
    allowed_origins: Vec<HeaderValue>,
    #[serde(default)]
    insecure_cookies: bool,
    #[serde(default)]
    tls: Option<tls::Files>,
    #[serde(default, deserialize_with = "networks")]
    trusted_proxies: Vec<IpNet>,
    #[serde(default)]
    forwarded_header: Header,
    #[serde(default)]
    requests_per_second: u32,
    #[serde(default)]
    requests_at_once: u32,
    max_connections: Option<NonZeroU32>,
    max_connections_per_address: Option<NonZeroU32>,
    max_operations: Option<NonZeroU32>,
    max_operations_per_token: Option<NonZeroU32>,
    max_subscriptions: Option<NonZeroU32>,
    max_subscriptions_per_token: Option<NonZeroU32>,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
enum Header {
    #[default]
    #[serde(rename = "X-Forwarded-For")]
    XForwardedFor,
    Forwarded,
}

/// What is over is kept so long; for ever with 0, as without.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Days {
    #[serde(default)]
    tasks_days: u32,
    #[serde(default)]
    logs_days: u32,
    #[serde(default)]
    quota_changes_days: u32,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Audit {
    keep_days: Option<u32>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Times {
    acknowledge_secs: Option<u32>,
    progress_secs: Option<u32>,
    budget_secs: Option<u32>,
    stop_secs: Option<u32>,
}

impl Config {
    /// Reads the file that was asked for, or the one in the data directory, if it is there.
    ///
    /// # Errors
    /// If it cannot be read, a variable in it was not filled in, or a key in it is unknown or has the wrong kind of value:
    /// the error names the line.
    pub(crate) fn load(asked: Option<&Path>, data_dir: &DataDir) -> Result<Self> {
        let usual = data_dir.path().join(FILE);
        let path = asked.map_or(usual, PathBuf::from);
        let text = match std::fs::read_to_string(&path) {
            // What is wrong with the directory itself is told when it is used.
            Err(error) if asked.is_none() && is_absent(error.kind()) => String::new(),
            text => text.with_context(|| format!("{} cannot be read", path.display()))?,
        };
        let config =
            Self::parse(&text).with_context(|| format!("{} is not understood", path.display()))?;
        for line in &config.unused {
            tracing::warn!(file = %path.display(), "{line}");
        }
        Ok(config)
    }

    fn parse(text: &str) -> Result<Self> {
        let left_over = original::left_over(text);
        ensure!(left_over.is_empty(), "{}", left_over.join("; "));
        let mut table = DeTable::parse(text).map_err(|error| unless_secret(error, text))?;
        let unused = original::take(table.get_mut(), text);
        let unused = unused.map_err(|lines| anyhow!(lines.join("; ")))?;
        let read = Self::deserialize(toml::de::Deserializer::from(table));
        let config = read.map_err(|mut error| {
            error.set_input(Some(text));
            match hint(error.message()) {
                Some(key) => anyhow!("{error}did you mean `{key}`?"),
                None => unless_secret(error, text),
            }
        })?;
        Ok(Self { unused, ..config })
    }

    /// The node group of those who say `default`, and of the nodes on this machine; the usual one if absent.
    pub(crate) fn default_group(&self) -> Option<&str> {
        self.scheduler.default_group.as_deref()
    }

    /// Where PostgreSQL is, and how it is used.
    pub(crate) fn database(&self) -> &Database {
        &self.database
    }

    /// The Redis that servers share; it may hold a password.
    pub(crate) fn redis(&self) -> Option<&Redis> {
        self.database.redis()
    }

    /// The cluster where tasks run; on this machine if absent.
    pub(crate) fn kubernetes(&self) -> Option<&Kubernetes> {
        self.runtime.kubernetes.as_ref()
    }

    /// How long things may take when runs end.
    pub(crate) fn graces(&self) -> Graces {
        let usual = self.suspend.over(&Grace::USUAL);
        let levels = self.suspend_at.iter();
        let own = levels.map(|(level, times)| (*level, times.over(&usual)));
        Graces::new(usual, own)
    }

    /// Which other sites may ask the API.
    pub(crate) fn allowed_origins(&self) -> &[HeaderValue] {
        &self.http.allowed_origins
    }

    /// Whether browsers may sign in over plain HTTP from other machines.
    pub(crate) fn insecure_cookies(&self) -> bool {
        self.http.insecure_cookies
    }

    /// With what the API speaks TLS, if it does.
    pub(crate) fn tls(&self) -> Option<&tls::Files> {
        self.http.tls.as_ref()
    }

    /// Whose word counts on where requests come from.
    pub(crate) fn proxies(&self) -> Proxies {
        Proxies {
            trusted: self.http.trusted_proxies.clone(),
            header: match self.http.forwarded_header {
                Header::XForwardedFor => ForwardedHeader::XForwardedFor,
                Header::Forwarded => ForwardedHeader::Forwarded,
            },
        }
    }

    /// How long what is over is kept.
    pub(crate) fn retention(&self) -> Retention {
        let days = |days: u32| (days > 0).then(|| TimeDelta::days(days.into()));
        let Days {
            tasks_days,
            logs_days,
            quota_changes_days,
        } = self.retention;
        Retention {
            tasks: days(tasks_days),
            logs: days(logs_days),
            quota_changes: days(quota_changes_days),
        }
    }

    /// How often one token may ask; as often as it likes if absent.
    pub(crate) fn rate(&self) -> Option<Rate> {
        let per_second = NonZeroU32::new(self.http.requests_per_second)?;
        let burst = NonZeroU32::new(self.http.requests_at_once).unwrap_or(per_second);
        Some(Rate {
            every: Duration::from_secs(1) / per_second.get(),
            burst,
        })
    }

    /// How much is done, and is open, at the same time.
    pub(crate) fn capacity(&self) -> Capacity {
        let or = |chosen: Option<NonZeroU32>, usual| {
            let chosen = chosen.and_then(|most| usize::try_from(most.get()).ok());
            chosen.unwrap_or(usual)
        };
        let (http, usual) = (&self.http, Capacity::default());
        Capacity {
            connections: or(http.max_connections, usual.connections),
            connections_per_address: or(
                http.max_connections_per_address,
                usual.connections_per_address,
            ),
            operations: or(http.max_operations, usual.operations),
            operations_per_token: or(http.max_operations_per_token, usual.operations_per_token),
            subscriptions: or(http.max_subscriptions, usual.subscriptions),
            subscriptions_per_token: or(
                http.max_subscriptions_per_token,
                usual.subscriptions_per_token,
            ),
        }
    }

    /// How long it is kept what people did; for ever if absent.
    pub(crate) fn audit_keep(&self) -> Option<TimeDelta> {
        let days = self.audit.keep_days.filter(|days| *days > 0);
        days.map(|days| TimeDelta::days(days.into()))
    }
}

/// The error as it is, which shows its line, unless that may hold a password.
fn unless_secret(error: toml::de::Error, text: &str) -> anyhow::Error {
    let at = error.span().map_or(0, |span| span.start.min(text.len()));
    let is_before = |(start, _): &(usize, &str)| *start <= at;
    let starts = text.split_inclusive('\n').scan(0, |next, line| {
        let start = *next;
        *next += line.len();
        Some((start, line))
    });
    let before: Vec<&str> = starts.take_while(is_before).map(|(_, line)| line).collect();
    let line = before.len();
    // The end of a text of several lines, if it is missing, is missed in a later one.
    let is_long = |text: &str| text.contains("\"\"\"") || text.contains("'''");
    let is_secret = |(index, text): (usize, &&str)| {
        text.to_lowercase().contains("password") && (index + 1 == line || is_long(text))
    };
    if before.iter().enumerate().any(is_secret) {
        return anyhow!("line {line}: a password must be a text in quotes (it is not shown here)");
    }
    error.into()
}

/// The word that was probably meant, if the reader says that it does not know one, and which it does.
fn hint(message: &str) -> Option<&str> {
    let mut words = message.split('`').skip(1).step_by(2);
    let unknown = words.next().filter(|_| message.starts_with("unknown "))?;
    let own = original::alike(unknown, words);
    own.or_else(|| original::alike(unknown, original::sections()))
}

/// A node group without a zone, and not below another one.
fn group<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let name: String = Deserialize::deserialize(deserializer)?;
    let is_plain = |c: char| !c.is_whitespace() && !c.is_control() && !['#', '.', ':'].contains(&c);
    if name.is_empty() || !name.chars().all(is_plain) {
        let reason = format!("{name:?} is no name of a node group");
        return Err(D::Error::custom(reason));
    }
    Ok(Some(name))
}

/// Origins as browsers name them: a scheme, a host and perhaps a port.
fn origins<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<HeaderValue>, D::Error> {
    let texts: Vec<String> = Deserialize::deserialize(deserializer)?;
    let read = |text: String| {
        let url = Url::parse(&text).ok();
        let origin = url.map(|url| url.origin().ascii_serialization());
        let header = HeaderValue::from_str(&text).ok();
        header
            .filter(|_| origin.as_deref() == Some(&text))
            .ok_or_else(|| {
                D::Error::custom(format!(
                    "{text:?} is no origin such as \"https://studio.example.org\""
                ))
            })
    };
    texts.into_iter().map(read).collect()
}

/// Networks as `10.0.0.0/8`, or single addresses.
fn networks<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<IpNet>, D::Error> {
    let texts: Vec<String> = Deserialize::deserialize(deserializer)?;
    let read = |text: String| {
        let net = text.parse::<IpNet>().ok();
        let net = net.or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from));
        net.ok_or_else(|| {
            D::Error::custom(format!("{text:?} is no network such as \"10.0.0.0/8\""))
        })
    };
    texts.into_iter().map(read).collect()
}

fn is_absent(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::NotFound | ErrorKind::NotADirectory)
}

impl Times {
    fn over(&self, usual: &Grace) -> Grace {
        let or =
            |secs: Option<u32>, usual| secs.map_or(usual, |secs| TimeDelta::seconds(secs.into()));
        Grace {
            acknowledge: or(self.acknowledge_secs, usual.acknowledge),
            progress: or(self.progress_secs, usual.progress),
            budget: or(self.budget_secs, usual.budget),
            stop: or(self.stop_secs, usual.stop),
            ..*usual
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::store::Connections;

    use super::*;
    use crate::environment::Environment;

    fn graces(text: &str) -> Graces {
        Config::parse(text).unwrap().graces()
    }

    #[test]
    fn the_documented_defaults_are_the_defaults() {
        let documented = include_str!("../config.default.toml");
        assert_eq!(graces(documented), Graces::default());
        let config = Config::parse(documented).unwrap();
        assert_eq!((config.audit_keep(), config.rate()), (None, None));
        assert!(!config.insecure_cookies());
        assert_eq!(config.proxies(), Proxies::default());
        assert_eq!(config.retention(), Retention::default());
        assert_eq!(config.tls(), None);
        assert_eq!(config.capacity(), Capacity::default());
        let first = documented.find("max_connections_per_address = ").unwrap();
        let fewer = documented[first..].replace("12288", "7");
        let fewer = Config::parse(&format!("[http]\n{fewer}")).unwrap();
        assert_eq!(fewer.capacity().connections_per_address, 7);
        let connections = config.database().connections(&Environment::default());
        assert_eq!(connections.unwrap(), Connections::default());
        // The example of a level is one that can be taken over as it is.
        assert_eq!(config.redis(), None);
        assert_eq!(config.kubernetes(), None);
        let keys = [
            "[",
            "budget",
            "host",
            "port",
            "db",
            "password",
            "agent_image",
            "default_image",
            "kubeconfig",
        ];
        let example = keys.iter().fold(documented.to_owned(), |text, key| {
            text.replace(&format!("\n# {key}"), &format!("\n{key}"))
        });
        let example = Config::parse(&example).unwrap();
        assert_ne!(example.graces(), Graces::default());
        let shown = example.redis().map(ToString::to_string);
        assert_eq!(shown.as_deref(), Some("redis.example.org:6379/0"));
        let (_, cluster) = documented.split_once("# [runtime.kubernetes]").unwrap();
        let settings = cluster.lines().filter_map(|line| line.strip_prefix("# "));
        let settings = settings.filter(|line| line.contains(" = ") || line.starts_with('['));
        let all: Vec<&str> = ["[runtime.kubernetes]"]
            .into_iter()
            .chain(settings)
            .collect();
        Config::parse(&all.join("\n")).unwrap();
    }

    #[test]
    fn an_error_shows_no_password() {
        for wrong in [
            "s3cret",
            "'s3cret",
            "['s3cret']",
            "\"\"\"\ns3cret",
            "'s3cret' x",
        ] {
            let text = format!("[database.postgres.primary]\nhost = 'a'\npassword = {wrong}\n");
            let error = format!("{:#}", Config::parse(&text).unwrap_err());
            assert!(!error.contains("s3cret"), "{error}");
            assert!(error.contains("line "), "{error}");
        }
        let text = "[database.postgres.primary]\nhost = 'a'\npasword = 's3cret'\n";
        let error = Config::parse(text).unwrap_err().to_string();
        assert!(error.contains("did you mean `password`?"), "{error}");
        assert!(!error.contains("s3cret"), "{error}");
    }

    #[test]
    fn a_level_takes_over_what_it_does_not_say() {
        let text = "[suspend]\nprogress_secs = 7\n[suspend_at.HIGH]\nbudget_secs = 600\n";
        let usual = Grace {
            progress: TimeDelta::seconds(7),
            ..Grace::USUAL
        };
        let high = Grace {
            budget: TimeDelta::seconds(600),
            ..usual
        };
        assert_eq!(graces(text), Graces::new(usual, [(Level::High, high)]));
    }

    #[test]
    fn a_rate_without_a_burst_has_that_of_a_second() {
        let rate = |text| Config::parse(text).unwrap().rate();
        let some = |burst| {
            let burst = NonZeroU32::new(burst).unwrap();
            let every = Duration::from_millis(20);
            Some(Rate { every, burst })
        };
        let text = "[http]\nrequests_per_second = 50\n";
        assert_eq!(rate(text), some(50));
        let text = format!("{text}requests_at_once = 200\n");
        assert_eq!(rate(&text), some(200));
    }

    #[test]
    fn the_originals_default_group_is_ours() {
        let text = "[scheduler]\ndefault_group = 'gpu'\nre_signal = 60\n";
        let config = Config::parse(text).unwrap();
        assert_eq!(config.default_group(), Some("gpu"));
        assert_eq!(
            config.unused,
            ["scheduler.re_signal has no effect here: a start is tried again by itself"]
        );
        assert_eq!(Config::parse("").unwrap().default_group(), None);
    }

    #[test]
    fn the_originals_redis_is_ours_and_its_password_is_not_shown() {
        let text = "[database.redis]\nhost = 'r'\nport = 1\ndb = 2\npassword = 's3cret'\n[database.postgres.primary]\nhost = 'p'\n";
        let config = Config::parse(text).unwrap();
        let expected = Redis::at("r", 1, 2, Some("s3cret".to_owned()));
        assert_eq!(config.redis(), Some(&expected));
        assert!(!format!("{config:?}").contains("s3cret"));
        let usual = Config::parse("[database.redis]\nhost = 'r'\npassword = ''\n").unwrap();
        assert_eq!(usual.redis(), Some(&Redis::at("r", 6379, 0, None)));
    }

    #[test]
    fn proxies_are_networks_or_addresses_and_days_are_kept() {
        let text = "[http]\ntrusted_proxies = ['10.0.0.0/8', '::1']\nforwarded_header = 'Forwarded'\n[http.tls]\ncertificate = 'c'\nkey = 'k'\n[retention]\ntasks_days = 90\nlogs_days = 0\n";
        let config = Config::parse(text).unwrap();
        let proxies = config.proxies();
        let shown: Vec<String> = proxies.trusted.iter().map(ToString::to_string).collect();
        assert_eq!(shown, ["10.0.0.0/8", "::1/128"]);
        assert_eq!(proxies.header, ForwardedHeader::Forwarded);
        assert_eq!(
            config.tls().map(|tls| tls.key.as_path()),
            Some(Path::new("k"))
        );
        let kept = Retention {
            tasks: Some(TimeDelta::days(90)),
            ..Retention::default()
        };
        assert_eq!(config.retention(), kept);
    }

    #[test]
    fn what_is_not_understood_is_named() {
        for (text, named) in [
            ("[suspend]\nbudget = 1\n", "unknown field `budget`"),
            (
                "[database]\nmax_conections = 1\n",
                "did you mean `max_connections`?",
            ),
            (
                "[database.postgres.primary]\nhost = 'a'\nsslmode = 'yes'\n",
                "unknown variant `yes`",
            ),
            ("[suspend]\nbudget_sec = 1\n", "did you mean `budget_secs`?"),
            ("[lauchner]\nx = 1\n", "did you mean `launcher`?"),
            ("[launcher]\nx = 1\n", "line 2: unknown key `launcher.x`"),
            (
                "[launcher]\napi_server = '${HOST}'\n",
                "line 2: the variable ${HOST} is left over",
            ),
            (
                "[launcher]\nmanager_nodes = [${NODES}]\n",
                "line 2: the variable ${NODES} is left over",
            ),
            (
                "[scheduler]\ndefault_group = 'a#b'\n",
                "\"a#b\" is no name of a node group",
            ),
            ("[database.redis]\ndb = 1\n", "missing field `host`"),
            ("[suspend]\nbudget_secs = -1\n", "budget_secs = -1"),
            ("[suspend_at.TOP]\n", "unknown variant `TOP`"),
            (
                "[http]\nallowed_origins = [\"https://a.b/c\"]\n",
                "is no origin",
            ),
            ("[http]\nallowed_origins = [\"*\"]\n", "is no origin"),
            ("[http]\ntrusted_proxies = [\"all\"]\n", "is no network"),
            ("[http.tls]\ncertificate = \"c\"\n", "missing field `key`"),
        ] {
            let error = Config::parse(text).unwrap_err().to_string();
            assert!(error.contains(named), "{error}");
        }
    }
}
