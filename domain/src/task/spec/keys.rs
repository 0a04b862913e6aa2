//! The keys of schema v2, section by section: which are read, and which have no effect here yet.

/// A mapping of the document whose keys are known.
pub(super) struct Section {
    /// Key of the section at the top level; empty for the top level itself.
    pub(super) name: &'static str,
    pub(super) keys: &'static [Key],
}

pub(super) struct Key {
    pub(super) name: &'static str,
    pub(super) support: Support,
}

pub(super) enum Support {
    Read,
    /// The original knows the key; here only its default (as JSON) or null may be written.
    NotYet {
        default: &'static str,
        reason: &'static str,
    },
}

impl Section {
    /// Dotted path of a key of this section: `resource.node_count`.
    pub(super) fn field(&self, key: &str) -> String {
        match self.name {
            "" => key.to_owned(),
            name => format!("{name}.{key}"),
        }
    }

    pub(super) fn key(&self, name: &str) -> Option<&'static Key> {
        self.keys.iter().find(|key| key.name == name)
    }
}

const fn read(name: &'static str) -> Key {
    Key {
        name,
        support: Support::Read,
    }
}

const fn not_yet(name: &'static str, default: &'static str, reason: &'static str) -> Key {
    Key {
        name,
        support: Support::NotYet { default, reason },
    }
}

pub(super) static SECTIONS: [&Section; 4] = [&TOP, &SPEC, &RESOURCE, &OPTIONS];

pub(super) static TOP: Section = Section {
    name: "",
    keys: &[
        read("version"),
        read("name"),
        read("task_type"),
        read("priority"),
        read("spec"),
        read("resource"),
        read("options"),
        not_yet("services", "[]", "a task runs its command only"),
    ],
};

pub(super) static SPEC: Section = Section {
    name: "spec",
    keys: &[
        read("workspace"),
        read("entrypoint"),
        read("parameters"),
        read("environments"),
        read("entrypoint_executable"),
        not_yet(
            "git_remote_repo",
            r#""""#,
            "clone it into `spec.workspace` beforehand",
        ),
        not_yet(
            "git_target_revision",
            r#""""#,
            "check it out in `spec.workspace` beforehand",
        ),
    ],
};

pub(super) static RESOURCE: Section = Section {
    name: "resource",
    keys: &[
        read("image"),
        read("group"),
        read("node_count"),
        not_yet("is_spot", "false", "there are no spot nodes"),
        not_yet("gpu", "0", "a training task gets whole nodes"),
        not_yet("cpu", "0", "a training task gets whole nodes"),
        not_yet("memory", "0", "a training task gets whole nodes"),
    ],
};

pub(super) static OPTIONS: Section = Section {
    name: "options",
    keys: &[
        read("whole_life_state"),
        read("watchdog_time"),
        read("timeout"),
        read("max_restarts"),
        read("tags"),
        read("shared_in_group"),
        not_yet("mount_code", "2", "every mount of the user is mounted"),
        not_yet("py_venv", r#""""#, "activate it in the entrypoint"),
        not_yet(
            "override_node_resource",
            "{}",
            "a training task gets whole nodes",
        ),
        not_yet(
            "record_git_revision",
            "false",
            "the platform does not look into the workspace",
        ),
        not_yet("assigned_nodes", "[]", "the scheduler chooses the nodes"),
        not_yet("profile", "{}", "start the profiler in the entrypoint"),
        not_yet("sidecar", "[]", "a task runs its command only"),
        not_yet("fffs", "{}", "the platform mounts no 3FS"),
        not_yet("fffs_enable_fuse", "false", "the platform mounts no 3FS"),
    ],
};
