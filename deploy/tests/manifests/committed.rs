//! The files in the repository are those that the generator writes.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;

use anyhow::Result;

use crate::objects::{files, here, on_disk};

#[test]
fn what_is_committed_is_what_the_generator_writes() -> Result<()> {
    let mut there = BTreeMap::new();
    // That of an administrator, which git does not see.
    let is_secret = |path: &&std::path::PathBuf| path.file_name() == Some(OsStr::new("secret.env"));
    for path in on_disk()?.iter().filter(|path| !is_secret(path)) {
        let name = path.strip_prefix(here())?.to_string_lossy().into_owned();
        there.insert(name, fs::read_to_string(path)?);
    }
    for file in files()? {
        assert_eq!(
            there.remove(&file.path).as_ref(),
            Some(&file.text),
            "{} is stale: run `cargo xtask deploy`",
            file.path
        );
    }
    let unknown: Vec<&String> = there.keys().collect();
    assert!(
        unknown.is_empty(),
        "nothing writes {unknown:?}: remove them"
    );
    Ok(())
}
