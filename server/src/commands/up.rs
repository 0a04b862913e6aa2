//! `up`: everything on this machine, until Ctrl-C. `serve` and `work`: a part of it, beside others.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use domain::setup::FirstUser;
use domain::store::Location;
use nix::unistd::{Uid, User};
use reqwest::Url;
use tokio::signal::unix::{SignalKind, signal};

use crate::args::Up;
use crate::config::Config;
use crate::data_dir::DataDir;
use crate::database;
use crate::environment::Environment;
use crate::platform::{GROUP, Platform, PlatformConfig, Role, Timing};
use crate::relay;

/// Starts the platform, says how to sign in, and stops it on Ctrl-C or SIGTERM.
pub(super) async fn up(args: Up, role: Role, environment: &Environment) -> Result<()> {
    let nodes = args.nodes;
    let config = config(args, role, environment)?;
    ensure!(
        role == Role::Both || matches!(config.database, Location::Postgres(_)),
        "`serve` and `work` share a database with others, which SQLite cannot: set HAI_DATABASE_URL to the address of a PostgreSQL database, or use `hai-platform up`"
    );
    let (data_dir, group) = (config.data_dir.clone(), config.group.clone());
    let is_local = config.kubernetes.is_none();
    let platform = Platform::start(config).await?;
    let shown = data_dir.path().display();
    println!(
        "HAI Platform {} is up at {}",
        env!("CARGO_PKG_VERSION"),
        platform.url
    );
    if is_local {
        println!("  {nodes} nodes in the group {group}, data in {shown}");
    } else {
        println!("  tasks run in a Kubernetes cluster, data in {shown}");
    }
    if is_local && !Uid::effective().is_root() {
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
fn config(args: Up, role: Role, environment: &Environment) -> Result<PlatformConfig> {
    let root = Uid::effective().is_root();
    let data_dir = DataDir::choose(args.data.data_dir, environment, root)?;
    let chosen = Config::load(args.config.as_deref(), &data_dir)?;
    let usual = match chosen.kubernetes() {
        // What is here is not there.
        Some(_) => Vec::new(),
        None => {
            let usual = environment.home.iter().cloned();
            usual.chain(std::env::current_dir()).collect()
        }
    };
    Ok(PlatformConfig {
        role,
        database: database::choose(environment, &chosen, &data_dir)?,
        connections: chosen.database().connections(environment)?,
        redis: relay::redis(environment, &chosen)?,
        data_dir,
        listen: args.listen,
        agent_url: agent_url(environment)?,
        tls: chosen.tls().cloned(),
        proxies: chosen.proxies(),
        allowed_origins: chosen.allowed_origins().to_vec(),
        insecure_cookies: chosen.insecure_cookies(),
        rate: chosen.rate(),
        capacity: chosen.capacity(),
        nodes: args.nodes,
        group: chosen.default_group().unwrap_or(GROUP).to_owned(),
        mounts: mounts(usual, args.mounts)?,
        kubernetes: chosen.kubernetes().cloned(),
        has_rdma: environment.has_rdma,
        agent_command: agent_command()?,
        switch_user: root,
        first_user: first_user(),
        timing: Timing {
            graces: chosen.graces(),
            audit_keep: chosen.audit_keep(),
            retention: chosen.retention(),
            ..Timing::default()
        },
    })
}

/// Where agents reach this process.
fn agent_url(environment: &Environment) -> Result<Option<String>> {
    let Some(text) = &environment.agent_url else {
        return Ok(None);
    };
    let url = Url::parse(text).ok().filter(|url| {
        matches!(url.scheme(), "http" | "https")
            && url.has_host()
            && url.path() == "/"
            && url.query().is_none()
            && url.username().is_empty()
    });
    let url = url.with_context(|| {
        format!("HAI_AGENT_URL is `{text}`, not an address such as http://hai.example:7780")
    })?;
    Ok(Some(url.as_str().trim_end_matches('/').to_owned()))
}

/// The home and the present directory of whoever starts the platform, and what was asked for: each once, without those
/// that lie in another.
///
/// A service may have neither of the first two, or `/`: nobody has asked for the whole machine to be readable.
fn mounts(usual: Vec<PathBuf>, asked: Vec<PathBuf>) -> Result<Vec<PathBuf>> {
    let usual = usual
        .into_iter()
        .filter_map(|path| resolve(&path).ok())
        .filter(|path| path.parent().is_some());
    let asked = asked
        .iter()
        .map(|path| {
            resolve(path).with_context(|| format!("the mount {} cannot be used", path.display()))
        })
        .collect::<Result<Vec<_>>>()?;
    let mut mounts: Vec<PathBuf> = Vec::new();
    for path in usual.chain(asked) {
        if !mounts.iter().any(|known| path.starts_with(known)) {
            mounts.retain(|known| !known.starts_with(&path));
            mounts.push(path);
        }
    }
    Ok(mounts)
}

/// The real path of a directory.
fn resolve(path: &Path) -> io::Result<PathBuf> {
    let path = path.canonicalize()?;
    if path.is_dir() {
        Ok(path)
    } else {
        Err(io::ErrorKind::NotADirectory.into())
    }
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

/// Waits for Ctrl-C or SIGTERM.
pub(super) async fn until_asked_to_stop() -> Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_home_and_the_root_directory_are_not_mounted_unasked() {
        let dir = tempfile::tempdir().unwrap();
        let real = dir.path().canonicalize().unwrap();
        let usual = || vec![dir.path().join("missing"), PathBuf::from("/")];
        assert_eq!(mounts(usual(), Vec::new()).unwrap(), Vec::<PathBuf>::new());
        assert_eq!(mounts(usual(), vec![real.clone()]).unwrap(), [real]);
        let everything = PathBuf::from("/");
        assert_eq!(
            mounts(usual(), vec![everything.clone()]).unwrap(),
            [everything]
        );
    }

    #[test]
    fn an_address_for_agents_is_a_base_address() {
        let of = |text: &str| {
            agent_url(&Environment {
                agent_url: Some(text.to_owned()),
                ..Environment::default()
            })
        };
        let good = of("http://hai.example:7780").unwrap();
        assert_eq!(good.as_deref(), Some("http://hai.example:7780"));
        assert_eq!(agent_url(&Environment::default()).unwrap(), None);
        for wrong in [
            "hai.example:7780",
            "ws://hai.example",
            "http://hai.example/agents",
            "",
        ] {
            let error = of(wrong).unwrap_err().to_string();
            assert!(error.starts_with("HAI_AGENT_URL is"), "{error}");
        }
    }

    #[test]
    fn a_mount_that_was_asked_for_must_be_a_directory() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        std::fs::write(&file, "").unwrap();
        for wrong in [dir.path().join("missing"), file] {
            let error = mounts(Vec::new(), vec![wrong.clone()]).unwrap_err();
            assert!(
                error.to_string().contains(&*wrong.to_string_lossy()),
                "{error}"
            );
        }
    }

    #[test]
    fn a_directory_in_another_is_not_mounted_twice() {
        let dir = tempfile::tempdir().unwrap();
        let outer = dir.path().canonicalize().unwrap();
        let inner = outer.join("inner");
        std::fs::create_dir(&inner).unwrap();
        let both = vec![inner.clone(), outer.clone()];
        assert_eq!(mounts(both, vec![inner]).unwrap(), [outer]);
    }
}
