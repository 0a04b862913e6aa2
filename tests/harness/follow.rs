//! One task, followed live over the deaths of the server.

use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;

use anyhow::{Context, Result};
use futures_util::stream::{self, Stream, StreamExt};
use serde_json::{Value, json};

use crate::client::TASK;
use crate::{Client, within};

type Events = Pin<Box<dyn Stream<Item = Result<Value, transport::Error>> + Send + Sync>>;

/// Something new about a task.
#[derive(Debug, Clone)]
pub enum Seen {
    /// The task as it is now.
    State(Value),
    /// A whole line of rank 0.
    Line(String),
}

/// The states of a task and the log of its rank 0, each line once.
pub struct Follow {
    /// The task.
    pub id: String,
    /// All lines so far.
    pub lines: Vec<String>,
    events: Events,
    /// What has come and was not asked for yet.
    waiting: VecDeque<Seen>,
    /// Behind the last item of the log that has come.
    cursor: Option<String>,
    /// The beginning of a line.
    begun: String,
}

impl fmt::Debug for Follow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Follow")
            .field("id", &self.id)
            .field("lines", &self.lines)
            .finish_non_exhaustive()
    }
}

impl Follow {
    /// Follows a task from its beginning.
    pub fn new(id: String, client: &Client) -> Self {
        Self {
            events: events(client, &id, None),
            id,
            lines: Vec::new(),
            waiting: VecDeque::new(),
            cursor: None,
            begun: String::new(),
        }
    }

    /// Goes on with another connection, behind what has come already.
    pub fn go_on(&mut self, client: &Client) {
        self.events = events(client, &self.id, self.cursor.as_deref());
    }

    /// What is seen next; none when the task is finished and its log is complete. May be dropped without loss.
    ///
    /// # Errors
    /// If the connection breaks, or nothing comes.
    pub async fn next(&mut self) -> Result<Option<Seen>> {
        loop {
            if let Some(seen) = self.waiting.pop_front() {
                if let Seen::Line(line) = &seen {
                    self.lines.push(line.clone());
                }
                return Ok(Some(seen));
            }
            let next = within(self.events.next()).await;
            match next.with_context(|| format!("{self:?}"))? {
                None => return Ok(None),
                Some(event) => self.take_in(event?),
            }
        }
    }

    fn take_in(&mut self, mut event: Value) {
        if let Some(task) = event.get_mut("taskChanged") {
            self.waiting.push_back(Seen::State(task.take()));
        }
        let items = event.pointer("/taskLogAppended/items");
        for item in items.and_then(Value::as_array).into_iter().flatten() {
            self.cursor = item["cursor"].as_str().map(str::to_owned);
            self.begun
                .push_str(item["text"].as_str().unwrap_or_default());
            if item["partial"] != true {
                let line = std::mem::take(&mut self.begun);
                self.waiting.push_back(Seen::Line(line));
            }
        }
    }
}

fn events(client: &Client, id: &str, after: Option<&str>) -> Events {
    let states = format!("subscription($id: ID!) {{ taskChanged(id: $id) {{ {TASK} }} }}");
    let log = "subscription($id: ID!, $after: String) {
        taskLogAppended(id: $id, rank: 0, after: $after) { items { text partial cursor } } }";
    Box::pin(stream::select(
        client.subscribe(&states, json!({"id": id})),
        client.subscribe(log, json!({"id": id, "after": after})),
    ))
}
