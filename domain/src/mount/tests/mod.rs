//! Rules in memory, and what follows from them; changes of rules in the database.

mod changes;
mod previews;
mod properties;
mod resolution;
mod rules;

use entity::user::Role;

use super::*;

/// A rule that gives a directory.
fn add(id: i64, owner: &str, host_path: &str, mount_path: &str, conditions: &[&str]) -> Rule {
    Rule::new(
        Source::Rule(MountRuleId(id)),
        definition(Action::Add, owner, host_path, mount_path, conditions),
    )
}

/// A rule that takes a mount.
fn remove(id: i64, owner: &str, host_path: &str, mount_path: &str, conditions: &[&str]) -> Rule {
    Rule::new(
        Source::Rule(MountRuleId(id)),
        definition(Action::Remove, owner, host_path, mount_path, conditions),
    )
}

fn definition(
    action: Action,
    owner: &str,
    host_path: &str,
    mount_path: &str,
    conditions: &[&str],
) -> Definition {
    Definition {
        host_path: host_path.to_owned(),
        mount_path: mount_path.to_owned(),
        owners: vec![owner.to_owned()],
        conditions: conditions.iter().map(ToString::to_string).collect(),
        kind: Kind::Directory,
        read_only: false,
        action,
    }
}

/// Ana, who is in the group `ops` and in the team `vision`.
fn ana() -> UserFacts {
    UserFacts {
        name: "ana".to_owned(),
        uid: 1007,
        shared_group: "vision".to_owned(),
        role: Role::Internal,
        active: true,
        groups: ["internal", "public", "ana", "ops"]
            .map(str::to_owned)
            .into(),
    }
}

/// A training of Ana on two nodes.
fn training() -> TaskFacts {
    TaskFacts {
        id: 42,
        name: "llm".to_owned(),
        group: "alpha".to_owned(),
        nodes: 2,
        task_type: "training".to_owned(),
        backend: "default".to_owned(),
        workspace: "/w".to_owned(),
        priority: 30,
        whole_life_state: 0,
    }
}

/// `host → mount by RULE`, one for each mount.
fn mounts(resolution: &Resolution) -> Vec<String> {
    let line =
        |it: &ResolvedMount| format!("{} → {} by {}", it.host_path, it.mount_path, it.source);
    resolution.mounts.iter().map(line).collect()
}

/// What became of a rule.
fn effect(resolution: &Resolution, id: i64) -> &Effect {
    let source = Source::Rule(MountRuleId(id));
    let mut verdicts = resolution.verdicts.iter();
    let found = verdicts.find(|it| it.source == source);
    &found.expect("the rule was looked at").effect
}

fn rule(id: i64) -> Source {
    Source::Rule(MountRuleId(id))
}
