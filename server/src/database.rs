//! Which database a platform uses, and that its data directory belongs to no other.
//!
//! The directory knows the processes of the running tasks, the database knows whose they are: a server that finds
//! processes of tasks that its database does not have kills them. So the first start notes the database in the
//! directory, and no later start takes another.
//!
//! Known limit: the converse is not noticed. Processes on one PostgreSQL database must share one directory: one that took over
//! with another would find none of the processes that the others have started.

use std::fs;
use std::io;
use std::str::FromStr;

use anyhow::{Context, Result, bail, ensure};
use domain::store::Location;
use sqlx::postgres::PgConnectOptions;

use crate::config::Config;
use crate::data_dir::DataDir;
use crate::environment::Environment;

/// The file of the data directory that names its database: one line without secrets.
pub(crate) const FILE: &str = "database";
/// Its content for the SQLite database in the directory itself.
const SQLITE: &str = "sqlite";

/// The database that was asked for: the one that the environment names, or the file with the settings, or SQLite in the
/// data directory.
///
/// # Errors
/// If the environment names something else than a PostgreSQL database. The address is not shown: it may hold a
/// password.
pub(crate) fn choose(
    environment: &Environment,
    config: &Config,
    data_dir: &DataDir,
) -> Result<Location> {
    let replica = &environment.database_replica_url;
    if let Some(url) = replica {
        check_address("HAI_DATABASE_REPLICA_URL", url)?;
    }
    let location = match &environment.database_url {
        Some(url) => {
            check_address("HAI_DATABASE_URL", url)?;
            Location::Postgres(url.clone())
        }
        None => match config.database().primary()? {
            Some(url) => Location::Postgres(url),
            None => Location::Sqlite(data_dir.database()),
        },
    };
    ensure!(
        replica.is_none() || matches!(location, Location::Postgres(_)),
        "HAI_DATABASE_REPLICA_URL is for PostgreSQL: set HAI_DATABASE_URL too"
    );
    Ok(location)
}

/// Refuses what is no address of PostgreSQL, in words that do not show it.
fn check_address(variable: &str, url: &str) -> Result<()> {
    ensure!(
        url.starts_with("postgres://") || url.starts_with("postgresql://"),
        "{variable} must begin with postgres:// or postgresql://; without it, SQLite is used"
    );
    // The cause is left out: it might quote the address.
    ensure!(
        PgConnectOptions::from_str(url).is_ok(),
        "{variable} is not an address like postgres://USER:PASSWORD@HOST:PORT/DATABASE, with the password's special characters as %XX"
    );
    Ok(())
}

