//! Counts in PostgreSQL: a row for each, in a table that is not logged. It is empty again after a crash, as Redis is.

use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, Statement, Value};

use super::Script;

/// The row of somebody who has one taken elsewhere at this moment may not be seen yet: then there was one.
pub(super) const TAKE: &str = "
WITH taken AS (
    INSERT INTO shared_count AS kept (id, count, ends_at)
    VALUES ($1, 1, clock_timestamp() + $2 * INTERVAL '1 microsecond')
    ON CONFLICT (id) DO UPDATE
        SET ends_at = GREATEST(kept.ends_at, clock_timestamp()) + $2 * INTERVAL '1 microsecond'
        WHERE kept.ends_at <= clock_timestamp() + $3 * INTERVAL '1 microsecond'
    RETURNING id)
SELECT CASE WHEN EXISTS (SELECT FROM taken) THEN 0 ELSE COALESCE((
    SELECT GREATEST(1, CEIL(1000000 * EXTRACT(EPOCH FROM ends_at - clock_timestamp()))::bigint - $3)
    FROM shared_count WHERE id = $1), 0) END AS answer";

pub(super) const COUNT: &str = "
INSERT INTO shared_count AS kept (id, count, ends_at)
VALUES ($1, 1, clock_timestamp() + $2 * INTERVAL '1 millisecond')
ON CONFLICT (id) DO UPDATE SET
    count = CASE WHEN kept.ends_at > clock_timestamp() THEN kept.count + 1 ELSE 1 END,
    ends_at = CASE WHEN kept.ends_at > clock_timestamp() THEN kept.ends_at ELSE EXCLUDED.ends_at END
RETURNING count AS answer";

pub(super) const WAIT: &str = "
SELECT CEIL(1000 * EXTRACT(EPOCH FROM ends_at - clock_timestamp()))::bigint AS answer
FROM shared_count WHERE id = $1 AND count >= $2 AND ends_at > clock_timestamp()";

pub(super) const KEEP: &str = "
INSERT INTO shared_count (id, count, ends_at)
VALUES ($1, 1, clock_timestamp() + $2 * INTERVAL '1 millisecond')
ON CONFLICT (id) DO UPDATE SET ends_at = EXCLUDED.ends_at
RETURNING count AS answer";

pub(super) const IS_KEPT: &str = "
SELECT 1::bigint AS answer FROM shared_count WHERE id = $1 AND ends_at > clock_timestamp()";

/// The answer; 0 where there is no row.
pub(super) async fn ask(
    db: &DatabaseConnection,
    script: &Script,
    digest: &[u8],
    numbers: &[i64],
) -> Result<Option<u64>, String> {
    let id = digest.first_chunk().copied().map(i64::from_be_bytes);
    let values = id.iter().chain(numbers).copied().map(Value::from);
    let ask = Statement::from_sql_and_values(DbBackend::Postgres, script.postgres, values);
    let answer = async {
        let row = db.query_one_raw(ask).await?;
        row.map_or(Ok(0), |row| row.try_get::<i64>("", "answer"))
    };
    let answer = answer.await.map_err(|error| error.to_string())?;
    Ok(u64::try_from(answer).ok())
}
