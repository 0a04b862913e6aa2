//! A rank: its directories, its agent, and the server it talks to.

use std::{
    fs::{self, File, OpenOptions, Permissions},
    future::Future,
    io::Write,
    os::{fd::AsRawFd, unix::fs::PermissionsExt},
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use nix::{
    sys::{
        signal::{Signal, kill},
        stat::Mode,
    },
    unistd::{Pid, mkfifo},
};
use protocol::{
    CONTROL_DIR, Command, Desired, EXIT_FILE, ExitRecord, LAUNCH_FILE, Launch, LogLimits, Order,
    PROCESS_FILE, PROTOCOL_VERSION, ProcessId, RANK_DIR_VAR, SOCKET_FILE, SUSPEND_FILE, ServerFile,
};
use serde_json::Value;
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::UnixStream,
    process::{self, Child},
    time::timeout,
};

use crate::server::{Server, order};

/// Nothing here takes so long; a test that waits longer has failed.
const LIMIT: Duration = Duration::from_secs(120);

/// Ends a test that waits in vain.
pub(crate) async fn within<T>(work: impl Future<Output = T>) -> T {
    timeout(LIMIT, work).await.expect("the test waits in vain")
}

/// A rank whose agent is not started yet.
pub(crate) struct Setup {
    directory: TempDir,
    pub(crate) launch: Launch,
}

impl Setup {
    /// A rank that runs this line in an empty workspace.
    pub(crate) fn new(line: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        // The command may run as another user.
        fs::set_permissions(directory.path(), Permissions::from_mode(0o755)).unwrap();
        let path = |name: &str| directory.path().join(name);
        for name in ["rank", "workspace"] {
            fs::create_dir(path(name)).unwrap();
        }
        fs::write(path("token"), "first token\n").unwrap();
        let launch = Launch {
            protocol_version: PROTOCOL_VERSION,
            task_id: 7,
            run: 1,
            rank: 0,
            world_size: 1,
            node: "node-1".to_owned(),
            server_file: path("server.json"),
            token_file: path("token"),
            rank_dir: path("rank"),
            log_dir: path("log"),
            log: LogLimits {
                segment_bytes: 8 << 20,
                budget_bytes: 1 << 30,
            },
            command: Command {
                workspace: path("workspace"),
                line: line.to_owned(),
                env: vec![("PATH".into(), "/usr/local/bin:/usr/bin:/bin".into())],
            },
            identity: None,
            silence_secs: None,
            last_word: None,
            home: None,
            fence: None,
        };
        Self { directory, launch }
    }

    /// Starts a server with this order, and the agent.
    pub(crate) async fn start(self, order: Order) -> Rank {
        self.start_renewing(order, "no token").await
    }

    /// The same, with the order to run, and waits until the command has printed something.
    pub(crate) async fn start_running(self) -> Rank {
        let mut rank = self.start(order(Desired::Run, 0)).await;
        within(rank.server.report(|report| report.log_end > 0)).await;
        rank
    }

    /// The same as `start` with a server that renews the agent's token to this one.
    pub(crate) async fn start_renewing(self, order: Order, new_token: &str) -> Rank {
        let server = Server::start(order).await;
        server.give_new_token(new_token);
        let launch = self.launch.rank_dir.join(LAUNCH_FILE);
        fs::write(&launch, serde_json::to_vec(&self.launch).unwrap()).unwrap();
        fs::set_permissions(&launch, Permissions::from_mode(0o600)).unwrap();
        publish(&self.launch.server_file, &server);
        let agent = spawn(&launch);
        Rank {
            _directory: self.directory,
            launch: self.launch,
            agent,
            server,
        }
    }
}

/// A rank with its agent. It ends with its test, also what the agent has left behind.
pub(crate) struct Rank {
    _directory: TempDir,
    pub(crate) launch: Launch,
    agent: Child,
    pub(crate) server: Server,
}

impl Rank {
    /// Waits until the agent has left.
    pub(crate) async fn left(&mut self) -> ExitStatus {
        within(self.agent.wait()).await.unwrap()
    }

    /// Lets the first server die and gives the address of this one.
    pub(crate) fn replace_server(&mut self, server: Server) {
        publish(&self.launch.server_file, &server);
        self.server = server;
    }

    pub(crate) fn agent_pid(&self) -> i32 {
        self.agent.id().unwrap().try_into().unwrap()
    }

    /// Another agent for the same rank.
    pub(crate) fn second_agent(&self) -> Child {
        spawn(&self.launch.rank_dir.join(LAUNCH_FILE))
    }

    pub(crate) fn workspace(&self, name: &str) -> PathBuf {
        self.launch.command.workspace.join(name)
    }

