//! What can go wrong in a use case, by what the caller can do about it. `docs/errors.md` has the whole table.

use std::error::Error as StdError;
use std::time::Duration;

use sea_orm::{DbErr, RuntimeErr};

use crate::metrics::Overload;

/// The result of a use case.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a use case failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The input is wrong; the caller can correct it.
    #[error("{}", Problem::join(.0))]
    Invalid(Vec<Problem>),
    /// There is no valid token.
    #[error("not signed in: the token is missing, unknown, expired or revoked")]
    Unauthenticated,
    /// The caller may not do this.
    #[error("{0}")]
    Forbidden(String),
    /// There is no such thing, or the caller may not know of it.
    #[error("there is no {what} {id}")]
    NotFound {
        /// Kind of thing.
        what: &'static str,
        /// Which one.
        id: String,
    },
    /// It does not fit the present state.
    #[error("{0}")]
    Conflict(String),
    /// A limit of the user is reached.
    #[error("{what}: {used} of {limit} in use")]
    QuotaExceeded {
        /// What is limited.
        what: String,
        /// How much is in use.
        used: i64,
        /// How much may be.
        limit: i64,
    },
    /// More was asked for than a user may take.
    #[error("{field}: {asked} is more than the {limit} that are allowed")]
    AboveCeiling {
        /// Which field of the input.
        field: &'static str,
        /// How much was asked for.
        asked: i64,
        /// How much it may be.
        limit: i64,
    },
    /// Too many requests.
    #[error("too many requests: try again in {} s", retry_after.as_secs_f32().ceil())]
    RateLimited {
        /// When to try again.
        retry_after: Duration,
    },
    /// This platform or runtime cannot do that.
    #[error("{0}")]
    Unsupported(String),
    /// Something that the platform needs is away; trying again may help.
    #[error("{what} is not available")]
    Unavailable {
        /// What is away.
        what: &'static str,
        /// Why.
        #[source]
        source: Box<dyn StdError + Send + Sync>,
    },
    /// More is asked for than can begin soon. Nothing of it has begun.
    #[error("the platform has too much to do: {what}; try again in {} s", retry_after.as_secs_f32().ceil())]
    Overloaded {
        /// Of what there is too much.
        what: Overload,
        /// When to try again.
        retry_after: Duration,
    },
    /// Another process drives the platform now: this one must not.
    #[error("another process has taken over")]
    Deposed,
    /// Our own mistake.
    #[error("internal error")]
    Internal(#[source] Box<dyn StdError + Send + Sync>),
}

/// One thing that is wrong with an input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Dotted path of the field, for example `resource.node_count`.
    pub field: String,
    /// What is wrong, as a clause that follows the field.
    pub reason: String,
}

impl Problem {
    fn join(problems: &[Self]) -> String {
        problems
            .iter()
            .map(|problem| format!("{}: {}", problem.field, problem.reason))
            .collect::<Vec<_>>()
            .join("; ")
    }
}

impl Error {
    /// One field is wrong.
    pub fn invalid(field: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Invalid(vec![Problem {
            field: field.into(),
            reason: reason.into(),
        }])
    }

    /// There is no such thing.
    pub fn not_found(what: &'static str, id: impl ToString) -> Self {
        Self::NotFound {
            what,
            id: id.to_string(),
        }
    }

    /// A fact that should have held does not.
    pub fn internal(what: impl Into<String>) -> Self {
        Self::Internal(what.into().into())
    }

    /// Whether somebody else was faster: reading again and repeating may succeed.
    pub fn is_conflict(&self) -> bool {
        matches!(self, Self::Conflict(_))
    }

    /// The whole chain of causes in one line, for the log.
    pub fn chain(&self) -> String {
        chain(self)
    }
}

/// An error with all its causes, in one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

impl From<DbErr> for Error {
    fn from(error: DbErr) -> Self {
        if may_pass(&error) {
            Self::Unavailable {
                what: "the database",
                source: error.into(),
            }
        } else {
            Self::Internal(error.into())
        }
    }
}

/// Whether the same statement may succeed later: the database could not be reached, or was busy with others.
fn may_pass(error: &DbErr) -> bool {
    match error {
        DbErr::ConnectionAcquire(_) => true,
        DbErr::Conn(RuntimeErr::SqlxError(error))
        | DbErr::Query(RuntimeErr::SqlxError(error))
        | DbErr::Exec(RuntimeErr::SqlxError(error)) => match &**error {
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed => true,
            sqlx::Error::Database(error) => {
                error.code().is_some_and(|code| PASSING.contains(&&*code))
            }
            _ => false,
        },
        _ => false,
    }
}

/// Codes of SQLite (busy, locked, disk full) and of PostgreSQL (serialization, deadlock, shutting down, starting up, too
/// many connections, disk or memory full, files that cannot be written; a statement, a lock or a transaction that took
/// too long).
const PASSING: &[&str] = &[
    "5", "6", "261", "517", "40001", "40P01", "57P01", "57P02", "57P03", "53300", "57014", "55P03",
    "25P03", "13", "53100", "53200", "58030",
];

impl From<crate::runtime::RuntimeError> for Error {
    fn from(error: crate::runtime::RuntimeError) -> Self {
        use crate::runtime::RuntimeError;
        match error {
            RuntimeError::Unavailable { .. } => Self::Unavailable {
                what: "the runtime",
                source: error.into(),
            },
            RuntimeError::Rejected { .. } => Self::Internal(error.into()),
        }
    }
}
