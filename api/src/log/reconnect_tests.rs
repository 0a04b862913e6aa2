//! A reader of a log whose connection breaks again and again.

use std::fs::{self, OpenOptions};
use std::io::Write as _;

use domain::events::Event;
use domain::task::TaskId;
use futures_util::StreamExt;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};
use transport::{Connection, Operation};

use crate::config::ApiConfig;
use crate::http::sse::client::EventStream;
use crate::testing::{Served, TestApi};

const SEED: u64 = 7;
const N_BREAKS: usize = 500;
/// Before these, the task's run fails and the next one begins.
const NEW_RUNS: [usize; 3] = [90, 210, 400];
/// Before these, the server is stopped and another one started.
const NEW_SERVERS: [usize; 2] = [250, 410];
/// Far shorter than in life, so that there are many segments.
const SEGMENT_BYTES: u64 = 4096;

const STAMP: &str = "[2026-01-02 03:04:05.000006] ";
const FOLLOW: &str = "subscription ($id: ID!, $after: String) {
    taskLogAppended(id: $id, after: $after) { items { kind run text partial cursor } cursor ended }
}";

/// Plays the agent: what it has printed, and where it stands.
struct Writer {
    id: TaskId,
    run: i32,
    random: StdRng,
    /// Whole lines of all runs.
    lines: Vec<String>,
    /// The beginning of a line that is written already.
    begun: String,
    /// First byte of the segment.
    start: u64,
    /// Bytes of the segment.
    length: u64,
    n_segments: usize,
}

impl Writer {
    fn new(id: TaskId) -> Self {
        Self {
            id,
            run: 1,
            random: StdRng::seed_from_u64(SEED),
            lines: Vec::new(),
            begun: String::new(),
            start: 0,
            length: 0,
            n_segments: 0,
        }
    }

    /// Prints some lines, and sometimes the beginning of one more.
    fn print(&mut self, api: &TestApi) {
        for _ in 0..self.random.random_range(1..=6) {
            let (run, number) = (self.run, self.lines.len());
            let rest = "x".repeat(self.random.random_range(0..=60));
            let rest = format!("run {run} line {number} {rest}");
            let stamp = if self.begun.is_empty() { STAMP } else { "" };
            self.append(api, &format!("{stamp}{rest}\n"));
            let line = std::mem::take(&mut self.begun) + &rest;
            self.lines.push(line);
            if self.length >= SEGMENT_BYTES {
                self.start += self.length;
                self.length = 0;
            }
        }
        if self.random.random_bool(0.3) {
            self.append(api, &format!("{STAMP}begun "));
            self.begun = "begun ".to_owned();
        }
        api.platform.app.events.publish(Event::Log(self.id, 0));
    }

    fn append(&mut self, api: &TestApi, text: &str) {
        let logs = &api.platform.app.logs;
        let dir = logs.rank_dir("admin", self.id.0, self.run, 0);
        fs::create_dir_all(&dir).unwrap();
        let path = dir.join(format!("{:020}.log", self.start));
        self.n_segments += usize::from(!path.exists());
        let mut segment = OpenOptions::new()
            .create(true)
            .append(true)
            .open(path)
            .unwrap();
        segment.write_all(text.as_bytes()).unwrap();
        self.length += text.len() as u64;
    }

    /// The command exits. What it has begun stays as it is.
    async fn exit(&mut self, api: &TestApi, code: i32) {
        if !self.begun.is_empty() {
            self.lines.push(std::mem::take(&mut self.begun));
        }
        api.platform.exit(self.id, 0, code).await;
        api.platform.settle().await;
    }

    async fn next_run(&mut self, api: &TestApi) {
        self.exit(api, 1).await;
        api.platform.bring_up(self.id).await;
        (self.run, self.start, self.length) = (self.run + 1, 0, 0);
    }
}

/// What a reader has seen over all its connections.
#[derive(Default)]
struct Reader {
    cursor: Option<String>,
    lines: Vec<String>,
    /// The beginning of a line, and its run.
    begun: Option<(i64, String)>,
    ended: bool,
}

