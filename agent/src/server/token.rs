//! When the agent's token has to be renewed.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::Deserialize;

/// How long a token lives, as it says itself. The agent cannot and need not verify it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(super) struct Lifetime {
    /// Seconds since 1970 when it was issued.
    iat: i64,
    /// Seconds since 1970 when it expires.
    exp: i64,
}

impl Lifetime {
    /// Reads it from a JWT; `None` for a token of another kind, which is never renewed.
    pub(super) fn of(token: &str) -> Option<Self> {
        let payload = token.split('.').nth(1)?;
        serde_json::from_slice(&base64url(payload)?).ok()
    }

    pub(super) fn half(self) -> Duration {
        let seconds = self.exp.saturating_sub(self.iat) / 2;
        Duration::from_secs(u64::try_from(seconds).unwrap_or(0))
    }

    /// Whether the server takes it for nothing but its renewal.
    pub(super) fn is_spent(self, now: DateTime<Utc>) -> bool {
        now.timestamp() >= self.exp
    }

    /// Time from `now` until half of it is spent.
    pub(super) fn until_half(self, now: DateTime<Utc>) -> Duration {
        let spent = now.timestamp().saturating_sub(self.iat);
        self.half()
            .saturating_sub(Duration::from_secs(u64::try_from(spent).unwrap_or(0)))
    }
}

/// Decodes base64 with the alphabet of URLs and without padding.
fn base64url(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() * 3 / 4);
    let (mut buffer, mut bits) = (0_u32, 0);
    for letter in text.bytes() {
        let value = match letter {
            b'A'..=b'Z' => letter - b'A',
            b'a'..=b'z' => letter - b'a' + 26,
            b'0'..=b'9' => letter - b'0' + 52,
            b'-' => 62,
            b'_' => 63,
            _ => return None,
        };
        buffer = buffer << 6 | u32::from(value);
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push((buffer >> bits & 0xff) as u8);
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lifetime_is_read_from_a_jwt() {
        // {"sub":"rank","iat":1000,"exp":87400}
        let token = "e30.eyJzdWIiOiJyYW5rIiwiaWF0IjoxMDAwLCJleHAiOjg3NDAwfQ.c2ln";
        let lifetime = Lifetime::of(token).unwrap();
        assert_eq!(
            lifetime,
            Lifetime {
                iat: 1000,
                exp: 87_400
            }
        );
        assert_eq!(lifetime.half(), Duration::from_secs(43_200));
    }

    #[test]
    fn other_tokens_have_no_lifetime() {
        for token in ["", "ACCESS-abc", "a.b", "a.!!!.c", "e30.e30.e30"] {
            assert_eq!(Lifetime::of(token), None, "{token}");
        }
    }

    #[test]
    fn base64url_is_decoded_with_every_length_of_tail() {
        assert_eq!(base64url("").unwrap(), b"");
        assert_eq!(base64url("_w").unwrap(), [0xff]);
        assert_eq!(base64url("-_8").unwrap(), [0xfb, 0xff]);
        assert_eq!(base64url("AAEC").unwrap(), [0, 1, 2]);
        assert_eq!(base64url("AA=="), None);
    }

    #[test]
    fn the_half_comes_closer_and_then_is_due() {
        let lifetime = Lifetime {
            iat: 1000,
            exp: 1100,
        };
        let until = |now| {
            lifetime
                .until_half(DateTime::from_timestamp(now, 0).unwrap())
                .as_secs()
        };
        let spent = |now| lifetime.is_spent(DateTime::from_timestamp(now, 0).unwrap());
        assert_eq!(
            [spent(1050), spent(1099), spent(1100)],
            [false, false, true]
        );
        assert_eq!(
            [
                until(990),
                until(1000),
                until(1030),
                until(1050),
                until(9999)
            ],
            [50, 50, 20, 0, 0]
        );
    }
}
