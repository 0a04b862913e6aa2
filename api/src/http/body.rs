//! The body of a request, as far as it may be long and take long.

use std::time::Duration;

use axum::body::{Body, BodyDataStream};
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

/// How long a long one rests after as much as a short one has: it has several megabytes a second, and others have their turn.
const REST: Duration = Duration::from_millis(10);

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
    let timing = shared.config.timing;
    let mut reading = Reading {
        stream: body.into_data_stream(),
        bytes: Vec::new(),
        most: shared.config.limits.body_bytes,
        until: Instant::now() + timing.body,
        patience: timing.body,
    };
    // One that says how long it will be waits before anything of it is read.
    let announced = headers.get(CONTENT_LENGTH);
    let announced = announced.and_then(|length| length.to_str().ok()?.parse().ok());
    let is_long = announced.is_some_and(|length: usize| length > SHORT && length <= reading.most);
    if !is_long && reading.until_longer_than(SHORT).await? {
        let bytes = reading.bytes;
        return Ok(Read { bytes, long: None });
    }
    let place = place(shared, origin, headers).await?;
    let all = announced.unwrap_or_default().min(reading.most);
    reading.bytes.reserve_exact(all);
    while !reading
        .until_longer_than(reading.bytes.len() + SHORT)
        .await?
    {
        sleep(REST).await;
    }
    let bytes = reading.bytes;
    let long = Some(place);
    Ok(Read { bytes, long })
}

/// A place among the long requests.
async fn place(shared: &Shared, origin: &Origin, headers: &HeaderMap) -> Result<Place, Unread> {
    let bearer = Bearer::from_headers(headers, origin).ok().flatten();
    let is_agent = bearer.is_some_and(|bearer| bearer.of_a_person().is_none());
    let load = shared.engine.load();
    let place = load.long_request(&origin.address, is_agent).await;
    place.map_err(Unread::Failed)
}

/// A body of which some was read.
struct Reading {
    stream: BodyDataStream,
    bytes: Vec<u8>,
    most: usize,
    until: Instant,
    patience: Duration,
}

impl Reading {
    /// Reads until it is longer than that, or at its end, and says whether it is at its end.
    async fn until_longer_than(&mut self, length: usize) -> Result<bool, Unread> {
        while self.bytes.len() <= length {
            let part = timeout_at(self.until, self.stream.next()).await;
            let part = part.map_err(|_late| {
                let seconds = self.patience.as_secs_f32().ceil();
                let message = format!("the request did not arrive within {seconds} s");
                Unread::Refused(StatusCode::REQUEST_TIMEOUT, message)
            })?;
            let Some(part) = part else { return Ok(true) };
            let part = part.map_err(|_broken| {
                let message = "the request ended early".to_owned();
                Unread::Refused(StatusCode::BAD_REQUEST, message)
            })?;
            if self.bytes.len() + part.len() > self.most {
                let message = format!("the request has more than {} bytes", self.most);
                return Err(Unread::Refused(StatusCode::PAYLOAD_TOO_LARGE, message));
            }
            self.bytes.extend_from_slice(&part);
        }
        Ok(false)
    }
}
