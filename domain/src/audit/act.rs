//! What is written of an act.

use chrono::{DateTime, Utc};
use entity::audit;
use sea_orm::{ActiveValue::Set, NotSet};

use crate::app::App;
use crate::auth::UserActor;
use crate::error::Result;

/// Characters of an object or a detail that are kept.
const MOST_CHARS: usize = 1000;

/// Where a request came from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origin {
    /// Address of the client; empty if it is not known.
    pub address: String,
    /// Id of the request, as in the log.
    pub request: String,
}

/// Something that a person does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Act {
    /// Name of whoever holds the token.
    pub actor: String,
    /// Name of the user it is done as.
    pub user_name: String,
    /// The field of the schema.
    pub action: String,
    /// What it is done to, for example `task 7`.
    pub object: String,
    /// What more there is to know; never a secret.
    pub detail: String,
    /// From where.
    pub origin: Origin,
}

impl Act {
    /// What a user does.
    pub fn of(user: &UserActor, action: impl Into<String>, origin: &Origin) -> Self {
        Self {
            actor: user.holder.clone(),
            user_name: user.name.clone(),
            action: action.into(),
            object: String::new(),
            detail: String::new(),
            origin: origin.clone(),
        }
    }

    /// The same, done to this, for example `task 7`.
    #[must_use]
    pub fn to(self, object: impl Into<String>) -> Self {
        Self {
            object: object.into(),
            ..self
        }
    }

    /// The same with what more there is to know; never a secret.
    #[must_use]
    pub fn telling(self, detail: impl Into<String>) -> Self {
        Self {
            detail: detail.into(),
            ..self
        }
    }

    /// The row of it.
    pub(crate) fn row(self, at: DateTime<Utc>, outcome: &str) -> audit::ActiveModel {
        audit::ActiveModel {
            id: NotSet,
            at: Set(at),
            actor: Set(self.actor),
            user_name: Set(self.user_name),
            action: Set(self.action),
            object: Set(short(self.object)),
            detail: Set(short(self.detail)),
            outcome: Set(outcome.to_owned()),
            address: Set(self.origin.address),
            request: Set(self.origin.request),
        }
    }
}

/// Keeps who tried something, and the code of the error with which it was refused.
///
/// # Errors
/// If the database refuses.
pub async fn refuse(app: &App, act: Act, code: &str) -> Result<()> {
    let mut tx = app.begin().await?;
    tx.record(act, code);
    tx.commit().await
}

fn short(text: String) -> String {
    match text.char_indices().nth(MOST_CHARS) {
        Some((end, _)) => text[..end].to_owned() + "…",
        None => text,
    }
}