    /// What the command reads to know whether it is to suspend.
    pub(crate) fn flag(&self) -> String {
        fs::read_to_string(self.launch.rank_dir.join(CONTROL_DIR).join(SUSPEND_FILE)).unwrap()
    }

    /// Connects to the agent as its command would.
    pub(crate) async fn connect(&self) -> UnixStream {
        let control = File::open(self.launch.rank_dir.join(CONTROL_DIR)).unwrap();
        let socket = format!("/proc/self/fd/{}/{SOCKET_FILE}", control.as_raw_fd());
        UnixStream::connect(socket).await.unwrap()
    }

    /// Calls the agent as its command would, and gives its answer.
    pub(crate) async fn call(&self, request: Value) -> Value {
        let mut stream = self.connect().await;
        stream
            .write_all(format!("{request}\n").as_bytes())
            .await
            .unwrap();
        let mut answer = String::new();
        within(BufReader::new(stream).read_line(&mut answer))
            .await
            .unwrap();
        serde_json::from_str(&answer).unwrap()
    }

    pub(crate) fn process_id(&self) -> ProcessId {
        serde_json::from_slice(&fs::read(self.launch.rank_dir.join(PROCESS_FILE)).unwrap()).unwrap()
    }

    pub(crate) fn exit_record(&self) -> ExitRecord {
        serde_json::from_slice(&fs::read(self.launch.rank_dir.join(EXIT_FILE)).unwrap()).unwrap()
    }

    /// Segments of the log by name, oldest first.
    pub(crate) fn segments(&self) -> Vec<(String, String)> {
        let Ok(entries) = fs::read_dir(&self.launch.log_dir) else {
            return Vec::new();
        };
        let mut segments: Vec<_> = entries
            .map(|entry| {
                let path = entry.unwrap().path();
                let name = path.file_name().unwrap().to_str().unwrap().to_owned();
                (name, fs::read_to_string(path).unwrap())
            })
            .collect();
        segments.sort();
        segments
    }

    /// The lines of the log without their stamps.
    pub(crate) fn lines(&self) -> Vec<String> {
        let log: String = self
            .segments()
            .into_iter()
            .map(|(_name, text)| text)
            .collect();
        log.lines().map(|line| line[29..].to_owned()).collect()
    }
}

impl Drop for Rank {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.agent.start_kill();
        let begin = Instant::now();
        loop {
            let left = processes(&self.launch.rank_dir);
            if left.is_empty() {
                return;
            }
            for pid in &left {
                let _ = kill(*pid, Signal::SIGKILL);
            }
            let waits = begin.elapsed() < LIMIT;
            assert!(waits || thread::panicking(), "{left:?} is left");
            if !waits {
                return;
            }
            thread::yield_now();
        }
    }
}

/// The processes that the command of this rank has started.
pub(crate) fn processes(rank_dir: &Path) -> Vec<Pid> {
    let mark = format!("{RANK_DIR_VAR}={}", rank_dir.display());
    let entries = fs::read_dir("/proc").unwrap();
    entries
        .filter_map(|entry| {
            let path = entry.ok()?.path();
            let pid = path.file_name()?.to_str()?.parse().ok()?;
            // Those of others cannot be read, and those that have ended have none.
            let environ = fs::read(path.join("environ")).ok()?;
            let is_ours = environ
                .split(|byte| *byte == 0)
                .any(|entry| entry == mark.as_bytes());
            is_ours.then_some(Pid::from_raw(pid))
        })
        .collect()
}

/// A gate in the middle of a command: `read < gate` waits until the test opens it.
pub(crate) struct Gate(File);

impl Gate {
    pub(crate) fn new(setup: &Setup) -> Self {
        let path = setup.launch.command.workspace.join("gate");
        mkfifo(&path, Mode::S_IRWXU).unwrap();
        // Opened in both directions, a fifo waits for nobody.
        Self(
            OpenOptions::new()
                .read(true)
                .write(true)
                .open(path)
                .unwrap(),
        )
    }

    pub(crate) fn open(&mut self) {
        self.0.write_all(b"\n").unwrap();
    }
}

/// Whether a process runs, given the file into which the command wrote its number.
pub(crate) fn runs(pid_file: &Path) -> bool {
    let pid = fs::read_to_string(pid_file).unwrap();
    Path::new("/proc").join(pid.trim()).exists()
}

/// Tells the agent where its server is.
pub(crate) fn publish(path: &Path, server: &Server) {
    let file = ServerFile {
        url: server.url.clone(),
        pid: std::process::id(),
        certificate: None,
    };
    fs::write(path, serde_json::to_vec(&file).unwrap()).unwrap();
}

fn spawn(launch: &Path) -> Child {
    process::Command::new(env!("CARGO_BIN_EXE_hai-agent"))
        .arg("--launch")
        .arg(launch)
        .env("AGENTS_SECRET", "not for the command")
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}
