//! One POST to the platform: an operation in, its typed data or a typed error out.

use std::{error::Error as StdError, time::Duration};

use cynic::GraphQlResponse;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue, USER_AGENT};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{
    config::Login,
    error::{Code, Error, Result},
    output::Progress,
};

/// How long an answer may take.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);
/// How long a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How often a request that is safe to repeat is sent, and how long to wait before each repetition.
const REPETITIONS: [Duration; 2] = [Duration::from_millis(500), Duration::from_secs(2)];

/// How long a request waits in all while the platform has too much to do.
const PATIENCE: Duration = Duration::from_secs(30);

/// A client of one platform, as one user.
#[derive(Debug)]
pub(crate) struct Client {
    http: reqwest::Client,
    login: Login,
    progress: Progress,
}

/// What an error says beside its message.
#[derive(Debug, Default, Deserialize)]
struct Extensions {
    #[serde(default)]
    code: Option<String>,
    #[serde(default)]
    field: Option<String>,
    /// In seconds.
    #[serde(default, rename = "retryAfter")]
    retry_after: Option<f64>,
}

impl Client {
    /// Prepares a client that shows when the user has to wait; nothing is sent.
    pub(crate) fn new(login: Login, progress: Progress) -> Result<Self> {
        let mut headers = HeaderMap::new();
        let bearer = format!("Bearer {}", login.token.secret());
        let mut bearer = HeaderValue::from_str(&bearer)
            .map_err(|_| Error::Usage("the token contains characters that no token has".into()))?;
        bearer.set_sensitive(true);
        headers.insert(AUTHORIZATION, bearer);
        let agent = concat!("hai-cli/", env!("CARGO_PKG_VERSION"));
        headers.insert(USER_AGENT, HeaderValue::from_static(agent));
        let mut http = reqwest::Client::builder()
            .default_headers(headers)
            .timeout(ANSWER_TIMEOUT)
            .connect_timeout(CONNECT_TIMEOUT)
            // A redirected POST becomes a GET, and the token must not follow to another host.
            .redirect(reqwest::redirect::Policy::none());
        if login.address.is_loopback() {
            http = http.no_proxy();
        }
        let http = http
            .build()
            .map_err(|error| Error::Startup(std::io::Error::other(error)))?;
        progress.say(format!("waiting for {}", login.address));
        Ok(Self {
            http,
            login,
            progress,
        })
    }

    /// Whom this client talks to, and as whom.
    pub(crate) fn login(&self) -> &Login {
        &self.login
    }

    /// Sends an operation once: again only if the platform had too much to do and has begun nothing of it.
    pub(crate) async fn ask<F, V>(&self, operation: &cynic::Operation<F, V>) -> Result<F>
    where
        F: DeserializeOwned,
        V: Serialize + Sync,
    {
        let body = serde_json::to_vec(operation)
            .map_err(|error| Error::Startup(std::io::Error::other(error)))?;
        let mut patience = PATIENCE;
        loop {
            let answer = self.post(body.clone()).await?;
            let left =
                turned_away(&answer).and_then(|wait| Some((wait, patience.checked_sub(wait)?)));
            let Some((wait, left)) = left else {
                return read_answer(&self.address(), &answer);
            };
            patience = left;
            self.progress.during(tokio::time::sleep(wait)).await;
        }
    }

    /// Sends an operation that carries an idempotency key: again if the answer got lost on the way.
    pub(crate) async fn ask_repeatedly<F, V>(&self, operation: &cynic::Operation<F, V>) -> Result<F>
    where
        F: DeserializeOwned,
        V: Serialize + Sync,
    {
        for pause in REPETITIONS {
            match self.ask(operation).await {
                Err(Error::Unreachable { source, .. }) if !is_refused_connection(&*source) => {}
                answer => return answer,
            }
            self.progress.during(tokio::time::sleep(pause)).await;
        }
        self.ask(operation).await
    }

    async fn post(&self, body: Vec<u8>) -> Result<Answer> {
        let answer = async {
            let response = self
                .http
                .post(self.login.address.graphql())
                .header(reqwest::header::CONTENT_TYPE, "application/json")
                .header(reqwest::header::ACCEPT, "application/json")
                .body(body)
                .send()
                .await?;
            let status = response.status();
            let body = response.bytes().await?;
            Ok(Answer {
                status,
                body: body.to_vec(),
            })
        };
        self.progress
            .during(answer)
            .await
            .map_err(|error: reqwest::Error| Error::Unreachable {
                address: self.address(),
                // Its own text repeats the URL; what matters is the cause.
                source: Box::new(error.without_url()),
            })
    }

    fn address(&self) -> String {
        self.login.address.to_string()
    }
}

/// An HTTP response that arrived completely.
#[derive(Debug)]
struct Answer {
    status: reqwest::StatusCode,
    body: Vec<u8>,
}

