//! Looks for a pattern in the logs of a task.

use std::sync::Arc;
use std::time::Duration;

use async_graphql::{Context, Enum, ID, Object, Result, SimpleObject};
use chrono::{DateTime, Utc};
use domain::Error;
use domain::logs::{Match, Matches, Pattern, PatternKind, SearchRequest};
use domain::task::Task;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::reader::{Reader, place, rank_of};
use super::window::at_most;
use crate::limits;
use crate::scalar::{Long, int};

/// Most matching lines of one answer.
const MOST_MATCHES: usize = 500;
/// How much is read for one answer, in bytes.
const MOST_BYTES: u64 = 64 << 20;
/// How long is searched for one answer.
const MOST_TIME: Duration = Duration::from_secs(2);
/// How many searches run at the same time; others wait, so that pages of logs do not.
const MOST_SEARCHES: usize = 2;

/// Lets only so many search at the same time.
pub(crate) struct SearchGate(Arc<Semaphore>);

impl Default for SearchGate {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(MOST_SEARCHES)))
    }
}

/// How a pattern is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub(crate) enum LogPatternKind {
    /// As it is written.
    Literal,
    /// As a regular expression in the syntax of RE2: no look-around, no back references.
    Regex,
}

/// A line in which a pattern occurs, or a part of a line of more than a mebibyte.
#[derive(Debug, SimpleObject)]
pub(crate) struct TaskLogMatch {
    /// The rank that printed it.
    rank: i32,
    /// Number of the run in which it was printed.
    run: i32,
    /// When the line was printed; absent for what continues a line.
    time: Option<DateTime<Utc>>,
    /// What stands in front of the first occurrence: of that the last kilobyte.
    leading: String,
    /// The first occurrence: of that the first kilobyte.
    text: String,
    /// What stands behind the first occurrence: of that the first kilobyte.
    trailing: String,
    /// How often the pattern occurs in the line: of a long line, how often it begins in this part.
    occurrences: i32,
    /// The place in front of the line: a page of the log `after` it begins with the line.
    start_cursor: String,
    /// The place behind the line.
    cursor: String,
}

impl From<Match> for TaskLogMatch {
    fn from(found: Match) -> Self {
        Self {
            rank: int(found.start.rank),
            run: found.start.run,
            time: found.time,
            leading: found.leading,
            text: found.text,
            trailing: found.trailing,
            occurrences: int(found.occurrences),
            start_cursor: found.start.to_string(),
            cursor: found.cursor_after.to_string(),
        }
    }
}

/// What was found before a search had looked at enough.
#[derive(Debug, SimpleObject)]
pub(crate) struct TaskLogMatches {
    /// By rank, then in the order of printing; at most 500.
    matches: Vec<TaskLogMatch>,
    /// Where to go on.
    cursor: String,
    /// Whether there is something left to look at. One answer has at most the matches that were asked for, 64 MiB of
    /// log, or two seconds: it may be empty and still not be the last.
    has_next: bool,
    /// How many bytes of logs were looked at for this answer.
    scanned_bytes: Long,
}

impl From<Matches> for TaskLogMatches {
    fn from(found: Matches) -> Self {
        Self {
            matches: found.items.into_iter().map(TaskLogMatch::from).collect(),
            cursor: found.cursor.to_string(),
            has_next: found.has_next,
            scanned_bytes: Long(i64::try_from(found.n_bytes).unwrap_or(i64::MAX)),
        }
    }
}

/// Searches in logs.
#[derive(Debug, Default)]
pub(crate) struct LogSearchQuery;

#[Object]
impl LogSearchQuery {
    /// The lines in which something occurs, in the logs of some or all ranks of a task, in all its runs. Repeat with
    /// the cursor until `hasNext` is false.
    #[graphql(complexity = "limits::page(Some(first), None, child_complexity)")]
    #[expect(clippy::too_many_arguments, reason = "GraphQL has no other form")]
    async fn search_task_log(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The task.")] id: ID,
        #[graphql(desc = "The ranks; all if left out.")] ranks: Option<Vec<i32>>,
        #[graphql(
            desc = "What to look for, in single lines without their stamps: at most 1000 \
                          characters. `^` and `$` are the ends of a line. A line of more than a mebibyte is \
                          searched in parts; what is not longer than 64 KiB is also found across them."
        )]
        pattern: String,
        #[graphql(
            desc = "How the pattern is meant.",
            default_with = "LogPatternKind::Literal"
        )]
        kind: LogPatternKind,
        #[graphql(desc = "Whether large and small letters differ.", default = true)]
        case_sensitive: bool,
        #[graphql(desc = "Only what is behind this cursor; from the beginning if left out.")]
        after: Option<String>,
        #[graphql(desc = "How many lines: 1 to 500.", default = 100)] first: i32,
    ) -> Result<TaskLogMatches> {
        let kind = match kind {
            LogPatternKind::Literal => PatternKind::Literal,
            LogPatternKind::Regex => PatternKind::Regex,
        };
        let pattern = Pattern::new(&pattern, kind, case_sensitive)
            .map_err(|error| Error::invalid("pattern", error.to_string()))?;
        let max_matches = at_most("first", first, MOST_MATCHES)?;
        let after = place(after.as_deref())?;
        let logs = Reader::open(ctx, &id, 0).await?;
        let ranks = ranks_of(&logs.task, ranks)?;
        if let Some(after) = after.filter(|after| !ranks.contains(&after.rank)) {
            let reason = format!("is of rank {}, which is not searched", after.rank);
            return Err(Error::invalid("after", reason).into());
        }
        let request = SearchRequest {
            user: logs.owner.clone(),
            task: logs.task.id.0,
            runs: logs.runs(),
            ranks,
            pattern,
            after,
            max_matches,
            max_bytes: MOST_BYTES,
        };
        let gate = Arc::clone(&ctx.data_unchecked::<SearchGate>().0);
        let turn = gate
            .acquire_owned()
            .await
            .map_err(|error| Error::Internal(error.into()))?;
        let begun = Instant::now();
        let found = logs
            .read("after", move |store| {
                // Until the search has ended, also if nobody waits for its answer any more.
                let _turn = turn;
                store.search(&request, || begun.elapsed() < MOST_TIME)
            })
            .await?;
        Ok(found.into())
    }
}

/// The ranks that are meant, ascending and once each.
fn ranks_of(task: &Task, ranks: Option<Vec<i32>>) -> domain::Result<Vec<u32>> {
    let mut ranks = match ranks {
        Some(ranks) => ranks
            .into_iter()
            .map(|rank| rank_of(task, "ranks", rank))
            .collect::<domain::Result<Vec<_>>>()?,
        None => (0..task.node_count)
            .filter_map(|rank| rank.try_into().ok())
            .collect(),
    };
    ranks.sort_unstable();
    ranks.dedup();
    if ranks.is_empty() {
        return Err(Error::invalid("ranks", "must name at least one rank"));
    }
    Ok(ranks)
}
