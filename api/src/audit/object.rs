//! An act as administrators see it.

use async_graphql::{ID, Object};
use chrono::{DateTime, Utc};
use domain::audit::Entry;

/// An act.
#[derive(Debug)]
pub(crate) struct AuditEntry(pub(super) Entry);

/// Something that a person did, or tried to.
#[Object]
impl AuditEntry {
    /// Id of the entry.
    async fn id(&self) -> ID {
        ID(self.0.id.to_string())
    }

    /// When.
    async fn at(&self) -> DateTime<Utc> {
        self.0.at
    }

    /// Name of whoever held the token.
    async fn actor(&self) -> &str {
        &self.0.actor
    }

    /// Name of the user it was done as: the same, unless the token was given by another.
    async fn user(&self) -> &str {
        &self.0.user_name
    }

    /// The mutation, for example `stopTask`.
    async fn action(&self) -> &str {
        &self.0.action
    }

    /// What it was done to, for example `task 7`; empty for the platform as a whole.
    async fn object(&self) -> &str {
        &self.0.object
    }

    /// What more there is to know, for people.
    async fn detail(&self) -> &str {
        &self.0.detail
    }

    /// `OK`, or the code of the error with which it was refused.
    async fn outcome(&self) -> &str {
        &self.0.outcome
    }

    /// Address of the client, empty if it is not known.
    async fn address(&self) -> &str {
        &self.0.address
    }

    /// Id of the request, as in the log of the server.
    async fn request_id(&self) -> &str {
        &self.0.request
    }
}
