//! Two platforms as a whole: the objects that all have, the parts of these, and the files that an administrator fills in.

use crate::file::File;
use crate::kustomization::{Kind, Kustomization};
use crate::name::{DATA, SERVER_URL, SETTINGS_FILE, TASKS};
use crate::priority;
use crate::settings::Settings;

/// Where the secrets are. Git never sees it.
pub(crate) const SECRETS_FILE: &str = "secret.env";
/// What it looks like.
pub(crate) const SECRETS_EXAMPLE: &str = "secret.env.example";

/// A platform as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Overlay {
    /// For trying it out: its database and its Redis are in the cluster, its data on the nodes.
    Try,
    /// Database and Redis are elsewhere, the data is on an NFS server, people come from outside.
    External,
}

impl Overlay {
    /// Both.
    pub(crate) const ALL: [Self; 2] = [Self::Try, Self::External];

    /// Its folder.
    pub(crate) fn folder(self) -> &'static str {
        match self {
            Self::Try => "overlays/try",
            Self::External => "overlays/external",
        }
    }

    /// What is put together.
    pub(crate) fn kustomization(self) -> Kustomization {
        let parts: &[&str] = match self {
            Self::Try => &["postgres", "redis", "storage-on-nodes"],
            Self::External => &["ingress", "storage-nfs"],
        };
        Kustomization::of(Kind::Whole, &["../../base"])
            .with(parts)
            .with_settings(SETTINGS_FILE, SECRETS_FILE)
    }

    /// The settings, and what the secrets look like.
    pub(crate) fn files(self, settings: &Settings) -> [File; 2] {
        let folder = self.folder();
        [
            File::plain(
                format!("{folder}/{SETTINGS_FILE}"),
                &self.settings_file(settings),
            ),
            File::plain(format!("{folder}/{SECRETS_EXAMPLE}"), self.secrets()),
        ]
    }

    fn settings_file(self, settings: &Settings) -> String {
        let Settings {
            image,
            default_image,
            data_dir,
            ..
        } = settings;
        let storage = match self {
            Self::Try => format!("# Every node has the shared storage at {data_dir}.\n"),
            Self::External => {
                format!(
                    "# The claim on the shared storage in {TASKS}.\nstorage_claim = \"{DATA}\"\n"
                )
            }
        };
        // On a single node the platform and its servers are beside the ranks.
        let (cpus, memory_gib) = match self {
            Self::Try => (3, 4),
            Self::External => (4, 16),
        };
        let proxies = match self {
            Self::Try => String::new(),
            Self::External => "\n[http]\n\
                # Networks of the Ingress controller's pods: from these, and from nobody else, it is believed for whom they ask.\n\
                # trusted_proxies = [\"10.1.2.0/24\"]\n"
                .to_owned(),
        };
        let ranks = priority::RANKS;
        format!(
            "# server/config.default.toml documents every key.\n\
             \n\
             [scheduler]\n\
             default_group = \"training\"\n\
             {proxies}\n\
             [runtime.kubernetes]\n\
             namespace = \"{TASKS}\"\n\
             # The platform's own image; it brings the agent into the images of tasks.\n\
             agent_image = \"{image}\"\n\
             # The image of tasks whose environment names none.\n\
             default_image = \"{default_image}\"\n\
             server_url = \"{SERVER_URL}\"\n\
             priority_class = \"{ranks}\"\n\
             # What each node keeps for everything else that runs on it.\n\
             reserved_cpus = {cpus}\n\
             reserved_memory_gib = {memory_gib}\n\
             {storage}"
        )
    }

    /// Every line is a variable; a `#` begins a comment only at the beginning of a line.
    fn secrets(self) -> &'static str {
        match self {
            Self::Try => {
                "# Copy it to secret.env beside it, and put a long random password in each place: `openssl rand -hex 24` makes one. The first\n\
                 # and the third are the same, and the second and the fourth.\n\
                 HAI_DATABASE_URL=postgres://hai:PASSWORD@hai-postgres:5432/hai\n\
                 HAI_REDIS_URL=redis://:PASSWORD@hai-redis:6379/0\n\
                 POSTGRES_PASSWORD=PASSWORD\n\
                 REDIS_PASSWORD=PASSWORD\n"
            }
            Self::External => {
                "# Copy it to secret.env beside it, and fill in where your servers are. Special characters of a password are written as %XX.\n\
                 HAI_DATABASE_URL=postgres://hai:PASSWORD@db.example:5432/hai?sslmode=verify-full\n\
                 # Both of these may be left out: a copy of the database that answers queries, and a Redis.\n\
                 # HAI_DATABASE_REPLICA_URL=postgres://hai:PASSWORD@db-2.example:5432/hai?sslmode=verify-full\n\
                 # HAI_REDIS_URL=rediss://:PASSWORD@redis.example:6379/0\n"
            }
        }
    }
}
