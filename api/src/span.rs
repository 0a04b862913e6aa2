//! Under what a request is logged: its id, what it is and whose it is; never its variables, never its token.

use std::pin::Pin;
use std::task::{Context, Poll};

use domain::auth::Actor;
use futures_util::Stream;
use futures_util::stream::BoxStream;
use tracing::Span;
use tracing::field::Empty;

use crate::metrics::Label;

/// A new id for a request.
pub(crate) fn new_id() -> String {
    format!("{:016x}", rand::random::<u64>())
}

/// The span of one request. It is there wherever a line is logged, so it has the level of errors.
pub(crate) fn of_request(id: &str) -> Span {
    tracing::error_span!(
        "request",
        request.id = id,
        connection.id = Empty,
        operation.kind = Empty,
        operation.field = Empty,
        user.name = Empty,
        agent.task = Empty,
        agent.rank = Empty,
    )
}

/// The span of an operation on a live connection that has an id itself.
pub(crate) fn of_operation(connection: &str) -> Span {
    let span = of_request(&new_id());
    span.record("connection.id", connection);
    span
}

/// Notes in the present span what is asked for.
pub(crate) fn note_label(label: Label) {
    let span = Span::current();
    span.record("operation.kind", label.operation);
    span.record("operation.field", label.field);
}

/// Notes in the present span who asks.
pub(crate) fn note_actor(actor: &Actor) {
    let span = Span::current();
    match actor {
        Actor::User(user) => _ = span.record("user.name", user.name.as_str()),
        Actor::Agent(agent) => {
            span.record("agent.task", agent.task.0);
            span.record("agent.rank", agent.rank);
        }
    }
}

/// Results that are computed under the span in which they were begun, whoever asks for them.
pub(crate) struct Spanned<T> {
    results: BoxStream<'static, T>,
    span: Span,
}

impl<T> Spanned<T> {
    /// Under the present span.
    pub(crate) fn here(results: BoxStream<'static, T>) -> Self {
        Self {
            results,
            span: Span::current(),
        }
    }
}

impl<T> Stream for Spanned<T> {
    type Item = T;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<T>> {
        let this = &mut *self;
        let _entered = this.span.enter();
        this.results.as_mut().poll_next(context)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{self, Write};
    use std::sync::{Arc, Mutex};

    use reqwest::{Client, Response};
    use serde_json::{Value, json};
    use tracing::subscriber::{DefaultGuard, set_default};
    use tracing_subscriber::filter::Targets;
    use tracing_subscriber::layer::SubscriberExt;

    use crate::config::ApiConfig;
    use crate::http::sse::client::{EventStream, Told};
    use crate::testing::{Served, refusal};

    const LOG: &str = "query ($id: ID!, $name: String) {
        taskLog(id: $id, rank: 0) { cursor } task(name: $name) { id } }";

    /// Where lines go in a test: it and all its tasks run on one thread.
    #[derive(Clone, Default)]
    struct Page(Arc<Mutex<Vec<u8>>>);

    impl Write for Page {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Page {
        fn open() -> (Self, DefaultGuard) {
            let page = Self::default();
            let writer = page.clone();
            let lines = tracing_subscriber::fmt::layer()
                .json()
                .flatten_event(true)
                .with_current_span(false)
                .with_writer(move || writer.clone());
            let ours = ["api", "domain"].map(|name| (name, tracing::Level::TRACE));
            let filter = Targets::new().with_targets(ours);
            let subscriber = tracing_subscriber::registry().with(filter).with(lines);
            (page, set_default(subscriber))
        }

        fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }

        /// The only line with this message.
        fn line(&self, message: &str) -> Value {
            let text = self.text();
            let lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
            let mut lines = lines.filter(|line: &Value| line["message"] == message);
            let line = lines.next().unwrap_or_else(|| panic!("{message}: {text}"));
            assert_eq!(lines.next(), None);
            line
        }
    }

    /// A served platform on which the log of a task is damaged: whoever reads it makes an internal error.
    async fn damaged() -> (Served, String) {
        let served = Served::start(ApiConfig::default()).await;
        let platform = &served.api.platform;
        let id = platform.submit("t", 1).await.id;
        platform.bring_up(id).await;
        let dir = platform.app.logs.rank_dir("admin", id.0, 1, 0);
        std::fs::create_dir_all(dir.parent().unwrap()).unwrap();
        std::fs::write(dir, "not a directory").unwrap();
        (served, id.to_string())
    }

