//! A log of 100,000,000 lines: any moment of it, and a pattern in a gigabyte.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::client::Client;
use crate::figure::{Goal, say, say_times};
use crate::site::{Engines, Ground, Site};

const LINES: u64 = 100_000_000;
/// Lines of one second of the log.
const LINES_PER_SECOND: u64 = 1000;
/// As agents write them.
const SEGMENT_BYTES: u64 = 8 << 20;
const JUMPS: u64 = 300;
/// In so many lines the searched text occurs once.
const RARE: u64 = 1_000_000;
const GIGABYTE: u64 = 1 << 30;

pub(super) async fn run(ground: &Ground) -> Result<()> {
    let site = Site::start(ground, &Engines::LAPTOP, 1).await?;
    site.script("true.sh", "true")?;
    let client = Client::new(&site, &site.token);
    let id = client.submit("t", "true.sh").await?;
    let log = log_of(&site, &id).await?;
    write(&log)?;

    let mut times = Vec::new();
    for jump in 0..JUMPS {
        // A large prime number visits all parts of the log.
        let second = jump * 7_919_317 % (LINES / LINES_PER_SECOND);
        let start = Instant::now();
        let query = "query($id: ID!, $at: DateTime!) {
            taskLog(id: $id, at: $at, first: 100) { items { text } } }";
        let data = client
            .ask(query, &json!({"id": id, "at": time(second)}))
            .await?;
        times.push(start.elapsed());
        let first = data
            .pointer("/taskLog/items/0/text")
            .and_then(Value::as_str);
        let wanted = format!("step {} ", second * LINES_PER_SECOND);
        ensure!(
            first.is_some_and(|it| it.starts_with(&wanted)),
            "{wanted}: {first:?}"
        );
    }
    say_times(
        "logs",
        "jump to a moment of 100,000,000 lines",
        &mut times,
        Goal::None,
        Goal::AtMost(20.0),
    );

    let start = Instant::now();
    let (mut after, mut searched, mut first) = (Value::Null, 0, None);
    while searched < GIGABYTE {
        let query = "query($id: ID!, $after: String) { searchTaskLog(id: $id, pattern: \"found it\", after: $after) {
            matches { text } cursor hasNext scannedBytes } }";
        let mut data = client
            .ask(query, &json!({"id": id, "after": after}))
            .await?;
        let page = data.pointer_mut("/searchTaskLog").context("an answer")?;
        if page["matches"]
            .as_array()
            .is_some_and(|found| !found.is_empty())
        {
            first.get_or_insert(start.elapsed());
        }
        searched += page["scannedBytes"]
            .as_u64()
            .or_else(|| page["scannedBytes"].as_str()?.parse().ok())
            .context("a number")?;
        after = page["cursor"].take();
    }
    let rate = searched as f64 / start.elapsed().as_secs_f64() / GIGABYTE as f64;
    let first = first.context("it occurs")?.as_secs_f64() * 1e3;
    say(
        "logs",
        "search: first hit, after 60 MB",
        first,
        "ms",
        Goal::AtMost(300.0),
    );
    say("logs", "search", rate, "GiB/s", Goal::None);
    Ok(())
}

/// The directory of the log of the task's only rank, once the task has ended.
async fn log_of(site: &Site, id: &str) -> Result<PathBuf> {
    loop {
        for user in fs::read_dir(site.data_dir().join("log"))
            .into_iter()
            .flatten()
        {
            let dir = user?.path().join(id).join("1").join("0");
            if dir.exists() {
                sleep(Duration::from_secs(2)).await;
                return Ok(dir);
            }
        }
        sleep(Duration::from_millis(50)).await;
    }
}

fn time(second: u64) -> String {
    let (day, hour) = (second / 86_400, second / 3600 % 24);
    format!(
        "2026-01-{:02}T{hour:02}:{:02}:{:02}Z",
        day + 1,
        second / 60 % 60,
        second % 60
    )
}

/// Replaces the log by a long one.
fn write(dir: &Path) -> Result<()> {
    for segment in fs::read_dir(dir)? {
        fs::remove_file(segment?.path())?;
    }
    let (mut offset, mut end_of_segment, mut segment) = (0, 0, None);
    let mut stamp = String::new();
    for line in 0..LINES {
        if offset >= end_of_segment {
            let file = File::create(dir.join(format!("{offset:020}.log")))?;
            segment = Some(BufWriter::with_capacity(1 << 20, file));
            end_of_segment = offset + SEGMENT_BYTES;
        }
        if line % LINES_PER_SECOND == 0 {
            let time = time(line / LINES_PER_SECOND);
            stamp = format!("[{} {}", &time[..10], &time[11..19]);
        }
        let text = if line % RARE == RARE - 1 {
            "found it"
        } else {
            "loss 2.345"
        };
        let micros = line % LINES_PER_SECOND * 1000;
        let line = format!("{stamp}.{micros:06}] step {line} {text}\n");
        segment
            .as_mut()
            .context("a segment is open")?
            .write_all(line.as_bytes())?;
        offset += line.len() as u64;
    }
    Ok(())
}
