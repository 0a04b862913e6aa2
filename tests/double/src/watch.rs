//! Streams of what happens.

use std::collections::VecDeque;
use std::io;

use axum::body::Bytes;
use futures_util::Stream;
use futures_util::stream::unfold;
use serde_json::{Value, json};

use crate::Shared;
use crate::fault::WatchFault;
use crate::object::Kind;
use crate::store::{Change, Selector, Store, What, refusal};

/// What somebody watches.
pub(crate) struct Watched {
    pub(crate) kind: Kind,
    pub(crate) namespace: String,
    pub(crate) selector: Selector,
    pub(crate) with_bookmarks: bool,
}

struct Position {
    shared: Shared,
    changed: tokio::sync::watch::Receiver<u64>,
    broken: tokio::sync::watch::Receiver<u64>,
    watched: Watched,
    seen: u64,
    lines: VecDeque<Value>,
    is_over: bool,
}

/// What happens after a version, a line each, until nobody reads it any more or it is not remembered.
pub(crate) fn stream(
    shared: Shared,
    watched: Watched,
    since_asked: u64,
) -> impl Stream<Item = io::Result<Bytes>> {
    let since = since_asked.saturating_sub(shared.repeated(&watched.name()));
    let since = since.max(shared.lock().oldest().min(since_asked));
    let position = Position {
        changed: shared.changed.subscribe(),
        broken: shared.broken.subscribe(),
        shared,
        watched,
        seen: since,
        lines: VecDeque::new(),
        is_over: false,
    };
    unfold(position, async |mut position| {
        loop {
            if let Some(line) = position.lines.pop_front() {
                let line = position.disturbed(line).await?;
                let line = line.map(|line| Bytes::from(format!("{line}\n")));
                return Some((line, position));
            }
            if position.is_over {
                return None;
            }
            position.changed.mark_unchanged();
            position.look();
            if position.lines.is_empty() && !position.goes_on().await {
                return None;
            }
        }
    })
}

impl Position {
    /// What is told, if nothing goes wrong with it.
    async fn disturbed(&mut self, line: Value) -> Option<io::Result<Value>> {
        match self.shared.fault_of_watch(&self.watched.name()) {
            None => Some(Ok(line)),
            Some(WatchFault::Late(late)) => {
                tokio::time::sleep(late).await;
                Some(Ok(line))
            }
            Some(WatchFault::Ends) => None,
            Some(WatchFault::Breaks) => {
                self.end();
                Some(Err(io::ErrorKind::ConnectionReset.into()))
            }
            Some(WatchFault::Expires) => {
                self.end();
                Some(Ok(expired(self.seen)))
            }
        }
    }

    fn end(&mut self) {
        self.lines.clear();
        self.is_over = true;
    }

    /// Waits until something has changed, and says whether the stream is not broken.
    async fn goes_on(&mut self) -> bool {
        tokio::select! {
            changed = self.changed.changed() => changed.is_ok(),
            _ = self.broken.changed() => false,
        }
    }

    fn look(&mut self) {
        let Self {
            shared,
            watched,
            seen,
            lines,
            is_over,
            ..
        } = self;
        let store = shared.lock();
        let Some(changes) = store.since(*seen) else {
            lines.push_back(expired(*seen));
            *is_over = true;
            return;
        };
        lines.extend(changes.filter(|change| watched.concerns(change)).map(line));
        let is_news = *seen < store.version();
        *seen = store.version();
        // Whoever hears nothing for long can go on from there.
        if lines.is_empty() && is_news && watched.with_bookmarks {
            lines.push_back(watched.bookmark(&store));
        }
    }
}

fn expired(seen: u64) -> Value {
    let gone = refusal(410, "Expired", format!("too old resource version: {seen}"));
    json!({"type": "ERROR", "object": gone.status()})
}

impl Watched {
    /// By which its faults are chosen.
    fn name(&self) -> String {
        format!("WATCH {}", self.kind.plural())
    }

    fn concerns(&self, change: &Change) -> bool {
        let is_here = self.namespace.is_empty() || change.key.namespace == self.namespace;
        let is_here = is_here && change.key.kind == self.kind;
        is_here && self.selector.holds(&change.object)
    }

    fn bookmark(&self, store: &Store) -> Value {
        let metadata = json!({"resourceVersion": store.version().to_string()});
        let object = json!({
            "apiVersion": self.kind.api_version(), "kind": self.kind.name(), "metadata": metadata,
        });
        json!({"type": "BOOKMARK", "object": object})
    }
}

fn line(change: &Change) -> Value {
    let what = match change.what {
        What::Added => "ADDED",
        What::Modified => "MODIFIED",
        What::Deleted => "DELETED",
    };
    json!({"type": what, "object": change.object})
}
