//! Starting the agent of a rank, once.

use std::ffi::OsString;
use std::io;
use std::process::Stdio;

use protocol::{Launch, PROTOCOL_VERSION, RANK_DIR_VAR};
use tokio::process::{Child, Command};

use super::directory::RankDir;
use super::ranks::Ranks;
use super::{machine, process};
use crate::runtime::{LaunchRank, Observation, RuntimeError, ownership};

impl Ranks {
    /// Starts the agent of a rank unless that has been done. Gives the child that must be waited for.
    ///
    /// Must be called within a Tokio runtime.
    pub(super) fn start(&self, launch: &LaunchRank) -> Result<Option<Child>, RuntimeError> {
        self.check(launch)?;
        let _changing = self.change();
        let dir = self.dir(&launch.key);
        let locked = dir.create().and_then(|()| self.change_rank(&launch.key));
        let _rank = locked.map_err(|error| {
            RuntimeError::unavailable(format!("prepare rank {}", launch.key), error)
        })?;
        // The processes are searched, too: we may have died between the spawn and its record.
        if self.inspect(&launch.key)? != Observation::NotStarted {
            return Ok(None);
        }
        self.prepare(&dir, launch).map_err(|error| {
            RuntimeError::unavailable(
                format!("prepare the directories of rank {}", launch.key),
                error,
            )
        })?;
        let child = self.spawn(&dir).map_err(|error| {
            RuntimeError::unavailable(format!("start the agent of rank {}", launch.key), error)
        })?;
        if let Err(error) = self.record(&dir, &child) {
            // The agent runs all the same, and announces itself.
            tracing::warn!(rank = %launch.key, %error, "the agent of rank {} is not recorded", launch.key);
        }
        Ok(Some(child))
    }

    fn check(&self, launch: &LaunchRank) -> Result<(), RuntimeError> {
        let LaunchRank {
            key,
            node,
            user,
            run_world_size,
            ..
        } = launch;
        if !machine::node_names(self.config.nodes).any(|name| name == *node) {
            return Err(RuntimeError::rejected(format!(
                "there is no node `{node}` here"
            )));
        }
        if key.rank >= *run_world_size {
            return Err(RuntimeError::rejected(format!(
                "rank {key} is not one of {run_world_size}"
            )));
        }
        if user.is_empty() || user.starts_with('.') || user.contains(['/', '\0']) {
            return Err(RuntimeError::rejected(format!(
                "`{user}` cannot be the name of a directory"
            )));
        }
        Ok(())
    }

    fn prepare(&self, dir: &RankDir, launch: &LaunchRank) -> io::Result<()> {
        let identity = launch.identity().filter(|_| self.config.switch_user);
        ownership::create_workspace(
            &self.config.workspaces.join(&launch.user),
            identity.as_ref(),
        )?;
        ownership::create_log_dir(&launch.log_dir, identity.as_ref())?;
        dir.create()?;
        dir.write_token(launch.token.expose())?;
        dir.write_launch(&Launch {
            protocol_version: PROTOCOL_VERSION,
            task_id: launch.key.task,
            run: launch.key.run,
            rank: launch.key.rank,
            world_size: launch.run_world_size,
            node: launch.node.clone(),
            server_file: self.config.server_file.clone(),
            token_file: dir.token_file(),
            rank_dir: dir.path().to_owned(),
            log_dir: launch.log_dir.clone(),
            log: self.config.log_limits,
            command: launch.command.clone(),
            identity,
            silence_secs: launch.silence_secs,
            last_word: None,
            home: None,
            fence: None,
        })
    }

    fn spawn(&self, dir: &RankDir) -> io::Result<Child> {
        let (program, args) = match self.config.agent_command.split_first() {
            Some((program, args)) => (program.clone(), args),
            None => (OsString::new(), &[][..]), // Fails as a program that does not exist.
        };
        let log = dir.open_agent_log()?;
        let mut command = Command::new(program);
        command
            .args(args)
            .arg(dir.launch_file())
            .env_clear()
            .envs(self.config.agent_env.iter().cloned())
            .env(RANK_DIR_VAR, dir.path())
            .current_dir(dir.path())
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log);
        // SAFETY: between fork and exec the closure makes one system call and nothing else: no allocation, no lock.
        #[expect(
            unsafe_code,
            reason = "std has no stable way to give a child its own session"
        )]
        unsafe {
            command.pre_exec(|| Ok(rustix::process::setsid().map(drop)?));
        }
        command.spawn()
    }

    fn record(&self, dir: &RankDir, child: &Child) -> io::Result<()> {
        let pid = child.id().and_then(|pid| i32::try_from(pid).ok());
        match pid.and_then(|pid| process::identify(pid, &self.boot_id)) {
            Some(agent) => dir.write_spawned(&agent),
            None => Ok(()), // It has come and gone, which its own records tell.
        }
    }
}
