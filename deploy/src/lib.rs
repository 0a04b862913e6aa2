//! How it is set up: the objects with which the platform runs in a Kubernetes cluster.
//!
//! ```text
//! Settings ──▶ tree ──▶ base/          what every platform has: two namespaces, who may do what, serve, work
//!                       components/    what some have: a database, a Redis, a way in, a storage
//!                       overlays/      both put together, with secrets that only the administrator has
//! ```
//!
//! Everything is a pure function from [`Settings`] to typed objects; `cargo xtask deploy` writes them down for
//! `kubectl apply -k`. `docs/kubernetes.md` tells administrators how to use them.

mod access;
mod container;
mod file;
mod ingress;
mod kustomization;
mod name;
mod namespace;
mod network;
mod options;
mod overlay;
mod platform;
mod postgres;
mod priority;
mod ranks;
mod redis;
mod settings;
mod storage;
mod tree;

pub use file::File;
pub use options::Options;
pub use settings::{Nfs, Settings};
pub use tree::tree;
