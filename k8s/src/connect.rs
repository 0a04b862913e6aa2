//! How the cluster is reached.

use std::path::Path;

use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};

/// It is not known how to reach the cluster.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The file cannot be used.
    #[error("the file cannot be used")]
    File(#[from] kube::config::KubeconfigError),
    /// There is no service account.
    #[error("this runs in no pod with a service account: name a file with `kubeconfig`")]
    Account(#[from] kube::config::InClusterError),
    /// What it says cannot be used.
    #[error("what it says cannot be used")]
    Client(#[from] kube::Error),
}

/// A client by this file and context, or without a file by the service account of the pod that this runs in. Nothing is asked
/// of the cluster yet.
///
/// # Errors
/// If it is not known how to reach it.
pub async fn connect(file: Option<&Path>, context: Option<&str>) -> Result<Client, ConnectError> {
    let mut config = match file {
        Some(file) => {
            let options = KubeConfigOptions {
                context: context.map(str::to_owned),
                ..KubeConfigOptions::default()
            };
            Config::from_custom_kubeconfig(Kubeconfig::read_from(file)?, &options).await?
        }
        None => Config::incluster()?,
    };
    // Whoever drives the cluster repeats what failed anyway, and knows better when.
    config.default_retry = false;
    Ok(Client::try_from(config)?)
}
