//! From a request to its actor.

use std::fmt;

use axum::http::{HeaderMap, header::AUTHORIZATION};
use domain::audit::Origin;
use domain::auth::{Actor, agent_token};
use domain::{App, Error, Result};

/// A bearer token in the clear, which is never logged, and from where it came.
#[derive(Clone)]
pub(crate) struct Bearer {
    token: String,
    origin: Origin,
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
            token: token.into(),
            origin: Origin::default(),
        }
    }

    /// The same, from there.
    pub(crate) fn from(self, origin: Origin) -> Self {
        Self { origin, ..self }
    }

    /// The token in the clear.
    pub(crate) fn token(&self) -> &str {
        &self.token
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
/// [`Error::Unauthenticated`] if the token is not or no longer good.
pub(crate) async fn sign_in(app: &App, bearer: &Bearer) -> Result<Actor> {
    let token = bearer.token.as_str();
    if agent_token::is_agent_token(token) {
        agent_token::sign_in(app.reader(), &app.keys, app.now(), token).await
    } else {
        domain::auth::sign_in(app.reader(), app.now(), token).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(value: &str) -> Option<String> {
        Bearer::from_authorization(value)
            .ok()
            .map(|bearer| bearer.token)
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
