//! What a whole-system test may ask for.
//!
//! - [`Platform`]: the real platform in this process, with real agents and commands, on the database that
//!   `HAI_TEST_DATABASE` chooses.
//! - [`Up`]: the real program `hai-platform up`, to be killed and started again.
//! - [`Replicas`]: several of `serve` and `work` that share a database.
//! - [`Cluster`]: a PostgreSQL server of its own, encrypted, and copies of it.
//! - [`KubernetesCluster`]: a cluster whose pods are processes of this machine.
//! - [`Client`]: GraphQL in, JSON out.
//! - [`Gate`]: holds a command until the test lets it go on, or tells the test how far it is, without a clock.
//! - [`Follow`]: what is seen of one task, over the deaths of the server.
//! - [`run`] and [`Up::run`]: one of the real programs, to its end; [`shell`]: a line of them, as it is typed; [`screen`]: what
//!   a terminal shows.

mod client;
mod cluster;
mod follow;
mod gate;
mod kubernetes;
mod platform;
mod program;
mod rank;
mod replicas;
mod screen;
mod server;
mod site;
mod up;
mod wire;

use std::time::Duration;

use anyhow::{Context, Result};

pub use client::Client;
pub use cluster::Cluster;
pub use follow::{Follow, Seen};
pub use gate::Gate;
pub use kubernetes::KubernetesCluster;
pub use platform::Platform;
pub use program::{Output, program, run, shell};
pub use rank::{Process, agent_of, commands_of_run, rank_dir_of};
pub use replicas::Replicas;
pub use screen::screen;
pub use up::Up;

/// What a test waits for comes soon or never: then the test fails instead of hanging.
///
/// # Errors
/// If it does not come.
pub async fn within<T>(future: impl Future<Output = T>) -> Result<T> {
    let patience = Duration::from_secs(120);
    let result = tokio::time::timeout(patience, future).await;
    result.context("what the test waits for does not come")
}
