//! What whoever runs the server may choose about the API.

use std::num::NonZeroU32;
use std::time::Duration;

use axum::http::HeaderValue;
use domain::counts::Counts;
use tokio::runtime::Handle;

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
    /// How much is done, and is open, at the same time.
    pub capacity: Capacity,
    /// How long a WebSocket waits for its client.
    pub timing: Timing,
    /// Where the WebSockets of people are served, with what is asked on them; where everything else is, if absent. To tell
    /// thousands of a change must not keep others waiting.
    pub aside: Option<Handle>,
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
            capacity: Capacity::default(),
            timing: Timing::default(),
            aside: None,
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
    /// Longest document, in bytes: to read one takes far longer than to read what it is given.
    pub document_bytes: usize,
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
            document_bytes: 64 << 10,
            depth: 20,
            complexity: 100_000,
            selections: 2000,
            aliases: 100,
            directives: 8,
            operations: 100,
        }
    }
}

/// How much is done, and is open, at the same time, for all clients together and for one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capacity {
    /// Open connections. The last eighth is for agents, and for who looks whether the platform lives.
    pub connections: usize,
    /// Those from one address. A proxy, and all agents of one machine, have one.
    pub connections_per_address: usize,
    /// Operations that have begun and are not answered. The last quarter is for agents.
    pub operations: usize,
    /// Those of one token, or of one session of a browser.
    pub operations_per_token: usize,
    /// Subscriptions that go on. The last eighth is for agents.
    pub subscriptions: usize,
    /// Those of one token, or of one session of a browser.
    pub subscriptions_per_token: usize,
}

impl Default for Capacity {
    fn default() -> Self {
        Self {
            connections: 16_384,
            connections_per_address: 12_288,
            operations: 1024,
            operations_per_token: 384,
            subscriptions: 131_072,
            subscriptions_per_token: 32_768,
        }
    }
}

/// How long the server waits for its clients.
#[derive(Debug, Clone, Copy)]
pub struct Timing {
    /// For the head of a request, from the end of the one before: also how long a connection may do nothing.
    pub head: Duration,
    /// For the rest of a request.
    pub body: Duration,
    /// For a client to take anything of what it is sent.
    pub stall: Duration,
    /// For the first message of a WebSocket.
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
            head: Duration::from_secs(75),
            body: Duration::from_secs(30),
            stall: Duration::from_secs(60),
            init: Duration::from_secs(10),
            heartbeat: Duration::from_secs(15),
            goodbye: Duration::from_secs(1),
            recheck: Duration::from_secs(60),
        }
    }
}
