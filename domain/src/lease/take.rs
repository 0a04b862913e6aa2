//! Taking, keeping and giving back the lease. Each is one statement, by the clock of the database.

use std::time::Duration;

use entity::lease;
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbBackend, EntityTrait, QueryFilter, Statement, Value,
};

use super::WORK;
use crate::error::{Error, Result};
use crate::store::Store;

/// What came of trying to take the lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Term {
    /// It is ours, under this epoch.
    Ours(i64),
    /// Somebody else has it.
    Theirs {
        /// For how long, unless it is renewed.
        left: Duration,
    },
}

/// Takes the lease, if nobody has it, its time is over, or it is still this holder's own: then under the next epoch, as
/// anybody's. Only on PostgreSQL, where several processes can want it.
///
/// A holder may have given up a term that the database had not: after a stall, what was asked to renew it is done late.
///
/// # Errors
/// If the database is away.
pub async fn take(store: &Store, holder: &str, time: Duration) -> Result<Term> {
    const SQL: &str = "INSERT INTO lease (name, holder, epoch, expires_at)
         VALUES ($1, $2, 1, clock_timestamp() + make_interval(secs => $3))
         ON CONFLICT (name) DO UPDATE
         SET holder = excluded.holder, epoch = lease.epoch + 1,
             expires_at = clock_timestamp() + make_interval(secs => $3)
         WHERE lease.expires_at <= clock_timestamp() OR lease.holder = excluded.holder
         RETURNING epoch";
    const LEFT: &str =
        "SELECT extract(epoch FROM expires_at - clock_timestamp())::float8 AS seconds
         FROM lease WHERE name = $1 AND expires_at > clock_timestamp() AND holder <> $2";
    let db = store.lease();
    // Most look in vain, and a look alone does not make the leader wait.
    let values = [Value::from(WORK), Value::from(holder)];
    let look = Statement::from_sql_and_values(DbBackend::Postgres, LEFT, values);
    if let Some(row) = db.query_one_raw(look).await? {
        let seconds: f64 = row.try_get("", "seconds")?;
        let left = Duration::try_from_secs_f64(seconds).unwrap_or_default();
        return Ok(Term::Theirs { left });
    }
    let values = [WORK.into(), holder.into(), time.as_secs_f64().into()];
    let take = Statement::from_sql_and_values(DbBackend::Postgres, SQL, values);
    Ok(match db.query_one_raw(take).await? {
        Some(row) => Term::Ours(row.try_get("", "epoch")?),
        // Somebody else was faster.
        None => Term::Theirs { left: time },
    })
}

/// Takes the lease from whoever had it, for good: for a process that has the database for itself by another lock.
///
/// # Errors
/// If the database is away.
pub async fn seize(store: &Store, holder: &str) -> Result<i64> {
    const SQL: &str = "INSERT INTO lease (name, holder, epoch, expires_at) VALUES ($1, $2, 1, NULL)
         ON CONFLICT (name) DO UPDATE
         SET holder = excluded.holder, epoch = lease.epoch + 1, expires_at = NULL
         RETURNING epoch";
    let db = store.lease();
    let values = [Value::from(WORK), Value::from(holder)];
    let seize = Statement::from_sql_and_values(db.get_database_backend(), SQL, values);
    let row = db.query_one_raw(seize).await?;
    let row = row.ok_or_else(|| Error::internal("the lease that was just taken is not there"))?;
    Ok(row.try_get("", "epoch")?)
}

/// Keeps the lease for so long from now on.
///
/// # Errors
/// [`Error::Deposed`] if somebody else has taken it; then it is theirs.
pub async fn renew(store: &Store, epoch: i64, time: Duration) -> Result<()> {
    const SQL: &str = "UPDATE lease SET expires_at = clock_timestamp() + make_interval(secs => $3)
         WHERE name = $1 AND epoch = $2";
    let values = [WORK.into(), epoch.into(), time.as_secs_f64().into()];
    let renew = Statement::from_sql_and_values(DbBackend::Postgres, SQL, values);
    match store.lease().execute_raw(renew).await?.rows_affected() {
        0 => Err(Error::Deposed),
        _ => Ok(()),
    }
}

/// Gives the lease back: others may take it at once.
///
/// # Errors
/// If the database is away; then it expires.
pub async fn release(store: &Store, epoch: i64) -> Result<()> {
    const SQL: &str = "UPDATE lease SET expires_at = clock_timestamp()
         WHERE name = $1 AND epoch = $2 AND expires_at IS NOT NULL";
    let values = [Value::from(WORK), Value::from(epoch)];
    let release = Statement::from_sql_and_values(DbBackend::Postgres, SQL, values);
    store.lease().execute_raw(release).await?;
    Ok(())
}

/// Who has it or had it last, if anybody ever did.
///
/// # Errors
/// If the database is away.
pub async fn holder(db: &impl ConnectionTrait) -> Result<Option<lease::Model>> {
    let of_work = lease::Entity::find().filter(lease::Column::Name.eq(WORK));
    Ok(of_work.one(db).await?)
}
