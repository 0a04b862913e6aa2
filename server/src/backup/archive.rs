//! The file: a tar whose first entry names all others, with their digests.

use std::fmt::Write as _;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tempfile::NamedTempFile;

/// What an archive of this form begins with.
const MANIFEST: &str = "manifest.json";
/// The form.
const FORMAT: u32 = 1;
/// A manifest is no longer than this.
const MOST_BYTES: u64 = 1 << 20;

/// The database: a file of SQLite, or what `pg_dump` writes.
pub(crate) const DATABASE: &str = "database";
/// The signing keys.
pub(crate) const KEYS: &str = "keys.json";
/// The settings, if there was a file with any.
pub(crate) const SETTINGS: &str = "override.toml";

/// Which database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    Sqlite,
    Postgres,
}

/// What an archive says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Manifest {
    format: u32,
    /// Of the platform that has written it.
    pub(crate) version: String,
    /// When.
    pub(crate) made_at: DateTime<Utc>,
    /// Which database it was.
    pub(crate) database: Kind,
    /// The changes that its schema has.
    pub(crate) changes: Vec<String>,
    files: Vec<Entry>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Entry {
    name: String,
    bytes: u64,
    sha256: String,
}

impl Manifest {
    pub(crate) fn new(made_at: DateTime<Utc>, database: Kind, changes: Vec<String>) -> Self {
        Self {
            format: FORMAT,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            made_at,
            database,
            changes,
            files: Vec::new(),
        }
    }

    /// Whether there is such a file in the archive.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.files.iter().any(|file| file.name == name)
    }
}

/// Writes what is in a directory of ours, as a file that only its owner can read, and that is there as a whole or not at all.
///
/// # Errors
/// If the file is there already or cannot be written.
pub(crate) fn write(mut manifest: Manifest, from: &Path, to: &Path) -> Result<()> {
    let shown = to.display();
    let failed = || format!("{shown} cannot be written");
    let parent = to.parent().filter(|parent| !parent.as_os_str().is_empty());
    let fresh = NamedTempFile::new_in(parent.unwrap_or(Path::new("."))).with_context(failed)?;
    for name in [DATABASE, KEYS, SETTINGS] {
        match File::open(from.join(name)) {
            Ok(file) => manifest.files.push(entry(name, file).with_context(failed)?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error).with_context(failed),
        }
    }
    let all = || {
        let mut archive = tar::Builder::new(io::BufWriter::new(fresh.as_file()));
        let text = serde_json::to_vec_pretty(&manifest)?;
        append(&mut archive, MANIFEST, text.len() as u64, &*text)?;
        for file in &manifest.files {
            let content = File::open(from.join(&file.name))?;
            append(&mut archive, &file.name, file.bytes, content)?;
        }
        archive.into_inner()?.flush()?;
        fresh.as_file().sync_all()
    };
    all().with_context(failed)?;
    fresh
        .persist_noclobber(to)
        .map_err(|error| error.error)
        .with_context(failed)?;
    Ok(())
}

fn entry(name: &str, mut file: File) -> io::Result<Entry> {
    let mut digest = Sha256::new();
    let bytes = copy(&mut file, &mut io::sink(), &mut digest)?;
    Ok(Entry {
        name: name.to_owned(),
        bytes,
        sha256: hex(digest),
    })
}

fn append(
    archive: &mut tar::Builder<impl Write>,
    name: &str,
    bytes: u64,
    content: impl Read,
) -> io::Result<()> {
    let mut header = tar::Header::new_gnu();
    header.set_size(bytes);
    header.set_mode(0o600);
    archive.append_data(&mut header, name, content)
}

