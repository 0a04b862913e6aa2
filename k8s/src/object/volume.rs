//! What pods see of the world: directories of their node, config maps, claims.

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
pub(super) fn of_rules(mounts: &[ResolvedMount]) -> Vec<Mounted> {
    let numbered = mounts.iter().enumerate();
    numbered
        .map(|(number, mount)| of_rule(&format!("mount-{number}"), mount))
        .collect()
}

fn of_rule(name: &str, mount: &ResolvedMount) -> Mounted {
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
        Kind::VolumeClaim => {
            volume.persistent_volume_claim = Some(PersistentVolumeClaimVolumeSource {
                claim_name: mount.host_path.clone(),
                read_only: Some(mount.read_only),
            });
        }
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
            let below = std::path::Path::new(dir).strip_prefix(root);
            let below = below.map_err(|_| ObjectError::OutsideClaim {
                path: dir.to_owned(),
                claim: name.clone(),
                root: root.clone(),
            })?;
            sub_path = Some(below.to_string_lossy().into_owned());
            volume.persistent_volume_claim = Some(PersistentVolumeClaimVolumeSource {
                claim_name: name.clone(),
                read_only: Some(false),
            });
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

fn host_path(path: &str, kind: &str) -> HostPathVolumeSource {
    HostPathVolumeSource {
        path: path.to_owned(),
        type_: Some(kind.to_owned()),
    }
}
