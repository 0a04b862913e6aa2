//! GraphQL in, JSON out.

use std::collections::BTreeSet;

use anyhow::{Context, Result, bail};
use futures_util::{Stream, StreamExt};
use serde_json::{Value, json};
use transport::{Connection, Operation};

use crate::within;

/// A task as a test looks at it.
pub(crate) const TASK: &str = "
    id name state outcome stopCode exitCode wait { reason message }
    currentRun { number state drainReason message pods { rank node state exitCode message } }";

/// A client with a token.
#[derive(Debug)]
pub struct Client {
    connection: Connection,
    url: String,
    token: String,
}

impl Client {
    /// Connects and signs in.
    ///
    /// # Errors
    /// If the server does not answer or does not accept the token.
    pub async fn connect(url: &str, token: &str) -> Result<Self> {
        Ok(Self {
            connection: Connection::open(url, Some(token)).await?,
            url: url.to_owned(),
            token: token.to_owned(),
        })
    }

    /// The same over TLS with the server that has this certificate.
    ///
    /// # Errors
    /// As [`Client::connect`].
    pub async fn trusting(url: &str, token: &str, certificate: &str) -> Result<Self> {
        let trust = transport::trust_only(certificate)?;
        Ok(Self {
            connection: Connection::open_trusting(url, Some(token), trust).await?,
            url: url.to_owned(),
            token: token.to_owned(),
        })
    }

    /// The `data` of a query or mutation.
    ///
    /// # Errors
    /// What the server says.
    pub async fn ask(&self, query: &str, variables: Value) -> Result<Value, transport::Error> {
        self.connection.execute(operation(query, variables)).await
    }

    /// The `data` of each event.
    pub fn subscribe(
        &self,
        query: &str,
        variables: Value,
    ) -> impl Stream<Item = Result<Value, transport::Error>> + use<> {
        self.connection.subscribe(operation(query, variables))
    }

    /// The whole answer over HTTP, errors included, and its status.
    ///
    /// # Errors
    /// If there is no answer, or none in JSON.
    pub async fn post(&self, body: &Value) -> Result<(u16, Value)> {
        let request = reqwest::Client::new()
            .post(format!("{}/graphql", self.url))
            .bearer_auth(&self.token)
            .json(body);
        let answer = within(request.send()).await??;
        let status = answer.status().as_u16();
        Ok((status, within(answer.json()).await??))
    }

    /// Submits a task whose command is `bash SCRIPT`, and answers its id.
    ///
    /// # Errors
    /// What the server says.
    pub async fn submit(&self, name: &str, script: &std::path::Path, nodes: u32) -> Result<String> {
        self.submit_with(name, script, nodes, json!({})).await
    }

    /// The same with options.
    ///
    /// # Errors
    /// What the server says.
    pub async fn submit_with(
        &self,
        name: &str,
        script: &std::path::Path,
        nodes: u32,
        options: Value,
    ) -> Result<String> {
        let workspace = script.parent().context("the script is in a directory")?;
        let input = json!({
            "name": name,
            "spec": {
                "workspace": workspace,
                "entrypoint": script.file_name().and_then(|name| name.to_str()),
            },
            "resource": {"nodeCount": nodes},
            "options": options,
        });
        self.submit_input(&input, None).await
    }

