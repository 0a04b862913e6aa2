//! From the command line to the supervisor.

use std::{
    fs::{self, File, Permissions},
    io,
    os::unix::fs::{MetadataExt, PermissionsExt, lchown},
    path::{Path, PathBuf},
    process::ExitCode,
};

use chrono::{DateTime, Utc};
use nix::{
    errno::Errno,
    fcntl::{Flock, FlockArg},
    sys::{
        prctl,
        resource::{Resource, getrlimit, setrlimit},
    },
    unistd::setsid,
};
use protocol::{EXIT_FILE, Identity, Launch, PROCESS_FILE, PROTOCOL_VERSION};
use tracing_subscriber::{EnvFilter, filter::LevelFilter};

use crate::{install::install, process, rank, record, server::whole};

/// Arguments of the agent.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// File that says what to run, written by the runtime
    #[arg(long, value_name = "PATH", required_unless_present = "install")]
    pub launch: Option<PathBuf>,
    /// In place of running: bring this program and what is in this directory to where a container finds them
    #[arg(long, value_name = "DIR", requires = "to", conflicts_with = "launch")]
    pub install: Option<PathBuf>,
    /// Where that is
    #[arg(long, value_name = "DIR", requires = "install")]
    pub to: Option<PathBuf>,
}

/// Why the agent did not take up the rank. Nothing of the user ran then.
#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error("{} cannot be read", path.display())]
    Launch { path: PathBuf, source: io::Error },
    #[error("{} was written for version {version} of the protocol, this agent knows {PROTOCOL_VERSION}", path.display())]
    Version { path: PathBuf, version: u32 },
    #[error("the directory {} cannot be used", path.display())]
    RankDir { path: PathBuf, source: io::Error },
    #[error("another agent runs this rank: it holds {}", .0.display())]
    Taken(PathBuf),
    #[error("this rank has ended already: {} exists", .0.display())]
    Ended(PathBuf),
    #[error("the machine refuses what a supervisor needs")]
    Machine(#[source] io::Error),
    #[error("the agent cannot be installed in {}", to.display())]
    Install { to: PathBuf, source: io::Error },
}

