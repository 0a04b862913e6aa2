//! Ending ranks: by their kubelet, or, if nobody reaches that, by a fence.
//!
//! ```text
//! pod there, its node answers       delete it; it is over when the kubelet says so
//! pod there, its node is silent     delete it, and raise the fence: the node may never answer
//! pod gone without a word           raise the fence: gone is not over
//! ```

use std::path::{Path, PathBuf};

use domain::runtime::{Killed, RankKey, RuntimeError};
use protocol::{FENCE_FILE, FENCE_PERIOD};
use tokio::fs;
use tokio::time::Instant;

use super::KubernetesRuntime;
use crate::lock;

/// What there is to be ended.
enum Left {
    /// Nothing.
    Nothing,
    /// A pod that its node answers for.
    Pod(Told),
    /// A pod of a silent node.
    Silent(Told, Option<PathBuf>),
    /// Something of which there is no pod any more.
    Lost(Option<PathBuf>),
    /// Perhaps something: there is no pod, and nobody knows whether there was one.
    Unknown,
}

/// Whether a pod has been told to go.
enum Told {
    Already,
    NotYet { uid: String },
}

impl KubernetesRuntime {
    pub(super) async fn end(&self, rank: &RankKey) -> Result<Killed, RuntimeError> {
        match self.left(rank)? {
            Left::Nothing => Ok(Killed::Gone),
            Left::Pod(told) => {
                self.tell(rank, told).await?;
                Ok(Killed::Going)
            }
            Left::Silent(told, log_dir) => {
                // Its node hears of it when it is back.
                self.tell(rank, told).await?;
                self.fence(rank, log_dir).await
            }
            Left::Lost(log_dir) => self.fence(rank, log_dir).await,
            Left::Unknown => match self.calls.secret(&rank.run_key()).await? {
                None => Ok(Killed::Gone),
                Some(anchor) => self.fence(rank, anchor.log_dir).await,
            },
        }
    }

    fn left(&self, rank: &RankKey) -> Result<Left, RuntimeError> {
        let silent = self.silent()?;
        self.known(|pods| {
            let Some(pod) = pods.get(rank) else {
                return match pods.is_fenced(rank) {
                    true => Left::Nothing,
                    false => Left::Unknown,
                };
            };
            if pods.is_over(rank) {
                return Left::Nothing;
            }
            if !pod.is_there {
                return Left::Lost(pod.log_dir.clone());
            }
            let told = match pod.is_going {
                true => Told::Already,
                false => Told::NotYet {
                    uid: pod.uid.clone(),
                },
            };
            match silent.has(&pod.node) {
                true => Left::Silent(told, pod.log_dir.clone()),
                false => Left::Pod(told),
            }
        })
    }

    async fn tell(&self, rank: &RankKey, told: Told) -> Result<(), RuntimeError> {
        if let Told::NotYet { uid } = told {
            self.calls.delete_pod(rank, &uid).await?;
            self.pods.send_modify(|pods| pods.tell(rank));
        }
        Ok(())
    }

    /// Raises the fence of a rank, unless it was, and waits until its agent has seen it or cannot any more.
    async fn fence(
        &self,
        rank: &RankKey,
        log_dir: Option<PathBuf>,
    ) -> Result<Killed, RuntimeError> {
        let raised = lock(&self.fences).get(rank).copied();
        match raised {
            Some(at) if at.elapsed() >= FENCE_PERIOD * 2 => {
                tracing::warn!(%rank, "a rank that cannot be reached is fenced off");
                lock(&self.fences).remove(rank);
                self.pods.send_modify(|pods| pods.fence(rank));
                Ok(Killed::Gone)
            }
            Some(_) => Ok(Killed::Going),
            None => {
                let failed =
                    |error| RuntimeError::unavailable(format!("fence off rank {rank}"), error);
                let log_dir = log_dir
                    .ok_or_else(|| failed("its pod does not say where its logs are".to_owned()))?;
                raise(&log_dir.join(rank.rank.to_string()))
                    .await
                    .map_err(|error| failed(error.to_string()))?;
                lock(&self.fences).insert(*rank, Instant::now());
                Ok(Killed::Going)
            }
        }
    }
}

async fn raise(log_dir: &Path) -> std::io::Result<()> {
    fs::create_dir_all(log_dir).await?;
    let mut file = fs::File::create(log_dir.join(FENCE_FILE)).await?;
    tokio::io::AsyncWriteExt::write_all(&mut file, b"The platform has given this rank up.\n")
        .await?;
    file.sync_all().await
}