/// When to come again, if the platform had too much to do.
fn turned_away(answer: &Answer) -> Option<Duration> {
    if answer.status != reqwest::StatusCode::SERVICE_UNAVAILABLE {
        return None;
    }
    let response: GraphQlResponse<serde::de::IgnoredAny, Extensions> =
        serde_json::from_slice(&answer.body).ok()?;
    let errors = response.errors.unwrap_or_default();
    let first = errors.first()?.extensions.as_ref()?;
    let is_unavailable = Code::read(first.code.as_deref()) == Code::Unavailable;
    let seconds = first.retry_after.filter(|_| is_unavailable)?;
    Duration::try_from_secs_f64(seconds).ok()
}

/// What a response means.
fn read_answer<F: DeserializeOwned>(address: &str, answer: &Answer) -> Result<F> {
    let response: serde_json::Result<GraphQlResponse<F, Extensions>> =
        serde_json::from_slice(&answer.body);
    match response {
        Ok(GraphQlResponse { data, errors }) => match (errors.unwrap_or_default(), data) {
            (errors, _) if !errors.is_empty() => Err(refusal(errors)),
            (_, Some(data)) => Ok(data),
            (_, None) => Err(Error::Strange {
                address: address.to_owned(),
                source: "the answer has neither data nor errors".into(),
            }),
        },
        Err(source) if answer.status.is_success() => Err(Error::Strange {
            address: address.to_owned(),
            source: source.into(),
        }),
        Err(_) => Err(Error::Status {
            address: address.to_owned(),
            status: answer.status,
        }),
    }
}

fn refusal(errors: Vec<cynic::GraphQlError<Extensions>>) -> Error {
    let code = errors
        .iter()
        .find_map(|error| error.extensions.as_ref()?.code.as_deref());
    let code = Code::read(code);
    let messages: Vec<String> = errors
        .into_iter()
        .map(|error| with_field(error.message, error.extensions.and_then(|e| e.field)))
        .collect();
    Error::Refused {
        code,
        message: messages.join("; "),
    }
}

/// The message, with the field in front unless it names it already.
fn with_field(message: String, field: Option<String>) -> String {
    match field {
        Some(field) if !message.contains(&field) => format!("{field}: {message}"),
        Some(_) | None => message,
    }
}

fn is_refused_connection(error: &(dyn StdError + 'static)) -> bool {
    error
        .downcast_ref::<reqwest::Error>()
        .is_some_and(reqwest::Error::is_connect)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    struct Data {
        x: i32,
    }

    fn read(status: u16, body: &str) -> Result<Data> {
        let answer = Answer {
            status: reqwest::StatusCode::from_u16(status).unwrap(),
            body: body.as_bytes().to_vec(),
        };
        read_answer("http://a", &answer)
    }

    #[test]
    fn data_is_read_and_errors_win_over_it() {
        assert_eq!(read(200, r#"{"data":{"x":1}}"#).unwrap().x, 1);
        let error = read(200, r#"{"data":{"x":1},"errors":[{"message":"half"}]}"#).unwrap_err();
        assert_eq!(error.to_string(), "half");
    }

    #[test]
    fn a_refusal_keeps_its_code_under_any_status_and_names_the_field_once() {
        let body = |message: &str| {
            format!(
                r#"{{"data":null,"errors":[{{"message":"{message}","extensions":
                    {{"code":"INVALID_INPUT","field":"spec.workspace","id":3}}}}]}}"#
            )
        };
        for status in [200, 400] {
            let error = read(status, &body("must be absolute")).unwrap_err();
            assert_eq!(error.to_string(), "spec.workspace: must be absolute");
            assert_eq!(error.exit(), 2);
        }
        let error = read(200, &body("spec.workspace: must be absolute")).unwrap_err();
        assert_eq!(error.to_string(), "spec.workspace: must be absolute");
    }

    #[test]
    fn only_who_was_turned_away_comes_again() {
        let wait = |status: u16, body: &str| {
            turned_away(&Answer {
                status: reqwest::StatusCode::from_u16(status).unwrap(),
                body: body.as_bytes().to_vec(),
            })
        };
        let body = |extensions: &str| {
            format!(r#"{{"data":null,"errors":[{{"message":"m","extensions":{extensions}}}]}}"#)
        };
        let away = body(r#"{"code":"UNAVAILABLE","retryAfter":1.5}"#);
        assert_eq!(wait(503, &away), Some(Duration::from_millis(1500)));
        assert_eq!(wait(200, &away), None);
        assert_eq!(wait(503, &body(r#"{"code":"UNAVAILABLE"}"#)), None);
        let often = body(r#"{"code":"RATE_LIMITED","retryAfter":1.5}"#);
        assert_eq!(wait(503, &often), None);
        assert_eq!(wait(503, "<html>"), None);
    }

    #[test]
    fn what_is_not_graphql_is_told_by_its_status() {
        for (status, exit) in [(404, 1), (502, 6), (503, 6), (401, 3), (302, 1)] {
            let error = read(status, "<html>").unwrap_err();
            assert!(matches!(error, Error::Status { .. }));
            assert_eq!(error.exit(), exit, "{status}");
        }
        assert!(matches!(read(200, "<html>"), Err(Error::Strange { .. })));
        assert!(matches!(
            read(200, r#"{"data":null}"#),
            Err(Error::Strange { .. })
        ));
    }
}
