//! How the schema got there: one file per change, in order. See `README.md` for how to add one.
//!
//! A migration does not use `entity`: it must not change when a struct does.

#![expect(
    elided_lifetimes_in_paths,
    reason = "async_trait wants the signature exactly as the library's trait has it"
)]

mod column;
mod m20261123_000001_create_user;
mod m20261123_000002_create_quota;
mod m20261123_000003_create_node;
mod m20261123_000004_create_task;
mod m20261123_000005_create_run;
mod m20261123_000006_create_reservation;
mod m20261127_000001_create_task_change;
mod m20261127_000002_index_task_name;
mod m20261127_000003_create_audit;
mod m20261127_000004_create_mount_rule;
mod m20261127_000005_extend_identity;
mod m20261127_000006_extend_quota;
mod m20261127_000007_create_session;
mod m20261127_000008_extend_host;
mod m20261127_000009_create_lease;
mod m20261127_000010_share_task;
mod m20261127_000011_index_swept;
mod m20261127_000020_index_kept;
mod m20261127_000021_create_shared_count;
mod m20261128_000001_create_rank_event;

use sea_orm_migration::prelude::*;
pub use sea_orm_migration::{MigratorTrait, SchemaManager};

/// All changes, oldest first.
#[derive(Debug)]
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m20261123_000001_create_user::Migration),
            Box::new(m20261123_000002_create_quota::Migration),
            Box::new(m20261123_000003_create_node::Migration),
            Box::new(m20261123_000004_create_task::Migration),
            Box::new(m20261123_000005_create_run::Migration),
            Box::new(m20261123_000006_create_reservation::Migration),
            Box::new(m20261127_000001_create_task_change::Migration),
            Box::new(m20261127_000002_index_task_name::Migration),
            Box::new(m20261127_000003_create_audit::Migration),
            Box::new(m20261127_000004_create_mount_rule::Migration),
            Box::new(m20261127_000005_extend_identity::Migration),
            Box::new(m20261127_000006_extend_quota::Migration),
            Box::new(m20261127_000007_create_session::Migration),
            Box::new(m20261127_000008_extend_host::Migration),
            Box::new(m20261127_000009_create_lease::Migration),
            Box::new(m20261127_000010_share_task::Migration),
            Box::new(m20261127_000011_index_swept::Migration),
            Box::new(m20261127_000020_index_kept::Migration),
            Box::new(m20261127_000021_create_shared_count::Migration),
            Box::new(m20261128_000001_create_rank_event::Migration),
        ]
    }
}
