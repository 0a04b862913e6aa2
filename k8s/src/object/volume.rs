//! What pods see of the world: directories of their node, config maps, claims.

use std::path::Path;

use domain::mount::{Kind, ResolvedMount};
use k8s_openapi::api::core::v1::{
    ConfigMapVolumeSource, HostPathVolumeSource, PersistentVolumeClaimVolumeSource, Volume,
    VolumeMount,
};

use super::ObjectError;
use crate::cluster::Storage;

/// A volume, and where the container has it.
pub(super) struct Mounted {
    pub(super) volume: Volume,
    pub(super) mount: VolumeMount,
}

/// The mounts of the rules, in their order.
pub(super) fn of_rules(storage: &Storage, mounts: &[ResolvedMount]) -> Vec<Mounted> {
    let numbered = mounts.iter().enumerate();
    numbered
        .map(|(number, mount)| of_rule(&format!("mount-{number}"), storage, mount))
        .collect()
}

fn of_rule(name: &str, storage: &Storage, mount: &ResolvedMount) -> Mounted {
    // What is the platform's own, such as workspaces, is where the claim has it.
    if is_of_node(mount.kind)
        && let Storage::Claim { name: claim, root } = storage
        && let Ok(below) = Path::new(&mount.host_path).strip_prefix(root)
    {
        return Mounted {
            volume: of_claim(name, claim, mount.read_only),
            mount: VolumeMount {
                name: name.to_owned(),
                mount_path: mount.mount_path.clone(),
                read_only: Some(mount.read_only),
                sub_path: Some(below.to_string_lossy().into_owned()),
                ..VolumeMount::default()
            },
        };
    }
    let mut volume = Volume {
        name: name.to_owned(),
        ..Volume::default()
    };
    let mut sub_path = None;
    match mount.kind {
        Kind::ConfigMap => {
            let (map, key) = match mount.host_path.split_once(':') {
                Some((map, key)) => (map, Some(key.to_owned())),
                None => (mount.host_path.as_str(), None),
            };
            sub_path = key;
            volume.config_map = Some(ConfigMapVolumeSource {
                name: map.to_owned(),
                ..ConfigMapVolumeSource::default()
            });
        }
        Kind::VolumeClaim => volume = of_claim(name, &mount.host_path, mount.read_only),
        Kind::Path => volume.host_path = Some(host_path(&mount.host_path, "")),
        Kind::Directory => volume.host_path = Some(host_path(&mount.host_path, "Directory")),
        Kind::DirectoryOrCreate => {
            volume.host_path = Some(host_path(&mount.host_path, "DirectoryOrCreate"));
        }
        Kind::File => volume.host_path = Some(host_path(&mount.host_path, "File")),
        Kind::FileOrCreate => volume.host_path = Some(host_path(&mount.host_path, "FileOrCreate")),
        Kind::Socket => volume.host_path = Some(host_path(&mount.host_path, "Socket")),
    }
    Mounted {
        volume,
        mount: VolumeMount {
            name: name.to_owned(),
            mount_path: mount.mount_path.clone(),
            read_only: Some(mount.read_only),
            sub_path,
            ..VolumeMount::default()
        },
    }
}

/// The directory of a rank's log: the rank sees no other.
pub(super) fn of_log(storage: &Storage, dir: &str) -> Result<Mounted, ObjectError> {
    const NAME: &str = "log";
    let mut volume = Volume {
        name: NAME.to_owned(),
        ..Volume::default()
    };
    let mut sub_path = None;
    match storage {
        Storage::Everywhere => volume.host_path = Some(host_path(dir, "DirectoryOrCreate")),
        Storage::Claim { name, root } => {
            let below = Path::new(dir).strip_prefix(root);
            let below = below.map_err(|_| ObjectError::OutsideClaim {
                path: dir.to_owned(),
                claim: name.clone(),
                root: root.clone(),
            })?;
            sub_path = Some(below.to_string_lossy().into_owned());
            volume = of_claim(NAME, name, false);
        }
    }
    Ok(Mounted {
        volume,
        mount: VolumeMount {
            name: NAME.to_owned(),
            mount_path: dir.to_owned(),
            sub_path,
            ..VolumeMount::default()
        },
    })
}

/// Whether it is something of the node's file system.
fn is_of_node(kind: Kind) -> bool {
    match kind {
        Kind::ConfigMap | Kind::VolumeClaim => false,
        Kind::Path
        | Kind::Directory
        | Kind::DirectoryOrCreate
        | Kind::File
        | Kind::FileOrCreate
        | Kind::Socket => true,
    }
}

fn of_claim(name: &str, claim: &str, read_only: bool) -> Volume {
    Volume {
        name: name.to_owned(),
        persistent_volume_claim: Some(PersistentVolumeClaimVolumeSource {
            claim_name: claim.to_owned(),
            read_only: Some(read_only),
        }),
        ..Volume::default()
    }
}

fn host_path(path: &str, kind: &str) -> HostPathVolumeSource {
    HostPathVolumeSource {
        path: path.to_owned(),
        type_: Some(kind.to_owned()),
    }
}
