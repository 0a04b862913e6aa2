//! `migrate`: brings the schema of the database up to date, or says what it lacks.

use std::process::ExitCode;

use anyhow::Result;
use domain::store::{Location, Store};
use nix::unistd::Uid;

use crate::args::Migrate;
use crate::config::Config;
use crate::data_dir::DataDir;
use crate::database;
use crate::environment::Environment;
use crate::seat::{Seat, Starting};

/// Ends `--check` where changes are pending.
const PENDING: u8 = 1;
/// Ends `--check` where it cannot be said what is pending: the database is newer, or cannot be read.
const UNKNOWN: u8 = 2;

/// Prints what was changed, or what would be.
pub(super) async fn migrate(args: Migrate, environment: &Environment) -> Result<ExitCode> {
    if !args.check {
        return change(args, environment).await;
    }
    match check(args, environment).await {
        Ok(pending) if pending.is_empty() => {
            println!("The schema is up to date.");
            Ok(ExitCode::SUCCESS)
        }
        Ok(pending) => {
            println!("Pending:");
            list(&pending);
            Ok(ExitCode::from(PENDING))
        }
        Err(error) => {
            eprintln!("hai-platform: {error:#}");
            Ok(ExitCode::from(UNKNOWN))
        }
    }
}

async fn check(args: Migrate, environment: &Environment) -> Result<Vec<String>> {
    let (_, location) = chosen(args, environment)?;
    Ok(Store::pending(&location).await?)
}

async fn change(args: Migrate, environment: &Environment) -> Result<ExitCode> {
    let (data_dir, location) = chosen(args, environment)?;
    // SQLite's database is a file of the directory, which one program has at a time. Beside PostgreSQL, servers of this
    // version or the one before go on.
    let _seat = match &location {
        Location::Sqlite(_) => {
            data_dir.prepare()?;
            Some(Seat::take(&data_dir, true, &Starting::wait(&data_dir)?)?)
        }
        Location::Postgres(_) => None,
    };
    let made = Store::migrate(&location).await?;
    if made.is_empty() {
        println!("The schema was up to date already.");
    } else {
        println!("Applied:");
        list(&made);
    }
    Ok(ExitCode::SUCCESS)
}

fn chosen(args: Migrate, environment: &Environment) -> Result<(DataDir, Location)> {
    let root = Uid::effective().is_root();
    let data_dir = DataDir::choose(args.data.data_dir, environment, root)?;
    let config = Config::load(args.config.as_deref(), &data_dir)?;
    let location = database::choose(environment, &config, &data_dir)?;
    database::check(&data_dir, &location)?;
    Ok((data_dir, location))
}

fn list(changes: &[String]) {
    for change in changes {
        println!("  {change}");
    }
}
