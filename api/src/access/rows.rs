//! The rows of the table: every field of the schema, asked about things of the owner.
//!
//! In a question `@name` stands for the id of a thing that the [world](super::world) has for this row alone, unless the
//! question changes nothing.

/// A question.
pub(super) struct Row {
    /// What is asked, beginning with the field.
    pub(super) ask: &'static str,
    /// What tells it from other rows of the same field.
    pub(super) what: &'static str,
}

impl Row {
    /// The field at the root of the schema.
    pub(super) fn field(&self) -> &'static str {
        let end = self.ask.find(['(', ' ']);
        end.map_or(self.ask, |end| &self.ask[..end])
    }

    /// At the head of the row.
    pub(super) fn label(&self) -> String {
        match self.what {
            "" => self.field().to_owned(),
            what => format!("{}, {what}", self.field()),
        }
    }
}

const fn row(ask: &'static str) -> Row {
    Row { ask, what: "" }
}

const fn also(what: &'static str, ask: &'static str) -> Row {
    Row { ask, what }
}

/// All of them, in the order in which they are asked. The last ends what others may need.
pub(super) const ROWS: &[Row] = &[
    row("me { name }"),
    row("users(filter: { names: [\"ada\"] }) { totalCount }"),
    row("task(id: \"@run\") { id }"),
    also("that is shared", "task(id: \"@shared\") { id }"),
    row("tasks(filter: { user: \"ada\" }) { totalCount }"),
    also(
        "that are shared",
        "tasks(filter: { user: \"ada\", shared: true }) { totalCount }",
    ),
    row("taskLog(id: \"@over\") { cursor }"),
    also("of a shared task", "taskLog(id: \"@shared\") { cursor }"),
    row("searchTaskLog(id: \"@over\", pattern: \"x\") { cursor }"),
    row("nodes { totalCount }"),
    row("nodeGroups { __typename }"),
    row("nodeStates(node: \"disabled-1\") { totalCount }"),
    row("taskOnNode(node: \"node-1\") { task }"),
    row("clusterOverview { queuedTasks }"),
    row("myMounts { __typename }"),
    row("userMounts(name: \"ada\") { __typename }"),
    row("taskMounts(id: \"@run\") { __typename }"),
    row("mountRules(filter: { owner: \"ada\" }) { totalCount }"),
    row(
        "mountConflicts(input: { action: ADD, hostPath: \"/srv/x\", mountPath: \"/srv/x\", owner: \"ada\" }) { undoes }",
    ),
    row("environments { name }"),
    row("serverInfo { __typename }"),
    row("auditLog { totalCount }"),
    row("accessTokens(filter: { user: \"ada\" }) { totalCount }"),
    row("sessions(filter: { user: \"ada\" }) { totalCount }"),
    row("quotaLedger(user: \"ada\") { validUntil }"),
    also("of a guest", "quotaLedger(user: \"gus\") { validUntil }"),
    row("quotas(filter: { owner: \"ada\" }) { totalCount }"),
    also(
        "of a guest",
        "quotas(filter: { owner: \"gus\" }) { totalCount }",
    ),
    row("resourceQuotas(filter: { owner: \"ada\" }) { totalCount }"),
    also(
        "of a guest",
        "resourceQuotas(filter: { owner: \"gus\" }) { totalCount }",
    ),
    row("quotaChanges(filter: { owner: \"ada\" }) { totalCount }"),
    also(
        "of a guest",
        "quotaChanges(filter: { owner: \"gus\" }) { totalCount }",
    ),
    row(
        "simulateQuota(input: { owner: \"ada\", resource: \"node-training-NORMAL\", nodes: 1 }) { __typename }",
    ),
    also(
        "of a guest",
        "simulateQuota(input: { owner: \"gus\", resource: \"node-training-NORMAL\", nodes: 1 }) { __typename }",
    ),
    row(
        "submitTask(input: { name: \"new\", spec: { workspace: \"/srv/code\", entrypoint: \"a.py\" } }) { id }",
    ),
    row(
        "submitTaskYaml(yaml: \"version: 2\\nname: new-yaml\\nspec: {workspace: /srv/code, entrypoint: a.py}\\n\
         resource: {node_count: 1}\") { id }",
    ),
    row("stopTask(id: \"@stop\") { id }"),
    row("suspendTask(id: \"@suspend\") { id }"),
    row("resumeTask(id: \"@resume\") { id }"),
    row("shareTask(id: \"@rank\") { id }"),
    row("unshareTask(id: \"@rank\") { id }"),
    also("that is shared", "stopTask(id: \"@shared\") { id }"),
    row("updateTaskPriority(id: \"@rank\", input: { customRank: 1.0 }) { id }"),
    also(
        "its schema",
        "updateTaskPriority(id: \"@rank\", input: { customRank: 2.0 }) { schema }",
    ),
    row("createUser(input: { name: \"new\" }) { token }"),
    also(
        "with groups",
        "createUser(input: { name: \"new-too\", groups: [\"walkers\"] }) { token }",
    ),
    row("updateUser(input: { user: \"ada\", nickName: \"Ada\" }) { name }"),
    row("setUserActive(input: { user: \"ada\", active: true }) { name }"),
    also(
        "of root",
        "setUserActive(input: { user: \"admin\", active: true }) { name }",
    ),
    row("setUserGroups(input: { user: \"ada\", groups: [\"walkers\"] }) { name }"),
    row("setSharedGroupGroups(input: { sharedGroup: \"team\", groups: [\"walkers\"] }) { name }"),
    row(
        "setQuota(input: { owner: \"ada\", group: \"training\", priority: NORMAL, nodes: 1 }) { nodes }",
    ),
    also(
        "of a guest",
        "setQuota(input: { owner: \"gus\", group: \"training\", priority: NORMAL, nodes: 1 }) { nodes }",
    ),
    row("setMyQuota(input: { group: \"training\", priority: NORMAL, nodes: 0 }) { nodes }"),
    row("setResourceQuota(input: { owner: \"ada\", resource: \"port\", amount: 2 }) { amount }"),
    also(
        "of a guest",
        "setResourceQuota(input: { owner: \"gus\", resource: \"port\", amount: 2 }) { amount }",
    ),
    row("removeQuota(input: { owner: \"ada\", resource: \"cap:SYS_PTRACE\" }) { amount }"),
    also(
        "of a guest",
        "removeQuota(input: { owner: \"gus\", resource: \"cap:SYS_PTRACE\" }) { amount }",
    ),
    row(
        "addMountRule(input: { hostPath: \"/srv/x\", mountPath: \"/srv/x\", owner: \"ada\", readOnly: true, force: true }) \
         { changed }",
    ),
    row(
        "removeMountRule(input: { hostPath: \"/srv/y\", mountPath: \"/srv/y\", owner: \"ada\", force: true }) { changed }",
    ),
    row("createAccessToken(input: {}) { token }"),
    also(
        "for the owner",
        "createAccessToken(input: { user: \"ada\" }) { token }",
    ),
    also(
        "for root",
        "createAccessToken(input: { user: \"admin\" }) { token }",
    ),
    row("rotateToken(id: \"@rotate\") { token }"),
    also("of root", "rotateToken(id: \"@root\") { token }"),
    row("revokeAccessToken(id: \"@revoke\") { id }"),
    row("createHost(input: { name: \"new-1\", group: \"training\" }) { name }"),
    row("updateHost(input: { name: \"spare-1\", room: \"A\" }) { name }"),
    row("deleteHost(input: { name: \"spare-2\" }) { name }"),
    row("disableNode(input: { name: \"spare-3\", why: \"tests\" }) { name }"),
    row("enableNode(input: { name: \"spare-4\" }) { name }"),
    row("createSessionCode(input: {}) { expiresAt }"),
    row("endSession(id: \"@session\") { id }"),
    row(
        "registerAgent(input: { protocolVersion: @protocol, bootId: \"b\", pid: 1, startTime: 1 }) { desired }",
    ),
    row("reportRank(input: { logEnd: 0, started: false })"),
    row("setTaskLifeState(input: { state: 1 })"),
    row("setTaskPriority(input: { priority: AUTO })"),
    row("reportTaskFailure(input: { hardwareOk: true, message: \"no\" })"),
    row("renewAgentToken"),
    row("taskChanged(id: \"@over\") { id }"),
    row("tasksChanged(after: \"@start\") { user { name } }"),
    row("taskLogAppended(id: \"@over\") { cursor }"),
    row("agentOrders { desired }"),
    row("quotaChanged { __typename }"),
    also(
        "of a guest",
        "endAllSessions(input: { user: \"gus\" }) { count }",
    ),
    row("endAllSessions(input: {}) { count }"),
];

