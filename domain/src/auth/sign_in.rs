//! From a bearer token to the actor.

use chrono::{DateTime, Utc};
use entity::user::Role;
use entity::{UserId, access_token, user, user_group};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, FromQueryResult, JoinType, QueryFilter, QueryOrder,
    QuerySelect,
};

use super::token::hash;
use super::{Actor, Scope, UserActor};
use crate::error::{Error, Result};
use crate::user::implied_groups;

/// A token's owner with one of the groups that were given, if any was.
#[derive(FromQueryResult)]
struct Row {
    id: UserId,
    name: String,
    role: Role,
    active: bool,
    expires_at: Option<DateTime<Utc>>,
    revoked_at: Option<DateTime<Utc>>,
    group: Option<String>,
}

/// Who owns this token of a user.
///
/// # Errors
/// [`Error::Unauthenticated`] if the token is unknown, expired or revoked, or its user inactive.
pub async fn sign_in(db: &impl ConnectionTrait, now: DateTime<Utc>, token: &str) -> Result<Actor> {
    // One statement, because every request waits for it.
    let owner = access_token::Entity::belongs_to(user::Entity)
        .from(access_token::Column::UserId)
        .to(user::Column::Id);
    let groups = user::Entity::belongs_to(user_group::Entity)
        .from(user::Column::Id)
        .to(user_group::Column::UserId);
    let rows: Vec<Row> = access_token::Entity::find()
        .select_only()
        .columns([
            access_token::Column::ExpiresAt,
            access_token::Column::RevokedAt,
        ])
        .columns([
            user::Column::Id,
            user::Column::Name,
            user::Column::Role,
            user::Column::Active,
        ])
        .column_as(user_group::Column::Name, "group")
        .join(JoinType::InnerJoin, owner.into())
        .join(JoinType::LeftJoin, groups.into())
        .filter(access_token::Column::Hash.eq(hash(token)))
        .order_by_asc(user_group::Column::Name)
        .into_model()
        .all(db)
        .await?;
    let is_good = |row: &&Row| {
        row.active && row.revoked_at.is_none() && row.expires_at.is_none_or(|end| now < end)
    };
    let owner = rows.first().filter(is_good).ok_or(Error::Unauthenticated)?;
    let mut groups = implied_groups(&owner.name, owner.role);
    let (id, name, role) = (owner.id, owner.name.clone(), owner.role);
    groups.extend(rows.into_iter().filter_map(|row| row.group));
    Ok(Actor::User(UserActor {
        id,
        holder: name.clone(),
        scope: Scope::All,
        name,
        role,
        groups,
    }))
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use sea_orm::sea_query::Expr;

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
