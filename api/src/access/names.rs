//! Every argument of the schema that names something, in a question.

use super::columns::Who;
use super::world::World;

/// An argument that names something, in a question.
pub(super) struct Name {
    /// Where it stands, for example `updateUser.input.user`.
    pub(super) at: &'static str,
    /// The question; `$it` is the name.
    pub(super) ask: &'static str,
    /// What it is the name of.
    pub(super) of: Thing,
    /// Who may not see what the owner has of it.
    pub(super) not_for: &'static [Who],
}

/// What can have a name.
#[derive(Clone, Copy)]
pub(super) enum Thing {
    Task,
    TaskName,
    User,
    Token,
    Session,
    Node,
    Environment,
}

impl Thing {
    /// What the owner has, and what is not there.
    pub(super) fn names(self, world: &World) -> [String; 2] {
        let numbered = |name: &str| {
            let number: i64 = world.id(name).parse().unwrap();
            // All others have smaller numbers.
            [number.to_string(), (number + 1_000_000).to_string()]
        };
        let words = |one: &str, other: &str| [one.to_owned(), other.to_owned()];
        match self {
            Self::Task => numbered("run"),
            Self::TaskName => words("run", "ran"),
            Self::User => words("ada", "adb"),
            Self::Token => numbered("rotate"),
            Self::Session => numbered("session"),
            Self::Node => words("node-1", "node-9"),
            Self::Environment => words("secret", "absent"),
        }
    }

    /// Its type in the schema.
    pub(super) fn kind(self) -> &'static str {
        match self {
            Self::Task | Self::Token | Self::Session => "ID!",
            Self::TaskName | Self::User | Self::Node | Self::Environment => "String!",
        }
    }
}

pub(super) const GUEST: Who = Who::Guest;
pub(super) const MEMBER: Who = Who::Member("default", "");
pub(super) const EDITOR: Who = Who::Member("default", "external_quota_editor");

/// Who may see nothing of it, as far as that is of interest: members know who there is, and which nodes.
const STRANGERS: &[Who] = &[GUEST, MEMBER];
const GUESTS: &[Who] = &[GUEST];
const EDITORS: &[Who] = &[GUEST, MEMBER, EDITOR];

const fn name(at: &'static str, of: Thing, not_for: &'static [Who], ask: &'static str) -> Name {
    Name {
        at,
        ask,
        of,
        not_for,
    }
}

