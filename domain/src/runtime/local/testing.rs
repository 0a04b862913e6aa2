//! A machine for tests: the runtime in a directory of its own, with agents that leave the files and processes of real
//! ones, each step on order.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use async_trait::async_trait;
use protocol::{ExitRecord, LogLimits, PROCESS_FILE, ProcessId};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufStream};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Mutex;
use tokio::task::spawn_blocking;

use super::process::Process;
use super::{LocalConfig, LocalRuntime, process};
use crate::runtime::contract::{Subject, sample_launch};
use crate::runtime::fake::exit_record;
use crate::runtime::{LaunchRank, RankKey, Runtime};

/// The agent. It says its directory, then obeys, one line each, and answers when it has done so.
///
/// What it leaves behind stops itself, so that it is neither about to end nor about to become another program.
const AGENT: &str = r#"
exec 3<>"/dev/tcp/127.0.0.1/$PORT"
[[ -r $1 ]] || exit
echo "$HAI_RANK_DIR" >&3
replace() { echo "$2" > "$1.new" && mv "$1.new" "$1"; }
while read -r -u 3 order argument; do
    case $order in
    announce)
        read -r -a stat < "/proc/$$/stat"
        boot_id=$(< /proc/sys/kernel/random/boot_id)
        replace process.json "{\"boot_id\":\"$boot_id\",\"pid\":$$,\"start_time\":${stat[21]}}" ;;
    record) replace exit.json "$argument" ;;
    leave_stray)
        (setsid bash -c 'echo stray >&3; exec 3>&-; kill -STOP $$' &)
        continue ;;
    hide_child)
        env -i bash -c 'echo hidden >&3; exec 3>&-; kill -STOP $$' &
        continue ;;
    stdio) order=$(echo $(readlink /proc/$$/fd/{0,1,2})) ;;
    leave) exit ;;
    esac
    echo "$order" >&3
done
"#;

/// How long a test waits before it fails.
const PATIENCE: Duration = Duration::from_secs(60);

pub(super) struct Machine {
    pub(super) runtime: LocalRuntime,
    root: TempDir,
    listener: TcpListener,
    /// The agents that have said who they are.
    agents: Mutex<HashMap<PathBuf, BufStream<TcpStream>>>,
}

