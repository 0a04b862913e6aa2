//! Tokens of users: random, shown once, stored as a hash.

use std::fmt::Write as _;

use entity::{UserId, access_token};
use rand::Rng;
use sea_orm::{ActiveModelTrait, ActiveValue::Set, NotSet};
use sha2::{Digest, Sha256};

use crate::error::Result;
use crate::store::Tx;

/// How every access token begins: what the original's tools look for.
const PREFIX: &str = "ACCESS-";

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
    access_token::ActiveModel {
        id: NotSet,
        user_id: Set(user_id),
        holder_id: Set(None),
        scope: Set(access_token::Scope::All),
        name: Set(None),
        created_by: Set(None),
        hash: Set(hash(token.reveal())),
        created_at: Set(tx.now()),
        expires_at: Set(None),
        revoked_at: Set(None),
    }
    .insert(tx.db())
    .await?;
    Ok(token)
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
