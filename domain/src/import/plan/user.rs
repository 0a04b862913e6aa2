//! Rows of `user`, with those of `user_group`.

use crate::auth::Token;
use crate::import::row::Reader;
use crate::user::{CreateUser, Role, problems};

/// A user with the token that he has.
#[derive(Debug)]
pub(in crate::import) struct NewUser {
    pub(in crate::import) user: CreateUser,
    pub(in crate::import) token: Option<Token>,
}

/// Who belongs to which user group.
#[derive(Debug)]
pub(in crate::import) struct Membership {
    /// Name of a user or of a team.
    pub(in crate::import) member: String,
    /// Name of the group.
    pub(in crate::import) group: String,
}

/// Fields of the API and the columns that they are in.
const COLUMNS: [(&str, &str); 4] = [
    ("name", "user_name"),
    ("nickName", "nick_name"),
    ("sharedGroup", "shared_group"),
    ("uid", "user_id"),
];

pub(super) fn user(row: &mut Reader<'_>) -> NewUser {
    let role = match row.text("role").as_deref() {
        None | Some("internal") => Role::Internal,
        Some("external") => Role::External,
        Some(_) => {
            row.wrong("role", "is neither internal nor external");
            Role::Internal
        }
    };
    let user = CreateUser {
        name: row.needed("user_name"),
        nick_name: row.text("nick_name"),
        shared_group: row.text("shared_group"),
        role,
        active: row.bool("active").unwrap_or(true),
        uid: row.int("user_id"),
        groups: Vec::new(),
    };
    for problem in problems(&user) {
        let column = COLUMNS.iter().find(|(field, _)| *field == problem.field);
        row.wrong(
            column.map_or("user_name", |(_, column)| column),
            problem.reason,
        );
    }
    let token = row.needed("token");
    let token = match Token::given(token) {
        Ok(token) => Some(token),
        Err(reason) => {
            row.wrong("token", reason);
            None
        }
    };
    NewUser { user, token }
}

pub(super) fn membership(row: &mut Reader<'_>) -> Membership {
    Membership {
        member: row.needed("user_name"),
        group: row.needed("group"),
    }
}