/// Reads an archive into an empty directory of ours, and sees that all of it is there and as it was written.
///
/// # Errors
/// One sentence, if it is no archive, of a later form, or damaged.
pub(crate) fn unpack(from: &Path, to: &Path) -> Result<Manifest> {
    let shown = from.display();
    let file = File::open(from).with_context(|| format!("{shown} cannot be read"))?;
    let mut archive = tar::Archive::new(io::BufReader::new(file));
    let damaged = || format!("{shown} is no backup, or damaged");
    let mut entries = archive.entries().with_context(damaged)?;
    let first = entries
        .next()
        .with_context(damaged)?
        .with_context(damaged)?;
    ensure!(
        first.path().with_context(damaged)? == Path::new(MANIFEST),
        damaged()
    );
    let manifest: Manifest =
        serde_json::from_reader(first.take(MOST_BYTES)).with_context(damaged)?;
    ensure!(
        manifest.format == FORMAT,
        "{shown} was written by a later version ({}): use that one",
        manifest.version
    );
    let mut missing: Vec<&Entry> = manifest.files.iter().collect();
    for found in entries {
        let mut found = found.with_context(damaged)?;
        let name = found.path().with_context(damaged)?.into_owned();
        let at = missing
            .iter()
            .position(|file| Path::new(&file.name) == name);
        let known = [DATABASE, KEYS, SETTINGS].map(Path::new);
        let Some(at) = at.filter(|_| known.contains(&&*name)) else {
            bail!("{shown} is damaged: {} is not to be in it", name.display());
        };
        let file = missing.swap_remove(at);
        let mut digest = Sha256::new();
        let mut fresh = OpenOptions::new()
            .create_new(true)
            .write(true)
            .mode(0o600)
            .open(to.join(&file.name))?;
        let bytes = copy(&mut found, &mut fresh, &mut digest).with_context(damaged)?;
        fresh.sync_all()?;
        ensure!(
            bytes == file.bytes && hex(digest) == file.sha256,
            "{shown} is damaged: {} is not as it was written",
            file.name
        );
    }
    if let Some(file) = missing.first() {
        bail!("{shown} is damaged: {} is missing", file.name);
    }
    for name in [DATABASE, KEYS] {
        ensure!(manifest.has(name), "{shown} is damaged: {name} is missing");
    }
    Ok(manifest)
}

/// Copies everything, and digests it on the way.
fn copy(from: &mut impl Read, to: &mut impl Write, digest: &mut Sha256) -> io::Result<u64> {
    let mut buffer = vec![0; 1 << 16];
    let mut bytes = 0;
    loop {
        match from.read(&mut buffer)? {
            0 => return Ok(bytes),
            n => {
                digest.update(&buffer[..n]);
                to.write_all(&buffer[..n])?;
                bytes += n as u64;
            }
        }
    }
}

fn hex(digest: Sha256) -> String {
    let digest = digest.finalize();
    digest.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn made(dir: &Path) -> std::path::PathBuf {
        let from = dir.join("from");
        fs::create_dir(&from).unwrap();
        fs::write(from.join(DATABASE), "rows".repeat(30_000)).unwrap();
        fs::write(from.join(KEYS), "{}").unwrap();
        let file = dir.join("backup.tar");
        let now = DateTime::<Utc>::UNIX_EPOCH;
        let manifest = Manifest::new(now, Kind::Sqlite, vec!["one".to_owned()]);
        write(manifest.clone(), &from, &file).unwrap();
        let again = write(manifest, &from, &file).unwrap_err().to_string();
        assert!(again.contains("cannot be written"), "{again}");
        file
    }

    fn unpacked(dir: &Path, file: &Path) -> Result<Manifest> {
        let to = tempfile::tempdir_in(dir).unwrap();
        unpack(file, to.path())
    }

    #[test]
    fn what_was_written_comes_back_for_its_owner_only() {
        let dir = tempfile::tempdir().unwrap();
        let file = made(dir.path());
        let mode = fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let to = tempfile::tempdir().unwrap();
        let manifest = unpack(&file, to.path()).unwrap();
        assert_eq!(manifest.database, Kind::Sqlite);
        assert_eq!(manifest.changes, ["one"]);
        assert!(manifest.has(KEYS) && !manifest.has(SETTINGS));
        let rows = fs::read_to_string(to.path().join(DATABASE)).unwrap();
        assert_eq!(rows, "rows".repeat(30_000));
    }

    #[test]
    fn every_damage_is_seen() {
        let dir = tempfile::tempdir().unwrap();
        let file = made(dir.path());
        let whole = fs::read(&file).unwrap();
        let bad = dir.path().join("bad.tar");
        for at in [0, 600, 2000, 50_000, 121_500] {
            let mut changed = whole.clone();
            changed[at] ^= 1;
            fs::write(&bad, &changed).unwrap();
            let error = format!("{:#}", unpacked(dir.path(), &bad).unwrap_err());
            assert!(error.contains("bad.tar is"), "{at}: {error}");
        }
        for length in [0, 100, 1024, 60_000, 122_000] {
            fs::write(&bad, &whole[..length]).unwrap();
            let error = format!("{:#}", unpacked(dir.path(), &bad).unwrap_err());
            assert!(error.contains("bad.tar is"), "{length}: {error}");
        }
        let text = String::from_utf8_lossy(&whole).replace("\"format\": 1", "\"format\": 2");
        fs::write(&bad, &*text).unwrap();
        let error = unpacked(dir.path(), &bad).unwrap_err().to_string();
        assert!(error.contains("was written by a later version"), "{error}");
    }
}
