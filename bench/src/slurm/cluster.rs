//! A cluster of Slurm with a directory of its own, on the loopback interface of this machine.
//!
//! A **keeper**, a shell in a process group of its own, waits for the end of a pipe that only we hold open, then kills
//! every process that carries the mark of this cluster and removes the directory. The kernel closes the pipe even if we
//! are killed, so nothing is left behind.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use nix::unistd::{User, geteuid, mkdtemp};
use tokio::time::sleep;

use super::client::Client;

/// How long the cluster may take to come up.
const PATIENCE: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_millis(100);

/// The controller's port; those of the nodes follow.
const PORT: u32 = 26_817;

/// Under `/tmp`, whatever `TMPDIR` says: a socket's path may have only 107 bytes.
const HOME_TEMPLATE: &str = "/tmp/hai-slurm-XXXXXX";

/// `$1` is the home. Every daemon and job of the cluster has the path of its configuration in its environment. A process
/// that is being started while the others die is found in the next round.
const KEEPER_SCRIPT: &str = r#"
read -r _
marked() { grep -lzsxF "SLURM_CONF=$1/slurm.conf" /proc/[0-9]*/environ | cut -d/ -f3; }
while pids=$(marked "$1"); [ -n "$pids" ]; do
    kill -9 $pids 2>/dev/null
done
rm -rf "$1"
"#;

/// A running cluster; dropping it ends everything that belongs to it.
#[derive(Debug)]
pub(super) struct Cluster {
    pub(super) client: Client,
    /// Cores of the daemons, as `taskset` takes them.
    cores: String,
    keeper: Child,
    controller: Option<Child>,
}

impl Cluster {
    /// Starts a cluster of so many nodes of one core each and waits until all are idle.
    pub(super) async fn start(cores: &str, nodes: u32) -> Result<Self> {
        let home = mkdtemp(HOME_TEMPLATE).context("cannot create a directory in /tmp")?;
        let keeper = Command::new("/bin/sh")
            .args(["-c", KEEPER_SCRIPT, "keeper"])
            .arg(&home)
            .stdin(Stdio::piped())
            .process_group(0)
            .spawn()
            .context("cannot start the keeper of the cluster")?;
        let mut cluster = Self {
            client: Client { home },
            cores: cores.to_owned(),
            keeper,
            controller: None,
        };
        cluster.prepare(nodes)?;
        cluster.start_munge().await?;
        cluster.again().await?;
        for node in 1..=nodes {
            let name = format!("n{node}");
            cluster.daemon("slurmd", &["-D", "-N", &name])?;
        }
        let client = &cluster.client;
        let is_idle = || {
            let idle = client.says("sinfo", &["-h", "-t", "idle", "-o", "%D"]);
            idle == Some(nodes.to_string())
        };
        cluster.wait_for("nodes", is_idle).await?;
        Ok(cluster)
    }

    /// Starts the controller, the first time and after it was killed.
    pub(super) async fn again(&mut self) -> Result<()> {
        self.controller = Some(self.daemon("slurmctld", &["-D"])?);
        let is_up = || self.client.says("scontrol", &["ping"]).is_some();
        self.wait_for("controller", is_up).await
    }

    /// Kills the controller with SIGKILL.
    pub(super) fn kill(&mut self) -> Result<()> {
        let mut controller = self.controller.take().context("a controller runs")?;
        controller.kill()?;
        controller.wait()?;
        Ok(())
    }

    /// What the controller has had of the processor since it began.
    pub(super) fn controller_time(&self) -> Result<Duration> {
        let controller = self.controller.as_ref().context("a controller runs")?;
        let stat = fs::read_to_string(format!("/proc/{}/stat", controller.id()))?;
        cpu_time(&stat).context("a process has had its time")
    }

    /// Writes a script that tasks can run.
    pub(super) fn script(&self, name: &str, text: &str) -> Result<PathBuf> {
        let path = self.client.home.join(name);
        fs::write(&path, format!("#!/bin/bash\n{text}\n"))?;
        Ok(path)
    }

    /// How many tasks have ended.
    ///
    /// # Errors
    /// If one has failed.
    pub(super) fn n_ended(&self) -> Result<usize> {
        let text = fs::read_to_string(self.client.home.join("ended")).unwrap_or_default();
        let ended = text.matches("JobState=").count();
        let well = text.matches("JobState=COMPLETED").count();
        ensure!(ended == well, "{} tasks of Slurm failed", ended - well);
        Ok(ended)
    }

