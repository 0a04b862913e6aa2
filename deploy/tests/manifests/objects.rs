//! Reads what the generator writes.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use deploy::{File, Settings, tree};
use serde_json::Value;

/// The folder that is written.
pub(crate) fn here() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A file of the repository.
pub(crate) fn source(path: &str) -> Result<String> {
    let root = here().parent().context("it is in the workspace")?;
    fs::read_to_string(root.join(path)).with_context(|| format!("{path} cannot be read"))
}

/// All files below the three folders that are written.
pub(crate) fn on_disk() -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = ["base", "components", "overlays"]
        .map(|name| here().join(name))
        .to_vec();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            match path.is_dir() {
                true => folders.push(path),
                false => found.push(path),
            }
        }
    }
    Ok(found)
}

/// What the generator writes.
pub(crate) fn files() -> Result<Vec<File>> {
    Ok(tree(&Settings::default())?)
}

/// The text of a file that the generator writes.
pub(crate) fn text(path: &str) -> Result<String> {
    let file = files()?.into_iter().find(|file| file.path == path);
    Ok(file.with_context(|| format!("there is no {path}"))?.text)
}

/// The objects of a text in YAML.
pub(crate) fn parse(text: &str) -> Result<Vec<Value>> {
    Ok(serde_saphyr::from_multiple(text)?)
}

/// All objects for a cluster.
pub(crate) fn all() -> Result<Vec<Value>> {
    let mut all = Vec::new();
    for file in files()? {
        if file.path.ends_with(".yaml") && !file.path.ends_with("kustomization.yaml") {
            all.extend(parse(&file.text)?);
        }
    }
    Ok(all)
}

/// Those of these kinds.
pub(crate) fn of_kinds(kinds: &[&str]) -> Result<Vec<Value>> {
    let mut all = all()?;
    all.retain(|object| kinds.iter().any(|kind| object["kind"] == *kind));
    Ok(all)
}

/// The one with this name.
pub(crate) fn named(kind: &str, name: &str) -> Result<Value> {
    let mut all = of_kinds(&[kind])?.into_iter();
    let found = all.find(|object| object["metadata"]["name"] == name);
    found.with_context(|| format!("there is no {kind} {name}"))
}

/// The elements of a list; none if it is not there.
pub(crate) fn each(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}

/// A list of texts.
pub(crate) fn texts(list: &Value) -> Vec<&str> {
    each(list).filter_map(Value::as_str).collect()
}
