//! Every file is named by one that puts files together, and every file that is named is there.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

use anyhow::Result;
use serde_json::Value;

use crate::objects::{each, files, parse, texts};

/// Paths that do not lead up, without what leads up and down again.
fn plain(path: &Path) -> PathBuf {
    path.components().fold(PathBuf::new(), |mut plain, part| {
        match part {
            Component::ParentDir => drop(plain.pop()),
            other => plain.push(other),
        }
        plain
    })
}

fn kustomizations() -> Result<Vec<(PathBuf, Value)>> {
    let mut found = Vec::new();
    for file in files()? {
        let path = Path::new(&file.path);
        if path.ends_with("kustomization.yaml") {
            let folder = path.parent().map(Path::to_path_buf).unwrap_or_default();
            found.extend(
                parse(&file.text)?
                    .into_iter()
                    .map(|it| (folder.clone(), it)),
            );
        }
    }
    assert_eq!(found.len(), 8, "a base, five parts, two overlays");
    Ok(found)
}

/// What the files name, from the folder that is written on.
fn named() -> Result<BTreeSet<PathBuf>> {
    let mut named = BTreeSet::new();
    for (folder, kustomization) in kustomizations()? {
        let mut names = texts(&kustomization["resources"]);
        names.extend(texts(&kustomization["components"]));
        for generator in ["configMapGenerator", "secretGenerator"] {
            for generated in each(&kustomization[generator]) {
                names.extend(texts(&generated["files"]));
                names.extend(texts(&generated["envs"]));
            }
        }
        named.extend(names.iter().map(|name| plain(&folder.join(name))));
    }
    Ok(named)
}

#[test]
fn everything_that_is_named_is_there() -> Result<()> {
    let there: BTreeSet<PathBuf> = files()?.into_iter().map(|file| file.path.into()).collect();
    for path in named()? {
        let wanted = match path.file_name().and_then(|name| name.to_str()) {
            // Whoever sets the platform up makes it from its example.
            Some("secret.env") => path.with_extension("env.example"),
            Some(name) if name.contains('.') => path,
            _ => path.join("kustomization.yaml"),
        };
        assert!(there.contains(&wanted), "there is no {}", wanted.display());
    }
    Ok(())
}

#[test]
fn everything_that_is_there_is_named() -> Result<()> {
    let named = named()?;
    for file in files()? {
        let path = Path::new(&file.path);
        let folder = path.parent().unwrap_or(path);
        let is_named = if path.ends_with("kustomization.yaml") {
            folder.starts_with("overlays") || named.contains(folder)
        } else if path.extension().is_some_and(|it| it == "example") {
            named.contains(&path.with_extension(""))
        } else {
            named.contains(path)
        };
        assert!(is_named, "nothing names {}", file.path);
    }
    Ok(())
}

#[test]
fn no_secret_is_written() -> Result<()> {
    for file in files()? {
        assert!(!file.path.ends_with("secret.env"), "{}", file.path);
        assert!(!file.text.contains("\nkind: Secret\n"), "{}", file.path);
        let with_password = file.text.lines().filter(|line| {
            let value = line.split_once('=').filter(|(name, _)| !name.contains('#'));
            value.is_some_and(|(name, _)| name.ends_with("_PASSWORD") || name.ends_with("_URL"))
        });
        for line in with_password {
            assert!(line.contains("PASSWORD"), "{line}");
        }
    }
    Ok(())
}
