//! The one place where errors become answers. `docs/errors.md` has the table.

use std::sync::Arc;
use std::time::Duration;

use async_graphql::{ErrorExtensionValues, Response, ServerError, Value};
use axum::http::StatusCode;
use domain::{Error, Problem};

use crate::span;

/// Code of what the caller can correct, also for what GraphQL itself refuses.
pub(crate) const INVALID_INPUT: &str = "INVALID_INPUT";

/// Every code that there is.
const CODES: [&str; 10] = [
    INVALID_INPUT,
    "UNAUTHENTICATED",
    "FORBIDDEN",
    "NOT_FOUND",
    "CONFLICT",
    "QUOTA_EXCEEDED",
    "RATE_LIMITED",
    "UNSUPPORTED",
    "UNAVAILABLE",
    "INTERNAL",
];

/// What a client is told in place of the inside of the server.
const INTERNAL: &str = "internal error";

/// Gives every error of an answer its code, and takes out what is nobody's business. Logs each, once.
pub(crate) fn told(mut response: Response) -> Response {
    response.errors.iter_mut().for_each(tell);
    response
}

/// An error of ours before anything could be executed.
pub(crate) fn refusal(error: Error) -> ServerError {
    ServerError {
        source: Some(Arc::new(error)),
        ..ServerError::new(String::new(), None)
    }
}

/// The code that says what the caller can do.
pub(crate) fn code(error: &Error) -> &'static str {
    match error {
        Error::Invalid(_) => INVALID_INPUT,
        Error::Unauthenticated => "UNAUTHENTICATED",
        Error::Forbidden(_) => "FORBIDDEN",
        Error::NotFound { .. } => "NOT_FOUND",
        Error::Conflict(_) => "CONFLICT",
        Error::QuotaExceeded { .. } | Error::AboveCeiling { .. } => "QUOTA_EXCEEDED",
        Error::RateLimited { .. } => "RATE_LIMITED",
        Error::Unsupported(_) => "UNSUPPORTED",
        Error::Unavailable { .. } | Error::Overloaded { .. } | Error::Deposed => "UNAVAILABLE",
        Error::Internal(_) => "INTERNAL",
    }
}

/// Code of the first error of an answer that was [`told`], if it has one.
pub(crate) fn first_code(response: &Response) -> Option<&'static str> {
    let error = response.errors.first()?;
    let told = match error.extensions.as_ref()?.get("code")? {
        Value::String(told) => told.as_str(),
        _ => return None,
    };
    CODES.into_iter().find(|code| *code == told)
}

/// How long to wait, if an answer that was [`told`] was refused because it came too often or because there is too much, and
/// the status that says which.
pub(crate) fn retry_after(response: &Response) -> Option<(StatusCode, Duration)> {
    let error = response.errors.first()?;
    let wait = match error.extensions.as_ref()?.get("retryAfter")? {
        Value::Number(seconds) => Duration::try_from_secs_f64(seconds.as_f64()?).ok()?,
        _ => return None,
    };
    let status = match first_code(response)? {
        "UNAVAILABLE" => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::TOO_MANY_REQUESTS,
    };
    Some((status, wait))
}

