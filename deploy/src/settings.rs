//! What differs between clusters.

/// A cluster, as far as the objects of the platform depend on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The platform's own image, which `deploy/Dockerfile` makes.
    pub image: String,
    /// The image of tasks whose environment names none.
    pub default_image: String,
    /// Where the platform has its data. Without a claim for tasks, also where every node has it.
    pub data_dir: String,
    /// Name of the host at which people reach the platform from outside.
    pub host: String,
    /// What serves the data where nodes do not have it themselves.
    pub nfs: Nfs,
}

/// A directory of an NFS server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nfs {
    /// Name or address of the server.
    pub server: String,
    /// The directory.
    pub path: String,
}

impl Default for Settings {
    /// What is in the repository. Nobody has the names that end with `example`: each of them must be replaced.
    fn default() -> Self {
        Self {
            image: format!(
                "registry.example/hai-platform:{}",
                env!("CARGO_PKG_VERSION")
            ),
            default_image: "registry.example/training:1".to_owned(),
            data_dir: "/data".to_owned(),
            host: "hai.example".to_owned(),
            nfs: Nfs {
                server: "nfs.example".to_owned(),
                path: "/hai".to_owned(),
            },
        }
    }
}
