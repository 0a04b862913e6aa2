//! Containers as processes of this machine, each in namespaces of its own.

use std::collections::BTreeMap;
use std::fs;
use std::os::fd::OwnedFd;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, geteuid, pidfd_open, pidfd_send_signal};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::{Child, Command};

use super::root;
use super::volume::Mount;

/// What becomes the first process of a container.
const SCRIPT: &str = include_str!("container.sh");
/// Where programs are looked for; also what a container that says nothing of it gets.
pub(super) const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// So much of a last word the kubelet reads.
const MOST_OF_WORD: usize = 4096;
/// How long the end of all processes is waited for, when they are killed.
const PATIENCE: Duration = Duration::from_secs(5);

/// What is needed to start a container.
#[derive(Debug, Clone)]
pub(super) struct Programs {
    unshare: PathBuf,
    mount: PathBuf,
    chroot: PathBuf,
    shell: PathBuf,
}

impl Programs {
    /// Looks for them.
    pub(super) fn find() -> Result<Self> {
        let find = |name: &str, package: &str| {
            let mut places = PATH.split(':').map(|place| Path::new(place).join(name));
            places.find(|path| path.is_file()).with_context(|| {
                format!("pods cannot run as processes without `{name}`: the package {package} installs it")
            })
        };
        Ok(Self {
            unshare: find("unshare", "util-linux")?,
            mount: find("mount", "mount (or util-linux)")?,
            chroot: find("chroot", "coreutils")?,
            shell: find("sh", "dash (or bash)")?,
        })
    }
}

/// What a container is started with.
#[derive(Debug)]
pub(super) struct Start {
    pub(super) name: String,
    /// The directory of its pod.
    pub(super) pod: PathBuf,
    pub(super) command: Vec<String>,
    pub(super) env: Vec<(String, String)>,
    pub(super) directory: String,
    pub(super) mounts: Vec<Mount>,
    /// Where it leaves its last word.
    pub(super) word_at: PathBuf,
}

/// A container that runs.
#[derive(Debug)]
pub(super) struct Process {
    /// It ends when the last process of the container has.
    child: Child,
    first: Arc<OwnedFd>,
    word: PathBuf,
    _known: Known,
}

impl Process {
    /// Starts a container. If this is dropped, it is killed.
    pub(super) async fn start(
        programs: &Programs,
        start: Start,
        all: &Arc<Processes>,
    ) -> Result<Self> {
        let name = &start.name;
        let root = start.pod.join(format!("root-{name}"));
        let log = start.pod.join(format!("{name}.log"));
        let fstab = start.pod.join(format!("{name}.fstab"));
        let word = start.pod.join(format!("{name}.word"));
        fs::write(&word, "")?;
        let mut mounts = start.mounts;
        mounts.push(Mount {
            from: word.clone(),
            at: start.word_at,
            read_only: false,
        });
        fs::write(&fstab, root::lay_out(&root, &mounts)?)?;
        let mut command = Command::new(&programs.unshare);
        command.args(["--mount", "--pid", "--fork", "--kill-child"]);
        if !geteuid().is_root() {
            command.arg("--map-root-user");
        }
        command
            .arg("--")
            .arg(&programs.shell)
            .args(["-c", SCRIPT, "container"]);
        command.args([&programs.mount, &programs.chroot, &root, &fstab, &log]);
        command.arg(&start.directory).args(&start.command);
        command.env_clear().env("PATH", PATH).envs(start.env);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        // What it sends to its group does not reach us.
        command.process_group(0).kill_on_drop(true);
        let (mut child, mut known) = all.spawn(&mut command)?;
        let said = child.stdout.take().context("it is piped")?;
        let mut said = BufReader::new(said).lines();
        let first = loop {
            let line = said.next_line().await?;
            if let Some(pid) = line.as_deref().and_then(|line| line.strip_prefix("ready ")) {
                // One that is gone already needs no signals.
                break handle(pid.parse().ok()).map_or_else(|_| known.parent(), Arc::new);
            }
            if line.is_none() {
                let mut why = String::new();
                let errors = child.stderr.take().context("it is piped")?;
                BufReader::new(errors).read_to_string(&mut why).await?;
                child.wait().await?;
                anyhow::bail!("{}", why.trim());
            }
        };
        known.has(&first);
        Ok(Self {
            child,
            first,
            word,
            _known: known,
        })
    }

    /// Waits until all its processes have ended: its exit code. It may be called again.
    pub(super) async fn ended(&mut self) -> i32 {
        match self.child.wait().await {
            Ok(status) => code(status),
            // Nobody knows.
            Err(_) => 255,
        }
    }

    /// What it has left for the kubelet.
    pub(super) fn last_word(&self) -> Option<String> {
        let mut word = fs::read(&self.word).unwrap_or_default();
        word.truncate(MOST_OF_WORD);
        let word = String::from_utf8_lossy(&word).into_owned();
        (!word.is_empty()).then_some(word)
    }