/// The HTTP status beside GraphQL.
pub(crate) fn status(error: &Error) -> StatusCode {
    match error {
        Error::Invalid(_) => StatusCode::BAD_REQUEST,
        Error::Unauthenticated => StatusCode::UNAUTHORIZED,
        Error::Forbidden(_) | Error::QuotaExceeded { .. } | Error::AboveCeiling { .. } => {
            StatusCode::FORBIDDEN
        }
        Error::NotFound { .. } => StatusCode::NOT_FOUND,
        Error::Conflict(_) => StatusCode::CONFLICT,
        Error::RateLimited { .. } => StatusCode::TOO_MANY_REQUESTS,
        Error::Unsupported(_) => StatusCode::NOT_IMPLEMENTED,
        Error::Unavailable { .. } | Error::Overloaded { .. } | Error::Deposed => {
            StatusCode::SERVICE_UNAVAILABLE
        }
        Error::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// Logs an error with its whole chain of causes, as loudly as it is our fault.
pub(crate) fn log(error: &Error, id: Option<&str>) {
    let chain = error.chain();
    match error {
        Error::Internal(_) => tracing::error!(error.id = id, error = chain, "a request failed"),
        Error::Unavailable { .. } | Error::Deposed => {
            tracing::warn!(error = chain, "a request could not be served")
        }
        Error::Forbidden(_) | Error::Unsupported(_) => {
            tracing::info!(error = chain, "a request was refused");
        }
        Error::Invalid(_)
        | Error::Unauthenticated
        | Error::NotFound { .. }
        | Error::Conflict(_)
        | Error::QuotaExceeded { .. }
        | Error::AboveCeiling { .. }
        | Error::RateLimited { .. }
        // Of these there are many, and they are counted.
        | Error::Overloaded { .. } => tracing::debug!(error = chain, "a request was refused"),
    }
}

fn tell(error: &mut ServerError) {
    // Without a cause it comes from GraphQL itself: the document, its variables or its size are wrong.
    let Some(source) = error.source.take() else {
        let mut extensions = ErrorExtensionValues::default();
        extensions.set("code", INVALID_INPUT);
        error.extensions = Some(extensions);
        return;
    };
    let ours = source
        .downcast_ref::<Error>()
        .or_else(|| source.downcast_ref::<Arc<Error>>().map(Arc::as_ref));
    match ours {
        Some(ours) => describe(error, ours),
        None => describe(error, &Error::internal(error.message.clone())),
    }
}

fn describe(error: &mut ServerError, ours: &Error) {
    let mut extensions = ErrorExtensionValues::default();
    extensions.set("code", code(ours));
    error.message = ours.to_string();
    match ours {
        Error::Invalid(problems) => {
            if let Some(first) = problems.first() {
                extensions.set("field", first.field.as_str());
            }
            extensions.set("fields", fields(problems));
            log(ours, None);
        }
        Error::AboveCeiling { field, .. } => {
            extensions.set("field", *field);
            log(ours, None);
        }
        Error::RateLimited { retry_after } | Error::Overloaded { retry_after, .. } => {
            extensions.set("retryAfter", retry_after.as_secs_f64());
            log(ours, None);
        }
        Error::Internal(_) => {
            let id = span::new_id();
            log(ours, Some(&id));
            INTERNAL.clone_into(&mut error.message);
            extensions.set("id", id);
        }
        Error::Unauthenticated
        | Error::Forbidden(_)
        | Error::NotFound { .. }
        | Error::Conflict(_)
        | Error::QuotaExceeded { .. }
        | Error::Unsupported(_)
        | Error::Unavailable { .. }
        | Error::Deposed => log(ours, None),
    }
    error.extensions = Some(extensions);
}

fn fields(problems: &[Problem]) -> Value {
    let field = |problem: &Problem| {
        async_graphql::value!({
            "field": problem.field.as_str(),
            "reason": problem.reason.as_str(),
        })
    };
    Value::List(problems.iter().map(field).collect())
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use domain::metrics::Overload;

    use super::*;

    fn one_of_each() -> Vec<Error> {
        let secret = || "SELECT secret FROM /srv/secret.db".into();
        vec![
            Error::Invalid(vec![
                Problem {
                    field: "resource.node_count".into(),
                    reason: "must be between 1 and 100000, not 0".into(),
                },
                Problem {
                    field: "name".into(),
                    reason: "is missing".into(),
                },
            ]),
            Error::Unauthenticated,
            Error::Forbidden("only administrators of users may create users".into()),
            Error::not_found("task", 42),
            Error::Conflict("task 42 was changed by somebody else".into()),
            Error::QuotaExceeded {
                what: "tasks that are not finished".into(),
                used: 10_000,
                limit: 10_000,
            },
            Error::AboveCeiling {
                field: "nodes",
                asked: 9,
                limit: 4,
            },
            Error::RateLimited {
                retry_after: Duration::from_millis(1500),
            },
            Error::Overloaded {
                what: Overload::OwnOperations,
                retry_after: Duration::from_millis(1500),
            },
            Error::Unsupported("this runtime has no images".into()),
            Error::Unavailable {
                what: "the database",
                source: secret(),
            },
            Error::Internal(secret()),
        ]
    }

    /// As a client sees it, with the random id replaced.
    fn seen(error: ServerError) -> serde_json::Value {
        let response = told(Response::from_errors(vec![error]));
        let mut seen = serde_json::to_value(&response.errors[0]).unwrap();
        if let Some(id) = seen.pointer_mut("/extensions/id") {
            assert_eq!(id.as_str().map(str::len), Some(16));
            *id = "…".into();
        }
        seen
    }

    #[test]
    fn the_table_of_errors_is_as_committed() {
        let mut table = String::new();
        for error in one_of_each() {
            let status = status(&error).as_u16();
            let seen = seen(refusal(error));
            let _ = writeln!(table, "{status} {seen}");
        }
        insta::assert_snapshot!(table);
    }

    #[test]
    fn the_code_of_an_answer_is_that_of_its_first_error() {
        for error in one_of_each() {
            let code = code(&error);
            let answer = told(Response::from_errors(vec![refusal(error)]));
            assert_eq!(first_code(&answer), Some(code));
        }
        assert_eq!(first_code(&Response::new(Value::Null)), None);
    }

    #[test]
    fn an_error_of_a_resolver_is_told_in_the_same_way_alone_or_shared() {
        for error in [
            async_graphql::Error::from(Error::not_found("task", 42)),
            async_graphql::Error::from(Arc::new(Error::not_found("task", 42))),
        ] {
            let seen = seen(error.into_server_error(async_graphql::Pos::default()));
            assert_eq!(seen["extensions"]["code"], "NOT_FOUND");
            assert_eq!(seen["message"], "there is no task 42");
        }
    }

    #[test]
    fn what_is_not_ours_to_tell_is_an_internal_error() {
        let foreign = std::io::Error::other("/srv/secret.db is a directory");
        let error = async_graphql::Error::from(foreign);
        let seen = seen(error.into_server_error(async_graphql::Pos::default()));
        assert_eq!(seen["extensions"]["code"], "INTERNAL");
        assert!(!seen.to_string().contains("secret"), "{seen}");
    }

    #[test]
    fn what_graphql_refuses_is_invalid_input() {
        let seen = seen(ServerError::new("Unknown field \"x\"", None));
        assert_eq!(seen["extensions"]["code"], "INVALID_INPUT");
        assert_eq!(seen["message"], "Unknown field \"x\"");
    }
}
