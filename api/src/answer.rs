//! A result of an operation as clients get it: serialized once, for however many.

use std::sync::Arc;
use std::time::Duration;

use async_graphql::{Response, Value};
use axum::http::StatusCode;
use serde::Serialize;

use crate::error::{first_code, retry_after};

/// A result of an operation. Copies share the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    /// One of its results, as JSON.
    Result(Arc<str>),
    /// One of its results, of which a part has failed.
    Partly {
        /// The result, as JSON.
        result: Arc<str>,
        /// Code of the first error.
        code: &'static str,
    },
    /// It has failed as a whole and is over.
    Failure {
        /// Code of the first error.
        code: &'static str,
        /// The result that says so, as JSON.
        result: Arc<str>,
        /// Only the errors of it: a list, as JSON.
        errors: Arc<str>,
    },
}

/// The one result of an operation, as it is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Whole {
    /// As JSON.
    pub(crate) text: String,
    /// Code of the first error.
    pub(crate) code: Option<&'static str>,
    /// If it came too often, or is too much: when to come again, and the status that says so.
    pub(crate) retry_after: Option<(StatusCode, Duration)>,
}

impl From<Response> for Whole {
    fn from(response: Response) -> Self {
        Self {
            text: text(&response),
            code: first_code(&response),
            retry_after: retry_after(&response),
        }
    }
}

impl Answer {
    /// The result, as JSON.
    pub(crate) fn result(&self) -> &str {
        match self {
            Self::Result(result) | Self::Partly { result, .. } | Self::Failure { result, .. } => {
                result
            }
        }
    }

    /// Code of its first error, if it has one.
    pub(crate) fn code(&self) -> Option<&'static str> {
        match self {
            Self::Result(_) => None,
            Self::Partly { code, .. } | Self::Failure { code, .. } => Some(code),
        }
    }
}

impl From<Response> for Answer {
    fn from(response: Response) -> Self {
        let result = json(&response);
        match first_code(&response) {
            None => Self::Result(result),
            Some(code) if response.data == Value::Null => Self::Failure {
                code,
                errors: json(&response.errors),
                result,
            },
            Some(code) => Self::Partly { result, code },
        }
    }
}

fn json(value: &impl Serialize) -> Arc<str> {
    text(value).into()
}

fn text(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("answers are plain data with string keys")
}
