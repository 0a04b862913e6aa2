//! `demo`: the platform at work, on real training, in a directory of its own.
//!
//! It starts a platform, trains the character model of `examples/charlm` on two nodes, lets a more urgent training take the
//! nodes in the midst of the same training, follows both live, side by side, tells what each run did, and then checks facts:
//! above all that nothing was lost. It succeeds only if every fact holds.

mod checks;
mod client;
mod facts;
mod report;
mod steps;
mod story;
mod view;
mod watch;

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use anyhow::{Context, Result, anyhow, bail};
use domain::setup::FirstUser;
use domain::store::{Connections, Location};
use nix::unistd::Uid;

use super::up;
use crate::bundle;
use crate::data_dir::DataDir;
use crate::environment::Environment;
use crate::platform::{GROUP, Platform, PlatformConfig, Role, Timing};

/// Runs the demonstration.
pub(super) async fn demo(environment: &Environment) -> Result<()> {
    let dir = tempfile::Builder::new()
        .prefix("hai-demo-")
        .tempdir()
        .context("a temporary directory cannot be made")?;
    // The commands of other users pass through to their workspaces.
    std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o711))?;
    let code = dir.path().join("examples/charlm");
    bundle::unpack(bundle::CHARLM, &code)?;
    let platform = Platform::start(config(dir.path(), environment)?).await?;
    println!(
        "HAI Platform is up at {} in {}",
        platform.url,
        dir.path().display()
    );

    let told = tokio::select! {
        told = story::tell(&platform, &code, cli::Look::of_stdout()) => told,
        asked = up::until_asked_to_stop() => Err(asked.err().unwrap_or_else(|| anyhow!("interrupted"))),
    };
    let story::Outcome { report, facts } = match told {
        Ok(outcome) => outcome,
        Err(error) => {
            clean_up(platform).await;
            return Err(error);
        }
    };
    clean_up(platform).await;
    let dir_path = dir.path().to_owned();
    dir.close()
        .context("the demonstration's directory cannot be removed")?;
    println!("\n{report}\n{facts}");
    println!("Removed {}.", dir_path.display());
    if !facts.all_hold() {
        bail!("a fact of the demonstration does not hold");
    }
    Ok(())
}

fn config(dir: &Path, environment: &Environment) -> Result<PlatformConfig> {
    let data_dir = DataDir::choose(Some(dir.join("platform")), environment, false)?;
    let uid = Uid::effective();
    Ok(PlatformConfig {
        role: Role::Both,
        database: Location::Sqlite(data_dir.database()),
        connections: Connections::default(),
        redis: None,
        data_dir,
        listen: ([127, 0, 0, 1], 0).into(),
        agent_url: None,
        tls: None,
        proxies: api::Proxies::default(),
        allowed_origins: Vec::new(),
        insecure_cookies: false,
        rate: None,
        capacity: api::Capacity::default(),
        nodes: 2,
        group: GROUP.to_owned(),
        mounts: vec![dir.join("examples")],
        kubernetes: None,
        has_rdma: false,
        agent_command: up::agent_command()?,
        switch_user: uid.is_root(),
        first_user: FirstUser {
            name: "admin".to_owned(),
            uid: uid.as_raw().into(),
        },
        timing: Timing::default(),
    })
}

/// Nothing of the demonstration stays behind, whether it was told to the end or not.
async fn clean_up(platform: Platform) {
    let runtime = platform.app.runtime.clone();
    for rank in runtime.list().await.unwrap_or_default() {
        let _ = runtime.kill(&rank).await;
    }
    platform.stop().await;
}