/// A field below the root of which some see less than others.
pub(super) struct Nested {
    /// At the head of the row.
    pub(super) label: &'static str,
    /// What is asked.
    pub(super) ask: &'static str,
    /// Where it stands in the data.
    pub(super) at: &'static str,
}

const fn nested(label: &'static str, ask: &'static str, at: &'static str) -> Nested {
    Nested { label, ask, at }
}

/// All of them.
pub(super) const NESTED: &[Nested] = &[
    nested(
        "User.permissions",
        "users(filter: { names: [\"ada\"] }) { nodes { permissions } }",
        "/users/nodes/0/permissions",
    ),
    nested(
        "User.holder",
        "users(filter: { names: [\"ada\"] }) { nodes { holder } }",
        "/users/nodes/0/holder",
    ),
    nested(
        "User.scope",
        "users(filter: { names: [\"ada\"] }) { nodes { scope } }",
        "/users/nodes/0/scope",
    ),
    nested(
        "User.quotas",
        "users(filter: { names: [\"ada\"] }) { nodes { quotas { used } } }",
        "/users/nodes/0/quotas",
    ),
    nested(
        "User.quotas, of a guest",
        "users(filter: { names: [\"gus\"] }) { nodes { quotas { used } } }",
        "/users/nodes/0/quotas",
    ),
    nested(
        "User.mounts",
        "users(filter: { names: [\"ada\"] }) { nodes { mounts { path } } }",
        "/users/nodes/0/mounts",
    ),
    nested(
        "Node, by its name",
        "nodes(filter: { name: \"disabled-1\" }) { nodes { name } }",
        "/nodes/nodes/0/name",
    ),
    nested(
        "Node.flags",
        "nodes(filter: { zone: \"z\" }) { nodes { flags } }",
        "/nodes/nodes/0/flags/0",
    ),
    nested(
        "Node.room",
        "nodes(filter: { zone: \"z\" }) { nodes { room } }",
        "/nodes/nodes/0/room",
    ),
    nested(
        "Node.disabled.by",
        "nodes(filter: { zone: \"z\" }) { nodes { disabled { by } } }",
        "/nodes/nodes/0/disabled/by",
    ),
    nested(
        "Node.task",
        "nodes(filter: { status: READY }) { nodes { task { id } } }",
        "/nodes/nodes/0/task",
    ),
    nested(
        "MountPoint.hostPath, of one's own",
        "myMounts { mounts { hostPath } }",
        "/myMounts/mounts/0/hostPath",
    ),
];
