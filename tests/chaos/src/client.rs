//! A user under load: submits, stops, holds, resumes and changes his tasks at any server, and notes what he is told.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use rand::RngExt;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::history::{Answer, Ask, History, Operation, PRIORITIES, QuotaOperation, Seen, Wanted};

/// What all clients share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) http: reqwest::Client,
    /// Base addresses of those who answer.
    pub(crate) urls: Vec<String>,
    /// The document of a task without its name.
    pub(crate) task: Value,
    pub(crate) begun: Instant,
    pub(crate) history: Mutex<History>,
    pub(crate) next: AtomicU64,
    pub(crate) most: usize,
    /// Longest time between two operations of a user.
    pub(crate) pause: Duration,
}

impl Shared {
    /// Notes what a client was told. Says whether there is to be more.
    fn note(&self, note: impl FnOnce(&mut History)) -> bool {
        let mut history = self.history.lock().unwrap_or_else(PoisonError::into_inner);
        note(&mut history);
        history.len() < self.most
    }

    /// How many operations there were.
    pub(crate) fn len(&self) -> usize {
        self.history
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .len()
    }

    /// One GraphQL operation at one server: `data`, or the code of the error; `None` if nobody knows what became of it.
    pub(crate) async fn ask(
        &self,
        url: &str,
        token: &str,
        query: &str,
        variables: Value,
    ) -> Option<Result<Value, String>> {
        let request = self
            .http
            .post(format!("{url}/graphql"))
            .bearer_auth(token)
            .json(&json!({"query": query, "variables": variables}));
        let mut answer: Value = request.send().await.ok()?.json().await.ok()?;
        if let Some(code) = answer.pointer("/errors/0/extensions/code") {
            return match code.as_str().unwrap_or_default() {
                // It may have been done before the database went.
                "UNAVAILABLE" | "INTERNAL" => None,
                code => Some(Err(code.to_owned())),
            };
        }
        Some(Ok(answer["data"].take()))
    }
}

/// One user.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) shared: Arc<Shared>,
    pub(crate) user: usize,
    pub(crate) name: String,
    pub(crate) token: String,
    /// The administrator's, for the user's quota.
    pub(crate) admin: String,
    pub(crate) random: StdRng,
    /// Tasks that may still live: their ids, once known.
    pub(crate) tasks: Vec<(Wanted, Option<String>)>,
    /// All tasks ever wanted, for the last look.
    pub(crate) all: Vec<(Wanted, Option<String>)>,
}

/// Most tasks of a user that may live at a time.
const MOST_LIVE: usize = 6;

const FIELDS: &str = "id state desired priority outcome runCount";

impl Client {
    /// Goes on until there are enough operations in the history or `stop` says so.
    pub(crate) async fn run(mut self, stop: tokio::sync::watch::Receiver<bool>) -> Self {
        while !*stop.borrow() {
            let more = match self.random.random_range(0..100) {
                0..4 => self.quota().await,
                _ => self.step().await,
            };
            if !more {
                break;
            }
            let pause = self.random.random_range(0.0..=1.0);
            sleep(self.shared.pause.mul_f64(pause)).await;
        }
        self
    }

    async fn step(&mut self) -> bool {
        if self.tasks.len() < MOST_LIVE && self.random.random_bool(0.3) || self.tasks.is_empty() {
            let wanted = Wanted(self.shared.next.fetch_add(1, Ordering::Relaxed));
            self.tasks.push((wanted, None));
        }
        let place = self.random.random_range(0..self.tasks.len());
        let ask = match self.tasks[place].1 {
            None => Ask::Submit,
            Some(_) => match self.random.random_range(0..100) {
                0..12 => Ask::Stop,
                12..27 => Ask::Suspend,
                27..47 => Ask::Resume,
                47..80 => Ask::Priority(self.random.random_range(0..PRIORITIES.len())),
                80..84 => Ask::Submit,
                _ => Ask::Look,
            },
        };
        let (wanted, id) = self.tasks[place].clone();
        let operation = self.operate(wanted, id.as_deref(), ask).await;
        match (&operation.answer, ask) {
            (Answer::Done(seen), _) => {
                self.tasks[place].1 = Some(seen.id.clone());
                if seen.is_finished() && self.random.random_bool(0.7) {
                    self.all.push(self.tasks.swap_remove(place));
                }
            }
            (Answer::Refused(_), _) => {}
            // As a person would: not at once again.
            (Answer::Unknown, _) => sleep(Duration::from_millis(50)).await,
        }
        self.shared.note(|history| history.tasks.push(operation))
    }

