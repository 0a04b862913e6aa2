//! `backup`: everything that cannot be made anew, in one file.

use std::fs;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use domain::clock::{Clock, SystemClock};
use domain::store::{Location, Store};

use crate::args::Backup;
use crate::backup::{self, Kind, Manifest};
use crate::config::{self, Config};
use crate::data_dir::DataDir;
use crate::database;
use crate::environment::Environment;

/// Copies beside servers that may run, and says what is in the file.
pub(super) async fn backup(args: Backup, environment: &Environment) -> Result<()> {
    let data_dir = DataDir::of_platform(args.data.data_dir, environment)?;
    let config = Config::load(args.config.as_deref(), &data_dir)?;
    let location = database::choose(environment, &config, &data_dir)?;
    database::check(&data_dir, &location)?;
    let shown = args.file.display();
    ensure!(
        !args.file.exists(),
        "{shown} is there already: choose another file"
    );
    let parent = args.file.parent().filter(|it| !it.as_os_str().is_empty());
    // Beside the file: where there is room for it, there is hopefully room for it twice.
    let stage = tempfile::Builder::new()
        .prefix(".hai-backup-")
        .tempdir_in(parent.unwrap_or(Path::new(".")))
        .with_context(|| format!("{shown} cannot be written"))?;
    let copy = stage.path().join(backup::DATABASE);
    let (kind, changes) = match &location {
        Location::Sqlite(path) => {
            private(&copy)?;
            Store::copy(path, &copy).await?;
            (Kind::Sqlite, Store::applied(&Location::Sqlite(copy)).await?)
        }
        Location::Postgres(url) => {
            let changes = Store::applied(&location).await?;
            private(&copy)?;
            backup::dump(url, environment.path.as_deref(), &copy).await?;
            (Kind::Postgres, changes)
        }
    };
    if changes.is_empty() {
        bail!("there is no platform in the database: start one with `hai-platform up`");
    }
    fs::copy(data_dir.keys_file(), stage.path().join(backup::KEYS))
        .with_context(|| format!("{} cannot be read", data_dir.keys_file().display()))?;
    let settings = args
        .config
        .unwrap_or_else(|| data_dir.path().join(config::FILE));
    if settings.exists() {
        fs::copy(&settings, stage.path().join(backup::SETTINGS))
            .with_context(|| format!("{} cannot be read", settings.display()))?;
    }
    let manifest = Manifest::new(SystemClock.now(), kind, changes);
    backup::write(manifest, stage.path(), &args.file)?;
    println!(
        "{shown} has the database, the signing keys and the settings: keep it where nobody else can read it."
    );
    println!(
        "Not in it: the logs and the workspaces, in {}.",
        data_dir.path().display()
    );
    Ok(())
}

/// An empty file that only its owner can read: whoever fills it leaves that as it is.
fn private(path: &Path) -> Result<()> {
    fs::OpenOptions::new()
        .create_new(true)
        .write(true)
        .mode(0o600)
        .open(path)
        .with_context(|| format!("{} cannot be written", path.display()))?;
    Ok(())
}
