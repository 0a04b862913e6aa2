//! What the demonstration asks of the API, as any client would.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use chrono::{DateTime, Utc};
use futures_util::{Stream, StreamExt};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use transport::{Connection, Operation};

/// A signed-in client.
#[derive(Debug)]
pub(super) struct Client(Connection);

/// A training that somebody submits.
#[derive(Debug)]
pub(super) struct Training<'a> {
    pub(super) name: &'a str,
    pub(super) priority: &'a str,
    pub(super) code: &'a Path,
    pub(super) steps: u32,
    /// Where it leaves its checkpoint and its result.
    pub(super) out: PathBuf,
}

/// What is known of a run afterwards.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RunFacts {
    pub(super) number: i32,
    pub(super) priority: String,
    pub(super) outcome: Option<String>,
    /// Why it ended, in a word.
    pub(super) drain_reason: Option<String>,
    /// The same in a sentence, where there is more to say.
    pub(super) message: Option<String>,
    /// Why it began.
    pub(super) start_message: Option<String>,
    pub(super) created_at: DateTime<Utc>,
    pub(super) ended_at: Option<DateTime<Utc>>,
    pub(super) pods: Vec<GaveWay>,
}

/// How far a rank came with giving way.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(super) struct GaveWay {
    pub(super) rank: i32,
    pub(super) suspend: Option<String>,
}

/// A task as the demonstration looks at it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Task {
    pub(super) state: String,
    pub(super) outcome: Option<String>,
    pub(super) wait: Option<Wait>,
    pub(super) current_run: Option<Run>,
}

/// Why it waits.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(super) struct Wait {
    pub(super) message: String,
}

/// Its newest run.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(super) struct Run {
    pub(super) number: i32,
    pub(super) state: String,
    pub(super) pods: Vec<Pod>,
}

/// A rank of the run.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(super) struct Pod {
    pub(super) node: String,
    pub(super) state: String,
}

/// New lines of a log.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(super) struct LogEvent {
    pub(super) items: Vec<LogItem>,
}

/// One line.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(super) struct LogItem {
    pub(super) run: i32,
    pub(super) text: String,
    pub(super) partial: bool,
}

/// One group of nodes.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(super) struct Group {
    pub(super) nodes: i32,
    pub(super) free: i32,
}

const TASK: &str = "state outcome wait { message } currentRun { number state pods { node state } }";

impl Client {
    /// Signs in.
    pub(super) async fn connect(url: &str, token: &str) -> Result<Self> {
        let connection = Connection::open(url, Some(token)).await;
        Ok(Self(
            connection.context("the platform's API cannot be reached")?,
        ))
    }

    /// Creates a user and answers the token.
    pub(super) async fn create_user(&self, name: &str) -> Result<String> {
        let query = "mutation($name: String!) { createUser(input: {name: $name}) { token } }";
        self.ask(
            Operation::new(query).variable("name", name),
            "/createUser/token",
        )
        .await
    }

    /// Submits a training on two nodes that tells of each step, and answers its number.
    pub(super) async fn submit(&self, training: &Training<'_>) -> Result<String> {
        let query = "mutation($input: TaskInput!) { submitTask(input: $input) { id } }";
        let input = json!({
            "name": training.name,
            "priority": training.priority,
            "spec": {
                "workspace": training.code,
                "entrypoint": "train.py",
                "parameters": format!(
                    "--steps {} --log-every 1 --out {}",
                    training.steps,
                    training.out.display()
                ),
            },
            "resource": {"nodeCount": 2},
        });
        let operation = Operation::new(query).variable("input", input);
        self.ask(operation, "/submitTask/id").await
    }

    /// The runs of a task, oldest first.
    pub(super) async fn runs(&self, id: &str) -> Result<Vec<RunFacts>> {
        let query = "query($id: ID!) { task(id: $id) { runs(first: 10) { nodes {
            number priority outcome drainReason message startMessage createdAt endedAt pods { rank suspend } } } } }";
        let operation = Operation::new(query).variable("id", id);
        let mut runs: Vec<RunFacts> = self.ask(operation, "/task/runs/nodes").await?;
        runs.reverse();
        Ok(runs)
    }

    /// The states of a task until it is finished.
    pub(super) fn follow_task(&self, id: &str) -> impl Stream<Item = Result<Task>> + use<> {
        let query = format!("subscription($id: ID!) {{ taskChanged(id: $id) {{ {TASK} }} }}");
        self.0
            .subscribe(Operation::new(query).variable("id", id))
            .map(|data| read(&data?, "/taskChanged"))
    }

    /// The log of a rank until the task is finished.
    pub(super) fn follow_log(
        &self,
        id: &str,
        rank: i32,
    ) -> impl Stream<Item = Result<LogEvent>> + use<> {
        let query = "subscription($id: ID!, $rank: Int!) {
            taskLogAppended(id: $id, rank: $rank) { items { run text partial } } }";
        let operation = Operation::new(query)
            .variable("id", id)
            .variable("rank", rank);
        self.0
            .subscribe(operation)
            .map(|data| read(&data?, "/taskLogAppended"))
    }

    /// The whole log of a rank, read afterwards.
    pub(super) async fn log(&self, id: &str, rank: i32) -> Result<Vec<LogItem>> {
        let query = "query($id: ID!, $rank: Int!) { taskLog(id: $id, rank: $rank) { items { run text partial } } }";
        let operation = Operation::new(query)
            .variable("id", id)
            .variable("rank", rank);
        self.ask(operation, "/taskLog/items").await
    }

    /// The groups of nodes.
    pub(super) async fn groups(&self) -> Result<Vec<Group>> {
        let query = "{ clusterOverview { groups { nodes free } } }";
        self.ask(Operation::new(query), "/clusterOverview/groups")
            .await
    }

    async fn ask<T: DeserializeOwned>(&self, operation: Operation, at: &str) -> Result<T> {
        read(&self.0.execute(operation).await?, at)
    }
}

fn read<T: DeserializeOwned>(data: &Value, at: &str) -> Result<T> {
    let value = data.pointer(at).cloned().unwrap_or_default();
    serde_json::from_value(value).with_context(|| format!("the answer has no usable {at}"))
}