    async fn post(served: &Served, id: Option<&str>, query: &str, variables: Value) -> Response {
        let client = Client::builder().no_proxy().build().unwrap();
        let request = client
            .post(format!("{}/graphql", served.address))
            .bearer_auth(served.token())
            .header("content-type", "application/json")
            .body(json!({ "query": query, "variables": variables }).to_string());
        let request = match id {
            Some(id) => request.header("x-request-id", id),
            None => request,
        };
        request.send().await.unwrap()
    }

    fn id_of(response: &Response) -> &str {
        response.headers()["x-request-id"].to_str().unwrap()
    }

    #[tokio::test]
    async fn every_answer_has_the_id_that_was_brought_or_a_new_one() {
        let served = Served::start(ApiConfig::default()).await;
        let brought = post(&served, Some("trace-1"), "{ me { name } }", json!({})).await;
        assert_eq!(id_of(&brought), "trace-1");
        let mut made = std::collections::BTreeSet::new();
        for id in [None, Some("not; sane"), None] {
            let answer = post(&served, id, "nonsense", json!({})).await;
            assert_eq!(id_of(&answer).len(), 16);
            made.insert(id_of(&answer).to_owned());
        }
        assert_eq!(made.len(), 3);
        let nowhere = format!("{}/nowhere", served.address);
        assert_eq!(id_of(&reqwest::get(nowhere).await.unwrap()).len(), 16);
    }

    #[tokio::test]
    async fn an_internal_error_is_logged_under_the_request_and_nothing_of_it_that_is_secret() {
        let (served, id) = damaged().await;
        let (page, _guard) = Page::open();
        let variables = json!({ "id": id, "name": "hush-hush" });
        let answer = post(&served, Some("trace-2"), LOG, variables).await;
        let answer: Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
        let told = refusal(&answer);
        assert_eq!(told.code, "INTERNAL");
        let line = page.line("a request failed");
        assert_eq!(line["error.id"], answer["errors"][0]["extensions"]["id"]);
        let span = &line["spans"][0];
        for (field, expected) in [
            ("request.id", "trace-2"),
            ("user.name", "admin"),
            ("operation.kind", "query"),
            ("operation.field", "other"),
        ] {
            assert_eq!(span[field], expected, "{field}");
        }
        let answered = page.line("a request was answered");
        assert_eq!(answered["spans"][0]["request.id"], "trace-2");
        let text = page.text();
        assert!(
            !text.contains(served.token()) && !text.contains("hush-hush"),
            "{text}"
        );
    }

    #[tokio::test]
    async fn what_an_event_stream_says_later_is_logged_under_its_request() {
        let (served, id) = damaged().await;
        let (page, _guard) = Page::open();
        let query = "subscription ($id: ID!) { taskLogAppended(id: $id, rank: 0) { cursor } }";
        let mut stream = EventStream::root(&served, query, json!({ "id": id })).await;
        let Some(Told::Next(result)) = stream.hear().await else {
            panic!("the failure is a result");
        };
        assert_eq!(refusal(&result).code, "INTERNAL");
        let span = &page.line("a request failed")["spans"][0];
        assert_eq!(span["request.id"], id_of(&stream.response));
        assert_eq!(span["operation.field"], "taskLogAppended");
    }

    #[tokio::test]
    async fn each_operation_on_a_websocket_has_an_id_and_names_its_connection() {
        let (served, id) = damaged().await;
        let (page, _guard) = Page::open();
        let token = Some(served.token());
        let connection = transport::Connection::open(&served.address, token).await;
        let connection = connection.unwrap();
        for query in [
            "{ taskLog(id: ID, rank: 0) { cursor } }",
            "{ a: taskLog(id: ID, rank: 0) { cursor } }",
        ] {
            let query = query.replace("ID", &id);
            let failed = connection.execute(transport::Operation::new(query)).await;
            assert!(failed.is_err());
        }
        let text = page.text();
        let spans: Vec<Value> = text
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap())
            .filter(|line| line["message"] == "a request failed")
            .map(|mut line| line["spans"][0].take())
            .collect();
        assert_eq!(spans.len(), 2, "{text}");
        assert_ne!(spans[0]["request.id"], spans[1]["request.id"]);
        assert_eq!(spans[0]["connection.id"], spans[1]["connection.id"]);
        assert_eq!(spans[0]["connection.id"].as_str().map(str::len), Some(16));
        assert_eq!(spans[0]["user.name"], "admin");
        assert!(!text.contains(served.token()), "{text}");
    }
}