    /// Asks any server.
    pub(crate) async fn operate(
        &mut self,
        wanted: Wanted,
        id: Option<&str>,
        ask: Ask,
    ) -> Operation {
        let (query, variables, field) = match ask {
            Ask::Submit => {
                let mut input = self.shared.task.clone();
                input["name"] = json!(format!("t{}", wanted.0));
                (
                    format!(
                        "mutation($i: TaskInput!, $k: String) {{ submitTask(input: $i, idempotencyKey: $k) {{ {FIELDS} }} }}"
                    ),
                    json!({"i": input, "k": format!("key-{}", wanted.0)}),
                    "submitTask",
                )
            }
            Ask::Stop => of_task("stopTask", id),
            Ask::Suspend => of_task("suspendTask", id),
            Ask::Resume => of_task("resumeTask", id),
            Ask::Priority(place) => (
                format!(
                    "mutation($id: ID!, $p: Priority!) {{ updateTaskPriority(id: $id, input: {{ priority: $p, forEveryRun: true }}) {{ {FIELDS} }} }}"
                ),
                json!({"id": id, "p": PRIORITIES[place]}),
                "updateTaskPriority",
            ),
            Ask::Look => (
                format!("query($id: ID!) {{ task(id: $id) {{ {FIELDS} }} }}"),
                json!({"id": id}),
                "task",
            ),
        };
        let url = self.server();
        let asked = self.shared.begun.elapsed();
        let answer = self.shared.ask(&url, &self.token, &query, variables).await;
        let answered = self.shared.begun.elapsed();
        let answer = match answer {
            None => Answer::Unknown,
            Some(Err(code)) => Answer::Refused(code),
            Some(Ok(mut data)) => match serde_json::from_value::<Seen>(data[field].take()) {
                Ok(seen) => Answer::Done(seen),
                // A look at what is not there gives nothing.
                Err(_) => Answer::Refused("NOT_FOUND".to_owned()),
            },
        };
        Operation {
            task: wanted,
            ask,
            asked,
            answered,
            answer,
        }
    }

    /// Writes or reads the user's quota at a level at which no task is.
    async fn quota(&mut self) -> bool {
        const WRITE: &str = "mutation($o: String!, $n: Int!) { setQuota(input: {
            owner: $o, group: \"training\", priority: EXTREME_HIGH, nodes: $n }) { nodes } }";
        const READ: &str = "query($o: String!) { quotas(filter: { owner: $o }, first: 500) { nodes { priority nodes } } }";
        let wrote = self
            .random
            .random_bool(0.5)
            .then(|| self.random.random_range(1..1000));
        let url = self.server();
        let asked = self.shared.begun.elapsed();
        let told = match wrote {
            Some(nodes) => {
                let variables = json!({"o": self.name, "n": nodes});
                let answer = self.shared.ask(&url, &self.admin, WRITE, variables).await;
                answer.and_then(|data| data.ok()?.pointer("/setQuota/nodes")?.as_i64())
            }
            None => {
                let answer = self
                    .shared
                    .ask(&url, &self.admin, READ, json!({"o": self.name}))
                    .await;
                answer.and_then(|data| {
                    let data = data.ok()?;
                    let rows = data.pointer("/quotas/nodes")?.as_array()?;
                    let row = rows.iter().find(|row| row["priority"] == "EXTREME_HIGH")?;
                    row["nodes"].as_i64()
                })
            }
        };
        let operation = QuotaOperation {
            user: self.user,
            wrote,
            told,
            asked,
            answered: self.shared.begun.elapsed(),
        };
        self.shared.note(|history| history.quotas.push(operation))
    }

    fn server(&mut self) -> String {
        let url = self.shared.urls.choose(&mut self.random);
        url.cloned().unwrap_or_default()
    }

    /// The last look at every task, when everything has come to rest: an answer is waited for.
    ///
    /// # Errors
    /// If there is none within a minute.
    pub(crate) async fn last_look(&mut self) -> Result<()> {
        let live = std::mem::take(&mut self.tasks);
        self.all.extend(live);
        for (wanted, id) in self.all.clone() {
            let begun = Instant::now();
            loop {
                // One whose submit was never answered may be there or not; asked once more, it is.
                let ask = if id.is_some() { Ask::Look } else { Ask::Submit };
                let operation = self.operate(wanted, id.as_deref(), ask).await;
                let is_known = operation.answer != Answer::Unknown;
                self.shared.note(|history| history.tasks.push(operation));
                if is_known {
                    break;
                }
                if begun.elapsed() > Duration::from_secs(60) {
                    return Err(anyhow::anyhow!("nobody answers any more"))
                        .context("the last look");
                }
                sleep(Duration::from_millis(100)).await;
            }
        }
        Ok(())
    }
}

fn of_task(field: &'static str, id: Option<&str>) -> (String, Value, &'static str) {
    let query = format!("mutation($id: ID!) {{ {field}(id: $id) {{ {FIELDS} }} }}");
    (query, json!({"id": id}), field)
}
