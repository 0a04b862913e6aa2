//! Whether the database keeps up with what is asked of it.

use std::time::{Duration, Instant};

use sea_orm::{DatabaseConnection, DbBackend};
use tokio::time::timeout;

use super::Store;

impl Store {
    /// Writes that begin or end, and wait for the writer or a connection while they do.
    pub fn n_writes(&self) -> usize {
        self.writes.len()
    }

    /// The same for one query that takes long. Where there is a replica, that is the place for it.
    #[must_use]
    pub fn for_long_query(self) -> Self {
        if self.replica.is_some() {
            return self;
        }
        Self {
            reader: self.aside.clone(),
            ..self
        }
    }

    /// Waits until a query would get a connection, and says how long that took; `None` if it takes longer than `patience`.
    /// While one is free it is not touched.
    pub async fn room(&self, patience: Duration) -> Option<Duration> {
        if has_free(&self.reader) {
            return Some(Duration::ZERO);
        }
        let begun = Instant::now();
        // What is wrong with the database is told by the query itself.
        timeout(patience, acquire(&self.reader)).await.ok()?;
        Some(begun.elapsed())
    }

    /// Takes every connection for queries, for as long as these are kept.
    ///
    /// # Panics
    /// If the database is away.
    #[cfg(any(test, feature = "testing"))]
    pub async fn all_readers(&self) -> Vec<Box<dyn Send>> {
        let mut taken: Vec<Box<dyn Send>> = Vec::new();
        while has_free(&self.reader) {
            taken.push(match self.reader.get_database_backend() {
                DbBackend::Sqlite => {
                    let pool = self.reader.get_sqlite_connection_pool();
                    Box::new(pool.acquire().await.expect("the database is there"))
                }
                _ => {
                    let pool = self.reader.get_postgres_connection_pool();
                    Box::new(pool.acquire().await.expect("the database is there"))
                }
            });
        }
        taken
    }
}

fn has_free(db: &DatabaseConnection) -> bool {
    let is_free = |size: u32, idle: usize, most: u32| idle > 0 || size < most;
    match db.get_database_backend() {
        DbBackend::Sqlite => {
            let pool = db.get_sqlite_connection_pool();
            let most = pool.options().get_max_connections();
            is_free(pool.size(), pool.num_idle(), most)
        }
        DbBackend::Postgres => {
            let pool = db.get_postgres_connection_pool();
            let most = pool.options().get_max_connections();
            is_free(pool.size(), pool.num_idle(), most)
        }
        _ => true,
    }
}

/// Takes a connection and gives it back.
async fn acquire(db: &DatabaseConnection) {
    match db.get_database_backend() {
        DbBackend::Sqlite => drop(db.get_sqlite_connection_pool().acquire().await),
        DbBackend::Postgres => drop(db.get_postgres_connection_pool().acquire().await),
        _ => {}
    }
}
