//! What whoever runs the server may choose about the API.

use std::num::NonZeroU32;
use std::time::Duration;

use axum::http::HeaderValue;
use domain::redis::Counts;

use crate::http::Proxies;

/// What whoever runs the server may choose about the API.
#[derive(Debug, Clone)]
pub struct ApiConfig {
    /// Whether clients may ask what the schema is.
    pub introspection: bool,
    /// Whether browsers get GraphiQL.
    pub graphiql: bool,
    /// Origins of pages that may ask beside our own, for example `https://studio.example.org`.
    pub allowed_origins: Vec<HeaderValue>,
    /// Whether browsers may sign in through pages that come over plain HTTP from another machine.
    pub insecure_cookies: bool,
    /// Whether all connections are over TLS.
    pub over_tls: bool,
    /// Whose word counts on where requests come from.
    pub proxies: Proxies,
    /// How often one token may ask; as often as it likes if absent.
    pub rate: Option<Rate>,
    /// Where servers count together what limits are for; each by itself if absent.
    pub counts: Option<Counts>,
    /// How much one client may ask for.
    pub limits: Limits,
    /// How long a WebSocket waits for its client.
    pub timing: Timing,
}

impl Default for ApiConfig {
    fn default() -> Self {
        Self {
            introspection: true,
            graphiql: true,
            allowed_origins: Vec::new(),
            insecure_cookies: false,
            over_tls: false,
            proxies: Proxies::default(),
            rate: None,
            counts: None,
            limits: Limits::default(),
            timing: Timing::default(),
        }
    }
}

/// How often one token may ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Time between two operations, on average.
    pub every: Duration,
    /// Operations at once, after a pause.
    pub burst: NonZeroU32,
}

/// How much one client may ask for.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Largest request, and largest WebSocket message, in bytes.
    pub body_bytes: usize,
    /// Most levels of nested fields. GraphiQL's own question for the schema has 15.
    pub depth: usize,
    /// Most fields of an answer, as estimated before it is computed: a list counts as many times as it may have
    /// items.
    pub complexity: usize,
    /// Most fields and fragments of a document, each fragment counted wherever it is used.
    pub selections: usize,
    /// Most aliases of a document, counted in the same way.
    pub aliases: usize,
    /// Most directives on one field.
    pub directives: usize,
    /// Most operations that run at the same time on one WebSocket.
    pub operations: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes: 1 << 20,
            depth: 20,
            complexity: 100_000,
            selections: 2000,
            aliases: 100,
            directives: 8,
            operations: 100,
        }
    }
}

/// How long a WebSocket waits for its client.
#[derive(Debug, Clone, Copy)]
pub struct Timing {
    /// For the first message.
    pub init: Duration,
    /// Between two pings. A client that gives no sign of life for one to two of these is taken for dead, also in the
    /// middle of a message that it does not take.
    pub heartbeat: Duration,
    /// For the client to take a goodbye and return it.
    pub goodbye: Duration,
    /// Between two checks whether the token of a subscription is still good. What this server ends itself, or hears of, ends
    /// its subscriptions at once.
    pub recheck: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            init: Duration::from_secs(10),
            heartbeat: Duration::from_secs(15),
            goodbye: Duration::from_secs(1),
            recheck: Duration::from_secs(60),
        }
    }
}
