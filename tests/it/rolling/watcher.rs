//! What those see who follow, whichever server they follow at: everything once, and in order.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use tokio::sync::watch;

use super::reader::Reader;

const STATE: &str = "subscription($id: ID!, $after: String) { taskChanged(id: $id, after: $after) {
    id cursor state outcome runCount currentRun { number state } } }";
const LOG: &str =
    "subscription($id: ID!, $after: String) { taskLogAppended(id: $id, after: $after) {
    items { text partial cursor } cursor ended } }";
const TASKS: &str = "subscription($after: String) { tasksChanged(after: $after) {
    id cursor state outcome runCount currentRun { number state } } }";

/// A task whose lines are counted.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) id: String,
    pub(super) seen: watch::Sender<usize>,
}

/// How far a task is: it only grows as long as the task runs once.
fn progress(task: &Value) -> Result<(u64, usize, usize)> {
    let place = |words: &[&str], value: &Value| {
        let word = value.as_str().unwrap_or_default();
        let found = words.iter().position(|it| *it == word);
        found.with_context(|| format!("{word} in {task}"))
    };
    let run = &task["currentRun"];
    Ok((
        run["number"].as_u64().unwrap_or_default(),
        place(&["WAITING_INIT", "RUNNING", "FINISHED"], &task["state"])?,
        match run.is_null() {
            true => 0,
            false => place(&["STARTING", "RUNNING", "DRAINING", "ENDED"], &run["state"])?,
        },
    ))
}

/// The states of a task to its end. Answers the last one.
///
/// # Errors
/// If one is older than another that came before, or the last is not the end.
pub(super) async fn states(reader: &mut Reader, id: &str) -> Result<Value> {
    let mut last: Option<Value> = None;
    loop {
        let after = last
            .as_ref()
            .map_or(Value::Null, |task| task["cursor"].clone());
        let next = reader
            .next(STATE, &json!({"id": id, "after": after}))
            .await?;
        let Some(mut data) = next else {
            let last = last.context("a state came")?;
            ensure!(
                last["state"] == "FINISHED",
                "it ends too early: {reader:?} {last}"
            );
            return Ok(last);
        };
        let task = data["taskChanged"].take();
        if let Some(last) = &last {
            ensure!(last["cursor"] != task["cursor"], "twice: {reader:?} {task}");
            ensure!(
                progress(last)? <= progress(&task)?,
                "older: {reader:?} {last} {task}"
            );
        }
        last = Some(task);
    }
}

/// The log of a task to its end.
///
/// # Errors
/// If an item comes twice, or it ends without saying so.
pub(super) async fn lines(
    reader: &mut Reader,
    id: &str,
    mut seen: impl FnMut(&[String]),
) -> Result<Vec<String>> {
    let mut after = Value::Null;
    let (mut lines, mut begun, mut ended) = (Vec::new(), String::new(), false);
    let mut known = BTreeSet::new();
    while let Some(mut data) = reader.next(LOG, &json!({"id": id, "after": after})).await? {
        let mut event = data["taskLogAppended"].take();
        for item in event["items"].as_array().into_iter().flatten() {
            let cursor = item["cursor"].as_str().context("an item has a cursor")?;
            ensure!(known.insert(cursor.to_owned()), "twice: {reader:?} {item}");
            begun.push_str(item["text"].as_str().unwrap_or_default());
            if item["partial"] != true {
                lines.push(std::mem::take(&mut begun));
            }
        }
        seen(&lines);
        ended = event["ended"] == true;
        after = event["cursor"].take();
    }
    ensure!(ended, "it ends without a reason: {reader:?} {lines:?}");
    Ok(lines)
}

/// Follows the log of a task to its end. Answers how often it was cut.
pub(super) async fn watch_line(mut reader: Reader, line: Line) -> Result<usize> {
    let seen = |lines: &[String]| {
        line.seen.send_replace(lines.len());
    };
    let told = lines(&mut reader, &line.id, seen).await?;
    let expected: Vec<String> = (1..=super::N_LINES).map(|n| format!("line {n}")).collect();
    ensure!(told == expected, "{reader:?} {told:?}");
    Ok(reader.cuts)
}

/// Follows a task to its end. Answers how often it was cut.
pub(super) async fn watch_state(mut reader: Reader, id: String) -> Result<usize> {
    let last = states(&mut reader, &id).await?;
    ensure!(
        last["outcome"] == "SUCCEEDED" && last["runCount"] == 1,
        "{last}"
    );
    Ok(reader.cuts)
}

/// Follows all tasks of a user until every one that is wanted has been seen to end. Answers how often it was cut.
pub(super) async fn watch_tasks(
    mut reader: Reader,
    ready: watch::Sender<bool>,
    mut wanted: watch::Receiver<Option<BTreeSet<String>>>,
) -> Result<usize> {
    let mut after = Value::Null;
    let (mut known, mut tasks) = (BTreeSet::new(), BTreeMap::<String, Value>::new());
    loop {
        let missing = wanted.borrow_and_update().as_ref().map(|ids| {
            let is_over = |id: &&String| tasks.get(*id).is_some_and(|it| it["state"] == "FINISHED");
            ids.iter()
                .filter(|id| !is_over(id))
                .cloned()
                .collect::<Vec<_>>()
        });
        if missing.as_ref().is_some_and(Vec::is_empty) {
            return Ok(reader.cuts);
        }
        let variables = json!({"after": after});
        let next = tokio::select! {
            next = reader.next(TASKS, &variables) => next,
            changed = wanted.changed() => {
                changed?;
                continue;
            }
        };
        let next = next.with_context(|| format!("{reader:?} misses {missing:?}"))?;
        let Some(mut data) = next else {
            bail!("it ends without a reason: {reader:?}");
        };
        let task = data["tasksChanged"].take();
        let cursor = task["cursor"].as_str().context("it has a cursor")?;
        ensure!(known.insert(cursor.to_owned()), "twice: {reader:?} {task}");
        after = json!(cursor);
        let id = task["id"].as_str().context("it has an id")?.to_owned();
        if let Some(last) = tasks.get(&id) {
            ensure!(
                progress(last)? <= progress(&task)?,
                "older: {reader:?} {last} {task}"
            );
        }
        tasks.insert(id, task);
        ready.send_replace(true);
    }
}
