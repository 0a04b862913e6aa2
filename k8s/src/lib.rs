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
mod labels;
mod names;
mod nodes;
pub mod object;
mod observe;
mod pods;
mod runtime;
mod watcher;

pub use cluster::{Cluster, Storage};
pub use runtime::KubernetesRuntime;