/// All arguments of the schema that name something.
pub(super) const NAMES: &[Name] = &[
    name(
        "users.filter.names",
        Thing::User,
        GUESTS,
        "users(filter: { names: [$it] }) { totalCount }",
    ),
    name("task.id", Thing::Task, STRANGERS, "task(id: $it) { id }"),
    name(
        "task.name",
        Thing::TaskName,
        STRANGERS,
        "task(name: $it) { id }",
    ),
    name(
        "tasks.filter.user",
        Thing::User,
        STRANGERS,
        "tasks(filter: { user: $it }) { totalCount nodes { id } }",
    ),
    name(
        "tasks.filter.names",
        Thing::TaskName,
        STRANGERS,
        "tasks(filter: { names: [$it] }) { totalCount nodes { id } }",
    ),
    name(
        "taskLog.id",
        Thing::Task,
        STRANGERS,
        "taskLog(id: $it) { cursor }",
    ),
    name(
        "searchTaskLog.id",
        Thing::Task,
        STRANGERS,
        "searchTaskLog(id: $it, pattern: \"x\") { cursor }",
    ),
    name(
        "nodes.filter.name",
        Thing::Node,
        GUESTS,
        "nodes(filter: { name: $it }) { totalCount nodes { name } }",
    ),
    name(
        "nodeStates.node",
        Thing::Node,
        GUESTS,
        "nodeStates(node: $it) { totalCount nodes { at } }",
    ),
    name(
        "taskOnNode.node",
        Thing::Node,
        STRANGERS,
        "taskOnNode(node: $it) { task }",
    ),
    name(
        "userMounts.name",
        Thing::User,
        STRANGERS,
        "userMounts(name: $it) { mounts { mountPath } }",
    ),
    name(
        "taskMounts.id",
        Thing::Task,
        STRANGERS,
        "taskMounts(id: $it) { mounts { mountPath } }",
    ),
    name(
        "mountRules.filter.owner",
        Thing::User,
        STRANGERS,
        "mountRules(filter: { owner: $it }) { totalCount }",
    ),
    name(
        "mountConflicts.input.owner",
        Thing::User,
        STRANGERS,
        "mountConflicts(input: { action: ADD, hostPath: \"/srv/x\", mountPath: \"/srv/x\", owner: $it }) { undoes }",
    ),
    name(
        "auditLog.filter.user",
        Thing::User,
        STRANGERS,
        "auditLog(filter: { user: $it }) { totalCount }",
    ),
    name(
        "accessTokens.filter.user",
        Thing::User,
        STRANGERS,
        "accessTokens(filter: { user: $it }) { totalCount nodes { id } }",
    ),
    name(
        "sessions.filter.user",
        Thing::User,
        STRANGERS,
        "sessions(filter: { user: $it }) { totalCount nodes { id } }",
    ),
    name(
        "quotaLedger.user",
        Thing::User,
        EDITORS,
        "quotaLedger(user: $it) { validUntil }",
    ),
    name(
        "quotas.filter.owner",
        Thing::User,
        EDITORS,
        "quotas(filter: { owner: $it }) { totalCount }",
    ),
    name(
        "resourceQuotas.filter.owner",
        Thing::User,
        EDITORS,
        "resourceQuotas(filter: { owner: $it }) { totalCount }",
    ),
    name(
        "quotaChanges.filter.owner",
        Thing::User,
        EDITORS,
        "quotaChanges(filter: { owner: $it }) { totalCount }",
    ),
    name(
        "quotaChanges.filter.editor",
        Thing::User,
        EDITORS,
        "quotaChanges(filter: { editor: $it }) { totalCount }",
    ),
    name(
        "simulateQuota.input.owner",
        Thing::User,
        EDITORS,
        "simulateQuota(input: { owner: $it, resource: \"node-training-HIGH\", nodes: 1 }) { waits { task } }",
    ),
    name(
        "stopTask.id",
        Thing::Task,
        STRANGERS,
        "stopTask(id: $it) { id }",
    ),
    name(
        "suspendTask.id",
        Thing::Task,
        STRANGERS,
        "suspendTask(id: $it) { id }",
    ),
    name(
        "resumeTask.id",
        Thing::Task,
        STRANGERS,
        "resumeTask(id: $it) { id }",
    ),
    name(
        "updateTaskPriority.id",
        Thing::Task,
        STRANGERS,
        "updateTaskPriority(id: $it, input: { customRank: 1.0 }) { id }",
    ),
    name(
        "shareTask.id",
        Thing::Task,
        STRANGERS,
        "shareTask(id: $it) { id }",
    ),
    name(
        "unshareTask.id",
        Thing::Task,
        STRANGERS,
        "unshareTask(id: $it) { id }",
    ),
    name(
        "submitTask.input.resource.image",
        Thing::Environment,
        STRANGERS,
        "submitTask(input: { name: \"in\", spec: { workspace: \"/srv/code\", entrypoint: \"a.py\" }, resource: { image: $it } }) { id }",
    ),
    name(
        "updateUser.input.user",
        Thing::User,
        STRANGERS,
        "updateUser(input: { user: $it }) { id }",
    ),
    name(
        "setUserActive.input.user",
        Thing::User,
        STRANGERS,
        "setUserActive(input: { user: $it, active: true }) { id }",
    ),
    name(
        "setUserGroups.input.user",
        Thing::User,
        STRANGERS,
        "setUserGroups(input: { user: $it, groups: [] }) { id }",
    ),
    name(
        "setQuota.input.owner",
        Thing::User,
        EDITORS,
        "setQuota(input: { owner: $it, group: \"training\", priority: HIGH, nodes: 1 }) { nodes }",
    ),
    name(
        "setResourceQuota.input.owner",
        Thing::User,
        EDITORS,
        "setResourceQuota(input: { owner: $it, resource: \"port\", amount: 1 }) { amount }",
    ),
    name(
        "removeQuota.input.owner",
        Thing::User,
        EDITORS,
        "removeQuota(input: { owner: $it, resource: \"port\" }) { amount }",
    ),
    name(
        "addMountRule.input.owner",
        Thing::User,
        STRANGERS,
        "addMountRule(input: { hostPath: \"/srv/x\", mountPath: \"/srv/x\", owner: $it, readOnly: true }) { changed }",
    ),
    name(
        "removeMountRule.input.owner",
        Thing::User,
        STRANGERS,
        "removeMountRule(input: { hostPath: \"/srv/y\", mountPath: \"/srv/y\", owner: $it }) { changed }",
    ),
    name(
        "createAccessToken.input.user",
        Thing::User,
        STRANGERS,
        "createAccessToken(input: { user: $it }) { token }",
    ),
    name(
        "createAccessToken.input.holder",
        Thing::User,
        GUESTS,
        "createAccessToken(input: { holder: $it }) { token }",
    ),
    name(
        "rotateToken.id",
        Thing::Token,
        STRANGERS,
        "rotateToken(id: $it) { token }",
    ),
    name(
        "revokeAccessToken.id",
        Thing::Token,
        STRANGERS,
        "revokeAccessToken(id: $it) { id }",
    ),
    name(
        "updateHost.input.name",
        Thing::Node,
        STRANGERS,
        "updateHost(input: { name: $it }) { name }",
    ),
    name(
        "deleteHost.input.name",
        Thing::Node,
        STRANGERS,
        "deleteHost(input: { name: $it }) { name }",
    ),
    name(
        "disableNode.input.name",
        Thing::Node,
        STRANGERS,
        "disableNode(input: { name: $it, why: \"x\" }) { name }",
    ),
    name(
        "enableNode.input.name",
        Thing::Node,
        STRANGERS,
        "enableNode(input: { name: $it }) { name }",
    ),
    name(
        "endSession.id",
        Thing::Session,
        STRANGERS,
        "endSession(id: $it) { id }",
    ),
    name(
        "endAllSessions.input.user",
        Thing::User,
        STRANGERS,
        "endAllSessions(input: { user: $it }) { count }",
    ),
    name(
        "taskChanged.id",
        Thing::Task,
        STRANGERS,
        "taskChanged(id: $it) { id }",
    ),
    name(
        "taskLogAppended.id",
        Thing::Task,
        STRANGERS,
        "taskLogAppended(id: $it) { cursor }",
    ),
];

/// Names that something new is given, and the conditions of a subscription, which are those of `tasks`: nothing comes, for as
/// long as one listens.
pub(super) const NOT_ASKED: [&str; 8] = [
    "submitTask.input.name",
    "submitTask.input.spec.environments.name",
    "createUser.input.name",
    "createHost.input.name",
    "createAccessToken.input.name",
    "createSessionCode.input.name",
    "tasksChanged.filter.user",
    "tasksChanged.filter.names",
];
