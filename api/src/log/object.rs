//! Pages of a log as clients see them.

use std::sync::Arc;

use async_graphql::{Enum, SimpleObject};
use chrono::{DateTime, Utc};
use domain::logs::{Cursor, Item, ItemKind, Page};

use crate::scalar::Long;

/// What an item of a log is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub(crate) enum LogItemKind {
    /// A line, or a part of one.
    Line,
    /// A hole: a part of the log was removed before it was read, or the disk was full when it was printed.
    Gap,
}

/// A line of a log, a part of one, or a hole.
#[derive(Debug, SimpleObject)]
pub(crate) struct LogItem {
    /// What it is.
    kind: LogItemKind,
    /// Number of the run that it belongs to.
    run: i32,
    /// When the line was printed; absent for a hole and for what continues a line.
    time: Option<DateTime<Utc>>,
    /// What was printed, without the end of the line; empty for a hole.
    text: String,
    /// Whether the line goes on in the next item of the same run.
    partial: bool,
    /// For a hole: how many bytes are missing.
    lost_bytes: Option<Long>,
    /// The place behind this item.
    cursor: String,
}

impl From<Item> for LogItem {
    fn from(item: Item) -> Self {
        let cursor = item.cursor_after.to_string();
        match item.kind {
            ItemKind::Line {
                time,
                text,
                partial,
            } => Self {
                kind: LogItemKind::Line,
                run: item.run,
                time,
                text,
                partial,
                lost_bytes: None,
                cursor,
            },
            ItemKind::Gap { lost_bytes } => Self {
                kind: LogItemKind::Gap,
                run: item.run,
                time: None,
                text: String::new(),
                partial: false,
                lost_bytes: Some(Long(i64::try_from(lost_bytes).unwrap_or(i64::MAX))),
                cursor,
            },
        }
    }
}

/// One page of a log.
#[derive(Debug, SimpleObject)]
pub(crate) struct TaskLogPage {
    /// Lines and holes, the oldest first, at most 1000. Fewer than asked for if they are long.
    items: Vec<LogItem>,
    /// The place in front of the page: `before` it there is what came earlier.
    start_cursor: String,
    /// The place behind the page.
    cursor: String,
    /// Whether there is something before it.
    has_previous: bool,
    /// Whether there is more already.
    has_next: bool,
}

impl From<Page> for TaskLogPage {
    fn from(page: Page) -> Self {
        Self {
            items: page.items.into_iter().map(LogItem::from).collect(),
            start_cursor: page.start.to_string(),
            cursor: page.cursor.to_string(),
            has_previous: page.has_previous,
            has_next: page.has_next,
        }
    }
}

/// What a log grew by.
#[derive(Debug, SimpleObject)]
pub(crate) struct TaskLogEvent {
    /// Lines and holes, the oldest first, at most 1000.
    items: Vec<Arc<LogItem>>,
    /// The place behind them: a new subscription with it goes on there.
    cursor: String,
    /// Whether this was the last: the task has finished and everything was given out.
    ended: bool,
}

impl TaskLogEvent {
    pub(super) fn new(page: Page, ended: bool) -> Self {
        let items = page.items.into_iter();
        Self {
            items: items.map(|item| Arc::new(item.into())).collect(),
            cursor: page.cursor.to_string(),
            ended,
        }
    }

    /// Of items that others give out as well.
    pub(super) fn shared(items: &[(Cursor, Arc<LogItem>)], cursor: Cursor, ended: bool) -> Self {
        Self {
            items: items.iter().map(|(_, item)| Arc::clone(item)).collect(),
            cursor: cursor.to_string(),
            ended,
        }
    }
}
