//! Where two servers answer now: each may be replaced at any time.

use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use tests::{Client, within};
use tokio::sync::watch;

use super::reader::{Reader, Wire};

/// The addresses of both, and a way to ask them.
#[derive(Debug, Clone)]
pub(super) struct Place {
    urls: watch::Receiver<[String; 2]>,
    http: Arc<reqwest::Client>,
}

/// What came of one request.
enum Asked {
    Answer(Value),
    /// It may be asked again elsewhere.
    Cut(String),
}

impl Place {
    pub(super) fn new(urls: watch::Receiver<[String; 2]>) -> Result<Self> {
        let http = reqwest::Client::builder().no_proxy().build()?;
        let http = Arc::new(http);
        Ok(Self { urls, http })
    }

    /// The address of one of the two now.
    pub(super) fn url(&self, slot: usize) -> String {
        self.urls.borrow()[slot % 2].clone()
    }

    /// A client of one of the two.
    pub(super) async fn client(&self, token: &str, slot: usize) -> Result<Client> {
        Client::connect(&self.url(slot), token).await
    }

    /// A stream that begins at one of the two.
    pub(super) fn reader(&self, token: &str, wire: Wire, slot: usize) -> Reader {
        Reader::new(self.clone(), token.to_owned(), wire, slot)
    }

    /// Begins a stream of events.
    pub(super) async fn events(
        &self,
        token: &str,
        slot: usize,
        body: &Value,
    ) -> reqwest::Result<reqwest::Response> {
        let request = self.http.post(format!("{}/graphql", self.url(slot)));
        let request = request.header("accept", "text/event-stream");
        request.bearer_auth(token).json(body).send().await
    }

    /// Asks one of the two, and the other if the first one is away. Counts that.
    pub(super) async fn ask(
        &self,
        token: &str,
        slot: usize,
        body: &Value,
        repeated: &mut usize,
    ) -> Result<Value> {
        let first = match within(self.once(token, slot, body)).await?? {
            Asked::Answer(data) => return Ok(data),
            Asked::Cut(why) => why,
        };
        *repeated += 1;
        match within(self.once(token, slot + 1, body)).await?? {
            Asked::Answer(data) => Ok(data),
            Asked::Cut(why) => bail!("both failed: {first}; {why}; {body}"),
        }
    }

    async fn once(&self, token: &str, slot: usize, body: &Value) -> Result<Asked> {
        let request = self.http.post(format!("{}/graphql", self.url(slot)));
        let sent = request.bearer_auth(token).json(body).send().await;
        let answer = match sent {
            Ok(answer) => answer.bytes().await,
            Err(error) => Err(error),
        };
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) => {
                // Refused, or closed before there was an answer.
                let is_cut = error.is_connect() || error.is_request() || error.is_body();
                let error = anyhow::Error::from(error);
                ensure!(is_cut, "{error:#}");
                return Ok(Asked::Cut(format!("{error:#}")));
            }
        };
        let mut answer: Value = serde_json::from_slice(&answer)
            .with_context(|| format!("{:?}", String::from_utf8_lossy(&answer)))?;
        match answer.pointer("/errors/0/extensions/code") {
            None if answer["errors"].is_null() => Ok(Asked::Answer(answer["data"].take())),
            Some(code) if *code == json!("UNAVAILABLE") => Ok(Asked::Cut(answer.to_string())),
            _ => bail!("{body} is answered with {answer}"),
        }
    }
}
