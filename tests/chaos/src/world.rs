//! The cluster and its users: built, put under load, broken by a plan, brought to rest, and judged.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use nix::sys::signal::{Signal, kill};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

use crate::Args;
use crate::check::{FIRST_PRIORITY, check};
use crate::client::{Client, Shared};
use crate::fault::{Fault, Planned, plan};
use crate::fleet::{Member, Site, agents, faketime, kill_all};
use crate::history::{Answer, History};
use crate::machine::Machines;
use crate::report::Report;
use crate::service::Service;
use crate::volume::Volume;

/// Nodes: more than tasks that live at a time, so that what starts late was not waiting for room.
const NODES: u32 = 160;
/// Where everything listens.
const PORTS: [u16; 2] = [5432, 6379];
/// Longest that a process may take to stop in good order.
const LONGEST_STOP: Duration = Duration::from_secs(11);
/// Longest that a fault may be felt.
const PATIENCE: Duration = Duration::from_secs(60);
/// What a task does: it notes whom it meets, and takes up to two seconds.
const SCRIPT: &str = r#"umask 000
me="$MARSV2_TASK_ID.$MARSV2_RANK"
exec 8>>"task-$me" 9>>"node-$MARSV2_NODE_NAME"
flock -n 8 || echo "task $me meets itself: run $MARSV2_RUN on $MARSV2_NODE_NAME" >>doubles
flock -n 9 || echo "node $MARSV2_NODE_NAME is held by another: task $me run $MARSV2_RUN" >>doubles
echo "$MARSV2_RUN" >>"task-$me"
sleep "$((RANDOM % 2)).$((RANDOM % 10))"
"#;

/// Everything. What is first here goes first.
pub(crate) struct World {
    members: Vec<Member>,
    redis: Service,
    postgres: Service,
    database: Volume,
    logs: Volume,
    machines: Machines,
    http: reqwest::Client,
    random: StdRng,
    token: String,
    data_dir: PathBuf,
    records: PathBuf,
    n_probes: u32,
    home: tempfile::TempDir,
}

impl World {
    /// A cluster that is up.
    ///
    /// # Errors
    /// If it does not come up.
    pub(crate) async fn new(args: &Args) -> Result<Self> {
        let mut home = tempfile::Builder::new()
            .prefix("hai-chaos-")
            .tempdir_in("/tmp")?;
        home.disable_cleanup(args.keep);
        open(home.path(), 0o755)?;
        let at = |name: &str| home.path().join(name);
        let (data_dir, code, records) = (at("platform"), at("code"), at("records"));
        for dir in [&data_dir, &code, &records] {
            fs::create_dir(dir)?;
        }
        open(&data_dir, 0o711)?;
        open(&records, 0o777)?;
        for name in ["doubles".to_owned()]
            .into_iter()
            .chain((1..=NODES).map(|n| format!("node-node-{n}")))
        {
            fs::write(records.join(&name), "")?;
            open(&records.join(&name), 0o666)?;
        }
        fs::write(records.join("task.sh"), SCRIPT)?;
        let logs = Volume::new(&data_dir.join("log"), 64)?;
        open(&data_dir.join("log"), 0o711)?;
        let database = Volume::new(&at("postgres"), 1500)?;
        let mut machines = Machines::new()?;
        let ports = if machines.can_be_cut() {
            PORTS
        } else {
            free_ports()?
        };
        let (db_at, redis_at) = (
            (machines.postgres(), ports[0]),
            (machines.redis(), ports[1]),
        );
        let postgres = Service::postgres(&args.postgres, &at("postgres"), db_at).await?;
        let redis = Service::redis(&at("redis"), redis_at).await?;
        let site = Site {
            program: args.server.clone(),
            data_dir: data_dir.clone(),
            code: code.clone(),
            variables: vec![
                (
                    "HAI_DATABASE_URL".to_owned(),
                    format!("postgres://postgres@{}:{}/postgres", db_at.0, db_at.1),
                ),
                (
                    "HAI_REDIS_URL".to_owned(),
                    format!("redis://{}:{}", redis_at.0, redis_at.1),
                ),
            ],
            records: records.clone(),
            faketime: faketime(),
            nodes: NODES,
        };
        let http = reqwest::Client::builder()
            .timeout(Duration::from_secs(5))
            .no_proxy()
            .build()?;
        let mut members = Vec::new();
        let mut port = 8080;
        for role in ["work", "serve", "serve", "work"] {
            let machine = machines.add()?;
            port += 1;
            if !machines.can_be_cut() {
                port = free_ports()?[0];
            }
            let member = Member::start(&site, role, machine, port)?;
            member.is_ready(&http).await?;
            members.push(member);
        }
        let said: String = members.iter().map(Member::said).collect();
        let token = said
            .split_whitespace()
            .find(|word| word.starts_with("ACCESS-"));
        let token = token.context("the first of them shows a token")?.to_owned();
        Ok(Self {
            members,
            redis,
            postgres,
            database,
            logs,
            machines,
            http,
            random: StdRng::seed_from_u64(args.seed),
            token,
            data_dir,
            records,
            n_probes: 0,
            home,
        })
    }

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
            .filter(|fault| self.machines.can_be_cut() || !fault.needs_root())
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

