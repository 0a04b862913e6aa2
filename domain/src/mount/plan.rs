//! What a change of the rules would come to: decided here, written in `change`.

use std::collections::BTreeSet;

use entity::mount_rule::Action;

use super::rule::{Definition, Rule, Source};
use crate::error::{Error, Result};

/// Most users that a warning names.
const MOST_NAMED: usize = 5;

/// What a change would come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advice {
    /// The rule that the change would undo instead of adding one.
    pub undoes: Option<Source>,
    /// Why it is probably not meant.
    pub warnings: Vec<Warning>,
}

/// Why a change is probably not meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// What is wrong.
    pub kind: WarningKind,
    /// The rules that it has to do with.
    pub sources: Vec<Source>,
    /// Users that it concerns: the first five.
    pub users: Vec<String>,
}

/// What may be wrong with a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WarningKind {
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

/// Whom a change is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Audience {
    /// Nobody knows.
    Unknown,
    /// One user.
    User(Member),
    /// The members of a group.
    Group(Vec<Member>),
}

/// One user of an audience.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Member {
    pub(super) name: String,
    /// Without his own name.
    pub(super) groups: Vec<String>,
}

/// What a new rule of one owner would come to.
///
/// # Errors
/// [`Error::Conflict`] if there is such a rule already.
pub(super) fn plan(
    rule: &Definition,
    owner: &str,
    rules: &[Rule],
    audience: &Audience,
) -> Result<Advice> {
    let same: Vec<&Rule> = rules
        .iter()
        .filter(|it| it.source != Source::Configured)
        .filter(|it| it.definition.is_about_the_same(rule))
        .filter(|it| it.definition.owners.iter().any(|it| it == owner))
        .collect();
    let undoes = match same.as_slice() {
        [] => None,
        [it] if it.definition.action == rule.action => {
            return Err(Error::Conflict(format!("{} says this already", it.source)));
        }
        // Whoever takes whole trees means more than to undo one rule.
        [_] if rule.has_wildcard() => None,
        [it] => Some(it.source),
        several => {
            let names: Vec<String> = several.iter().map(|it| it.source.to_string()).collect();
            return Err(Error::Conflict(format!(
                "several rules are about this: {}; remove them one by one",
                names.join(", ")
            )));
        }
    };
    let takes_trees = rule.action == Action::Remove && rule.has_wildcard();
    let warnings = match undoes.is_some() || takes_trees {
        true => Vec::new(),
        false => warnings(rule, rules, audience),
    };
    Ok(Advice { undoes, warnings })
}

fn warnings(rule: &Definition, rules: &[Rule], audience: &Audience) -> Vec<Warning> {
    let members: &[Member] = match audience {
        Audience::Unknown => {
            return vec![Warning {
                kind: WarningKind::UnknownOwner,
                sources: Vec::new(),
                users: Vec::new(),
            }];
        }
        Audience::User(user) => std::slice::from_ref(user),
        Audience::Group(members) => members,
    };
    let mut warnings = Vec::new();
    if let Audience::User(user) = audience {
        warnings.extend(through_group(rule, rules, user));
    }
    let is_for_user = matches!(audience, Audience::User(_));
    for other in rules {
        let Some(kind) = clash(rule, other) else {
            continue;
        };
        let owners = &other.definition.owners;
        let concerned = |member: &&Member| {
            let is_his_own = owners.contains(&member.name);
            // Rules for users and rules for groups differ in rank.
            is_his_own == is_for_user
                && (is_his_own || member.groups.iter().any(|group| owners.contains(group)))
        };
        let users: Vec<String> = members
            .iter()
            .filter(concerned)
            .map(|member| member.name.clone())
            .take(MOST_NAMED)
            .collect();
        if !users.is_empty() {
            warnings.push(Warning {
                kind,
                sources: vec![other.source],
                users,
            });
        }
    }
    warnings
}

/// Whether a user has through his groups what he is to be given, or lacks what is to be taken.
fn through_group(rule: &Definition, rules: &[Rule], user: &Member) -> Option<Warning> {
    let gives = rules.iter().filter(|it| {
        let it = &it.definition;
        it.action == Action::Add
            && it.mount_path == rule.mount_path
            && it.owners.iter().any(|owner| user.groups.contains(owner))
    });
    let sources: Vec<Source> = match rule.action {
        Action::Remove => gives.map(|it| it.source).collect(),
        Action::Add => gives
            .filter(|it| it.definition.host_path == rule.host_path)
            .filter(|it| {
                it.definition
                    .condition_set()
                    .is_subset(&rule.condition_set())
            })
            .map(|it| it.source)
            .collect(),
    };
    let kind = match (rule.action, sources.is_empty()) {
        (Action::Add, false) => WarningKind::AlreadyThroughGroup,
        (Action::Remove, true) => WarningKind::NotThroughGroup,
        _ => return None,
    };
    Some(Warning {
        kind,
        sources,
        users: vec![user.name.clone()],
    })
}

/// How two rules would clash for a user for whom they have the same rank, in cases where both hold.
fn clash(rule: &Definition, other: &Rule) -> Option<WarningKind> {
    let it = &other.definition;
    let (mine, its): (BTreeSet<&str>, BTreeSet<&str>) = (rule.condition_set(), it.condition_set());
    let is_same_rank = other.source != Source::Configured && mine.is_empty() == its.is_empty();
    let is_same_case = mine.is_subset(&its) || its.is_subset(&mine);
    if it.mount_path != rule.mount_path || !is_same_rank || !is_same_case {
        return None;
    }
    match (rule.action, it.action) {
        (Action::Add, Action::Add) => Some(WarningKind::AddsCancel),
        (Action::Remove, Action::Remove) => None,
        _ => Some(WarningKind::AddBeatsRemove),
    }
}