    /// The numbers of all tasks that the controller knows.
    pub(super) fn known(&self) -> Result<BTreeSet<String>> {
        let said = self.client.says("squeue", &["-h", "-t", "all", "-o", "%A"]);
        let said = said.context("squeue does not answer")?;
        Ok(said.lines().map(str::to_owned).collect())
    }

    fn prepare(&self, nodes: u32) -> Result<()> {
        let home = &self.client.home;
        // Whoever runs tasks passes here, and munge insists on it.
        fs::set_permissions(home, fs::Permissions::from_mode(0o755))?;
        let of_nodes = (1..=nodes).map(|node| format!("n{node}"));
        for folder in ["munge", "state", "log"]
            .map(str::to_owned)
            .into_iter()
            .chain(of_nodes)
        {
            fs::create_dir(home.join(&folder))?;
            fs::set_permissions(home.join(&folder), fs::Permissions::from_mode(0o755))?;
        }
        let user = User::from_uid(geteuid())?.context("whoever runs this has a name")?;
        let text = configuration(home, &user.name, nodes);
        Ok(fs::write(self.client.conf(), text)?)
    }

    /// Starts what tells one user from another, with a key of its own.
    async fn start_munge(&self) -> Result<()> {
        let folder = self.client.home.join("munge");
        let mut key = [0; 128];
        File::open("/dev/urandom")?.read_exact(&mut key)?;
        let mut options = OpenOptions::new();
        let options = options.write(true).create_new(true).mode(0o600);
        options.open(folder.join("key-file"))?.write_all(&key)?;
        let files = ["socket", "key-file", "pid-file", "log-file", "seed-file"];
        self.client
            .marked("munged")
            .args(["--foreground", "--num-threads=10"])
            .args(files.map(|file| format!("--{file}={}", folder.join(file).display())))
            .spawn()
            .context("cannot run munged")?;
        let socket = folder.join("socket");
        self.wait_for("munge", || socket.exists()).await
    }

    fn daemon(&self, program: &str, arguments: &[&str]) -> Result<Child> {
        let mut command = self.client.marked("taskset");
        command.args(["-c", &self.cores, program]).args(arguments);
        command
            .spawn()
            .with_context(|| format!("cannot run {program}"))
    }

    async fn wait_for(&self, what: &str, is_there: impl Fn() -> bool) -> Result<()> {
        let start = Instant::now();
        while !is_there() {
            let log = self.client.home.join("slurmctld.log");
            let log = fs::read_to_string(log).unwrap_or_default();
            ensure!(start.elapsed() < PATIENCE, "no {what} of Slurm\n{log}");
            sleep(LOOK).await;
        }
        Ok(())
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        if let Err(error) = self.keeper.wait() {
            eprintln!("cannot wait for Slurm to end: {error}");
        }
    }
}

fn configuration(home: &Path, user: &str, nodes: u32) -> String {
    include_str!("slurm.conf")
        .replace("@HOME@", &home.display().to_string())
        .replace("@USER@", user)
        .replace("@NODES@", &nodes.to_string())
        .replace("@CONTROLLER_PORT@", &PORT.to_string())
        .replace("@FIRST_PORT@", &(PORT + 1).to_string())
        .replace("@LAST_PORT@", &(PORT + nodes).to_string())
}

/// What a process has had of the processor, of its line in `/proc`: in user mode and in the kernel, in hundredths of a second.
fn cpu_time(stat: &str) -> Option<Duration> {
    // The name of the program may have blanks in it.
    let (_, fields) = stat.rsplit_once(") ")?;
    let mut times = fields.split(' ').skip(11);
    let user: u64 = times.next()?.parse().ok()?;
    let system: u64 = times.next()?.parse().ok()?;
    Some(Duration::from_millis((user + system) * 10))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_configuration_is_filled_in() {
        let text = configuration(Path::new("/tmp/x"), "ada", 64);
        assert!(!text.contains('@'), "{text}");
        assert!(text.contains("NodeName=n[1-64]"));
        assert!(text.contains("Port=[26818-26881]"));
    }

    #[test]
    fn the_time_of_a_process_is_read() {
        let stat = "42 (a (b) c) S 1 42 42 0 -1 4194304 100 0 0 0 150 50 0 0 20 0 9 0 100";
        assert_eq!(cpu_time(stat), Some(Duration::from_secs(2)));
    }
}