    /// One fault, from its beginning until tasks start again. Answers how soon that was.
    async fn suffer(&mut self, shared: &Shared, planned: Planned) -> Result<Option<Duration>> {
        let begun = Instant::now();
        let leader = self.leader().await?;
        let server = self.any_that_answers();
        let (postgres, redis) = (self.machines.postgres(), self.machines.redis());
        let lasts = planned.lasts;
        match planned.fault {
            Fault::Nothing => {}
            Fault::KillLeader => self.members[leader].kill(),
            Fault::KillStandby => self.standby(leader).kill(),
            Fault::KillServer => self.members[server].kill(),
            Fault::KillAgent => {
                if let Some(agent) = agents(&self.data_dir).choose(&mut self.random) {
                    let _ = kill(*agent, Signal::SIGKILL);
                }
            }
            Fault::KillPostgres => self.postgres.kill(),
            Fault::StallPostgres => self.postgres.stall(true),
            Fault::StallLeader => self.members[leader].signal(Signal::SIGSTOP)?,
            Fault::KillRedis => self.redis.kill(),
            Fault::FlushRedis => flush((redis, self.redis.port())).await?,
            Fault::CutLeaderFromPostgres => self.members[leader].machine.cut(postgres)?,
            Fault::CutServerFromPostgres => self.members[server].machine.cut(postgres)?,
            Fault::CutServerFromRedis => self.members[server].machine.cut(redis)?,
            Fault::CutAgentsFromServer => {
                let other = self.members[server].machine.address;
                self.members[leader].machine.cut(other)?;
            }
            Fault::FillLogs => self.logs.fill()?,
            Fault::FillDatabase => self.database.fill()?,
            Fault::JumpClock => self.members[leader].set_clock("+3600")?,
            Fault::RollingRestart => self.restart_all().await?,
        }
        let probe = if planned.fault.counts_from_its_beginning() {
            Some(self.probe(shared, begun).await?)
        } else {
            None
        };
        sleep(lasts.saturating_sub(begun.elapsed())).await;
        match planned.fault {
            Fault::Nothing
            | Fault::KillLeader
            | Fault::KillStandby
            | Fault::KillServer
            | Fault::KillAgent
            | Fault::KillPostgres
            | Fault::KillRedis
            | Fault::FlushRedis
            | Fault::RollingRestart => {}
            Fault::StallPostgres => self.postgres.stall(false),
            Fault::StallLeader => self.members[leader].signal(Signal::SIGCONT)?,
            Fault::CutLeaderFromPostgres => self.members[leader].machine.mend(postgres)?,
            Fault::CutServerFromPostgres => self.members[server].machine.mend(postgres)?,
            Fault::CutServerFromRedis => self.members[server].machine.mend(redis)?,
            Fault::CutAgentsFromServer => {
                let other = self.members[server].machine.address;
                self.members[leader].machine.mend(other)?;
            }
            Fault::FillLogs => self.logs.clear()?,
            Fault::FillDatabase => self.database.clear()?,
            Fault::JumpClock => self.members[leader].set_clock("+0")?,
        }
        for service in [&mut self.postgres, &mut self.redis] {
            if !service.is_running() {
                service.start().await?;
            }
        }
        let healed = Instant::now();
        for member in &mut self.members {
            member.again()?;
        }
        match probe {
            Some(after) => Ok(after),
            None => self.probe(shared, healed).await,
        }
    }

