//! All files, each from its objects.

use serde_saphyr::SerializeError;

use crate::file::{File, yaml};
use crate::kustomization::{Kind, Kustomization};
use crate::name::{PLATFORM, Part, TASKS};
use crate::overlay::Overlay;
use crate::settings::Settings;
use crate::{
    access, ingress, namespace, network, platform, postgres, priority, ranks, redis, storage,
};

type Made<T> = Result<T, SerializeError>;

/// All files of these settings, in the order of their names.
///
/// # Errors
/// If an object cannot be written as YAML.
pub fn tree(settings: &Settings) -> Made<Vec<File>> {
    let mut files = base(settings)?;
    files.extend(components(settings)?);
    for overlay in Overlay::ALL {
        let folder = overlay.folder();
        files.push(kustomization(folder, &overlay.kustomization())?);
        files.extend(overlay.files(settings));
    }
    files.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(files)
}

fn base(settings: &Settings) -> Made<Vec<File>> {
    let files = [
        (
            "namespaces.yaml",
            vec![
                yaml("", &namespace::platform())?,
                yaml(namespace::WHY_PRIVILEGED, &namespace::tasks())?,
            ],
        ),
        (
            "access.yaml",
            vec![
                yaml("Bound to nothing.", &access::account(Part::Serve))?,
                yaml("", &access::account(Part::Work))?,
                yaml("", &access::role())?,
                yaml("", &access::role_binding())?,
                yaml("", &access::cluster_role())?,
                yaml("", &access::cluster_role_binding())?,
            ],
        ),
        (
            "priorities.yaml",
            vec![
                yaml("", &priority::platform())?,
                yaml("", &priority::ranks())?,
            ],
        ),
        ("serve.yaml", process(settings, Part::Serve)?),
        ("work.yaml", process(settings, Part::Work)?),
        (
            "network.yaml",
            vec![
                yaml("", &network::service())?,
                yaml("", &network::nobody(PLATFORM))?,
                yaml(network::WHY_ANYBODY, &network::anybody())?,
                yaml(network::WHY_METRICS, &network::metrics())?,
            ],
        ),
        (
            "ranks.yaml",
            vec![
                yaml("", &ranks::service())?,
                yaml("", &network::nobody(TASKS))?,
                yaml("", &ranks::policy())?,
            ],
        ),
    ];
    folder(Kind::Whole, "base", files.into())
}

fn process(settings: &Settings, part: Part) -> Made<Vec<String>> {
    Ok(vec![
        yaml("", &platform::deployment(settings, part))?,
        yaml("", &platform::budget(part))?,
    ])
}

fn components(settings: &Settings) -> Made<Vec<File>> {
    let parts = [
        (
            "postgres",
            vec![
                yaml("", &postgres::stateful_set())?,
                yaml("", &postgres::service())?,
                yaml("", &postgres::policy())?,
            ],
        ),
        (
            "redis",
            vec![
                yaml("", &redis::deployment())?,
                yaml("", &redis::service())?,
                yaml("", &redis::policy())?,
            ],
        ),
        (
            "ingress",
            vec![yaml(ingress::WHY, &ingress::ingress(settings))?],
        ),
        (
            "storage-on-nodes",
            vec![
                yaml(storage::WHY_NODE, &storage::on_nodes(settings))?,
                yaml("", &storage::claim(PLATFORM))?,
            ],
        ),
        (
            "storage-nfs",
            vec![
                yaml("", &storage::nfs(settings, PLATFORM))?,
                yaml("", &storage::claim(PLATFORM))?,
                yaml(storage::WHY_TWICE, &storage::nfs(settings, TASKS))?,
                yaml("", &storage::claim(TASKS))?,
            ],
        ),
    ];
    let mut files = Vec::new();
    for (name, objects) in parts {
        let objects = vec![("objects.yaml", objects)];
        files.extend(folder(Kind::Part, &format!("components/{name}"), objects)?);
    }
    Ok(files)
}

/// Files of objects, and the one that names them.
fn folder(kind: Kind, path: &str, files: Vec<(&str, Vec<String>)>) -> Made<Vec<File>> {
    let names: Vec<&str> = files.iter().map(|(name, _)| *name).collect();
    let named = kustomization(path, &Kustomization::of(kind, &names))?;
    let mut all: Vec<File> = files
        .iter()
        .map(|(name, objects)| File::of(format!("{path}/{name}"), objects))
        .collect();
    all.push(named);
    Ok(all)
}

fn kustomization(folder: &str, kustomization: &Kustomization) -> Made<File> {
    let path = format!("{folder}/kustomization.yaml");
    Ok(File::of(path, &[yaml("", kustomization)?]))
}