/// Runs one rank until it has ended and its end is known. The process must be started for this alone: it becomes the
/// reaper of all its descendants.
pub fn run(args: Args) -> ExitCode {
    trace();
    let done = match args {
        Args {
            install: Some(from),
            to: Some(to),
            ..
        } => bring(&from, to),
        Args { launch, .. } => supervise(&launch.unwrap_or_default()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(refusal) => {
            tracing::error!(error = whole(&refusal), "the agent cannot run");
            ExitCode::FAILURE
        }
    }
}

fn bring(from: &Path, to: PathBuf) -> Result<(), Refusal> {
    let installed = std::env::current_exe().and_then(|program| install(&program, from, &to));
    installed.map_err(|source| Refusal::Install { to, source })
}

fn supervise(path: &Path) -> Result<(), Refusal> {
    let launch = read(path)?;
    let rank_dir = launch.rank_dir.clone();
    // Held to the end of the process: two agents of one rank would kill each other's processes.
    let _taken = take(&rank_dir)?;
    let exit = rank_dir.join(EXIT_FILE);
    if exit.exists() {
        return Err(Refusal::Ended(exit));
    }
    if let Some(user) = &launch.identity {
        hand_over(&launch, user);
    }
    become_supervisor().map_err(Refusal::Machine)?;
    let me = process::own_id().map_err(Refusal::Machine)?;
    let unusable = |source| Refusal::RankDir {
        path: rank_dir.clone(),
        source,
    };
    let own = serde_json::to_vec(&me)
        .map_err(io::Error::from)
        .map_err(unusable)?;
    // After a power failure no process is left that it could tell of.
    record::replace_for_now(&rank_dir.join(PROCESS_FILE), &own).map_err(unusable)?;

    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = runtime.map_err(Refusal::Machine)?;
    tracing::info!(
        task.id = launch.task_id,
        run = launch.run,
        rank = launch.rank,
        process.pid = me.pid,
        "the agent waits for its order"
    );
    let ended = runtime.block_on(rank::supervise(launch, me, now));
    // A write that hangs on a disk must not hold up the end.
    runtime.shutdown_background();
    ended.map_err(Refusal::Machine)
}

/// Gives the user what is his, unless that was done: the platform may not have been allowed to.
fn hand_over(launch: &Launch, user: &Identity) {
    if let Some(home) = &launch.home
        && let Err(error) = make_over(home, user)
    {
        tracing::warn!(path = %home.display(), %error, "the user's directory is not his");
    }
    if let Err(error) = let_read(&launch.log_dir, user) {
        let path = launch.log_dir.display();
        tracing::warn!(%path, %error, "the user cannot read the log");
    }
}

/// Lets a user read a log and write nothing there: this program writes there with more rights than he has, and must not be led
/// elsewhere by a link.
fn let_read(log_dir: &Path, user: &Identity) -> io::Result<()> {
    if fs::symlink_metadata(log_dir)?.gid() != user.gid {
        fs::set_permissions(log_dir, Permissions::from_mode(0o750))?;
        lchown(log_dir, None, Some(user.gid))?;
    }
    Ok(())
}

/// Makes a user's directory his, unless it is.
fn make_over(home: &Path, user: &Identity) -> io::Result<()> {
    let found = fs::symlink_metadata(home)?;
    if found.uid() != user.uid {
        lchown(home, Some(user.uid), Some(user.gid))?;
        fs::set_permissions(home, Permissions::from_mode(0o700))?;
    }
    Ok(())
}

fn read(path: &Path) -> Result<Launch, Refusal> {
    let unreadable = |source| Refusal::Launch {
        path: path.to_owned(),
        source,
    };
    let content = fs::read(path).map_err(unreadable)?;
    if fs::metadata(path).map_err(unreadable)?.mode() & 0o077 != 0 {
        tracing::warn!(path = %path.display(), "others may read the launch file, secrets included");
    }
    let launch: Launch = serde_json::from_slice(&content)
        .map_err(io::Error::from)
        .map_err(unreadable)?;
    let version = launch.protocol_version;
    if version > PROTOCOL_VERSION {
        return Err(Refusal::Version {
            path: path.to_owned(),
            version,
        });
    }
    Ok(launch)
}

fn take(rank_dir: &Path) -> Result<Flock<File>, Refusal> {
    let unusable = |source| Refusal::RankDir {
        path: rank_dir.to_owned(),
        source,
    };
    let directory = File::open(rank_dir).map_err(unusable)?;
    Flock::lock(directory, FlockArg::LockExclusiveNonblock).map_err(|(_file, errno)| match errno {
        Errno::EWOULDBLOCK => Refusal::Taken(rank_dir.to_owned()),
        errno => unusable(errno.into()),
    })
}

/// Makes this process independent of who started it, and the parent of every orphan below it.
fn become_supervisor() -> io::Result<()> {
    match setsid() {
        // The leader of a group cannot start a session, but no terminal reaches it either, except by SIGHUP.
        Ok(_) | Err(Errno::EPERM) => {}
        Err(errno) => return Err(errno.into()),
    }
    prctl::set_child_subreaper(true)?;
    // Training opens many files; the soft limit is meant for programs that use select().
    let (_soft, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    setrlimit(Resource::RLIMIT_NOFILE, hard, hard)?;
    Ok(())
}

/// Diagnostics go to stderr, which the runtime keeps in a file. The libraries below are kept quiet: at their most
/// talkative they print frames with the token.
fn trace() {
    let filter = EnvFilter::builder()
        .with_default_directive(LevelFilter::INFO.into())
        .from_env_lossy();
    let quiet = ["tungstenite=info", "tokio_tungstenite=info"]
        .into_iter()
        .filter_map(|directive| directive.parse().ok())
        .fold(filter, EnvFilter::add_directive);
    // The program that links the agent may trace already.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(quiet)
        .with_writer(io::stderr)
        .with_ansi(false)
        .try_init();
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one place where the agent reads the wall clock"
)]
fn now() -> DateTime<Utc> {
    Utc::now()
}

#[cfg(test)]
mod tests {
    use nix::unistd::{Gid, Uid};

    use super::*;

    #[test]
    fn as_root_it_gives_the_user_his_directory_and_lets_him_read_the_log() {
        let dir = tempfile::tempdir().unwrap();
        let (home, log_dir) = (dir.path().join("home"), dir.path().join("log"));
        let is_root = Uid::effective().is_root();
        // Who is not root gives nothing away: he is the user.
        let (uid, gid) = match is_root {
            true => (12_345, 12_346),
            false => (Uid::effective().as_raw(), Gid::effective().as_raw()),
        };
        let user = Identity {
            user: "ann".to_owned(),
            uid,
            gid,
        };
        for path in [&home, &log_dir] {
            fs::create_dir(path).unwrap();
            fs::set_permissions(path, Permissions::from_mode(0o700)).unwrap();
        }
        for _ in 0..2 {
            make_over(&home, &user).unwrap();
            let_read(&log_dir, &user).unwrap();
        }
        let found = |path: &Path| {
            let found = fs::metadata(path).unwrap();
            (found.uid(), found.gid(), found.mode() & 0o7777)
        };
        assert_eq!(found(&home), (uid, gid, 0o700));
        let is_open = if is_root { 0o750 } else { 0o700 };
        let me = Uid::effective().as_raw();
        assert_eq!(found(&log_dir), (me, gid, is_open));
    }
}
