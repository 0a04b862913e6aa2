//! Tokens of agents: signed, good for one rank of one open run.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use entity::{RunId, TaskId, run};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use rand::Rng;
use sea_orm::{ConnectionTrait, EntityTrait};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::token::hex;
use super::{Actor, AgentActor};
use crate::error::{Error, Result};

/// How long a token is good; an agent renews it at half of that.
const VALIDITY: TimeDelta = TimeDelta::hours(24);

/// Who a token of an agent is issued by and for.
const ISSUER: &str = "hai-platform/agent";

/// The signing keys, also of [sessions](crate::session): one signs, all verify, so that keys can be changed without
/// breaking what runs.
#[derive(Clone, Serialize, Deserialize)]
pub struct KeyRing {
    current: String,
    keys: BTreeMap<String, String>,
}

impl std::fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "KeyRing({} of {} keys)", self.current, self.keys.len())
    }
}

#[derive(Debug, Serialize, Deserialize)]
struct Claims {
    iss: String,
    iat: i64,
    exp: i64,
    task: i64,
    run: i64,
    rank: i32,
}

impl KeyRing {
    /// A ring with one new key of 256 random bits.
    pub fn generate(random: &mut impl Rng) -> Self {
        let mut ring = Self {
            current: String::new(),
            keys: BTreeMap::new(),
        };
        ring.rotate(random);
        ring
    }

    /// Adds a new key, which signs from now on. The others still verify. Answers its name.
    pub fn rotate(&mut self, random: &mut impl Rng) -> &str {
        let mut key = [0_u8; 32];
        random.fill_bytes(&mut key);
        let mut name = [0_u8; 4];
        random.fill_bytes(&mut name);
        let name = hex(&name);
        self.keys.insert(name.clone(), hex(&key));
        self.current = name;
        &self.current
    }

    /// Forgets a key: what it signed is no longer good.
    ///
    /// # Errors
    /// [`Error::Conflict`] for the one that signs, [`Error::NotFound`].
    pub fn forget(&mut self, name: &str) -> Result<()> {
        if name == self.current {
            let reason = format!("{name} signs: add another key first");
            return Err(Error::Conflict(reason));
        }
        let found = self.keys.remove(name);
        found
            .map(drop)
            .ok_or_else(|| Error::not_found("signing key", name))
    }

    /// The names of all keys, and whether it is the one that signs.
    pub fn names(&self) -> impl Iterator<Item = (&str, bool)> {
        let names = self.keys.keys().map(String::as_str);
        names.map(|name| (name, name == self.current))
    }

    /// A token for one rank.
    ///
    /// # Errors
    /// [`Error::Internal`] if the ring has lost its current key.
    pub fn sign(&self, task: TaskId, run: RunId, rank: i32, now: DateTime<Utc>) -> Result<String> {
        self.signed(&Claims {
            iss: ISSUER.to_owned(),
            iat: now.timestamp(),
            exp: (now + VALIDITY).timestamp(),
            task: task.0,
            run: run.0,
            rank,
        })
    }

    /// Claims, signed.
    ///
    /// # Errors
    /// As [`KeyRing::sign`].
    pub(crate) fn signed(&self, claims: &impl Serialize) -> Result<String> {
        let key = self
            .keys
            .get(&self.current)
            .ok_or_else(|| Error::internal("the key ring has no current key"))?;
        let header = Header {
            kid: Some(self.current.clone()),
            ..Header::new(Algorithm::HS256)
        };
        jsonwebtoken::encode(&header, claims, &EncodingKey::from_secret(key.as_bytes()))
            .map_err(|error| Error::Internal(error.into()))
    }

    /// The claims of a token that one of our keys signed for this purpose. Its end is for the caller to look at: by the
    /// injected clock, and an expired token may still be renewed.
    pub(crate) fn claims<C: DeserializeOwned>(&self, token: &str, issuer: &str) -> Option<C> {
        let kid = jsonwebtoken::decode_header(token).ok()?.kid?;
        let key = self.keys.get(&kid)?;
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_issuer(&[issuer]);
        validation.validate_exp = false;
        let key = DecodingKey::from_secret(key.as_bytes());
        let token = jsonwebtoken::decode(token, &key, &validation).ok()?;
        Some(token.claims)
    }

    /// Whose token this is, if one of our keys signed it.
    fn verify(&self, token: &str, now: DateTime<Utc>) -> Option<AgentActor> {
        let claims: Claims = self.claims(token, ISSUER)?;
        Some(AgentActor {
            task: TaskId(claims.task),
            run: RunId(claims.run),
            rank: claims.rank,
            expired: now.timestamp() >= claims.exp,
        })
    }
}

/// Whether this looks like a token of an agent rather than of a user.
pub fn is_agent_token(token: &str) -> bool {
    token.matches('.').count() == 2
}

/// Which agent this is.
///
/// # Errors
/// [`Error::Unauthenticated`] if no key of ours signed it or its run is over.
pub async fn sign_in(
    db: &impl ConnectionTrait,
    keys: &KeyRing,
    now: DateTime<Utc>,
    token: &str,
) -> Result<Actor> {
    let agent = keys.verify(token, now).ok_or(Error::Unauthenticated)?;
    let open = run::Entity::find_by_id(agent.run)
        .one(db)
        .await?
        .is_some_and(|run| run.state != run::State::Ended && run.task_id == agent.task);
    if !open {
        return Err(Error::Unauthenticated);
    }
    Ok(Actor::Agent(agent))
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    use super::*;

    fn ring(seed: u64) -> KeyRing {
        KeyRing::generate(&mut StdRng::seed_from_u64(seed))
    }

    #[test]
    fn a_token_is_good_for_its_rank_only_and_says_when_it_has_run_out() {
        let now = DateTime::UNIX_EPOCH + TimeDelta::days(20_000);
        let token = ring(1).sign(TaskId(7), RunId(9), 3, now).unwrap();
        let agent = ring(1).verify(&token, now).unwrap();
        assert_eq!(
            (agent.task, agent.run, agent.rank),
            (TaskId(7), RunId(9), 3)
        );
        assert!(!agent.expired);
        assert!(ring(1).verify(&token, now + VALIDITY).unwrap().expired);
    }

    #[test]
    fn a_new_key_signs_and_the_old_one_verifies_until_it_is_forgotten() {
        let now = DateTime::UNIX_EPOCH;
        let mut ring = ring(1);
        let old_key = ring.current.clone();
        let old = ring.sign(TaskId(7), RunId(9), 3, now).unwrap();
        ring.rotate(&mut StdRng::seed_from_u64(3));
        let new = ring.sign(TaskId(7), RunId(9), 3, now).unwrap();
        assert!(ring.verify(&old, now).is_some() && ring.verify(&new, now).is_some());
        let signing = ring.current.clone();
        assert!(matches!(ring.forget(&signing), Err(Error::Conflict(_))));
        ring.forget(&old_key).unwrap();
        assert!(ring.verify(&old, now).is_none() && ring.verify(&new, now).is_some());
        let again = ring.forget(&old_key);
        assert!(matches!(again, Err(Error::NotFound { .. })));
    }

    #[test]
    fn a_token_of_another_ring_or_a_changed_one_is_refused() {
        let now = DateTime::UNIX_EPOCH;
        let token = ring(1).sign(TaskId(7), RunId(9), 3, now).unwrap();
        assert!(ring(2).verify(&token, now).is_none());
        let (body, _) = token.rsplit_once('.').unwrap();
        assert!(ring(1).verify(&format!("{body}.AAAA"), now).is_none());
        assert!(ring(1).verify("a.b.c", now).is_none());
    }
}
