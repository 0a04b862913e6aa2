//! Where the data is: the platform and the ranks write to one storage, from any node at the same time.
//!
//! A claim belongs to one volume and one namespace. So ranks cannot use the claim of the platform: they have the directory on
//! their nodes, or a volume and a claim of their own with the same directory of the same server behind it.

use k8s_openapi::api::core::v1::{
    HostPathVolumeSource, NFSVolumeSource, ObjectReference, PersistentVolume,
    PersistentVolumeClaim, PersistentVolumeClaimSpec, PersistentVolumeSpec,
    VolumeResourceRequirements,
};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;

use crate::name::{self, DATA, PLATFORM, TASKS, words};
use crate::settings::Settings;

/// Why a directory of the node is a volume.
pub(crate) const WHY_NODE: &str = "\
The namespace of the platform forbids pods to name directories of their node, so an administrator does it for them. The
directory must be there, on every node, and the same shared file system behind it; what this says of its size and of who may
write matters to nobody.";
/// Why there are two volumes.
pub(crate) const WHY_TWICE: &str = "\
The same directory of the same server as in the namespace of the platform.";

/// A directory that every node has: a volume for the platform.
pub(crate) fn on_nodes(settings: &Settings) -> PersistentVolume {
    volume(
        DATA,
        PLATFORM,
        PersistentVolumeSpec {
            host_path: Some(HostPathVolumeSource {
                path: settings.data_dir.clone(),
                type_: Some("Directory".to_owned()),
            }),
            ..PersistentVolumeSpec::default()
        },
    )
}

/// The same directory of an NFS server for a namespace.
pub(crate) fn nfs(settings: &Settings, namespace: &str) -> PersistentVolume {
    volume(
        volume_name(namespace),
        namespace,
        PersistentVolumeSpec {
            // Locks must hold between nodes, and nothing may be lost because the server was away.
            mount_options: Some(words(&["nfsvers=4.2", "hard"])),
            nfs: Some(NFSVolumeSource {
                server: settings.nfs.server.clone(),
                path: settings.nfs.path.clone(),
                read_only: None,
            }),
            ..PersistentVolumeSpec::default()
        },
    )
}

/// The claim of a namespace on its volume.
pub(crate) fn claim(namespace: &str) -> PersistentVolumeClaim {
    PersistentVolumeClaim {
        metadata: name::meta(namespace, DATA),
        spec: Some(PersistentVolumeClaimSpec {
            access_modes: Some(words(&["ReadWriteMany"])),
            // None: what would be made anew is not the same directory.
            storage_class_name: Some(String::new()),
            volume_name: Some(volume_name(namespace).to_owned()),
            resources: Some(VolumeResourceRequirements {
                requests: Some([size()].into()),
                limits: None,
            }),
            ..PersistentVolumeClaimSpec::default()
        }),
        status: None,
    }
}

fn volume_name(namespace: &str) -> &'static str {
    match namespace {
        TASKS => "hai-tasks-data",
        _ => DATA,
    }
}

fn volume(name: &str, namespace: &str, source: PersistentVolumeSpec) -> PersistentVolume {
    PersistentVolume {
        metadata: name::cluster_meta(name),
        spec: Some(PersistentVolumeSpec {
            access_modes: Some(words(&["ReadWriteMany"])),
            capacity: Some([size()].into()),
            storage_class_name: Some(String::new()),
            persistent_volume_reclaim_policy: Some("Retain".to_owned()),
            claim_ref: Some(ObjectReference {
                namespace: Some(namespace.to_owned()),
                name: Some(DATA.to_owned()),
                ..ObjectReference::default()
            }),
            ..source
        }),
        status: None,
    }
}

/// Something must be said; neither kind of volume looks at it.
fn size() -> (String, Quantity) {
    ("storage".to_owned(), Quantity("1Ti".to_owned()))
}