    /// One is up again before the next is stopped.
    async fn restart_all(&mut self) -> Result<()> {
        for member in &mut self.members {
            let took = member.stop().await?;
            if took > LONGEST_STOP {
                bail!(
                    "{} took {took:?} to stop, see {}",
                    member.url(),
                    member.log().display()
                );
            }
            member.again()?;
            member.is_ready(&self.http).await?;
        }
        Ok(())
    }

    /// Submits a task of the administrator at any server until one takes it, and waits until it runs.
    async fn probe(&mut self, shared: &Shared, since: Instant) -> Result<Option<Duration>> {
        const SUBMIT: &str = "mutation($i: TaskInput!, $k: String) {
            submitTask(input: $i, idempotencyKey: $k) { id runCount } }";
        const LOOK: &str = "query($id: ID!) { task(id: $id) { id startedAt state } }";
        self.n_probes += 1;
        let mut input = shared.task.clone();
        let name = format!("probe{}", self.n_probes);
        input["name"] = json!(name);
        let probe = async {
            let mut id: Option<String> = None;
            for url in shared.urls.iter().cycle() {
                let data = match &id {
                    None => shared.ask(url, &self.token, SUBMIT, json!({"i": input, "k": name})),
                    Some(id) => shared.ask(url, &self.token, LOOK, json!({"id": id})),
                };
                // One that does not answer keeps nobody from asking another.
                let data = timeout(Duration::from_millis(500), data)
                    .await
                    .ok()
                    .flatten();
                match (data, &id) {
                    (Some(Ok(data)), None) => {
                        let made = data.pointer("/submitTask/id").and_then(Value::as_str);
                        id = made.map(str::to_owned);
                        continue;
                    }
                    (Some(Ok(data)), Some(_))
                        if data
                            .pointer("/task/startedAt")
                            .is_some_and(Value::is_string) =>
                    {
                        return Ok(());
                    }
                    (Some(Err(code)), _) => bail!("the probe is refused: {code}"),
                    _ => {}
                }
                sleep(Duration::from_millis(10)).await;
            }
            bail!("there is no server")
        };
        match timeout(PATIENCE, probe).await {
            Ok(started) => started.map(|()| Some(since.elapsed())),
            Err(_) => Ok(None),
        }
    }

    /// The number of the member that drives.
    async fn leader(&self) -> Result<usize> {
        let look = async {
            loop {
                for (number, member) in self.members.iter().enumerate() {
                    if !member.answers() && member.leads(&self.http).await {
                        return number;
                    }
                }
                sleep(Duration::from_millis(50)).await;
            }
        };
        timeout(PATIENCE, look).await.context("nobody leads")
    }

    fn standby(&mut self, leader: usize) -> &mut Member {
        let numbers: Vec<usize> = (0..self.members.len())
            .filter(|number| *number != leader && !self.members[*number].answers())
            .collect();
        &mut self.members[numbers[0]]
    }

    fn any_that_answers(&mut self) -> usize {
        let numbers: Vec<usize> = (0..self.members.len())
            .filter(|number| self.members[*number].answers())
            .collect();
        numbers[self.random.random_range(0..numbers.len())]
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

fn open(path: &Path, mode: u32) -> Result<()> {
    Ok(fs::set_permissions(path, fs::Permissions::from_mode(mode))?)
}

fn note(last: &Mutex<Value>, value: Value) {
    if let Ok(mut last) = last.lock() {
        *last = value;
    }
}

fn free_ports() -> Result<[u16; 2]> {
    let listen = || std::net::TcpListener::bind("127.0.0.1:0");
    let listeners = [listen()?, listen()?];
    Ok([
        listeners[0].local_addr()?.port(),
        listeners[1].local_addr()?.port(),
    ])
}

async fn flush(at: (std::net::Ipv4Addr, u16)) -> Result<()> {
    let mut redis = TcpStream::connect(at).await?;
    redis.write_all(b"FLUSHALL\r\n").await?;
    redis.read_u8().await?;
    Ok(())
}
