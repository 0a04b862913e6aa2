//! Users and access tokens, one a line.

use comfy_table::Row;

use super::frame::{moment, table};
use crate::{
    operations::{AccessToken, Account},
    output::Look,
};

/// Where the groups are in a table of users.
const GROUPS: usize = 6;
/// Where the names are in a table of tokens.
const NAME: usize = 4;

/// Users, one a line.
pub(crate) fn user_table(users: &[Account], look: Look) -> String {
    let rows = users.iter().map(|user| {
        let active = if user.active { "yes" } else { "no" };
        Row::from([
            user.name.clone(),
            user.nick_name.clone(),
            user.role.to_string(),
            user.shared_group.clone(),
            user.uid.to_string(),
            active.to_owned(),
            user.groups.join(", "),
        ])
    });
    let header = [
        "user",
        "nick name",
        "role",
        "team",
        "uid",
        "active",
        "groups",
    ];
    table(header, GROUPS, rows, look)
}

/// Tokens, one a line.
pub(crate) fn token_table(tokens: &[AccessToken], look: Look) -> String {
    let rows = tokens.iter().map(|token| {
        let ends = match (token.revoked_at, token.expires_at) {
            (Some(_), _) => "revoked".to_owned(),
            (None, Some(end)) => moment(Some(end)),
            (None, None) => "never".to_owned(),
        };
        Row::from([
            token.id.inner().to_owned(),
            token.user.name.clone(),
            token.holder.name.clone(),
            token.scope.to_string(),
            token.name.clone().unwrap_or_else(|| "-".to_owned()),
            moment(Some(token.created_at)),
            ends,
        ])
    });
    let header = ["id", "user", "holder", "scope", "name", "created", "ends"];
    table(header, NAME, rows, look)
}
