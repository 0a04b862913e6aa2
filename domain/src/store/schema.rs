//! The schema: what it lacks, and how it gets it.

use migration::{Migrator, MigratorTrait, SchemaManager};
use sea_orm::{ConnectionTrait, DatabaseConnection, DbErr, Statement};

use super::{Connections, Location, OpenError, StartUp, Store, make_private};

/// The table with the names of the changes that a database has.
const APPLIED: &str = "seaql_migrations";

impl Store {
    /// The names of all changes that this version knows, oldest first.
    pub fn known_changes() -> Vec<String> {
        let changes = Migrator::migrations();
        changes.iter().map(|it| it.name().to_owned()).collect()
    }

    /// The changes that a database lacks, oldest first. Nothing is written, also where there is no database yet.
    ///
    /// # Errors
    /// If it cannot be read, or if a newer version of the platform wrote it.
    pub async fn pending(location: &Location) -> Result<Vec<String>, OpenError> {
        if let Location::Sqlite(path) = location
            && !path.exists()
        {
            return Ok(Self::known_changes());
        }
        let failed = |error| OpenError::Database(location.clone(), error);
        let connections = Connections::default();
        let store = Self::connect(location, &connections)
            .await
            .map_err(failed)?;
        let pending = lacking(&store.writer, location).await;
        store.close().await;
        pending
    }

    /// Brings the schema up to date, and makes the database if it is not there. Answers the changes that were made.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub async fn migrate(location: &Location) -> Result<Vec<String>, OpenError> {
        let (store, start_up, made) = Self::changed(location, &Connections::default()).await?;
        start_up.release().await;
        store.close().await;
        Ok(made)
    }

    /// The database with an up-to-date schema, while nobody else starts, and the changes that were made.
    pub(super) async fn changed(
        location: &Location,
        connections: &Connections,
    ) -> Result<(Self, StartUp, Vec<String>), OpenError> {
        if let Location::Sqlite(path) = location {
            make_private(path).map_err(|error| OpenError::File(path.clone(), error))?;
        }
        let failed = |error| OpenError::Database(location.clone(), error);
        // A database that is not there is seen here: whoever waits for the lock waits long.
        let store = Self::connect(location, connections).await.map_err(failed)?;
        let start_up = StartUp::wait(location).await.map_err(failed)?;
        let db = start_up.connection().unwrap_or(&store.writer);
        let lacking = lacking(db, location).await?;
        Migrator::up(db, None).await.map_err(failed)?;
        Ok((store, start_up, lacking))
    }
}

/// The changes that a database lacks, if it has none that this version does not know.
pub(super) async fn lacking(
    db: &DatabaseConnection,
    location: &Location,
) -> Result<Vec<String>, OpenError> {
    let failed = |error| OpenError::Database(location.clone(), error);
    if let Some(change) = unknown(db).await.map_err(failed)? {
        return Err(OpenError::Newer(change));
    }
    let pending = Migrator::get_pending_migrations_read_only(db).await;
    let names = pending.map_err(failed)?;
    Ok(names.iter().map(|it| it.name().to_owned()).collect())
}

/// The name of a change that this version does not know, if the database has one.
async fn unknown(db: &DatabaseConnection) -> Result<Option<String>, DbErr> {
    let known = Store::known_changes();
    let mut applied = applied(db).await?.into_iter();
    Ok(applied.find(|name| !known.contains(name)))
}

/// The names of the changes that a database has, in order.
pub(super) async fn applied(db: &DatabaseConnection) -> Result<Vec<String>, DbErr> {
    if !SchemaManager::new(db).has_table(APPLIED).await? {
        return Ok(Vec::new());
    }
    let query = format!("SELECT version FROM {APPLIED} ORDER BY version");
    let query = Statement::from_string(db.get_database_backend(), query);
    let rows = db.query_all_raw(query).await?;
    let names = rows.iter().map(|row| row.try_get_by_index(0));
    names.collect()
}
