//! Everything that ends a command early: what to say, what to do about it, and the exit code.

use std::{error::Error as StdError, io, path::PathBuf};

use crate::{
    address::AddressError, config::ConfigError, submission::DocumentError, words::SplitError,
};

/// The result of whatever a command does.
pub(crate) type Result<T> = std::result::Result<T, Error>;

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// What was typed cannot be meant.
    #[error("{0}")]
    Usage(String),
    #[error(transparent)]
    Words(#[from] SplitError),
    #[error(transparent)]
    Document(#[from] DocumentError),
    #[error(transparent)]
    Address(#[from] AddressError),
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A file that was named on the command line.
    #[error("cannot read {}", path.display())]
    Read {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    /// A program that should have been started here.
    #[error("cannot run {program}")]
    Start {
        program: String,
        #[source]
        source: io::Error,
    },
    /// No connection, or none any more.
    #[error("cannot reach the platform at {address}")]
    Unreachable {
        address: String,
        #[source]
        source: Box<dyn StdError + Send + Sync>,
    },
    /// Something answered, but not a platform that we understand.
    #[error("what answers at {address} is not a platform that this program understands")]
    Strange {
        address: String,
        #[source]
        source: Box<dyn StdError + Send + Sync>,
    },
    /// Something answered with an HTTP status instead of GraphQL.
    #[error("{address} answered `{status}`")]
    Status {
        address: String,
        status: reqwest::StatusCode,
    },
    /// The platform understood and refused.
    #[error("{message}")]
    Refused { code: Code, message: String },
    /// No task fits the experiment argument.
    #[error("there is no task {0}")]
    NoTask(String),
    #[error("task {task} has no run {run}, the last was run {last}")]
    NoRun { task: String, run: i32, last: i32 },
    /// What was printed cannot be written.
    #[error("cannot write the output")]
    Output(#[source] io::Error),
    #[error("cannot start")]
    Startup(#[source] io::Error),
}

/// `extensions.code` of a refusal, from the closed list of the schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Code {
    InvalidInput,
    Unauthenticated,
    Forbidden,
    NotFound,
    Conflict,
    QuotaExceeded,
    Unsupported,
    RateLimited,
    Unavailable,
    Internal,
    /// None, or one that a newer platform knows.
    Other,
}

impl Code {
    /// Reads the code as it is written in a response.
    pub(crate) fn read(code: Option<&str>) -> Self {
        match code {
            Some("INVALID_INPUT") => Self::InvalidInput,
            Some("UNAUTHENTICATED") => Self::Unauthenticated,
            Some("FORBIDDEN") => Self::Forbidden,
            Some("NOT_FOUND") => Self::NotFound,
            Some("CONFLICT") => Self::Conflict,
            Some("QUOTA_EXCEEDED") => Self::QuotaExceeded,
            Some("UNSUPPORTED") => Self::Unsupported,
            Some("RATE_LIMITED") => Self::RateLimited,
            Some("UNAVAILABLE") => Self::Unavailable,
            Some("INTERNAL") => Self::Internal,
            Some(_) | None => Self::Other,
        }
    }

    fn exit(self) -> u8 {
        match self {
            Self::InvalidInput => exit::USAGE,
            Self::Unauthenticated | Self::Forbidden => exit::FORBIDDEN,
            Self::NotFound => exit::NOT_FOUND,
            Self::Conflict | Self::QuotaExceeded | Self::Unsupported => exit::REFUSED,
            Self::RateLimited | Self::Unavailable => exit::TRY_AGAIN,
            Self::Internal | Self::Other => exit::FAILED,
        }
    }
}

/// Exit codes of this program's own failures; `README.md` documents them.
pub(crate) mod exit {
    pub(crate) const FAILED: u8 = 1;
    pub(crate) const NOTHING_FOUND: u8 = 1;
    pub(crate) const USAGE: u8 = 2;
    pub(crate) const FORBIDDEN: u8 = 3;
    pub(crate) const NOT_FOUND: u8 = 4;
    pub(crate) const REFUSED: u8 = 5;
    pub(crate) const TRY_AGAIN: u8 = 6;
}

impl Error {
    /// The exit code of the program.
    pub(crate) fn exit(&self) -> u8 {
        match self {
            Self::Usage(_)
            | Self::Words(_)
            | Self::Document(_)
            | Self::Address(_)
            | Self::Read { .. } => exit::USAGE,
            Self::Config(_)
            | Self::Start { .. }
            | Self::Strange { .. }
            | Self::Output(_)
            | Self::Startup(_) => exit::FAILED,
            Self::Unreachable { .. } => exit::TRY_AGAIN,
            Self::Status { status, .. } => match status.as_u16() {
                401 | 403 => exit::FORBIDDEN,
                429 | 502 | 503 | 504 => exit::TRY_AGAIN,
                _ => exit::FAILED,
            },
            Self::Refused { code, .. } => code.exit(),
            Self::NoTask(_) | Self::NoRun { .. } => exit::NOT_FOUND,
        }
    }

    /// Whether the same request may succeed later without anybody changing anything.
    pub(crate) fn is_passing(&self) -> bool {
        self.exit() == exit::TRY_AGAIN
    }

    /// Whether what concerns another task would fail in the same way: the platform is away, or does not know the user.
    pub(crate) fn is_about_all(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::Strange { .. } | Self::Status { .. } => true,
            Self::Refused { code, .. } => matches!(
                code,
                Code::Unauthenticated | Code::RateLimited | Code::Unavailable
            ),
            _ => false,
        }
    }

    /// Whether the reader of our output has gone, which is its right.
    pub(crate) fn is_closed_output(&self) -> bool {
        matches!(self, Self::Output(source) if source.kind() == io::ErrorKind::BrokenPipe)
    }

    /// The one line for the user: what happened, the innermost cause, and what to do.
    pub(crate) fn line(&self, program: &str) -> String {
        let mut line = format!("{program}: {}", self.told());
        if let Some(hint) = self.hint(program) {
            line.push_str(&format!("; {hint}"));
        }
        line
    }

    /// What happened and its innermost cause, in one line.
    pub(crate) fn told(&self) -> String {
        let mut told = self.to_string();
        let mut cause = self.source();
        while let Some(inner) = cause.and_then(StdError::source) {
            cause = Some(inner);
        }
        if let Some(cause) = cause {
            told.push_str(&format!(": {cause}"));
        }
        told.replace(['\n', '\r'], " ")
    }

    fn hint(&self, program: &str) -> Option<String> {
        let init = format!("`{program} init TOKEN --url URL`");
        match self {
            Self::Words(_) => Some(format!("see `{program} python --help`")),
            Self::Config(ConfigError::Missing(_)) => Some(format!("log in with {init}")),
            Self::Config(ConfigError::Parse { .. } | ConfigError::Address(_)) => {
                Some(format!("correct it, or log in again with {init}"))
            }
            Self::Config(ConfigError::NoHome | ConfigError::Write { .. }) => {
                Some("name another file in HFAI_CLIENT_CONFIG".to_owned())
            }
            Self::Config(ConfigError::Read { .. }) => {
                Some("make it readable, or name another file in HFAI_CLIENT_CONFIG".to_owned())
            }
            Self::Unreachable { .. } => {
                Some("is the platform running? start it with `hai-platform up`".to_owned())
            }
            Self::Strange { .. } | Self::Status { .. } if self.exit() == exit::FAILED => {
                Some(format!("check the address, and log in again with {init}"))
            }
            Self::Status { .. } if self.exit() == exit::TRY_AGAIN => Some("try again later".into()),
            Self::Refused { code, .. } => match code {
                Code::Unauthenticated => Some(format!("log in again with {init}")),
                Code::Unavailable => Some("try again later".to_owned()),
                Code::NotFound => Some(format!("`{program} list` shows your tasks")),
                Code::InvalidInput
                | Code::Forbidden
                | Code::Conflict
                | Code::QuotaExceeded
                | Code::Unsupported
                | Code::RateLimited
                | Code::Internal
                | Code::Other => None,
            },
            Self::NoTask(_) => Some(format!("`{program} list` shows your tasks")),
            Self::NoRun { task, .. } => Some(format!("`{program} describe {task}` shows its runs")),
            Self::Usage(_)
            | Self::Document(_)
            | Self::Address(_)
            | Self::Read { .. }
            | Self::Start { .. }
            | Self::Strange { .. }
            | Self::Status { .. }
            | Self::Output(_)
            | Self::Startup(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(code: &str) -> Error {
        Error::Refused {
            code: Code::read(Some(code)),
            message: "no".to_owned(),
        }
    }

    #[test]
    fn each_code_of_the_contract_has_its_exit_code() {
        let table = [
            ("INVALID_INPUT", 2),
            ("UNAUTHENTICATED", 3),
            ("FORBIDDEN", 3),
            ("NOT_FOUND", 4),
            ("CONFLICT", 5),
            ("QUOTA_EXCEEDED", 5),
            ("UNSUPPORTED", 5),
            ("RATE_LIMITED", 6),
            ("UNAVAILABLE", 6),
            ("INTERNAL", 1),
            ("A_NEW_ONE", 1),
        ];
        for (code, exit) in table {
            assert_eq!(refused(code).exit(), exit, "{code}");
        }
    }

    #[test]
    fn a_failure_is_one_line_with_its_cause_and_what_to_do() {
        let error = Error::Unreachable {
            address: "http://127.0.0.1:1".to_owned(),
            source: Box::new(io::Error::other("connection\nrefused")),
        };
        assert_eq!(
            error.line("hai-platform cli"),
            "hai-platform cli: cannot reach the platform at http://127.0.0.1:1: connection refused; \
             is the platform running? start it with `hai-platform up`"
        );
        assert_eq!(
            refused("UNAUTHENTICATED").line("hai-cli"),
            "hai-cli: no; log in again with `hai-cli init TOKEN --url URL`"
        );
    }
}
