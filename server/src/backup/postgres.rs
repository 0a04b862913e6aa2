//! Copies of a database of PostgreSQL, with the programs that come with it.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result, bail, ensure};
use reqwest::Url;
use tokio::process::Command;

/// Where Debian has the programs of each version.
const DEBIAN: &str = "/usr/lib/postgresql";

/// What was set aside by an earlier restore is no part of the platform any more.
pub(crate) const SET_ASIDE: &str = "replaced_";

/// What may stand behind the `?` of an address, as the programs call it. Whatever else does is for our own connections.
const SETTINGS: [(&str, &str); 8] = [
    ("sslmode", "sslmode"),
    ("ssl-mode", "sslmode"),
    ("sslrootcert", "sslrootcert"),
    ("ssl-root-cert", "sslrootcert"),
    ("sslcert", "sslcert"),
    ("sslkey", "sslkey"),
    ("host", "host"),
    ("port", "port"),
];

/// Writes a database into a file, as it is at one moment.
///
/// # Errors
/// If the program is not there, or says why it cannot.
pub(crate) async fn dump(url: &str, path: Option<&OsStr>, to: &Path) -> Result<()> {
    let mut command = program("pg_dump", path)?;
    command
        .args([
            "--format=custom",
            "--no-owner",
            "--no-privileges",
            "--no-comments",
        ])
        .arg(format!("--exclude-schema={SET_ASIDE}*"))
        .arg("--file")
        .arg(to);
    run(command, url, "pg_dump").await
}

/// Fills an empty database from such a file: all of it or nothing.
///
/// # Errors
/// As [`dump`].
pub(crate) async fn load(url: &str, path: Option<&OsStr>, from: &Path) -> Result<()> {
    let mut command = program("pg_restore", path)?;
    command
        .args(["--single-transaction", "--exit-on-error"])
        .args(["--no-owner", "--no-privileges"])
        .stdin(File::open(from)?);
    run(command, url, "pg_restore").await
}

async fn run(mut command: Command, url: &str, name: &str) -> Result<()> {
    let (address, password) = split(url)?;
    command.arg("--dbname").arg(address).stdout(Stdio::null());
    if let Some(password) = password {
        // Others see the command line, and not the environment.
        command.env("PGPASSWORD", password);
    }
    let output = command.kill_on_drop(true).output().await;
    let output = output.with_context(|| format!("{name} cannot be started"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{name} failed: {}", said.trim());
    Ok(())
}

fn program(name: &str, path: Option<&OsStr>) -> Result<Command> {
    let in_path = path.into_iter().flat_map(std::env::split_paths);
    let mut versions: Vec<PathBuf> = fs::read_dir(DEBIAN)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .collect();
    // A newer one also copies from an older server.
    versions.sort_by_key(|path| path.file_name()?.to_str()?.parse::<u32>().ok());
    let in_versions = versions.into_iter().rev().map(|path| path.join("bin"));
    let found = in_path.chain(in_versions).map(|dir| dir.join(name));
    match found.into_iter().find(|program| program.is_file()) {
        Some(program) => Ok(Command::new(program)),
        None => bail!(
            "{name} is not there: install the client programs of PostgreSQL, of the server's version or later, for example with `apt-get install postgresql-client`"
        ),
    }
}

/// The address as the programs understand it, without its password, and that.
fn split(url: &str) -> Result<(String, Option<String>)> {
    // The cause is left out: it might quote the address.
    let Ok(mut address) = Url::parse(url) else {
        bail!("the address of the database cannot be read");
    };
    let mut password = address.password().map(decoded).transpose()?;
    // Only an address without a host has no password to take away.
    let _ = address.set_password(None);
    let settings: Vec<(String, String)> = address.query_pairs().into_owned().collect();
    address.set_query(None);
    for (name, value) in settings {
        if name == "password" {
            password = Some(value);
        } else if let Some((_, known)) = SETTINGS.iter().find(|(known, _)| *known == name) {
            address.query_pairs_mut().append_pair(known, &value);
        }
    }
    Ok((address.into(), password))
}

/// The text with its `%XX` filled in.
fn decoded(text: &str) -> Result<String> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, behind @ ..] = rest {
        let code = behind.get(..2).filter(|_| *first == b'%');
        let code = code.and_then(|code| std::str::from_utf8(code).ok());
        match code.and_then(|code| u8::from_str_radix(code, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &behind[2..];
            }
            None => {
                bytes.push(*first);
                rest = behind;
            }
        }
    }
    String::from_utf8(bytes)
        .map_err(|_error| anyhow::anyhow!("the password of the database is no text in UTF-8"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_password_is_not_on_the_command_line() {
        for (url, address, password) in [
            (
                "postgres://ada:s3cr%40t@db.example:5433/hai?sslmode=verify-full&statement-cache-capacity=9",
                "postgres://ada@db.example:5433/hai?sslmode=verify-full",
                Some("s3cr@t"),
            ),
            (
                "postgres://postgres@%2Ftmp%2Fhai:5432/hai_1",
                "postgres://postgres@%2Ftmp%2Fhai:5432/hai_1",
                None,
            ),
            (
                "postgresql://ada@db/hai?password=s3cret&ssl-mode=require",
                "postgresql://ada@db/hai?sslmode=require",
                Some("s3cret"),
            ),
            (
                "postgres://a:1%zz%@db/x",
                "postgres://a@db/x",
                Some("1%zz%"),
            ),
        ] {
            let (told, secret) = split(url).unwrap();
            assert_eq!((&*told, secret.as_deref()), (address, password));
        }
    }

    #[test]
    fn a_program_that_is_missing_is_named_with_the_way_to_get_it() {
        let error = program("pg_dance", None).unwrap_err().to_string();
        assert!(error.contains("apt-get install"), "{error}");
    }
}