impl Machine {
    pub(super) async fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        fs::write(root.path().join("agent.sh"), AGENT).unwrap();
        let runtime =
            LocalRuntime::new(config(root.path(), listener.local_addr().unwrap())).unwrap();
        Self {
            runtime,
            root,
            listener,
            agents: Mutex::default(),
        }
    }

    /// The same machine after the platform was started again.
    pub(super) fn restarted(mut self) -> Self {
        self.runtime = LocalRuntime::new(self.config()).unwrap();
        self
    }

    pub(super) fn config(&self) -> LocalConfig {
        config(self.root.path(), self.listener.local_addr().unwrap())
    }

    pub(super) fn path(&self) -> &Path {
        self.root.path()
    }

    pub(super) fn rank_dir(&self, rank: &RankKey) -> PathBuf {
        let RankKey { task, run, rank } = rank;
        self.root.path().join(format!("run/{task}/{run}/{rank}"))
    }

    /// Starts a rank and waits until its agent has announced itself.
    pub(super) async fn start(&self, rank: &RankKey) {
        self.runtime.start(&self.launch(*rank)).await.unwrap();
        self.is_up(rank).await;
    }

    /// Waits until the agent of a rank waits for orders. It has not announced itself.
    pub(super) async fn has_connected(&self, rank: &RankKey) {
        let rank_dir = self.rank_dir(rank);
        let mut agents = self.agents.lock().await;
        while !agents.contains_key(&rank_dir) {
            let (stream, _) = soon(self.listener.accept()).await.unwrap();
            let mut stream = BufStream::new(stream);
            agents.insert(line(&mut stream).await.into(), stream);
        }
    }

    /// Orders an agent to do something and gives its answer, which is empty if it left.
    pub(super) async fn order(&self, rank: &RankKey, order: &str) -> String {
        let mut agents = self.agents.lock().await;
        let stream = agents
            .get_mut(&self.rank_dir(rank))
            .expect("an agent that has connected");
        stream
            .write_all(format!("{order}\n").as_bytes())
            .await
            .unwrap();
        stream.flush().await.unwrap();
        line(stream).await
    }

    /// Lets the agent of a rank leave, with whatever it has left, and waits until it has ended.
    pub(super) async fn leave(&self, rank: &RankKey) {
        let agent = self.agent(rank).expect("an agent that runs");
        let handle = process::open(&agent).unwrap().expect("an agent that runs");
        self.order(rank, "leave").await;
        let ended = spawn_blocking(move || process::has_ended(&handle, PATIENCE));
        assert!(ended.await.unwrap().unwrap(), "the agent did not leave");
    }

    pub(super) async fn record(&self, rank: &RankKey, record: &ExitRecord) {
        self.order(
            rank,
            &format!("record {}", serde_json::to_string(record).unwrap()),
        )
        .await;
    }

    /// The agent of a rank: what we have started ourselves.
    pub(super) fn agent(&self, rank: &RankKey) -> Option<Process> {
        self.agents_of(rank).pop()
    }

    pub(super) fn announced(&self, rank: &RankKey) -> ProcessId {
        let text = fs::read(self.rank_dir(rank).join(PROCESS_FILE)).unwrap();
        serde_json::from_slice(&text).unwrap()
    }

    /// The processes of a rank.
    pub(super) fn processes(&self, rank: &RankKey) -> Vec<Process> {
        process::of_rank(&process::all().unwrap(), &self.rank_dir(rank))
    }

    fn agents_of(&self, rank: &RankKey) -> Vec<Process> {
        let own = i32::try_from(std::process::id()).unwrap();
        self.processes(rank)
            .into_iter()
            .filter(|process| process.parent == own)
            .collect()
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        let all = process::all().unwrap_or_default();
        let is_ours = |process: &&Process| {
            process
                .rank_dir
                .as_ref()
                .is_some_and(|dir| dir.starts_with(self.root.path()))
        };
        for process in all.iter().filter(is_ours) {
            if let Ok(Some(handle)) = process::open(process) {
                process::kill(&handle).ok();
            }
        }
    }
}

#[async_trait]
impl Subject for Machine {
    fn runtime(&self) -> &dyn Runtime {
        &self.runtime
    }

    fn node(&self) -> String {
        "node-2".into()
    }

    fn launch(&self, key: RankKey) -> LaunchRank {
        let log_dir = self
            .root
            .path()
            .join(format!("logs/ann/{}/{}/{}", key.task, key.run, key.rank));
        LaunchRank {
            log_dir,
            ..sample_launch(key, &self.node())
        }
    }

    async fn is_up(&self, rank: &RankKey) {
        self.has_connected(rank).await;
        self.order(rank, "announce").await;
    }

    async fn finish(&self, rank: &RankKey, code: i32) -> ExitRecord {
        let record = exit_record(code);
        self.record(rank, &record).await;
        self.leave(rank).await;
        record
    }

    async fn crash(&self, rank: &RankKey) {
        self.leave(rank).await;
    }

    fn n_agents(&self, rank: &RankKey) -> usize {
        self.agents_of(rank).len()
    }
}

fn config(root: &Path, address: SocketAddr) -> LocalConfig {
    let variable = |name: &str, value: String| (OsString::from(name), OsString::from(value));
    LocalConfig {
        data_dir: root.into(),
        workspaces: root.join("workspaces"),
        server_file: root.join("server.json"),
        agent_command: vec!["/bin/bash".into(), root.join("agent.sh").into()],
        agent_env: vec![
            variable("PATH", "/usr/bin:/bin".into()),
            variable("PORT", address.port().to_string()),
        ],
        nodes: 2,
        group: "default".into(),
        log_limits: LogLimits {
            segment_bytes: 1 << 20,
            budget_bytes: 1 << 30,
        },
        switch_user: false,
    }
}

async fn line(stream: &mut BufStream<TcpStream>) -> String {
    let mut line = String::new();
    soon(stream.read_line(&mut line)).await.unwrap();
    line.trim_end().to_owned()
}

async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future)
        .await
        .expect("the test waits too long")
}
