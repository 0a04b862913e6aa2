//! Copies of a database, and what becomes of the one in whose place a copy comes.

use std::path::Path;

use sea_orm::{ConnectionTrait, Database, DatabaseConnection, DbBackend, DbErr, Statement, Value};

use super::{Connections, Location, OpenError, Store, Use, schema, sqlite};

/// So many numbers of tasks and runs are left out: whatever an older life of the platform had given after the copy was made.
const GAP: i64 = 1_000_000;

/// The schema of PostgreSQL that has everything.
const SCHEMA: &str = "public";

impl Store {
    /// Copies a SQLite database as it is at one moment, beside a server that may be writing. The other file must be empty.
    ///
    /// # Errors
    /// If one cannot be read or the other not be written.
    pub async fn copy(from: &Path, to: &Path) -> Result<(), OpenError> {
        let location = Location::Sqlite(from.to_owned());
        let failed = |error| OpenError::Database(location.clone(), error);
        let db = Database::connect(sqlite(from, Use::Writing))
            .await
            .map_err(failed)?;
        let to = Value::from(to.to_string_lossy().into_owned());
        let copy = Statement::from_sql_and_values(DbBackend::Sqlite, "VACUUM INTO ?", [to]);
        let copied = db.execute_raw(copy).await;
        let _ = db.close().await;
        copied.map(drop).map_err(failed)
    }

    /// The changes of the schema that a database has, oldest first: none if there is nothing in it.
    ///
    /// # Errors
    /// If it cannot be read.
    pub async fn applied(location: &Location) -> Result<Vec<String>, OpenError> {
        on(location, async |db| schema::applied(db).await).await
    }

    /// How many connections other processes of the platform have to a database of PostgreSQL.
    ///
    /// # Errors
    /// If it cannot be read.
    pub async fn others(location: &Location) -> Result<i64, OpenError> {
        on(location, async |db| {
            if db.get_database_backend() != DbBackend::Postgres {
                return Ok(0);
            }
            let ours =
                "SELECT count(*) AS n FROM pg_stat_activity WHERE datname = current_database()
                AND application_name LIKE 'hai-platform%' AND pid <> pg_backend_pid()";
            let row = db.query_one_raw(Statement::from_string(DbBackend::Postgres, ours));
            row.await?.map_or(Ok(0), |row| row.try_get("", "n"))
        })
        .await
    }

    /// Gives everything in a database of PostgreSQL another name, and leaves it empty.
    ///
    /// # Errors
    /// If that is not allowed.
    pub async fn set_aside(location: &Location, name: &str) -> Result<(), OpenError> {
        on(location, async |db| {
            let swap =
                format!("ALTER SCHEMA {SCHEMA} RENAME TO \"{name}\"; CREATE SCHEMA {SCHEMA}");
            db.execute_unprepared(&swap).await.map(drop)
        })
        .await
    }

    /// Takes back what was set aside, into a database that has stayed empty.
    ///
    /// # Errors
    /// If it is not empty.
    pub async fn take_back(location: &Location, name: &str) -> Result<(), OpenError> {
        on(location, async |db| {
            let swap = format!("DROP SCHEMA {SCHEMA}; ALTER SCHEMA \"{name}\" RENAME TO {SCHEMA}");
            db.execute_unprepared(&swap).await.map(drop)
        })
        .await
    }

    /// Leaves numbers out, so that no new task or run is mistaken for one that came after the copy was made.
    ///
    /// # Errors
    /// If the database refuses.
    pub async fn skip_numbers(location: &Location) -> Result<(), OpenError> {
        on(location, async |db| {
            for table in ["task", "run"] {
                let skip = match db.get_database_backend() {
                    DbBackend::Postgres => format!(
                        "SELECT setval(pg_get_serial_sequence('{table}', 'id'),
                            {GAP} + (SELECT coalesce(max(id), 0) FROM {table}))"
                    ),
                    // Whoever has never been given a number has no row there.
                    _ => format!(
                        "INSERT INTO sqlite_sequence (name, seq) SELECT '{table}', 0
                            WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = '{table}');
                         UPDATE sqlite_sequence SET seq = seq + {GAP} WHERE name = '{table}'"
                    ),
                };
                db.execute_unprepared(&skip).await?;
            }
            Ok(())
        })
        .await
    }
}

/// Does something on one connection.
async fn on<T>(
    location: &Location,
    work: impl AsyncFnOnce(&DatabaseConnection) -> Result<T, DbErr>,
) -> Result<T, OpenError> {
    let failed = |error| OpenError::Database(location.clone(), error);
    let connections = Connections {
        most: std::num::NonZeroU32::MIN,
        ..Connections::default()
    };
    let store = Store::connect(location, &connections)
        .await
        .map_err(failed)?;
    let done = work(&store.writer).await.map_err(failed);
    store.close().await;
    done
}
