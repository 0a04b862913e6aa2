//! Where it runs: ranks as pods of a Kubernetes cluster.
//!
//! ```text
//! Secret hai-TASK-RUN            what the ranks are started with; it owns the pods, and they go with it
//!   └─ Pod hai-TASK-RUN-RANK     pinned to its node
//!        ├─ agent (init)         brings hai-agent, and what this rank is started with, into …
//!        └─ rank                 … the image of the task: hai-agent, and below it the user's command
//! Service hai-ranks              one for all: by it ranks find each other
//! ```
//!
//! [`object`] is pure: settings and a launch in, objects out. Nothing is asked of the cluster but what `deploy/` allows.

mod api;
mod cluster;
mod clusters;
mod connect;
mod elsewhere;
mod events;
mod labels;
mod names;
mod node;
mod nodes;
pub mod object;
mod observe;
mod pods;
mod quantity;
mod runtime;
mod storage;
mod watcher;

use std::sync::{Mutex, MutexGuard, PoisonError};

pub use cluster::{Cluster, IngressAddress, PullPolicy, Storage};
pub use clusters::Clusters;
pub use connect::{ConnectError, connect};
pub use elsewhere::Elsewhere;
pub use runtime::KubernetesRuntime;

/// Locks. No step leaves what is behind it half changed, so a panic elsewhere does not matter.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
