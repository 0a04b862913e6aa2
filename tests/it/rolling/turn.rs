//! A user under load: submits, submits again, follows to the end or stops, turn after turn.

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use rand::RngExt;
use rand::rngs::StdRng;
use serde_json::{Value, json};
use tokio::sync::watch;

use super::place::Place;
use super::reader::Wire;
use super::watcher::{lines, states};

/// What each task does.
pub(super) const SCRIPT: &str = "for i in 1 2 3 4 5; do echo \"line $i\"; done\n";
/// So often a task is submitted until everybody who follows all tasks is known to do so.
const MARKERS: usize = 1000;

const SUBMIT: &str = "mutation($input: TaskInput!, $key: String) {
    submitTask(input: $input, idempotencyKey: $key) { id } }";
const STOP: &str = "mutation($id: ID!) { stopTask(id: $id) { id } }";

/// One user.
#[derive(Debug)]
pub(super) struct User {
    pub(super) name: &'static str,
    pub(super) token: String,
    pub(super) place: Place,
    pub(super) script: PathBuf,
    pub(super) random: StdRng,
    /// Name and id of every task of which he was told that it is there.
    pub(super) acknowledged: Vec<(String, String)>,
    /// How many of them came before everybody was known to follow.
    pub(super) n_markers: usize,
    /// How many requests had to be repeated.
    pub(super) repeated: usize,
    pub(super) turns: watch::Sender<usize>,
}

impl User {
    /// One turn after the other until it is enough.
    pub(super) async fn run(
        mut self,
        ready: Vec<watch::Receiver<bool>>,
        stopped: watch::Receiver<bool>,
    ) -> Result<Self> {
        let is_ready = || ready.iter().all(|ready| *ready.borrow());
        for _ in 0..MARKERS {
            if is_ready() {
                break;
            }
            let id = self.submit().await?;
            self.stop(&id).await?;
        }
        ensure!(is_ready(), "what all do is not seen");
        self.n_markers = self.acknowledged.len();
        while !*stopped.borrow() {
            let turn = self.turn().await;
            turn.with_context(|| format!("{}: {:?}", self.name, self.acknowledged.last()))?;
            self.turns.send_modify(|n| *n += 1);
        }
        Ok(self)
    }

    async fn turn(&mut self) -> Result<()> {
        let id = self.submit().await?;
        let is_stopped = self.random.random_bool(0.3);
        if is_stopped {
            self.stop(&id).await?;
        }
        let (slot, other) = (self.slot(), self.slot());
        let mut log = self.place.reader(&self.token, Wire::Events, slot);
        let mut state = self.place.reader(&self.token, Wire::WebSocket, other);
        // Whoever of these two is cut goes to where the other one is already, and asks the same.
        let mut beside = self.place.reader(&self.token, Wire::Events, other + 1);
        let followed = tokio::try_join!(
            lines(&mut log, &id, |_| {}),
            states(&mut state, &id),
            states(&mut beside, &id)
        );
        let (lines, last, last_beside) = followed?;
        ensure!(last == last_beside, "{last} {last_beside}");
        let expected: Vec<String> = (1..=5).map(|n| format!("line {n}")).collect();
        match last["outcome"].as_str() {
            Some("SUCCEEDED") => ensure!(lines == expected, "{lines:?}"),
            Some("STOPPED") if is_stopped => {
                ensure!(expected.starts_with(&lines), "{lines:?}");
            }
            _ => anyhow::bail!("{last}"),
        }
        Ok(())
    }

    /// Submits the next task at any server, and sometimes once more at the other.
    async fn submit(&mut self) -> Result<String> {
        let name = format!("{}-{}", self.name, self.acknowledged.len());
        let workspace = self.script.parent();
        let entrypoint = self.script.file_name().and_then(|it| it.to_str());
        let input = json!({
            "name": name,
            "spec": {"workspace": workspace, "entrypoint": entrypoint},
            "resource": {"nodeCount": 1},
        });
        let variables = json!({"input": input, "key": format!("key of {name}")});
        let slot = self.slot();
        let id = self.ask(slot, SUBMIT, &variables).await?;
        if self.random.random_bool(0.3) {
            let again = self.ask(slot + 1, SUBMIT, &variables).await?;
            ensure!(again == id, "one key, two tasks: {id} {again}");
        }
        let id = id.pointer("/submitTask/id").and_then(Value::as_str);
        let id = id.context("a task has an id")?.to_owned();
        self.acknowledged.push((name, id.clone()));
        Ok(id)
    }

    async fn stop(&mut self, id: &str) -> Result<()> {
        let slot = self.slot();
        self.ask(slot, STOP, &json!({"id": id})).await?;
        Ok(())
    }

    async fn ask(&mut self, slot: usize, query: &str, variables: &Value) -> Result<Value> {
        let body = json!({"query": query, "variables": variables});
        let repeated = &mut self.repeated;
        self.place.ask(&self.token, slot, &body, repeated).await
    }

    fn slot(&mut self) -> usize {
        self.random.random_range(0..2)
    }
}
