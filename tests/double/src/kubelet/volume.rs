//! The volumes of a pod, as directories of this machine.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Component, Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use crate::object::Kind;

/// Where the volumes of a pod are.
#[derive(Debug, Clone)]
pub(super) struct Places {
    /// Of this pod alone.
    pub(super) pod: PathBuf,
    /// Claims, a directory each. They outlive pods.
    pub(super) claims: PathBuf,
}

/// What is mounted in a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mount {
    pub(super) from: PathBuf,
    pub(super) at: PathBuf,
    pub(super) read_only: bool,
}

/// Prepares the volumes of a pod: where each of them is, by name. It may be repeated.
pub(super) fn prepare(
    pod: &Value,
    places: &Places,
    find: &dyn Fn(Kind, &str) -> Option<Value>,
) -> Result<BTreeMap<String, PathBuf>, String> {
    directory(&places.pod, 0o755)?;
    let volumes = pod["spec"]["volumes"].as_array();
    let prepared = volumes.into_iter().flatten().map(|volume| {
        let name = volume["name"].as_str().unwrap_or_default();
        let own = places.pod.join("volumes").join(name);
        let path = one(volume, own, places, find);
        let failed = |why| format!("MountVolume.SetUp failed for volume \"{name}\" : {why}");
        Ok((name.to_owned(), path.map_err(failed)?))
    });
    prepared.collect()
}

/// What a container mounts of the volumes of its pod.
pub(super) fn mounts(
    container: &Value,
    volumes: &BTreeMap<String, PathBuf>,
) -> Result<Vec<Mount>, String> {
    let mounts = container["volumeMounts"].as_array().into_iter().flatten();
    let mounts = mounts.map(|mount| {
        let name = mount["name"].as_str().unwrap_or_default();
        let volume = { volumes.get(name) }.ok_or_else(|| format!("volume \"{name}\" not found"))?;
        let at = Path::new(mount["mountPath"].as_str().unwrap_or_default());
        if !at.is_absolute() {
            return Err(format!("it cannot be mounted at \"{}\"", at.display()));
        }
        let from = match mount["subPath"].as_str() {
            Some(path) => below(volume, path)?,
            None => volume.clone(),
        };
        if !from.exists() {
            directory(&from, 0o755)?;
        }
        Ok(Mount {
            from,
            at: at.to_owned(),
            read_only: mount["readOnly"] == Value::Bool(true),
        })
    });
    mounts.collect()
}

fn one(
    volume: &Value,
    own: PathBuf,
    places: &Places,
    find: &dyn Fn(Kind, &str) -> Option<Value>,
) -> Result<PathBuf, String> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    if volume["emptyDir"].is_object() {
        directory(&own, 0o777)?;
        Ok(own)
    } else if volume["secret"].is_object() {
        let source = &volume["secret"];
        files(
            &own,
            source,
            &text(&source["secretName"]),
            Kind::Secret,
            find,
        )?;
        Ok(own)
    } else if volume["configMap"].is_object() {
        let source = &volume["configMap"];
        files(&own, source, &text(&source["name"]), Kind::ConfigMap, find)?;
        Ok(own)
    } else if volume["hostPath"].is_object() {
        host_path(&volume["hostPath"])
    } else if volume["persistentVolumeClaim"].is_object() {
        let claim = text(&volume["persistentVolumeClaim"]["claimName"]);
        let claim = below(&places.claims, &claim)?;
        directory(&claim, 0o777)?;
        Ok(claim)
    } else {
        Err("it is of a kind that is not known here".to_owned())
    }
}

fn host_path(source: &Value) -> Result<PathBuf, String> {
    let path = PathBuf::from(source["path"].as_str().unwrap_or_default());
    let kind = source["type"].as_str().unwrap_or_default();
    let is_as_wanted = match kind {
        "DirectoryOrCreate" => {
            directory(&path, 0o755)?;
            true
        }
        "FileOrCreate" => {
            let file = fs::File::options().create(true).append(true).open(&path);
            file.map_err(named(&path))?;
            true
        }
        "Directory" => path.is_dir(),
        "File" => path.is_file(),
        _ => path.exists(),
    };
    match is_as_wanted {
        true => Ok(path),
        false => {
            let what = if kind.is_empty() { "there" } else { kind };
            Err(format!(
                "hostPath type check failed: {} is not {what}",
                path.display()
            ))
        }
    }
}

/// The files of a secret or a config map: all, or those that are named.
fn files(
    own: &Path,
    source: &Value,
    name: &str,
    kind: Kind,
    find: &dyn Fn(Kind, &str) -> Option<Value>,
) -> Result<(), String> {
    let object = find(kind, name);
    if object.is_none() && source["optional"] != Value::Bool(true) {
        let what = kind.name().to_lowercase();
        return Err(format!("{what} \"{name}\" not found"));
    }
    let content = content(kind, &object.unwrap_or_default())?;
    let usual = source["defaultMode"].as_u64().unwrap_or(0o644);
    directory(own, 0o755)?;
    let write = |key: &str, path: &str, mode: Option<u64>| {
        let content =
            { content.get(key) }.ok_or_else(|| format!("references non-existent key: {key}"))?;
        let path = below(own, path)?;
        if let Some(parent) = path.parent() {
            directory(parent, 0o755)?;
        }
        // One from an earlier attempt may not be for writing.
        let _ = fs::remove_file(&path);
        fs::write(&path, content).map_err(named(&path))?;
        let mode = u32::try_from(mode.unwrap_or(usual)).unwrap_or(0o644);
        fs::set_permissions(&path, Permissions::from_mode(mode)).map_err(named(&path))
    };
    match source["items"].as_array() {
        None => content.keys().try_for_each(|key| write(key, key, None)),
        Some(items) => items.iter().try_for_each(|item| {
            let text = |name: &str| item[name].as_str().unwrap_or_default();
            write(text("key"), text("path"), item["mode"].as_u64())
        }),
    }
}

