//! The body of a request, as far as it may be long and take long.

use std::time::Duration;

use axum::body::Body;
use axum::http::header::CONTENT_LENGTH;
use axum::http::{HeaderMap, StatusCode};
use domain::Error;
use domain::audit::Origin;
use futures_util::StreamExt;
use tokio::time::{Instant, sleep, timeout_at};

use super::router::Shared;
use crate::auth::Bearer;
use crate::places::Place;

/// What every connection may keep in memory. For more, one needs a place.
const SHORT: usize = 64 << 10;

/// How long a long one waits for a place before it is turned away.
const TURN: Duration = Duration::from_secs(1);

/// A body that was read.
pub(super) struct Read {
    /// All of it.
    pub(super) bytes: Vec<u8>,
    /// If it is a long one: it takes long to understand, too.
    pub(super) long: Option<Place>,
}

/// Why a body was not read to its end.
pub(super) enum Unread {
    /// The client has made a mistake, or was too slow.
    Refused(StatusCode, String),
    /// Too many others send long ones.
    Failed(Error),
}

/// Reads a body to its end.
pub(super) async fn read(
    shared: &Shared,
    origin: &Origin,
    headers: &HeaderMap,
    body: Body,
) -> Result<Read, Unread> {
    let until = Instant::now() + shared.config.timing.body;
    let most = shared.config.limits.body_bytes;
    let mut stream = body.into_data_stream();
    let mut bytes = Vec::new();
    let place = async || {
        let bearer = Bearer::from_headers(headers, origin).ok().flatten();
        let is_agent = bearer.is_some_and(|bearer| bearer.of_a_person().is_none());
        let take = || {
            let load = shared.engine.load();
            load.long_request(&origin.address, is_agent)
        };
        if let Ok(place) = take() {
            return Ok(place);
        }
        // Nothing more of it is read meanwhile. To turn it away at once would cost more: it would come again at once.
        sleep(TURN).await;
        take().map_err(Unread::Failed)
    };
    // One that says how long it will be waits before anything of it is read.
    let announced = headers.get(CONTENT_LENGTH);
    let announced = announced.and_then(|length| length.to_str().ok()?.parse().ok());
    let is_long = announced.is_some_and(|length: usize| length > SHORT && length <= most);
    let mut long = if is_long { Some(place().await?) } else { None };
    loop {
        let part = timeout_at(until, stream.next()).await.map_err(|_late| {
            let seconds = shared.config.timing.body.as_secs_f32().ceil();
            let message = format!("the request did not arrive within {seconds} s");
            Unread::Refused(StatusCode::REQUEST_TIMEOUT, message)
        })?;
        let Some(part) = part else { break };
        let early = |_broken| {
            let message = "the request ended early".to_owned();
            Unread::Refused(StatusCode::BAD_REQUEST, message)
        };
        let part = part.map_err(early)?;
        let length = bytes.len() + part.len();
        if length > most {
            let message = format!("the request has more than {most} bytes");
            return Err(Unread::Refused(StatusCode::PAYLOAD_TOO_LARGE, message));
        }
        if length > SHORT && long.is_none() {
            long = Some(place().await?);
        }
        bytes.extend_from_slice(&part);
    }
    Ok(Read { bytes, long })
}