/// Refuses a database that is not the one of the data directory. A directory that has none yet takes any.
///
/// # Errors
/// One sentence that says which one it is and how to get it.
pub(crate) fn check(data_dir: &DataDir, asked: &Location) -> Result<()> {
    let path = data_dir.path().join(FILE);
    let known = match fs::read_to_string(&path) {
        Ok(text) => text.trim_end().to_owned(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => {
            return Err(error).with_context(|| format!("{} cannot be read", path.display()));
        }
    };
    if known == name(asked)? {
        return Ok(());
    }
    let dir = data_dir.path().display();
    match asked {
        _ if known == SQLITE => bail!(
            "the data directory {dir} belongs to the SQLite database in it: unset HAI_DATABASE_URL and [database.postgres] in override.toml, or choose another --data-dir"
        ),
        Location::Sqlite(_) => bail!(
            "the data directory {dir} belongs to the database {known}: set HAI_DATABASE_URL to its address or choose another --data-dir"
        ),
        Location::Postgres(_) => bail!(
            "the data directory {dir} belongs to the database {known}: set HAI_DATABASE_URL to its address, or remove {} if that database has moved",
            path.display()
        ),
    }
}

/// Notes that the data directory belongs to a database. It must be open already: one that cannot be used is not kept.
///
/// # Errors
/// If the file cannot be written.
pub(crate) fn remember(data_dir: &DataDir, location: &Location) -> Result<()> {
    data_dir.write(FILE, format!("{}\n", name(location)?).as_bytes())
}

/// What tells a database from others: where it is, not who signs in.
fn name(location: &Location) -> Result<String> {
    let Location::Postgres(url) = location else {
        return Ok(SQLITE.to_owned());
    };
    // The cause is left out: it might quote the address.
    let Ok(address) = PgConnectOptions::from_str(url) else {
        bail!("[database.postgres.primary] makes no address of PostgreSQL");
    };
    let host = address.get_socket().map_or_else(
        || address.get_host().into(),
        |socket| socket.to_string_lossy(),
    );
    // PostgreSQL's own rule: a database that is not named has the user's name.
    let database = address
        .get_database()
        .unwrap_or_else(|| address.get_username());
    Ok(format!(
        "postgres://{host}:{}/{database}",
        address.get_port()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: &str = "postgresql://ada:s3cret@db.example:5433/hai";

    fn data_dir(path: &std::path::Path) -> DataDir {
        DataDir::choose(Some(path.to_owned()), &Environment::default(), false).unwrap()
    }

    fn asked(url: Option<&str>, data_dir: &DataDir) -> Result<Location> {
        let environment = Environment {
            database_url: url.map(str::to_owned),
            ..Environment::default()
        };
        choose(&environment, &Config::default(), data_dir)
    }

    fn refusal(data_dir: &DataDir, url: Option<&str>) -> String {
        let location = asked(url, data_dir).unwrap();
        check(data_dir, &location).unwrap_err().to_string()
    }

    #[test]
    fn a_directory_of_sqlite_refuses_postgresql() {
        let dir = tempfile::tempdir().unwrap();
        let data_dir = data_dir(dir.path());
        let sqlite = asked(None, &data_dir).unwrap();
        check(&data_dir, &sqlite).unwrap();
        remember(&data_dir, &sqlite).unwrap();
        check(&data_dir, &sqlite).unwrap();
        let refusal = refusal(&data_dir, Some(HERE));
        assert!(refusal.contains("unset HAI_DATABASE_URL"), "{refusal}");
    }

    #[test]
    fn a_directory_of_postgresql_refuses_sqlite_and_other_databases() {
        let dir = tempfile::tempdir().unwrap();
        let data_dir = data_dir(dir.path());
        remember(&data_dir, &asked(Some(HERE), &data_dir).unwrap()).unwrap();
        for other in [
            None,
            Some("postgres://ada:s3cret@db.example:5433/other"),
            Some("postgres://ada:s3cret@db.example:5434/hai"),
            Some("postgres://ada:s3cret@elsewhere:5433/hai"),
        ] {
            let refusal = refusal(&data_dir, other);
            assert!(
                refusal.contains("belongs to the database postgres://db.example:5433/hai: set"),
                "{refusal}"
            );
            assert!(!refusal.contains("s3cret"), "{refusal}");
        }
    }

    #[test]
    fn a_new_password_or_user_is_not_a_new_database_and_neither_is_written_down() {
        let dir = tempfile::tempdir().unwrap();
        let data_dir = data_dir(dir.path());
        remember(&data_dir, &asked(Some(HERE), &data_dir).unwrap()).unwrap();
        let changed = "postgres://bob:n3w@db.example:5433/hai?sslmode=require";
        check(&data_dir, &asked(Some(changed), &data_dir).unwrap()).unwrap();
        let noted = fs::read_to_string(dir.path().join(FILE)).unwrap();
        assert_eq!(noted, "postgres://db.example:5433/hai\n");
    }

    #[test]
    fn an_address_that_is_not_postgresql_is_refused_and_not_shown() {
        let dir = tempfile::tempdir().unwrap();
        let data_dir = data_dir(dir.path());
        for url in [
            "sqlite://s3cret.db",
            "mysql://ada:s3cret@host/hai",
            "ada:s3cret@host/hai",
            "postgres://ada:s3cret#x@host/hai",
        ] {
            let error = format!("{:#}", asked(Some(url), &data_dir).unwrap_err());
            assert!(error.starts_with("HAI_DATABASE_URL "), "{error}");
            assert!(!error.contains("s3cret"), "{error}");
        }
    }
}
