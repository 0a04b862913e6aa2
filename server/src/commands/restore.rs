//! `restore`: the platform as it was when a backup was made.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use domain::clock::{Clock, SystemClock};
use domain::store::{Location, Store};
use nix::unistd::Uid;

use crate::args::Restore;
use crate::backup::{self, Kind, Manifest, SET_ASIDE};
use crate::config::{self, Config};
use crate::data_dir::DataDir;
use crate::database;
use crate::directory;
use crate::environment::Environment;
use crate::seat::{Seat, Starting};

/// PostgreSQL takes a moment to notice that a server has ended: so often it is asked again, after a pause.
const LOOKS: u32 = 20;
const PAUSE: Duration = Duration::from_millis(250);

/// Files of the data directory that belong to a platform: what SQLite has beside its own goes with it.
const FILES: [&str; 5] = [
    "platform.db",
    "platform.db-wal",
    "platform.db-shm",
    "keys.json",
    database::FILE,
];

/// Looks at everything, then changes what is there, and says what it did.
pub(super) async fn restore(args: Restore, environment: &Environment) -> Result<()> {
    let root = Uid::effective().is_root();
    let data_dir = DataDir::choose(args.data.data_dir, environment, root)?;
    data_dir.prepare()?;
    let starting = Starting::wait(&data_dir)?;
    let _seat = Seat::take(&data_dir, true, &starting)?;
    // In the directory itself, so that what is good only changes its name.
    let stage = tempfile::Builder::new()
        .prefix(".restore-")
        .tempdir_in(data_dir.path())?;
    let manifest = backup::unpack(&args.file, stage.path())?;
    check_version(&manifest)?;
    let settings = data_dir.path().join(config::FILE);
    let has_settings = args.config.is_some() || settings.exists();
    let brings_settings = !has_settings && manifest.has(backup::SETTINGS);
    let brought = stage.path().join(backup::SETTINGS);
    let chosen = if brings_settings {
        Some(brought.clone())
    } else {
        args.config
    };
    let config = Config::load(chosen.as_deref(), &data_dir)?;
    let location = database::choose(environment, &config, &data_dir)?;
    check_kind(&manifest, &location)?;
    if !args.force {
        database::check(&data_dir, &location)?;
    }
    let others = others(&location).await?;
    ensure!(
        others == 0,
        "servers are still connected to the database ({others} connections): stop all of them first"
    );
    let is_used = match &location {
        Location::Sqlite(path) => path.exists(),
        Location::Postgres(_) => !Store::applied(&location).await?.is_empty(),
    };
    let is_used = is_used || data_dir.keys_file().exists();
    ensure!(
        args.force || !is_used,
        "there is a platform already, in {} or its database: --force moves it aside",
        data_dir.path().display()
    );
    let name = SystemClock.now().format("%Y%m%d%H%M%S").to_string();
    let name = format!("{SET_ASIDE}{name}");
    let copy = stage.path().join(backup::DATABASE);
    // What can still fail comes first; what follows only gives names.
    if let Location::Postgres(url) = &location {
        fill(&location, url, environment, &copy, is_used.then_some(&name)).await?;
    }
    if is_used {
        let aside = set_files_aside(&data_dir, &name)?;
        println!("What was there before is in {}", aside.display());
        if let Location::Postgres(_) = &location {
            println!(
                "and in the schema {name} of the database: remove both when nobody misses anything."
            );
        }
    }
    if let Location::Sqlite(path) = &location {
        put(&copy, path)?;
    }
    put(&stage.path().join(backup::KEYS), &data_dir.keys_file())?;
    if brings_settings {
        put(&brought, &settings)?;
    } else if manifest.has(backup::SETTINGS) {
        println!("The settings are those that are there, not those of the backup.");
    }
    let made = Store::migrate(&location).await?;
    Store::skip_numbers(&location).await?;
    database::remember(&data_dir, &location)?;
    let at = manifest.made_at.format("%Y-%m-%d %H:%M:%S UTC");
    println!("The platform is as it was at {at}, but for logs and workspaces.");
    if !made.is_empty() {
        println!("The schema was brought up to date: {}", made.join(", "));
    }
    Ok(())
}

/// Connections of servers to a shared database, once those that have just ended are gone.
async fn others(location: &Location) -> Result<i64> {
    if let Location::Sqlite(_) = location {
        return Ok(0);
    }
    let mut others = Store::others(location).await?;
    for _ in 0..LOOKS {
        if others == 0 {
            break;
        }
        tokio::time::sleep(PAUSE).await;
        others = Store::others(location).await?;
    }
    Ok(others)
}

fn check_version(manifest: &Manifest) -> Result<()> {
    let known = Store::known_changes();
    if let Some(change) = manifest.changes.iter().find(|it| !known.contains(it)) {
        bail!(
            "the backup is from a newer version of the platform ({}, it has the change {change}): restore it with that version",
            manifest.version
        );
    }
    Ok(())
}

fn check_kind(manifest: &Manifest, location: &Location) -> Result<()> {
    match (manifest.database, location) {
        (Kind::Sqlite, Location::Sqlite(_)) | (Kind::Postgres, Location::Postgres(_)) => Ok(()),
        (Kind::Sqlite, Location::Postgres(_)) => bail!(
            "the backup is of SQLite: unset HAI_DATABASE_URL and [database.postgres] in override.toml"
        ),
        (Kind::Postgres, Location::Sqlite(_)) => bail!(
            "the backup is of PostgreSQL: set HAI_DATABASE_URL to the address of an empty database"
        ),
    }
}

/// Fills a database of PostgreSQL, after what is in it was set aside; if that fails, it is as before.
async fn fill(
    location: &Location,
    url: &str,
    environment: &Environment,
    copy: &Path,
    aside: Option<&String>,
) -> Result<()> {
    if let Some(name) = aside {
        Store::set_aside(location, name).await?;
    }
    let loaded = backup::load(url, environment.path.as_deref(), copy).await;
    if loaded.is_err()
        && let Some(name) = aside
    {
        Store::take_back(location, name).await?;
    }
    loaded
}

fn set_files_aside(data_dir: &DataDir, name: &str) -> Result<PathBuf> {
    let aside = data_dir.path().join(name);
    let failed = || format!("{} cannot be written", aside.display());
    directory::make(&aside, 0o700).with_context(failed)?;
    for file in FILES {
        let from = data_dir.path().join(file);
        if from.exists() {
            fs::rename(&from, aside.join(file)).with_context(failed)?;
        }
    }
    Ok(aside)
}

fn put(from: &Path, to: &Path) -> Result<()> {
    fs::rename(from, to).with_context(|| format!("{} cannot be written", to.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backup_of_a_newer_version_or_of_another_database_is_refused() {
        let now = SystemClock.now();
        let known = Manifest::new(now, Kind::Sqlite, Store::known_changes());
        check_version(&known).unwrap();
        let newer = Manifest::new(now, Kind::Sqlite, vec!["m2999_future".to_owned()]);
        let error = check_version(&newer).unwrap_err().to_string();
        assert!(error.contains("m2999_future"), "{error}");
        check_kind(&known, &Location::Sqlite(PathBuf::new())).unwrap();
        check_kind(&known, &Location::Postgres(String::new())).unwrap_err();
        let other = Manifest::new(now, Kind::Postgres, Vec::new());
        check_kind(&other, &Location::Sqlite(PathBuf::new())).unwrap_err();
    }
}
