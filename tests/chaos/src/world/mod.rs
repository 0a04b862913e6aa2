//! The cluster and its users: [built](build), put under load, [broken](suffer) by a plan, brought to rest, and judged.

mod build;
mod suffer;

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context, Result};
use rand::SeedableRng;
use rand::rngs::StdRng;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

use crate::Args;
use crate::check::{FIRST_PRIORITY, check};
use crate::client::{Client, Shared};
use crate::fault::{Fault, plan};
use crate::fleet::{Member, faketime, kill_all};
use crate::history::{Answer, History};
use crate::machine::{Machines, is_mighty};
use crate::report::Report;
use crate::service::Service;
use crate::volume::Volume;

/// Everything. What is first here goes first.
pub(crate) struct World {
    members: Vec<Member>,
    redis: Service,
    postgres: Service,
    database: Volume,
    logs: Volume,
    _machines: Machines,
    http: reqwest::Client,
    random: StdRng,
    token: String,
    data_dir: PathBuf,
    records: PathBuf,
    n_probes: u32,
    home: tempfile::TempDir,
}

impl World {
    /// Load, faults, rest, judgement.
    ///
    /// # Errors
    /// If it cannot be brought to rest.
    pub(crate) async fn run(mut self, args: &Args) -> Result<Report> {
        let begun = Instant::now();
        let shared = Arc::new(self.shared(args, begun));
        let (stop, stopped) = watch::channel(false);
        let mut clients = tokio::task::JoinSet::new();
        for user in 0..args.users {
            let client = self.client(&shared, user, args.seed).await?;
            clients.spawn(client.run(stopped.clone()));
        }
        let wanted = if args.only.is_empty() {
            &Fault::ALL
        } else {
            args.only.as_slice()
        };
        let kinds: Vec<Fault> = wanted
            .iter()
            .copied()
            .filter(|fault| is_mighty() || !fault.needs_root())
            .filter(|fault| *fault != Fault::JumpClock || faketime().is_some())
            .collect();
        let mut recoveries = Vec::new();
        for planned in plan(&mut self.random, args.faults, &kinds) {
            sleep(planned.calm).await;
            let after = self.suffer(&shared, planned).await?;
            eprintln!(
                "{:>6.1} s  {:?} for {:?}: {after:?}",
                begun.elapsed().as_secs_f64(),
                planned.fault,
                planned.lasts
            );
            recoveries.push((planned.fault, after));
        }
        while shared.len() < args.operations && !clients.is_empty() {
            sleep(Duration::from_millis(100)).await;
        }
        let _ = stop.send(true);
        let mut clients = clients.join_all().await;
        self.come_to_rest(&shared).await?;
        for client in &mut clients {
            client.last_look().await?;
        }
        let report = self.report(args, &shared, recoveries, begun.elapsed())?;
        if args.keep || !report.is_good() {
            let kept = self.home.path().display();
            eprintln!("the logs of all are in {kept}");
            for member in &self.members {
                eprintln!("  {}", member.log().display());
            }
            self.home.disable_cleanup(true);
        }
        Ok(report)
    }

    fn shared(&self, args: &Args, begun: Instant) -> Shared {
        let servers = self.members.iter().filter(|member| member.answers());
        Shared {
            http: self.http.clone(),
            urls: servers.map(Member::url).collect(),
            task: json!({
                "priority": FIRST_PRIORITY,
                "spec": {"workspace": self.records, "entrypoint": "task.sh"},
                "resource": {"nodeCount": 1},
            }),
            begun,
            history: Mutex::new(History::default()),
            next: AtomicU64::new(1),
            pause: Duration::from_millis(args.pause),
            // Faults may take longer than the operations: the load goes on meanwhile.
            most: if args.faults == 0 {
                args.operations
            } else {
                usize::MAX
            },
        }
    }

    /// A new user.
    async fn client(&self, shared: &Arc<Shared>, user: usize, seed: u64) -> Result<Client> {
        const CREATE: &str = "mutation($n: String!) { createUser(input: {name: $n}) { token } }";
        let name = format!("user{user}");
        let mut made = None;
        for url in shared.urls.iter().cycle().take(20) {
            made = shared
                .ask(url, &self.token, CREATE, json!({"n": name}))
                .await;
            if made.is_some() {
                break;
            }
        }
        let made = made.context("no answer")?.map_err(anyhow::Error::msg)?;
        let token = made.pointer("/createUser/token").and_then(Value::as_str);
        Ok(Client {
            shared: Arc::clone(shared),
            user,
            name,
            token: token.context("a new user has a token")?.to_owned(),
            admin: self.token.clone(),
            random: StdRng::seed_from_u64(seed ^ (user as u64 + 1) << 32),
            tasks: Vec::new(),
            all: Vec::new(),
        })
    }

    /// Waits until every task has ended or is on hold.
    async fn come_to_rest(&self, shared: &Shared) -> Result<()> {
        const LIVE: &str =
            "query { tasks(first: 200, filter: { states: [WAITING_INIT, RUNNING, SUSPENDED] }) {
            nodes { id desired state } } }";
        let last = Mutex::new(Value::Null);
        let rest = async {
            for url in shared.urls.iter().cycle() {
                let answer = shared.ask(url, &self.token, LIVE, json!({})).await;
                if let Some(Err(code)) = &answer {
                    note(&last, json!(code));
                }
                if let Some(Ok(data)) = answer {
                    let nodes = data.pointer("/tasks/nodes").and_then(Value::as_array);
                    note(&last, data.clone());
                    let is_held =
                        |task: &Value| task["desired"] == "HOLD" && task["state"] != "RUNNING";
                    if nodes.is_some_and(|nodes| nodes.iter().all(is_held)) {
                        return;
                    }
                }
                sleep(Duration::from_millis(200)).await;
            }
        };
        let rested = timeout(Duration::from_secs(120), rest).await;
        rested.with_context(|| {
            let last = last.into_inner().unwrap_or_default();
            format!("it does not come to rest: {last}")
        })
    }

    fn report(
        &self,
        args: &Args,
        shared: &Shared,
        recoveries: Vec<(Fault, Option<Duration>)>,
        took: Duration,
    ) -> Result<Report> {
        let history = shared
            .history
            .lock()
            .map_err(|_| anyhow::anyhow!("a client has panicked"))?;
        let tasks: BTreeSet<_> = history
            .tasks
            .iter()
            .map(|operation| operation.task)
            .collect();
        let mut runs = 0;
        for entry in fs::read_dir(&self.records)? {
            let entry = entry?;
            if entry.file_name().to_string_lossy().starts_with("task-") {
                runs += fs::read_to_string(entry.path())?.lines().count();
            }
        }
        let doubles = fs::read_to_string(self.records.join("doubles"))?;
        Ok(Report {
            seed: args.seed,
            operations: history.len(),
            unknown: history
                .tasks
                .iter()
                .filter(|it| it.answer == Answer::Unknown)
                .count(),
            tasks: tasks.len(),
            runs,
            recoveries,
            violations: check(&history),
            doubles: doubles.lines().map(str::to_owned).collect(),
            took,
        })
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.members.clear();
        kill_all(&self.data_dir);
    }
}

fn note(last: &Mutex<Value>, value: Value) {
    if let Ok(mut last) = last.lock() {
        *last = value;
    }
}
