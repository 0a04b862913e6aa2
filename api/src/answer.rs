//! A result of an operation as clients get it: serialized once, for however many.

use std::sync::Arc;

use async_graphql::{Response, Value};
use serde::Serialize;

/// A result of an operation. Copies share the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    /// One of its results, as JSON.
    Result(Arc<str>),
    /// It has failed as a whole and is over.
    Failure {
        /// The result that says so, as JSON.
        result: Arc<str>,
        /// Only the errors of it: a list, as JSON.
        errors: Arc<str>,
    },
}

impl Answer {
    /// The result, as JSON.
    pub(crate) fn result(&self) -> &str {
        match self {
            Self::Result(result) | Self::Failure { result, .. } => result,
        }
    }
}

impl From<Response> for Answer {
    fn from(response: Response) -> Self {
        let result = json(&response);
        if response.data == Value::Null && !response.errors.is_empty() {
            let errors = json(&response.errors);
            return Self::Failure { result, errors };
        }
        Self::Result(result)
    }
}

fn json(value: &impl Serialize) -> Arc<str> {
    serde_json::to_string(value)
        .expect("answers are plain data with string keys")
        .into()
}
