//! Refuses what a leader writes whose term is over.

use sea_orm::{ConnectionTrait, DbBackend, Statement, Value};

use super::WORK;
use crate::error::{Error, Result};

/// The term in which something is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fence {
    /// Its number.
    pub epoch: i64,
}

impl Fence {
    /// Must be the last statement of a transaction: nobody can take the lease between this and the commit.
    ///
    /// # Errors
    /// [`Error::Deposed`] if a later term has begun.
    pub(crate) async fn check(self, db: &impl ConnectionTrait) -> Result<()> {
        let backend = db.get_database_backend();
        let values = [Value::from(WORK), Value::from(self.epoch)];
        let look = Statement::from_sql_and_values(backend, look(backend), values);
        match db.query_one_raw(look).await? {
            Some(_) => Ok(()),
            None => Err(Error::Deposed),
        }
    }
}

/// On SQLite there is one writer. On PostgreSQL the row is locked against whoever wants to take it, until the commit: of one
/// that is cut off right here the database gives up the transaction, as of any that does nothing.
fn look(backend: DbBackend) -> &'static str {
    match backend {
        DbBackend::Postgres => "SELECT epoch FROM lease WHERE name = $1 AND epoch = $2 FOR SHARE",
        _ => "SELECT epoch FROM lease WHERE name = ? AND epoch = ?",
    }
}
