//! How it starts: the only place that puts adapters and ports together.
//!
//! `args` says what was asked, `commands` do it; [`platform`] is the running platform, in its
//! [`data_dir`]. There is no rule about tasks, users or quotas in here.

pub mod args;
mod backup;
mod bundle;
pub mod commands;
mod config;
pub mod data_dir;
mod database;
mod directory;
pub mod environment;
mod kubernetes;
mod original;
pub mod platform;
mod postgres;
mod ranks;
mod relay;
pub mod seat;
mod telemetry;
mod threads;
mod tls;

pub use api::{Capacity, Proxies};
pub use platform::{GROUP, Platform, PlatformConfig, Role, Timing};
pub use tls::Files;