    /// Asks its first process to end.
    pub(super) fn ask(&self) {
        // It may have ended.
        let _ = pidfd_send_signal(&*self.first, Signal::TERM);
    }

    /// Kills its first process, and with it all others.
    pub(super) fn kill(&self) {
        // It may have ended.
        let _ = pidfd_send_signal(&*self.first, Signal::KILL);
    }
}

/// All processes that were started, so that they can be ended together.
#[derive(Debug, Default)]
pub(super) struct Processes(Mutex<Table>);

#[derive(Debug, Default)]
struct Table {
    all: BTreeMap<u64, Listed>,
    n_started: u64,
    is_closed: bool,
}

#[derive(Debug)]
struct Listed {
    /// It is the parent of the first process of the container, and waits for it.
    parent: Arc<OwnedFd>,
    parent_pid: i32,
    /// None until it has come forward.
    first: Option<Arc<OwnedFd>>,
}

/// A place in the table.
#[derive(Debug)]
struct Known {
    table: Arc<Processes>,
    id: u64,
    parent: Arc<OwnedFd>,
}

impl Processes {
    /// Kills everything, waits until it is gone, and lets nothing be started any more.
    pub(super) fn close(&self) {
        let all = {
            let mut table = self.lock();
            table.is_closed = true;
            std::mem::take(&mut table.all)
        };
        let mut processes: Vec<Arc<OwnedFd>> = Vec::new();
        for listed in all.into_values() {
            match listed.first {
                Some(first) => processes.push(first),
                None => {
                    let children = children(listed.parent_pid).into_iter();
                    let children = children.filter_map(|pid| handle(Some(pid)).ok());
                    processes.extend(children.map(Arc::new));
                }
            }
            processes.push(listed.parent);
        }
        for process in &processes {
            // It may have ended.
            let _ = pidfd_send_signal(&**process, Signal::KILL);
        }
        let deadline = Instant::now() + PATIENCE;
        for process in &processes {
            let left = deadline.saturating_duration_since(Instant::now());
            let left = Timespec::try_from(left).ok();
            // Whatever comes of it, nothing more can be done.
            let _ = poll(&mut [PollFd::new(&**process, PollFlags::IN)], left.as_ref());
        }
    }

    fn spawn(self: &Arc<Self>, command: &mut Command) -> Result<(Child, Known)> {
        let mut table = self.lock();
        anyhow::ensure!(!table.is_closed, "its kubelet has stopped");
        let child = command.spawn().context("it cannot be started")?;
        let parent_pid = child.id().and_then(|id| i32::try_from(id).ok());
        let parent_pid = parent_pid.context("it has ended")?;
        let parent = Arc::new(handle(Some(parent_pid))?);
        table.n_started += 1;
        let id = table.n_started;
        let listed = Listed {
            parent: Arc::clone(&parent),
            parent_pid,
            first: None,
        };
        table.all.insert(id, listed);
        let table = Arc::clone(self);
        Ok((child, Known { table, id, parent }))
    }

    /// No step leaves it half changed, so a panic elsewhere does not matter.
    fn lock(&self) -> MutexGuard<'_, Table> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn parent(&self) -> Arc<OwnedFd> {
        Arc::clone(&self.parent)
    }

    /// The first process of the container has come forward.
    fn has(&mut self, first: &Arc<OwnedFd>) {
        let mut table = self.table.lock();
        match table.all.get_mut(&self.id) {
            Some(listed) => listed.first = Some(Arc::clone(first)),
            // Whoever closed the table did not know this one. It may have ended.
            None => {
                let _ = pidfd_send_signal(&**first, Signal::KILL);
            }
        }
    }
}

impl Drop for Known {
    fn drop(&mut self) {
        self.table.lock().all.remove(&self.id);
    }
}

/// The children of a process.
fn children(parent: i32) -> Vec<i32> {
    let all = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = all.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    let is_child = |pid: &i32| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        // NUMBER (NAME) STATE PARENT …, where the name may have anything in it.
        let rest = stat.rsplit_once(") ").map_or("", |(_, rest)| rest);
        rest.split(' ').nth(1) == Some(parent.to_string().as_str())
    };
    pids.filter(is_child).collect()
}

fn handle(pid: Option<i32>) -> Result<OwnedFd> {
    let pid = pid.and_then(Pid::from_raw).context("it has no process")?;
    pidfd_open(pid, PidfdFlags::empty()).context("its first process is gone")
}

/// As a shell would say it.
fn code(status: ExitStatus) -> i32 {
    let of_signal = status.signal().map(|signal| 128 + signal);
    status.code().or(of_signal).unwrap_or(255)
}
