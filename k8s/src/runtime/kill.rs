//! Ending ranks: by their kubelet, or, if nobody reaches that, by a fence.
//!
//! ```text
//! pod there, its node answers       delete it; it is over when the kubelet says so
//! pod there, its node is silent     delete it, and raise the fence: the node may never answer
//! pod gone without a word           raise the fence: gone is not over
//! ```

use std::path::PathBuf;
use std::time::Duration;

use domain::runtime::{Killed, RankKey, RuntimeError};
use futures_util::future::BoxFuture;
use protocol::FENCE_PERIOD;
use tokio::time::{Instant, timeout};

use super::KubernetesRuntime;
use crate::{lock, storage};

/// So long a call waits for the storage. If that takes longer, as until a lost node has given back what it holds of the file, others are
/// not to wait for it.
const MOMENT: Duration = Duration::from_millis(200);

/// How far a fence has come.
pub(super) enum Fence {
    /// It is being written.
    Rising(Rising),
    /// Since then every look of the agent finds it raised.
    Up(Instant),
}

type Rising = BoxFuture<'static, Result<Instant, RuntimeError>>;

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
                let told = self.tell(rank, told).await;
                let fenced = self.fence(rank, log_dir).await;
                told.and(fenced)
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
        let fence = lock(&self.fences).remove(rank);
        let fence = match fence {
            Some(Fence::Up(since)) => Fence::Up(since),
            Some(Fence::Rising(rising)) => rise(rising).await?,
            None => {
                let log_dir = log_dir.ok_or_else(|| {
                    let why = "its pod does not say where its logs are";
                    RuntimeError::unavailable(format!("fence off rank {rank}"), why)
                })?;
                let log_dir = log_dir.join(rank.rank.to_string());
                rise(Box::pin(storage::fence(*rank, log_dir))).await?
            }
        };
        if let Fence::Up(since) = &fence
            && since.elapsed() >= FENCE_PERIOD * 2
        {
            tracing::warn!(%rank, "a rank that cannot be reached is fenced off");
            self.pods.send_modify(|pods| pods.fence(rank));
            return Ok(Killed::Gone);
        }
        lock(&self.fences).insert(*rank, fence);
        Ok(Killed::Going)
    }
}

/// Waits a moment for a fence to be up.
async fn rise(mut rising: Rising) -> Result<Fence, RuntimeError> {
    match timeout(MOMENT, &mut rising).await {
        Ok(raised) => Ok(Fence::Up(raised?)),
        Err(_) => Ok(Fence::Rising(rising)),
    }
}
