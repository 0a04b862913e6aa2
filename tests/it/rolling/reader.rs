//! A subscription that goes on at the other server, behind what it knows, whenever it is cut.

use std::fmt;
use std::pin::Pin;

use anyhow::{Result, bail, ensure};
use futures_util::stream::{self, Stream, StreamExt};
use serde_json::{Value, json};
use tests::within;

use super::place::Place;

/// What carries it.
#[derive(Debug, Clone, Copy)]
pub(super) enum Wire {
    WebSocket,
    Events,
}

/// Why nothing more comes here.
enum Cut {
    /// The server is away, or goes.
    Passing(String),
    Wrong(anyhow::Error),
}

type Events = Pin<Box<dyn Stream<Item = Result<Value, Cut>> + Send>>;

/// One question, over as many connections as it takes.
pub(super) struct Reader {
    place: Place,
    token: String,
    wire: Wire,
    slot: usize,
    open: Option<Events>,
    /// How often it went on elsewhere.
    pub(super) cuts: usize,
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader")
            .field("wire", &self.wire)
            .field("slot", &self.slot)
            .field("cuts", &self.cuts)
            .finish_non_exhaustive()
    }
}

impl Reader {
    pub(super) fn new(place: Place, token: String, wire: Wire, slot: usize) -> Self {
        Self {
            place,
            token,
            wire,
            slot,
            open: None,
            cuts: 0,
        }
    }

    /// The next data; none when the server says that there is no more. The variables are those of a new connection.
    pub(super) async fn next(&mut self, query: &str, variables: &Value) -> Result<Option<Value>> {
        loop {
            let events = match self.open.take() {
                Some(events) => events,
                None => self.begin(query, variables).await?,
            };
            // What is waited for may be dropped: then it stays open.
            let events = self.open.insert(events);
            match within(events.next()).await? {
                None => return Ok(None),
                Some(Ok(data)) => return Ok(Some(data)),
                Some(Err(Cut::Wrong(error))) => return Err(error.context(format!("{self:?}"))),
                Some(Err(Cut::Passing(_))) => {
                    self.open = None;
                    self.slot += 1;
                    self.cuts += 1;
                }
            }
        }
    }

    /// At one server, or else at the other.
    async fn begin(&mut self, query: &str, variables: &Value) -> Result<Events> {
        let first = match self.begin_here(query, variables).await {
            Err(Cut::Passing(why)) => why,
            Err(Cut::Wrong(error)) => return Err(error),
            Ok(events) => return Ok(events),
        };
        self.slot += 1;
        match self.begin_here(query, variables).await {
            Err(Cut::Passing(why)) => bail!("neither takes {query}: {first}; {why}"),
            Err(Cut::Wrong(error)) => Err(error),
            Ok(events) => Ok(events),
        }
    }

    async fn begin_here(&mut self, query: &str, variables: &Value) -> Result<Events, Cut> {
        match self.wire {
            Wire::WebSocket => {
                let client = self.place.client(&self.token, self.slot).await;
                let client = client.map_err(|error| match error.downcast() {
                    Ok(error) => cut(error),
                    Err(error) => Cut::Wrong(error),
                })?;
                let events = client.subscribe(query, variables.clone());
                // The connection lives as long as what comes over it.
                let events = stream::unfold((client, events), async |(client, mut events)| {
                    let next = events.next().await?;
                    Some((next.map_err(cut), (client, events)))
                });
                Ok(Box::pin(events))
            }
            Wire::Events => {
                let body = json!({"query": query, "variables": variables});
                let sent = self.place.events(&self.token, self.slot, &body).await;
                let response = sent.map_err(|error| Cut::Passing(error.to_string()))?;
                let state = (response, String::new());
                Ok(Box::pin(stream::unfold(state, hear)))
            }
        }
    }
}

fn cut(error: transport::Error) -> Cut {
    match error.is_retryable() || error.code() == Some("UNAVAILABLE") {
        true => Cut::Passing(error.to_string()),
        false => Cut::Wrong(error.into()),
    }
}

type Heard = (reqwest::Response, String);

/// The next event of a stream of them; none after `complete`.
async fn hear((mut response, mut unread): Heard) -> Option<(Result<Value, Cut>, Heard)> {
    loop {
        while let Some(end) = unread.find("\n\n") {
            let event: String = unread.drain(..end + 2).collect();
            match read(&event) {
                Ok(Some(Some(data))) => return Some((Ok(data), (response, unread))),
                // A sign of life.
                Ok(Some(None)) => {}
                Ok(None) => return None,
                Err(error) => return Some((Err(Cut::Wrong(error)), (response, unread))),
            }
        }
        let failed = match response.chunk().await {
            Ok(Some(bytes)) => {
                // All that is told here is plain.
                unread.push_str(&String::from_utf8_lossy(&bytes));
                continue;
            }
            Ok(None) => "it ends without having said so".to_owned(),
            Err(error) => error.to_string(),
        };
        return Some((Err(Cut::Passing(failed)), (response, unread)));
    }
}

/// What an event says; none if there will be no more.
fn read(event: &str) -> Result<Option<Option<Value>>> {
    if event.starts_with(':') {
        return Ok(Some(None));
    }
    if event.starts_with("event: complete") {
        return Ok(None);
    }
    let data = event.trim_end().strip_prefix("event: next\ndata: ");
    let Some(data) = data else {
        bail!("{event:?}");
    };
    let mut result: Value = serde_json::from_str(data)?;
    ensure!(result["errors"].is_null(), "{result}");
    Ok(Some(Some(result["data"].take())))
}
