//! Makes an empty platform usable: an environment, quotas, and a first administrator.

use entity::{Words, environment, user};
use rand::Rng;
use scheduler::Level;
use sea_orm::{ActiveValue::Set, EntityTrait, PaginatorTrait};

use crate::app::App;
use crate::auth::{Token, issue};
use crate::error::{Error, Result};
use crate::quota::{self, Kind, SetQuota};
use crate::store::Tx;
use crate::user::{CreateUser, Role, User, find_by_name};

/// Nodes that everybody may hold at each level when the platform is new: more than a laptop has. Whoever runs a
/// cluster sets what is fair there.
const PUBLIC_NODES: i32 = 1000;

/// The first administrator.
#[derive(Debug, Clone)]
pub struct FirstUser {
    /// Name.
    pub name: String,
    /// Uid: that of whoever starts the platform, so that his own files can be read.
    pub uid: i64,
}

/// Prepares a new platform. Answers the first administrator's token, and nothing if there are users already.
///
/// # Errors
/// If the database is away.
pub async fn prepare(app: &App, first: FirstUser, random: &mut impl Rng) -> Result<Option<Token>> {
    let mut tx = app.begin().await?;
    if user::Entity::find().count(tx.db()).await? > 0 {
        return Ok(None);
    }
    environment::Entity::insert(environment::ActiveModel {
        name: Set("default".to_owned()),
        image: Set(String::new()),
        variables: Set(environment::Variables::default()),
        python: Set(String::new()),
        cuda: Set(String::new()),
        schema_template: Set(String::new()),
        hf_envs: Set(Words::default()),
    })
    .exec_without_returning(tx.db())
    .await?;
    crate::environment::grant(&tx, "public", "default", 1, None).await?;
    for level in Level::ALL {
        let input = SetQuota {
            owner: "public".to_owned(),
            kind: Kind::Grant,
            tag: String::new(),
            group: app.settings.default_group.clone(),
            level,
            nodes: PUBLIC_NODES,
            expires_at: None,
        };
        quota::insert(&mut tx, input).await?;
    }
    let input = CreateUser {
        name: first.name,
        nick_name: None,
        shared_group: None,
        active: true,
        role: Role::Internal,
        uid: Some(first.uid),
        groups: vec!["root".to_owned()],
    };
    let (_, token) = crate::user::insert(&mut tx, input, random).await?;
    tx.commit().await?;
    Ok(Some(token))
}

/// A new token for a user: for whoever can write the platform's own directory.
///
/// # Errors
/// [`Error::NotFound`] if there is no such user.
pub async fn new_token(tx: &Tx, name: &str, random: &mut impl Rng) -> Result<(User, Token)> {
    let user = find_by_name(tx.db(), name)
        .await?
        .ok_or_else(|| Error::not_found("user", name))?;
    let token = issue(tx, user.id, random).await?;
    Ok((user, token))
}
