//! What the cookie of a session says, signed so that nobody else can say it.

use chrono::{DateTime, TimeDelta, Utc};
use rand::Rng;
use serde::{Deserialize, Serialize};

use crate::auth::agent_token::KeyRing;
use crate::auth::{hash, hex};
use crate::error::Result;

/// How long a cookie is good. The page that has it makes it anew before.
const LIFE: TimeDelta = TimeDelta::minutes(15);

/// Who a cookie is issued by and for: one of these is no token of an agent, and the other way round.
const ISSUER: &str = "hai-platform/session";

#[derive(Serialize, Deserialize)]
struct Claims {
    iss: String,
    iat: i64,
    exp: i64,
    session: String,
}

/// The text of a cookie. Only the browser gets it.
#[derive(Clone, PartialEq, Eq)]
pub struct Cookie {
    text: String,
    /// From when on it can only be made anew.
    pub expires_at: DateTime<Utc>,
}

impl std::fmt::Debug for Cookie {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Cookie(…)")
    }
}

impl Cookie {
    /// The text.
    pub fn reveal(&self) -> &str {
        &self.text
    }
}

/// What a well-signed cookie says: of which session it is. Whether that is still open, its row says.
#[derive(Clone, PartialEq, Eq)]
pub struct Ticket {
    secret: String,
    expires_at: DateTime<Utc>,
}

impl std::fmt::Debug for Ticket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Ticket(…)")
    }
}

impl Ticket {
    /// That of a new session: 160 random bits, so that no number that is given twice, as after a restored backup, lets
    /// anybody into the session of another.
    pub(super) fn generate(random: &mut impl Rng) -> Self {
        let mut bytes = [0_u8; 20];
        random.fill_bytes(&mut bytes);
        Self {
            secret: hex(&bytes),
            expires_at: DateTime::UNIX_EPOCH,
        }
    }

    /// What a cookie says, if one of our keys signed it.
    pub fn read(keys: &KeyRing, cookie: &str) -> Option<Self> {
        let claims: Claims = keys.claims(cookie, ISSUER)?;
        Some(Self {
            secret: claims.session,
            expires_at: DateTime::from_timestamp(claims.exp, 0)?,
        })
    }

    /// Whether the cookie has run out: then it can only be made anew.
    pub fn is_expired(&self, now: DateTime<Utc>) -> bool {
        self.expires_at <= now
    }

    /// What is stored of it; also a name for the session that tells nothing.
    pub fn hash(&self) -> String {
        hash(&self.secret)
    }

    /// A cookie that says so, until then at the latest.
    pub(super) fn sign(
        &self,
        keys: &KeyRing,
        now: DateTime<Utc>,
        latest: DateTime<Utc>,
    ) -> Result<Cookie> {
        let expires_at = latest.min(now + LIFE);
        let text = keys.signed(&Claims {
            iss: ISSUER.to_owned(),
            iat: now.timestamp(),
            exp: expires_at.timestamp(),
            session: self.secret.clone(),
        })?;
        Ok(Cookie { text, expires_at })
    }
}

#[cfg(test)]
mod tests {
    use entity::{RunId, TaskId};
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    use super::*;

    fn ring(seed: u64) -> KeyRing {
        KeyRing::generate(&mut StdRng::seed_from_u64(seed))
    }

    #[test]
    fn a_cookie_is_read_with_its_own_keys_and_is_nothing_but_a_cookie() {
        let now = DateTime::UNIX_EPOCH + TimeDelta::days(20_000);
        let ticket = Ticket::generate(&mut StdRng::seed_from_u64(1));
        let cookie = ticket
            .sign(&ring(1), now, now + TimeDelta::days(1))
            .unwrap();
        let read = Ticket::read(&ring(1), cookie.reveal()).unwrap();
        assert_eq!(read.hash(), ticket.hash());
        assert!(!read.is_expired(now) && read.is_expired(now + LIFE));
        assert_eq!(Ticket::read(&ring(2), cookie.reveal()), None);
        let (body, _) = cookie.reveal().rsplit_once('.').unwrap();
        assert_eq!(Ticket::read(&ring(1), &format!("{body}.AAAA")), None);
        let agent = ring(1).sign(TaskId(1), RunId(1), 0, now).unwrap();
        assert_eq!(Ticket::read(&ring(1), &agent), None);
    }

    #[test]
    fn a_cookie_is_good_for_no_longer_than_its_session() {
        let now = DateTime::UNIX_EPOCH;
        let ticket = Ticket::generate(&mut StdRng::seed_from_u64(1));
        let latest = now + LIFE / 2;
        assert_eq!(
            ticket.sign(&ring(1), now, latest).unwrap().expires_at,
            latest
        );
    }

    #[test]
    fn a_cookie_is_not_printed_by_accident() {
        let now = DateTime::UNIX_EPOCH;
        let ticket = Ticket::generate(&mut StdRng::seed_from_u64(1));
        let cookie = ticket.sign(&ring(1), now, now).unwrap();
        assert_eq!(format!("{cookie:?} {ticket:?}"), "Cookie(…) Ticket(…)");
    }
}
