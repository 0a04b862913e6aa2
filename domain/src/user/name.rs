//! Which names users, teams and groups may have.

use entity::{shared_group_group, user, user_group};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter};

use super::Role;
use crate::auth::Permission;
use crate::error::{Error, Problem, Result};
use crate::store::Tx;

/// Groups that follow from what a user is, so that nobody joins them.
const BUILT_IN: [&str; 3] = ["public", "internal", "external"];

/// Words that mean something else, beside the groups that give a [`Permission`]: groups of the original that give none
/// here, and names that systems know.
const WORDS: [&str; 5] = [
    "root",
    "nobody",
    "can_suspend",
    "external_user_manager",
    "hub_admin",
];

/// The team of whoever has no other.
pub(super) const DEFAULT_TEAM: &str = "default";

/// Whether a user may have this name.
pub fn is_usable_name(name: &str) -> bool {
    problem(name).is_none()
}

/// What is wrong with the name of a user.
pub(super) fn problem(name: &str) -> Option<String> {
    if !is_word(name) {
        return Some(
            "must be 1 to 32 lower-case letters, digits, '_' or '-', beginning with a letter"
                .to_owned(),
        );
    }
    is_reserved(name).then(|| format!("{name} is reserved"))
}

/// What is wrong with the team of a user of this role.
pub(super) fn team_problem(team: &str, role: Role) -> Option<String> {
    if team == DEFAULT_TEAM && role == Role::External {
        return Some(format!(
            "must be given for an external user, and not be {DEFAULT_TEAM}"
        ));
    }
    problem(team)
}

/// What is wrong with the groups that somebody is to belong to.
pub(super) fn group_problems(groups: &[String]) -> Vec<Problem> {
    let reason = |(index, group): (usize, &String)| {
        if BUILT_IN.contains(&group.as_str()) {
            Some(format!("{group} is not joined, it follows from the role"))
        } else if !is_word(group) {
            Some(format!("{group:?} is not a name of a group"))
        } else if groups[..index].contains(group) {
            Some(format!("{group} is named twice"))
        } else {
            None
        }
    };
    let reasons = groups.iter().enumerate().filter_map(reason);
    reasons
        .map(|reason| Problem {
            field: "groups".to_owned(),
            reason,
        })
        .collect()
}

/// Makes whoever adds users or groups wait for the others who do: uids and names are compared before they are written. On
/// SQLite every writer waits for the others anyway.
pub(super) async fn alone(tx: &Tx) -> Result<()> {
    if tx.db().get_database_backend() == sea_orm::DbBackend::Postgres {
        let lock = "LOCK TABLE \"user\" IN SHARE ROW EXCLUSIVE MODE";
        tx.db().execute_unprepared(lock).await?;
    }
    Ok(())
}

/// Whether somebody belongs to a group of this name.
pub(super) async fn is_group(tx: &Tx, name: &str) -> Result<bool> {
    let own = user_group::Entity::find().filter(user_group::Column::Name.eq(name));
    let team = shared_group_group::Entity::find().filter(shared_group_group::Column::Name.eq(name));
    Ok(own.count(tx.db()).await? > 0 || team.count(tx.db()).await? > 0)
}

/// Refuses groups that are users: a user's name is a group, whose only member is the user.
///
/// # Errors
/// [`Error::Invalid`].
pub(super) async fn no_users(tx: &Tx, groups: &[String]) -> Result<()> {
    let taken = user::Entity::find()
        .filter(user::Column::Name.is_in(groups.iter().map(String::as_str)))
        .one(tx.db())
        .await?;
    match taken {
        Some(user) => Err(Error::invalid(
            "groups",
            format!("{} is the name of a user", user.name),
        )),
        None => Ok(()),
    }
}

fn is_reserved(name: &str) -> bool {
    let mut gives = Permission::ALL.iter().flat_map(|gives| gives.groups());
    BUILT_IN.contains(&name) || WORDS.contains(&name) || gives.any(|group| *group == name)
}

fn is_word(text: &str) -> bool {
    let mut characters = text.chars();
    characters
        .next()
        .is_some_and(|first| first.is_ascii_lowercase())
        && text.len() <= 32
        && characters.all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_user_and_no_team_has_the_name_of_a_group_that_gives_rights() {
        for name in Permission::ALL.iter().flat_map(|gives| gives.groups()) {
            assert!(!is_usable_name(name), "{name}");
            assert!(team_problem(name, Role::Internal).is_some(), "{name}");
        }
        for name in BUILT_IN.into_iter().chain(WORDS) {
            assert!(!is_usable_name(name), "{name}");
        }
        assert!(is_usable_name("ada-2"));
        assert!(!is_usable_name("Ada") && !is_usable_name(""));
    }

    #[test]
    fn a_guest_is_not_in_the_team_of_everybody() {
        assert!(team_problem(DEFAULT_TEAM, Role::Internal).is_none());
        assert!(team_problem(DEFAULT_TEAM, Role::External).is_some());
        assert!(team_problem("visitors", Role::External).is_none());
    }
}
