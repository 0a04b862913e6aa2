//! Tokens of users: random, shown once, stored as a hash.

use std::fmt::Write as _;

use entity::{UserId, access_token};
use rand::Rng;
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, NotSet,
    QueryFilter,
};
use sha2::{Digest, Sha256};

use super::agent_token::is_agent_token;
use crate::error::Result;
use crate::store::Tx;

/// How every access token begins: what the original's tools look for.
const PREFIX: &str = "ACCESS-";

/// The longest that is taken over from elsewhere.
const MOST_BYTES: usize = 512;

/// A token in the clear. Shown once and never logged.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token(…)")
    }
}

impl Token {
    /// A new token of 160 random bits.
    pub fn generate(random: &mut impl Rng) -> Self {
        let mut bytes = [0_u8; 20];
        random.fill_bytes(&mut bytes);
        Self(format!("{PREFIX}{}", hex(&bytes)))
    }

    /// A token that somebody has already.
    ///
    /// # Errors
    /// If no client could send it, or it would be taken for the token of an agent.
    pub(crate) fn given(text: String) -> std::result::Result<Self, &'static str> {
        let is_sendable = text.chars().all(|c| c.is_ascii_graphic());
        if text.is_empty() || text.len() > MOST_BYTES || !is_sendable {
            Err("must have 1 to 512 ASCII characters without spaces")
        } else if is_agent_token(&text) {
            Err("must not have exactly two dots: tokens of agents have")
        } else {
            Ok(Self(text))
        }
    }

    /// The text of the token.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

/// What is stored of a token.
pub(crate) fn hash(token: &str) -> String {
    hex(&Sha256::digest(token.as_bytes()))
}

/// Lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Gives a user a new token without an end.
///
/// # Errors
/// If the database refuses.
pub async fn issue(tx: &Tx, user_id: UserId, random: &mut impl Rng) -> Result<Token> {
    let token = Token::generate(random);
    keep(tx, user_id, &token, None).await?;
    Ok(token)
}

/// Keeps a token of a user, without an end.
///
/// # Errors
/// If the database refuses, as it does if somebody has the same.
pub(crate) async fn keep(
    tx: &Tx,
    user_id: UserId,
    token: &Token,
    name: Option<&str>,
) -> Result<()> {
    access_token::ActiveModel {
        id: NotSet,
        user_id: Set(user_id),
        holder_id: Set(None),
        scope: Set(access_token::Scope::All),
        name: Set(name.map(str::to_owned)),
        created_by: Set(None),
        hash: Set(hash(token.reveal())),
        created_at: Set(tx.now()),
        expires_at: Set(None),
        revoked_at: Set(None),
    }
    .insert(tx.db())
    .await?;
    Ok(())
}

/// For whom a token is kept, whether it is still good or not.
///
/// # Errors
/// If the database is away.
pub(crate) async fn holder(db: &impl ConnectionTrait, token: &Token) -> Result<Option<UserId>> {
    let row = access_token::Entity::find()
        .filter(access_token::Column::Hash.eq(hash(token.reveal())))
        .one(db)
        .await?;
    Ok(row.map(|row| row.user_id))
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    use super::*;

    #[test]
    fn a_token_is_not_printed_by_accident() {
        let token = Token::generate(&mut StdRng::seed_from_u64(1));
        assert!(token.reveal().starts_with("ACCESS-"));
        assert_eq!(format!("{token:?}"), "Token(…)");
    }
}
