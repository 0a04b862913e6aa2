//! What administrators of nodes hand in.

use async_graphql::{InputObject, MaybeUndefined};
use domain::node::{Describe, Disable, Patch, Running};

/// A host to be taken into the inventory.
#[derive(Debug, InputObject)]
pub(crate) struct CreateHostInput {
    /// Name, the same as the runtime's name of the node.
    pub(super) name: String,
    /// Where its group stands in the tree of groups, with dots; the last part is the group that tasks name.
    group: String,
    /// Zone within the group; what the runtime says if left out.
    zone: Option<String>,
    /// Number of GPUs; what the runtime says if left out.
    gpus: Option<i32>,
    /// What kind of machine it is.
    #[graphql(default = "gpu")]
    kind: String,
    /// What it is for.
    #[graphql(default = "training")]
    purpose: String,
    /// Where it stands.
    room: Option<String>,
    /// Words about it, at most 50.
    #[graphql(default)]
    flags: Vec<String>,
    /// The switch that joins leaves.
    spine: Option<String>,
    /// The switch that it hangs on.
    leaf: Option<String>,
}

/// What is to be said of a host. What is left out stays; what is null is said no more.
#[derive(Debug, InputObject)]
pub(crate) struct UpdateHostInput {
    /// Name of the host.
    pub(super) name: String,
    /// Where its group stands in the tree of groups, with dots; null leaves it to the runtime.
    group: MaybeUndefined<String>,
    /// Zone within the group; null leaves it to the runtime.
    zone: MaybeUndefined<String>,
    /// Number of GPUs; null leaves it to the runtime.
    gpus: MaybeUndefined<i32>,
    /// What kind of machine it is.
    kind: Option<String>,
    /// What it is for.
    purpose: Option<String>,
    /// Where it stands.
    room: MaybeUndefined<String>,
    /// All words about it, at most 50.
    flags: Option<Vec<String>>,
    /// The switch that joins leaves.
    spine: MaybeUndefined<String>,
    /// The switch that it hangs on.
    leaf: MaybeUndefined<String>,
}

/// A host to be taken out of the inventory.
#[derive(Debug, InputObject)]
pub(crate) struct DeleteHostInput {
    /// Name of the host.
    pub(super) name: String,
}

/// A node to be taken from the scheduler.
#[derive(Debug, InputObject)]
pub(crate) struct DisableNodeInput {
    /// Name of the node.
    name: String,
    /// Why: it is shown to all who wonder.
    why: String,
    /// Whether a task that is on it is suspended, to go on elsewhere; else it goes on here to its end.
    #[graphql(default)]
    suspend_task: bool,
}

/// A node to be given back to the scheduler.
#[derive(Debug, InputObject)]
pub(crate) struct EnableNodeInput {
    /// Name of the node.
    pub(super) name: String,
}

impl From<CreateHostInput> for Describe {
    fn from(input: CreateHostInput) -> Self {
        Self {
            group: Patch::Set(input.group),
            zone: given(input.zone),
            gpus: given(input.gpus),
            kind: Some(input.kind),
            purpose: Some(input.purpose),
            room: given(input.room),
            flags: Some(input.flags),
            spine: given(input.spine),
            leaf: given(input.leaf),
        }
    }
}

impl From<UpdateHostInput> for Describe {
    fn from(input: UpdateHostInput) -> Self {
        Self {
            group: patch(input.group),
            zone: patch(input.zone),
            gpus: patch(input.gpus),
            kind: input.kind,
            purpose: input.purpose,
            room: patch(input.room),
            flags: input.flags,
            spine: patch(input.spine),
            leaf: patch(input.leaf),
        }
    }
}

impl From<DisableNodeInput> for Disable {
    fn from(input: DisableNodeInput) -> Self {
        let running = match input.suspend_task {
            true => Running::Moves,
            false => Running::GoesOn,
        };
        Self {
            name: input.name,
            why: input.why,
            running,
        }
    }
}

fn given<T>(value: Option<T>) -> Patch<T> {
    value.map_or(Patch::Keep, Patch::Set)
}

fn patch<T>(value: MaybeUndefined<T>) -> Patch<T> {
    match value {
        MaybeUndefined::Undefined => Patch::Keep,
        MaybeUndefined::Null => Patch::Clear,
        MaybeUndefined::Value(value) => Patch::Set(value),
    }
}
