//! From a bearer token, or a session, to the actor.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use entity::user::Role;
use entity::{UserId, access_token, session, shared_group_group, user, user_group};
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, FromQueryResult, JoinType, QueryFilter, QuerySelect,
    RelationDef,
};

use super::token::hash;
use super::{Actor, UserActor};
use crate::error::{Error, Result};
use crate::user::implied_groups;

/// A token's owner with one of his own groups and one of his team, if there are any.
#[derive(FromQueryResult)]
struct Row {
    id: UserId,
    name: String,
    role: Role,
    shared_group: String,
    active: bool,
    expires_at: Option<DateTime<Utc>>,
    revoked_at: Option<DateTime<Utc>>,
    scope: access_token::Scope,
    holder: Option<String>,
    holder_active: Option<bool>,
    own_group: Option<String>,
    team_group: Option<String>,
}

/// The holder, beside the user.
const HOLDER: &str = "holder";

/// Whom this token of a user acts for, and who holds it.
///
/// # Errors
/// [`Error::Unauthenticated`] if the token is unknown, expired or revoked, or its user or its holder inactive.
pub async fn sign_in(db: &impl ConnectionTrait, now: DateTime<Utc>, token: &str) -> Result<Actor> {
    actor(db, now, access_token::Column::Hash.eq(hash(token)), None).await
}

/// Whom the session with this hash acts for: as the token with which it was made.
///
/// # Errors
/// As [`sign_in`], and if the session is over.
pub(crate) async fn of_session(
    db: &impl ConnectionTrait,
    now: DateTime<Utc>,
    hash: String,
) -> Result<Actor> {
    let session = access_token::Entity::belongs_to(session::Entity)
        .from(access_token::Column::Id)
        .to(session::Column::TokenId);
    let is_open = session::Column::Hash.eq(hash);
    let is_open = is_open.and(session::Column::IdleAt.gt(now));
    actor(db, now, is_open, Some(session.into())).await
}

/// Who has the token that is wanted, perhaps by another table.
async fn actor(
    db: &impl ConnectionTrait,
    now: DateTime<Utc>,
    wanted: Expr,
    through: Option<RelationDef>,
) -> Result<Actor> {
    // One statement, because every request waits for it.
    let owner = access_token::Entity::belongs_to(user::Entity)
        .from(access_token::Column::UserId)
        .to(user::Column::Id);
    let groups = user::Entity::belongs_to(user_group::Entity)
        .from(user::Column::Id)
        .to(user_group::Column::UserId);
    let team = user::Entity::belongs_to(shared_group_group::Entity)
        .from(user::Column::SharedGroup)
        .to(shared_group_group::Column::SharedGroup);
    let holder = access_token::Entity::belongs_to(user::Entity)
        .from(access_token::Column::HolderId)
        .to(user::Column::Id);
    let mut query = access_token::Entity::find();
    if let Some(other) = through {
        query = query.join(JoinType::InnerJoin, other);
    }
    let rows: Vec<Row> = query
        .select_only()
        .columns([
            access_token::Column::ExpiresAt,
            access_token::Column::RevokedAt,
            access_token::Column::Scope,
        ])
        .columns([
            user::Column::Id,
            user::Column::Name,
            user::Column::Role,
            user::Column::SharedGroup,
            user::Column::Active,
        ])
        .column_as(user_group::Column::Name, "own_group")
        .column_as(shared_group_group::Column::Name, "team_group")
        .column_as(Expr::col((HOLDER, user::Column::Name)), "holder")
        .column_as(Expr::col((HOLDER, user::Column::Active)), "holder_active")
        .join(JoinType::InnerJoin, owner.into())
        .join(JoinType::LeftJoin, groups.into())
        .join(JoinType::LeftJoin, team.into())
        .join_as(JoinType::LeftJoin, holder.into(), HOLDER)
        .filter(wanted)
        .into_model()
        .all(db)
        .await?;
    let is_good = |row: &&Row| {
        row.active
            && row.holder_active != Some(false)
            && row.revoked_at.is_none()
            && row.expires_at.is_none_or(|end| now < end)
    };
    let owner = rows.first().filter(is_good).ok_or(Error::Unauthenticated)?;
    let mut groups = implied_groups(&owner.name, owner.role);
    let (id, name, role) = (owner.id, owner.name.clone(), owner.role);
    let shared_group = owner.shared_group.clone();
    let holder = owner.holder.clone().unwrap_or_else(|| name.clone());
    let scope = owner.scope.into();
    // Every group of his own comes with every group of the team.
    let given: BTreeSet<String> = rows
        .into_iter()
        .flat_map(|row| [row.own_group, row.team_group])
        .flatten()
        .collect();
    groups.extend(given);
    Ok(Actor::User(UserActor {
        id,
        holder,
        scope,
        name,
        role,
        shared_group,
        groups,
    }))
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;
    use crate::testing::TestApp;

    async fn is_good(app: &TestApp) -> bool {
        let token = app.root_token.reveal();
        match sign_in(app.app.reader(), app.app.now(), token).await {
            Ok(actor) => actor == app.root,
            Err(Error::Unauthenticated) => false,
            Err(error) => panic!("{error:?}"),
        }
    }

    async fn set<E: EntityTrait>(app: &TestApp, column: E::Column, value: Expr) {
        let tx = app.app.begin().await.unwrap();
        let change = E::update_many().col_expr(column, value);
        change.exec(tx.db()).await.unwrap();
        tx.commit().await.unwrap();
    }

    #[tokio::test]
    async fn a_token_is_good_until_it_is_over_or_revoked_or_its_user_inactive() {
        use access_token::Column::{ExpiresAt, RevokedAt};
        let app = TestApp::with_nodes(1).await;
        assert!(is_good(&app).await);
        let now = app.app.now();
        for (end, good) in [(now + TimeDelta::seconds(1), true), (now, false)] {
            set::<access_token::Entity>(&app, ExpiresAt, Expr::value(Some(end))).await;
            assert_eq!(is_good(&app).await, good);
        }
        set::<access_token::Entity>(&app, ExpiresAt, Expr::value(None::<DateTime<Utc>>)).await;
        set::<user::Entity>(&app, user::Column::Active, Expr::value(false)).await;
        assert!(!is_good(&app).await);
        set::<user::Entity>(&app, user::Column::Active, Expr::value(true)).await;
        assert!(is_good(&app).await);
        set::<access_token::Entity>(&app, RevokedAt, Expr::value(Some(now))).await;
        assert!(!is_good(&app).await);
    }

    #[tokio::test]
    async fn a_user_belongs_to_what_needs_no_row_and_to_what_was_given() {
        let app = TestApp::with_nodes(1).await;
        let groups = |actor: &Actor| actor.user().unwrap().groups.clone();
        assert_eq!(groups(&app.root), ["internal", "public", "admin", "root"]);
        let (ada, _) = app.user("ada").await;
        assert_eq!(groups(&ada), ["internal", "public", "ada"]);
    }
}
