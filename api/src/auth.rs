//! From a request to its actor.

use std::borrow::Cow;
use std::fmt;

use axum::http::{HeaderMap, header::AUTHORIZATION};
use domain::audit::Origin;
use domain::auth::{Actor, agent_token};
use domain::session::{self, Ticket};
use domain::{App, Error, Result};

/// What somebody proves with who he is, which is never logged, and from where it came.
#[derive(Clone)]
pub(crate) struct Bearer {
    proof: Proof,
    origin: Origin,
}

#[derive(Clone)]
enum Proof {
    /// A bearer token in the clear.
    Token(String),
    /// The session of a browser whose cookie was well signed and had not run out.
    Session(Ticket),
}

impl fmt::Debug for Bearer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Bearer(…)")
    }
}

impl Bearer {
    /// A token as it is.
    pub(crate) fn new(token: impl Into<String>) -> Self {
        Self {
            proof: Proof::Token(token.into()),
            origin: Origin::default(),
        }
    }

    /// The session of a browser, from there.
    pub(crate) fn of_session(ticket: Ticket, origin: Origin) -> Self {
        let proof = Proof::Session(ticket);
        Self { proof, origin }
    }

    /// The same, from there.
    pub(crate) fn from(self, origin: Origin) -> Self {
        Self { origin, ..self }
    }

    /// The token in the clear, if it is one.
    pub(crate) fn token(&self) -> Option<&str> {
        match &self.proof {
            Proof::Token(token) => Some(token),
            Proof::Session(_) => None,
        }
    }

    /// The token in the clear, if it is one that people may guess: neither signed nor of a session.
    pub(crate) fn guessable(&self) -> Option<&str> {
        self.token()
            .filter(|token| !agent_token::is_agent_token(token))
    }

    /// What tells it from all others of people; absent for agents.
    pub(crate) fn of_a_person(&self) -> Option<Cow<'_, str>> {
        match &self.proof {
            Proof::Token(_) => self.guessable().map(Cow::Borrowed),
            Proof::Session(ticket) => Some(Cow::Owned(ticket.hash())),
        }
    }

    /// From where it came.
    pub(crate) fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The token of an `Authorization` value: `Bearer <token>`.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] for every other scheme.
    pub(crate) fn from_authorization(value: &str) -> Result<Self> {
        let (scheme, token) = value.trim().split_once(' ').ok_or(Error::Unauthenticated)?;
        if scheme.eq_ignore_ascii_case("bearer") {
            Ok(Self::new(token.trim()))
        } else {
            Err(Error::Unauthenticated)
        }
    }

    /// The token of a request from there; `None` if there is none.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] if the header is there and cannot be read.
    pub(crate) fn from_headers(headers: &HeaderMap, origin: &Origin) -> Result<Option<Self>> {
        headers
            .get(AUTHORIZATION)
            .map(|value| {
                let text = value.to_str().map_err(|_| Error::Unauthenticated)?;
                Ok(Self::from_authorization(text)?.from(origin.clone()))
            })
            .transpose()
    }
}

/// Who this is.
///
/// # Errors
/// [`Error::Unauthenticated`] if the token or the session is not or no longer good.
pub(crate) async fn sign_in(app: &App, bearer: &Bearer) -> Result<Actor> {
    let (reader, now) = (app.reader(), app.now());
    match &bearer.proof {
        Proof::Session(ticket) => session::sign_in(reader, now, ticket).await,
        Proof::Token(token) if agent_token::is_agent_token(token) => {
            agent_token::sign_in(reader, &app.keys, now, token).await
        }
        Proof::Token(token) => domain::auth::sign_in(reader, now, token).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(value: &str) -> Option<String> {
        Bearer::from_authorization(value)
            .ok()
            .and_then(|bearer| bearer.token().map(str::to_owned))
    }

    #[test]
    fn a_bearer_token_is_read_and_no_other_scheme() {
        assert_eq!(token("Bearer a.b").as_deref(), Some("a.b"));
        assert_eq!(token("  bearer   a.b ").as_deref(), Some("a.b"));
        assert_eq!(token("Basic YTpi"), None);
        assert_eq!(token("a.b"), None);
    }

    #[test]
    fn a_token_is_not_printed_by_accident() {
        assert_eq!(format!("{:?}", Bearer::new("secret")), "Bearer(…)");
    }
}
