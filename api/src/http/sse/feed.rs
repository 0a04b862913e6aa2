//! One operation, whose results are the events of a stream.

use std::convert::Infallible;
use std::sync::Arc;

use async_graphql::Request;
use axum::http::header::{ACCEPT, HeaderName};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::{Stream, stream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;

use crate::answer::Answer;
use crate::auth::Bearer;
use crate::config::Timing;
use crate::engine::Engine;
use crate::ongoing::Ongoing;

const EVENT_STREAM: &str = "text/event-stream";
/// Tells proxies of the nginx kind to give each event on at once.
const UNBUFFERED: (HeaderName, HeaderValue) = (
    HeaderName::from_static("x-accel-buffering"),
    HeaderValue::from_static("no"),
);

/// What event streams share.
pub(in crate::http) struct Setting {
    /// Executes operations.
    pub(in crate::http) engine: Arc<Engine>,
    /// How often clients get a sign of life.
    pub(in crate::http) timing: Timing,
    /// Ends when the last stream has.
    pub(in crate::http) tracker: TaskTracker,
    /// Ends all streams.
    pub(in crate::http) stop: CancellationToken,
}

/// Whether results are best sent as events: clients that also understand them, but like something else better, name
/// that first.
pub(in crate::http) fn is_wanted(headers: &HeaderMap) -> bool {
    let accept = headers.get(ACCEPT).and_then(|value| value.to_str().ok());
    let first = accept.unwrap_or_default().split([',', ';']).next();
    first.is_some_and(|first| first.trim().eq_ignore_ascii_case(EVENT_STREAM))
}

/// Executes an operation and sends its results as events. What is wrong with it is a result as well: an event stream
/// cannot be refused in a way that browsers would tell their pages.
pub(in crate::http) fn answer(
    setting: Setting,
    bearer: Option<Bearer>,
    request: Request,
) -> Response {
    let Setting {
        engine,
        timing,
        tracker,
        stop,
    } = setting;
    let feed = Feed {
        results: Ongoing::begin(&engine, bearer, request),
        stop,
        _open: tracker.token(),
    };
    // Comments, so that proxies see that the connection lives, and we that the client does not.
    let signs_of_life = KeepAlive::new().interval(timing.heartbeat);
    let events = Sse::new(events(feed)).keep_alive(signs_of_life);
    ([UNBUFFERED], events).into_response()
}

/// One stream. The library asks it for more only when the last event was taken, so a slow client costs no memory.
struct Feed {
    results: Ongoing,
    stop: CancellationToken,
    _open: TaskTrackerToken,
}

/// Without a `complete` at the end, clients know that there is more and come again: so it is when the server shuts down.
fn events(feed: Feed) -> impl Stream<Item = Result<Event, Infallible>> {
    stream::unfold(Some(feed), |feed| async move {
        let mut feed = feed?;
        let stop = feed.stop.clone();
        match stop.run_until_cancelled(feed.results.next()).await? {
            Some(answer) => Some((Ok(next(&answer)), Some(feed))),
            None => Some((Ok(complete()), None)),
        }
    })
}

fn next(answer: &Answer) -> Event {
    Event::default().event("next").data(answer.result())
}

/// Browsers pass over events without data.
fn complete() -> Event {
    Event::default().event("complete").data("null")
}
