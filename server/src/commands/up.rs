//! `up`: everything on this machine, until Ctrl-C.

use std::ffi::OsString;
use std::path::PathBuf;

use anyhow::{Context, Result};
use domain::setup::FirstUser;
use nix::unistd::{Uid, User};
use tokio::signal::unix::{SignalKind, signal};

use crate::args::Up;
use crate::data_dir::DataDir;
use crate::environment::Environment;
use crate::platform::{GROUP, Platform, PlatformConfig};

/// Starts the platform, says how to sign in, and stops it on Ctrl-C or SIGTERM.
pub(super) async fn up(args: Up, environment: &Environment) -> Result<()> {
    let nodes = args.nodes;
    let config = config(args, environment)?;
    let data_dir = config.data_dir.clone();
    let platform = Platform::start(config).await?;
    let shown = data_dir.path().display();
    println!(
        "HAI Platform {} is up at {}",
        env!("CARGO_PKG_VERSION"),
        platform.url
    );
    println!("  {nodes} nodes in the group {GROUP}, data in {shown}");
    if !Uid::effective().is_root() {
        println!(
            "  tasks run as you: do not let people use it whom you do not trust with your files"
        );
    }
    if let Some(token) = &platform.first_token {
        println!(
            "\nFirst start. Sign in as its administrator with this line; the token is shown only now:\n"
        );
        println!(
            "  {} init {} --url {}\n",
            client(environment)?,
            token.reveal(),
            platform.url
        );
    }
    println!("Ctrl-C stops the server; running tasks go on and are found again.");
    until_asked_to_stop().await?;
    let running = domain::node::overview(platform.app.reader())
        .await
        .map(|it| it.running_tasks);
    platform.stop().await;
    match running {
        Ok(0) | Err(_) => println!("\nStopped."),
        Ok(running) => println!(
            "\nStopped. {running} running task(s) go on; `hai-platform up` finds them again."
        ),
    }
    Ok(())
}

/// What `up` was asked, with everything that follows from the machine.
fn config(args: Up, environment: &Environment) -> Result<PlatformConfig> {
    let root = Uid::effective().is_root();
    let data_dir = DataDir::choose(args.data.data_dir, environment, root)?;
    Ok(PlatformConfig {
        database: environment.database(&data_dir),
        data_dir,
        listen: args.listen,
        nodes: args.nodes,
        mounts: mounts(args.mounts, environment)?,
        agent_command: agent_command()?,
        switch_user: root,
        first_user: first_user(),
    })
}

/// The home and the present directory of whoever starts the platform, and what was asked for.
fn mounts(asked: Vec<PathBuf>, environment: &Environment) -> Result<Vec<PathBuf>> {
    let here = std::env::current_dir().context("the present directory is gone")?;
    let mut mounts = Vec::new();
    for path in environment.home.iter().cloned().chain([here]).chain(asked) {
        let path = std::fs::canonicalize(&path)
            .with_context(|| format!("the mount {} cannot be used", path.display()))?;
        if !mounts.iter().any(|known: &PathBuf| path.starts_with(known)) {
            mounts.retain(|known| !known.starts_with(&path));
            mounts.push(path);
        }
    }
    Ok(mounts)
}

/// This very program: it is also the agent.
pub(super) fn agent_command() -> Result<Vec<OsString>> {
    let program = std::env::current_exe().context("the path of this program is not known")?;
    Ok(vec![
        program.into_os_string(),
        "agent".into(),
        "--launch".into(),
    ])
}

/// The administrator has the uid of whoever starts the platform: then the files in his home are his tasks' files.
fn first_user() -> FirstUser {
    let uid = Uid::effective();
    let name = User::from_uid(uid)
        .ok()
        .flatten()
        .map(|user| user.name)
        .filter(|name| domain::user::is_usable_name(name))
        .unwrap_or_else(|| "admin".to_owned());
    FirstUser {
        name,
        uid: uid.as_raw().into(),
    }
}

/// How the client can be called from here.
fn client(environment: &Environment) -> Result<String> {
    let in_path = environment
        .path
        .iter()
        .flat_map(std::env::split_paths)
        .any(|dir| dir.join("hai-cli").is_file());
    if in_path {
        return Ok("hai-cli".to_owned());
    }
    let program = std::env::current_exe().context("the path of this program is not known")?;
    Ok(format!("{} cli", program.display()))
}

async fn until_asked_to_stop() -> Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}
