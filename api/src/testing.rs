//! A platform with an API for tests, asked without a network, and the count of what it asks the database.

use std::cell::Cell;
use std::pin::Pin;
use std::sync::{Arc, Once};

use async_graphql::{Request, Variables};
use domain::auth::Token;
use domain::task::TaskId;
use domain::testing::TestApp;
use futures_util::{Stream, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;
use tracing::span;

use crate::auth::Bearer;
use crate::config::ApiConfig;
use crate::engine::Engine;

/// The API of one test's platform.
pub(crate) struct TestApi {
    pub(crate) platform: TestApp,
    pub(crate) engine: Arc<Engine>,
}

/// The results of an operation, one after the other.
pub(crate) type Results = Pin<Box<dyn Stream<Item = Value> + Send>>;

impl TestApi {
    /// An API of a platform with so many nodes.
    pub(crate) async fn with_nodes(count: u32) -> Self {
        Self::with_config(count, &ApiConfig::default()).await
    }

    /// The same, configured.
    pub(crate) async fn with_config(nodes: u32, config: &ApiConfig) -> Self {
        let platform = TestApp::with_nodes(nodes).await;
        let engine = Engine::new(config, platform.app.clone(), TaskTracker::new());
        Self {
            platform,
            engine: Arc::new(engine),
        }
    }

    /// The whole answer to an operation.
    pub(crate) async fn ask(&self, token: Option<&str>, query: &str, variables: Value) -> Value {
        let bearer = token.map(Bearer::new);
        let answer = self
            .engine
            .execute(bearer.as_ref(), request(query, variables));
        serde_json::from_str(&answer.await.text).unwrap()
    }

    /// The data of an answer to a user.
    pub(crate) async fn data(&self, token: &Token, query: &str, variables: Value) -> Value {
        let mut answer = self.ask(Some(token.reveal()), query, variables).await;
        assert!(answer.get("errors").is_none(), "{answer:#}");
        answer["data"].take()
    }

    /// The data of an answer to the administrator.
    pub(crate) async fn root(&self, query: &str, variables: Value) -> Value {
        self.data(&self.platform.root_token, query, variables).await
    }

    /// Code and field of the only error of an answer to a user.
    pub(crate) async fn refusal(&self, token: &Token, query: &str, variables: Value) -> Refusal {
        refusal(&self.ask(Some(token.reveal()), query, variables).await)
    }

    /// The results of a live operation of a user.
    pub(crate) fn follow(&self, token: &Token, query: &str, variables: Value) -> Results {
        self.follow_as(token.reveal(), query, variables)
    }

    /// The results of a live operation of an agent.
    pub(crate) fn follow_as(&self, token: &str, query: &str, variables: Value) -> Results {
        let request = request(query, variables);
        let engine = Arc::clone(&self.engine);
        engine
            .results(Some(Bearer::new(token)), request)
            .map(|answer| serde_json::from_str(answer.result()).unwrap())
            .boxed()
    }

    /// The token of the agent of one rank of the newest run.
    pub(crate) async fn agent_token(&self, id: TaskId, rank: i32) -> String {
        let app = &self.platform.app;
        let (run, _) = self.platform.run(id).await;
        app.keys.sign(id, run.id, rank, app.now()).unwrap()
    }
}

/// An API that is served on a loopback address.
pub(crate) struct Served {
    pub(crate) api: TestApi,
    /// Base address: `http://127.0.0.1:…`.
    pub(crate) address: String,
    /// Everything that serves clients beyond a request.
    pub(crate) tracker: TaskTracker,
    /// Ends live connections.
    pub(crate) stop: CancellationToken,
    _server: DropGuard,
}

impl Served {
    /// Serves a platform with one node.
    pub(crate) async fn start(config: ApiConfig) -> Self {
        Self::serve(TestApi::with_nodes(1).await, config).await
    }

    /// The server is stopped, and another one started on the same platform at another address.
    pub(crate) async fn again(self, config: ApiConfig) -> Self {
        self.stop.cancel();
        self.tracker.close();
        self.tracker.wait().await;
        Self::serve(self.api, config).await
    }

    async fn serve(api: TestApi, config: ApiConfig) -> Self {
        let (tracker, stop, server) = (
            TaskTracker::new(),
            CancellationToken::new(),
            CancellationToken::new(),
        );
        let front = crate::front(
            config,
            api.platform.app.clone(),
            tracker.clone(),
            stop.clone(),
        );
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        // One that is told to stop still answers, so that it can be asked whether it does.
        TaskTracker::new().spawn(front.serve(listener, crate::plain, server.clone()));
        Self {
            api,
            address,
            tracker,
            stop,
            _server: server.drop_guard(),
        }
    }

    /// The administrator's token.
    pub(crate) fn token(&self) -> &str {
        self.api.platform.root_token.reveal()
    }
}

/// A browser that is signed in as the administrator.
pub(crate) struct Session {
    /// What it sends as `Cookie`.
    pub(crate) cookie: String,
}

impl Session {
    /// Signs in on a page of the server.
    pub(crate) async fn begin(served: &Served) -> Self {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let answer = client
            .post(format!("{}/session", served.address))
            .header("origin", &served.address)
            .header("content-type", "application/json")
            .body(json!({ "code": Self::code(served).await }).to_string())
            .send()
            .await
            .unwrap();
        let cookie = answer.headers()["set-cookie"].to_str().unwrap();
        let (cookie, _) = cookie.split_once(';').unwrap();
        Self {
            cookie: cookie.to_owned(),
        }
    }

    /// A code with which the administrator signs in.
    pub(crate) async fn code(served: &Served) -> String {
        let create = "mutation { createSessionCode(input: {}) { code } }";
        let made = served.api.root(create, json!({})).await;
        made["createSessionCode"]["code"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    /// Signs all browsers of the administrator out.
    pub(crate) async fn end_all(&self, served: &Served) {
        let end = "mutation { endAllSessions(input: {}) { count } }";
        let ended = served.api.root(end, json!({})).await;
        assert_eq!(ended["endAllSessions"]["count"], 1);
    }
}

/// What an answer refuses.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) code: String,
    pub(crate) field: Option<String>,
    pub(crate) message: String,
}

/// The only error of an answer.
pub(crate) fn refusal(answer: &Value) -> Refusal {
    let errors = answer["errors"]
        .as_array()
        .unwrap_or_else(|| panic!("{answer:#}"));
    assert_eq!(errors.len(), 1, "{answer:#}");
    let text = |pointer: &str| errors[0].pointer(pointer)?.as_str().map(str::to_owned);
    Refusal {
        code: text("/extensions/code").unwrap(),
        field: text("/extensions/field"),
        message: text("/message").unwrap(),
    }
}

fn request(query: &str, variables: Value) -> Request {
    Request::new(query).variables(Variables::from_json(variables))
}

thread_local! {
    static STATEMENTS: Cell<usize> = const { Cell::new(0) };
}

/// Counts the statements of an operation: a test and all its tasks run on one thread.
pub(crate) async fn statements_of<T>(operation: impl Future<Output = T>) -> usize {
    // For the whole process, because whether a span is interesting is remembered for the whole process.
    static SUBSCRIBER: Once = Once::new();
    SUBSCRIBER.call_once(|| tracing::subscriber::set_global_default(Counter).unwrap());
    STATEMENTS.set(0);
    operation.await;
    STATEMENTS.take()
}

/// Counts the spans of statements.
struct Counter;

impl tracing::Subscriber for Counter {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        metadata.is_span()
            && metadata.target().starts_with("sea_orm")
            && ["query_one_raw", "query_all_raw", "execute_raw"].contains(&metadata.name())
    }

    fn new_span(&self, _attributes: &span::Attributes<'_>) -> span::Id {
        STATEMENTS.set(STATEMENTS.get() + 1);
        span::Id::from_u64(1)
    }

    fn record(&self, _span: &span::Id, _values: &span::Record<'_>) {}
    fn record_follows_from(&self, _span: &span::Id, _follows: &span::Id) {}
    fn event(&self, _event: &tracing::Event<'_>) {}
    fn enter(&self, _span: &span::Id) {}
    fn exit(&self, _span: &span::Id) {}
}