impl Reader {
    /// Reads until it has seen so many more lines, or the end. What came beyond is lost with the connection.
    async fn read(&mut self, events: &mut Events, n_more: usize) {
        let wanted = self.lines.len() + n_more;
        while self.lines.len() < wanted && !self.ended {
            let event = events.next().await;
            for item in event["items"].as_array().unwrap() {
                if self.lines.len() < wanted {
                    self.take(item);
                }
            }
            if event["ended"] == true {
                self.ended = true;
                self.finish_line();
            }
        }
    }

    fn take(&mut self, item: &Value) {
        assert_eq!(item["kind"], "LINE");
        let run = item["run"].as_i64().unwrap();
        if self.begun.as_ref().is_some_and(|(begun, _)| *begun != run) {
            self.finish_line();
        }
        let (_, line) = self.begun.get_or_insert_with(|| (run, String::new()));
        line.push_str(item["text"].as_str().unwrap());
        if item["partial"] == false {
            self.finish_line();
        }
        self.cursor = item["cursor"].as_str().map(str::to_owned);
    }

    fn finish_line(&mut self) {
        self.lines.extend(self.begun.take().map(|(_, line)| line));
    }
}

/// The events of one connection.
enum Events {
    Socket(
        transport::Subscription,
        #[expect(dead_code, reason = "open until it is dropped")] Connection,
    ),
    Stream(Box<EventStream>),
}

impl Events {
    async fn socket(served: &Served, variables: &Value) -> Self {
        let connection = Connection::open(&served.address, Some(served.token()))
            .await
            .unwrap();
        let mut operation = Operation::new(FOLLOW);
        operation.variables = variables.as_object().unwrap().clone();
        let events = connection.subscribe(operation);
        Self::Socket(events, connection)
    }

    async fn stream(served: &Served, variables: Value) -> Self {
        Self::Stream(Box::new(EventStream::root(served, FOLLOW, variables).await))
    }

    async fn next(&mut self) -> Value {
        let mut data = match self {
            Self::Socket(events, _) => events.next().await.unwrap().unwrap(),
            Self::Stream(events) => events.data().await,
        };
        data["taskLogAppended"].take()
    }
}

#[tokio::test]
async fn a_reader_that_is_cut_off_500_times_sees_every_line_once_and_in_order() {
    let mut served = Served::start(ApiConfig::default()).await;
    let mut document = served.api.platform.document("t", 1);
    document["options"] = json!({ "max_restarts": NEW_RUNS.len() });
    let platform = &served.api.platform;
    let task = platform.submit_document(&platform.root, document).await;
    let id = task.unwrap().id;
    platform.bring_up(id).await;
    let mut writer = Writer::new(id);
    let mut reader = Reader::default();
    let mut random = StdRng::seed_from_u64(SEED + 1);
    for n in 0..=N_BREAKS {
        if NEW_RUNS.contains(&n) {
            writer.next_run(&served.api).await;
        }
        if NEW_SERVERS.contains(&n) {
            served = served.again(ApiConfig::default()).await;
        }
        writer.print(&served.api);
        if n == N_BREAKS {
            writer.exit(&served.api, 0).await;
        }
        let variables = json!({ "id": id.to_string(), "after": reader.cursor });
        let mut events = if random.random_bool(0.5) {
            Events::socket(&served, &variables).await
        } else {
            Events::stream(&served, variables).await
        };
        // Never more than there is, for then it would wait.
        let unread = writer.lines.len() - reader.lines.len();
        let n_more = match n {
            N_BREAKS => usize::MAX - reader.lines.len(),
            _ => random.random_range(0..=8).min(unread),
        };
        reader.read(&mut events, n_more).await;
    }
    assert!(reader.ended);
    assert_eq!(reader.lines, writer.lines);
    assert_eq!(n_runs(&served, id).await, NEW_RUNS.len() + 1);
    assert!(writer.n_segments > 20, "{} segments", writer.n_segments);
}

async fn n_runs(served: &Served, id: TaskId) -> usize {
    usize::try_from(served.api.platform.task(id).await.run_count).unwrap()
}