fn content(kind: Kind, object: &Value) -> Result<BTreeMap<String, Vec<u8>>, String> {
    let nothing = Map::new();
    let part = |name: &str| object[name].as_object().unwrap_or(&nothing);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let (plain, coded) = match kind {
        Kind::Secret => (&nothing, part("data")),
        _ => (part("data"), part("binaryData")),
    };
    let mut all: BTreeMap<_, _> = { plain.iter() }
        .map(|(key, value)| (key.clone(), text(value).into_bytes()))
        .collect();
    for (key, value) in coded {
        let decoded = STANDARD.decode(text(value));
        let decoded = decoded.map_err(|error| format!("{key} is no base64: {error}"))?;
        all.insert(key.clone(), decoded);
    }
    Ok(all)
}

/// A path below another one, not above it.
fn below(path: &Path, rest: &str) -> Result<PathBuf, String> {
    let rest = Path::new(rest);
    let is_plain = |part| matches!(part, Component::Normal(_) | Component::CurDir);
    match rest.components().all(is_plain) {
        true => Ok(path.join(rest)),
        false => Err(format!("{} leads out of its volume", rest.display())),
    }
}

fn directory(path: &Path, mode: u32) -> Result<(), String> {
    if path.is_dir() {
        return Ok(());
    }
    DirBuilder::new()
        .recursive(true)
        .create(path)
        .and_then(|()| fs::set_permissions(path, Permissions::from_mode(mode)))
        .map_err(named(path))
}

fn named(path: &Path) -> impl FnOnce(io::Error) -> String {
    move |error| format!("{}: {error}", path.display())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn prepared(volume: Value, root: &Path) -> Result<PathBuf, String> {
        let pod = json!({"spec": {"volumes": [volume]}});
        let places = Places {
            pod: root.join("pod"),
            claims: root.join("claims"),
        };
        let find = |kind: Kind, name: &str| match (kind, name) {
            (Kind::Secret, "s") => Some(json!({"data": {"a": "YQ==", "b": "Yg=="}})),
            (Kind::ConfigMap, "c") => {
                Some(json!({"data": {"a": "x"}, "binaryData": {"b": "Yg=="}}))
            }
            _ => None,
        };
        let volumes = prepare(&pod, &places, &find)?;
        Ok(volumes.into_values().next().unwrap())
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn a_secret_is_files_of_the_mode_that_was_asked_for() {
        let dir = tempfile::tempdir().unwrap();
        let all = json!({"name": "v", "secret": {"secretName": "s", "defaultMode": 0o400}});
        let path = prepared(all, dir.path()).unwrap();
        assert_eq!(fs::read_to_string(path.join("a")).unwrap(), "a");
        assert_eq!(mode(&path.join("b")), 0o400);
        let dir = tempfile::tempdir().unwrap();
        let some = json!({"name": "v", "secret": {"secretName": "s", "items": [
            {"key": "b", "path": "deep/b.txt", "mode": 0o440}]}});
        for _ in 0..2 {
            let path = prepared(some.clone(), dir.path()).unwrap();
            assert_eq!(mode(&path.join("deep/b.txt")), 0o440);
            assert!(!path.join("a").exists());
        }
    }

    #[test]
    fn what_is_missing_is_named() {
        let dir = tempfile::tempdir().unwrap();
        for (volume, why) in [
            (
                json!({"secret": {"secretName": "none"}}),
                "secret \"none\" not found",
            ),
            (
                json!({"secret": {"secretName": "s", "items": [{"key": "z", "path": "z"}]}}),
                "references non-existent key: z",
            ),
            (
                json!({"hostPath": {"path": "/nowhere", "type": "Directory"}}),
                "is not Directory",
            ),
            (
                json!({"persistentVolumeClaim": {"claimName": "../x"}}),
                "leads out",
            ),
            (json!({"nfs": {}}), "not known here"),
        ] {
            let error = prepared(volume, dir.path()).unwrap_err();
            assert!(error.contains(why), "{error}");
        }
        let optional = json!({"name": "v", "secret": {"secretName": "none", "optional": true}});
        assert!(prepared(optional, dir.path()).unwrap().is_dir());
    }

    #[test]
    fn a_part_of_a_volume_is_made_where_it_is_mounted() {
        let dir = tempfile::tempdir().unwrap();
        let claim = json!({"name": "v", "persistentVolumeClaim": {"claimName": "data"}});
        let volumes = [("v".to_owned(), prepared(claim, dir.path()).unwrap())].into();
        let container = json!({"volumeMounts": [
            {"name": "v", "mountPath": "/data", "subPath": "log/1", "readOnly": true}]});
        let expected = Mount {
            from: dir.path().join("claims/data/log/1"),
            at: "/data".into(),
            read_only: true,
        };
        assert!(
            mounts(&container, &volumes) == Ok(vec![expected.clone()]) && expected.from.is_dir()
        );
        let unknown = json!({"volumeMounts": [{"name": "w", "mountPath": "/data"}]});
        assert_eq!(
            mounts(&unknown, &volumes),
            Err("volume \"w\" not found".to_owned())
        );
    }

    #[test]
    fn a_config_map_has_texts_and_bytes() {
        let dir = tempfile::tempdir().unwrap();
        let path = prepared(json!({"name": "v", "configMap": {"name": "c"}}), dir.path()).unwrap();
        let read = |name: &str| fs::read_to_string(path.join(name)).unwrap();
        assert_eq!((read("a"), read("b")), ("x".to_owned(), "b".to_owned()));
    }
}