    /// Submits whatever is asked for, under a key if it may be repeated, and answers the task's id.
    ///
    /// # Errors
    /// What the server says.
    pub async fn submit_input(&self, input: &Value, key: Option<&str>) -> Result<String> {
        let query = "mutation($input: TaskInput!, $key: String) {
            submitTask(input: $input, idempotencyKey: $key) { id } }";
        let data = self.ask(query, json!({"input": input, "key": key})).await?;
        text(&data, "/submitTask/id")
    }

    /// Creates a user without groups, and answers the token.
    ///
    /// # Errors
    /// If the name is taken.
    pub async fn create_user(&self, name: &str) -> Result<String> {
        let query = "mutation($name: String!) { createUser(input: {name: $name}) { token } }";
        let data = self.ask(query, json!({"name": name})).await?;
        text(&data, "/createUser/token")
    }

    /// The runs of a task, oldest first: why each drained and how it ended.
    ///
    /// # Errors
    /// What the server says.
    pub async fn runs(&self, id: &str) -> Result<Vec<(String, String)>> {
        let query = "query($id: ID!) { task(id: $id) { runs { nodes { drainReason outcome } } } }";
        let data = self.ask(query, json!({"id": id})).await?;
        let runs = data
            .pointer("/task/runs/nodes")
            .and_then(Value::as_array)
            .with_context(|| format!("no runs in {data}"))?;
        let word = |value: &Value| value.as_str().unwrap_or("-").to_owned();
        Ok(runs
            .iter()
            .rev()
            .map(|run| (word(&run["drainReason"]), word(&run["outcome"])))
            .collect())
    }

    /// Waits until a task looks as wanted, and answers how it looks then.
    ///
    /// # Errors
    /// If it finishes without ever looking so.
    pub async fn wait_for(&self, id: &str, wanted: impl Fn(&Value) -> bool) -> Result<Value> {
        let query = format!("subscription($id: ID!) {{ taskChanged(id: $id) {{ {TASK} }} }}");
        let mut states = Box::pin(self.subscribe(&query, json!({"id": id})));
        let mut seen = Vec::new();
        while let Some(data) = within(states.next())
            .await
            .with_context(|| format!("{seen:#?}"))?
        {
            let task = data?["taskChanged"].take();
            if wanted(&task) {
                return Ok(task);
            }
            seen.push(task);
        }
        bail!("task {id} never looked as wanted: {seen:#?}")
    }

    /// Waits until a task is finished.
    ///
    /// # Errors
    /// If the connection breaks.
    pub async fn finished(&self, id: &str) -> Result<Value> {
        self.wait_for(id, |task| task["state"] == "FINISHED").await
    }

    /// Waits until every rank of a task runs its command.
    ///
    /// # Errors
    /// If it never does.
    pub async fn running(&self, id: &str) -> Result<Value> {
        let all_run = |task: &Value| {
            let pods = task.pointer("/currentRun/pods").and_then(Value::as_array);
            pods.is_some_and(|pods| pods.iter().all(|pod| pod["state"] == "RUNNING"))
        };
        self.wait_for(id, all_run).await
    }

    /// The lines of a rank, followed until the task is finished.
    ///
    /// # Errors
    /// If the stream breaks.
    pub async fn follow_log(&self, id: &str, rank: u32) -> Result<Vec<String>> {
        let query = "subscription($id: ID!, $rank: Int!) { taskLogAppended(id: $id, rank: $rank) {
            items { text partial cursor } ended } }";
        let mut events = Box::pin(self.subscribe(query, json!({"id": id, "rank": rank})));
        let mut items = Vec::new();
        let mut cursors = BTreeSet::new();
        while let Some(data) = within(events.next()).await? {
            let data = data?;
            let new = data
                .pointer("/taskLogAppended/items")
                .and_then(Value::as_array);
            for item in new.context("an event has items")? {
                if !cursors.insert(text(item, "/cursor")?) {
                    bail!("an item came twice: {item}");
                }
                items.push(item.clone());
            }
        }
        Ok(lines(&items))
    }

    /// The lines of a rank as stored, page by page.
    ///
    /// # Errors
    /// What the server says.
    pub async fn log(&self, id: &str, rank: u32) -> Result<Vec<String>> {
        let query = "query($id: ID!, $rank: Int!, $after: String) {
            taskLog(id: $id, rank: $rank, after: $after, first: 3) {
                items { text partial } cursor hasNext } }";
        let mut items = Vec::new();
        let mut after = Value::Null;
        loop {
            let variables = json!({"id": id, "rank": rank, "after": after});
            let mut page = self.ask(query, variables).await?["taskLog"].take();
            items.extend(page["items"].as_array().cloned().unwrap_or_default());
            after = page["cursor"].take();
            if page["hasNext"] != true {
                return Ok(lines(&items));
            }
        }
    }
}

fn operation(query: &str, variables: Value) -> Operation {
    let mut operation = Operation::new(query);
    if let Value::Object(variables) = variables {
        operation.variables = variables;
    }
    operation
}

fn text(value: &Value, at: &str) -> Result<String> {
    let found = value.pointer(at).and_then(Value::as_str);
    Ok(found
        .with_context(|| format!("no text at {at} in {value}"))?
        .to_owned())
}

/// Whole lines from items, of which a partial one goes on in the next.
fn lines(items: &[Value]) -> Vec<String> {
    let mut lines = vec![String::new()];
    for item in items {
        if let Some(line) = lines.last_mut() {
            line.push_str(item["text"].as_str().unwrap_or_default());
        }
        if item["partial"] != true {
            lines.push(String::new());
        }
    }
    if lines.last().is_some_and(String::is_empty) {
        lines.pop();
    }
    lines
}
