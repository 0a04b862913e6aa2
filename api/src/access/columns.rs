//! The columns of the table: kinds of actors.

use std::collections::BTreeSet;

use domain::auth::Permission;

/// Somebody who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Column {
    /// At the head of the column.
    pub(super) name: &'static str,
    /// Who that is, for the legend.
    pub(super) says: &'static str,
    pub(super) who: Who,
}

/// What somebody has to show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Who {
    /// Nothing.
    Nobody,
    /// The token of a guest in a team of his own.
    Guest,
    /// The token of a member in this team and, if there is a name, this group.
    Member(&'static str, &'static str),
    /// A token of the owner, who is a member.
    Owner,
    /// A token of the owner, who is a guest.
    GuestOwner,
    /// The owner's token of this scope.
    Scoped(&'static str),
    /// The owner's token that a member holds.
    Held,
    /// The owner's session of a browser.
    Session,
    /// The agent of the owner's task.
    Agent,
    /// The same, with a token that has run out.
    LateAgent,
    /// The token of the first administrator.
    Root,
}

/// The team of the owner.
pub(super) const TEAM: &str = "lab";

const fn column(name: &'static str, says: &'static str, who: Who) -> Column {
    Column { name, says, who }
}

const fn of_group(name: &'static str, group: &'static str) -> Column {
    column(name, group, Who::Member("default", group))
}

/// What people are to the owner.
pub(super) const PEOPLE: [Column; 12] = [
    column("nobody", "whoever has no token", Who::Nobody),
    column("guest", "a guest of another team", Who::Guest),
    column(
        "member",
        "a member of another team",
        Who::Member("default", ""),
    ),
    column(
        "team",
        "a member of the owner's team",
        Who::Member(TEAM, ""),
    ),
    column("owner", "the owner", Who::Owner),
    column("guest owner", "the owner, who is a guest", Who::GuestOwner),
    column(
        "to read",
        "the owner with a token to read",
        Who::Scoped("READ"),
    ),
    column(
        "no jupyter",
        "the owner with a token except for Jupyter",
        Who::Scoped("EXCEPT_JUPYTER"),
    ),
    column("held", "a member who holds a token of the owner", Who::Held),
    column(
        "browser",
        "the owner in a session of a browser",
        Who::Session,
    ),
    column("agent", "the agent of the owner's task", Who::Agent),
    column(
        "late agent",
        "the same when its token has run out",
        Who::LateAgent,
    ),
];

/// Members of the groups that give permissions.
pub(super) const ADMINISTRATORS: [Column; 11] = [
    of_group("accounts", "account_manager"),
    of_group("developers", "developer_admin"),
    of_group("tokens", "create_access_token"),
    of_group("guests", "external_quota_editor"),
    of_group("quotas", "internal_quota_limit_editor"),
    of_group("tasks", "task_admin"),
    of_group("cluster", "cluster_manager"),
    of_group("ops", "ops"),
    of_group("platform", "platform"),
    of_group("system", "system"),
    column("root", "root", Who::Root),
];

#[test]
fn every_group_that_gives_a_permission_has_a_column() {
    let groups = Permission::ALL.iter().flat_map(|it| it.groups()).copied();
    let groups: BTreeSet<&str> = groups.chain(["root"]).collect();
    let columns: BTreeSet<&str> = ADMINISTRATORS.iter().map(|column| column.says).collect();
    assert_eq!(columns, groups);
}
