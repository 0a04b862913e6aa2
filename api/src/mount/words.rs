//! The closed lists of words.

use async_graphql::Enum;
use domain::{mount, runtime};

/// What kind of thing is mounted. The words of the original are in brackets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "mount::Kind")]
pub(crate) enum MountType {
    /// Whatever is there (the empty word).
    Path,
    /// A directory (`Directory`).
    Directory,
    /// A directory that is made if it is not there (`DirectoryOrCreate`).
    DirectoryOrCreate,
    /// A file (`File`).
    File,
    /// A file that is made if it is not there (`FileOrCreate`).
    FileOrCreate,
    /// A Unix socket (`Socket`).
    Socket,
    /// A config map, `NAME` or `NAME:KEY` (`configmap`).
    ConfigMap,
    /// A claim of a volume, by its name (`pvc`).
    VolumeClaim,
}

/// Whether a rule gives a mount or takes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "mount::Action")]
pub(crate) enum MountAction {
    /// It gives the mount.
    Add,
    /// It takes the mount that weaker rules give.
    Remove,
}

/// How strong a rule is for a user, the weakest first. The stronger is applied later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "mount::Rank")]
pub(crate) enum MountRank {
    /// The platform's configuration.
    Configured,
    /// For a group, without conditions.
    Group,
    /// For a group, with conditions.
    GroupConditional,
    /// For the user himself, without conditions.
    User,
    /// For the user himself, with conditions.
    UserConditional,
}

/// What the runtime makes of a mount.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "runtime::Visibility")]
pub(crate) enum MountVisibility {
    /// Tasks see it.
    Visible,
    /// Tasks see it, but nothing keeps them from writing except the permissions of the files.
    VisibleUnprotected,
    /// Tasks do not see it: this runtime mounts nothing under another path.
    OtherPath,
    /// Tasks do not see it: there is no such thing.
    Missing,
    /// Tasks do not see it: this runtime has nothing of the kind.
    Unsupported,
}

/// What is wrong between rules of the same rank.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "mount::ConflictKind")]
pub(crate) enum MountConflictKind {
    /// Several give the same mount path, so that none does.
    AddsCancel,
    /// One gives what another takes, so that it is given.
    AddBeatsRemove,
}

/// Why a change is probably not meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "mount::WarningKind")]
pub(crate) enum MountWarningKind {
    /// There is no user and no group of this name.
    UnknownOwner,
    /// The user has the mount already, through a group.
    AlreadyThroughGroup,
    /// The user does not have the mount through a group, so that there is nothing to take.
    NotThroughGroup,
    /// Rules of the same rank would give the same mount path: none of them would count.
    AddsCancel,
    /// A rule of the same rank gives what another takes: it is given.
    AddBeatsRemove,
}

/// What a rule came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub(crate) enum MountEffect {
    /// It gives the mount.
    Gives,
    /// A stronger rule gives the mount path instead.
    Overridden,
    /// Another rule takes the mount.
    Taken,
    /// Rules of the same rank give the same mount path: none of them counts.
    Cancelled,
    /// It takes what weaker rules give, if they give any.
    Takes,
    /// It speaks of a task, and there is none.
    NeedsTask,
    /// One of its conditions does not hold.
    NotMet,
    /// It makes no sense here and does not count.
    Void,
}
