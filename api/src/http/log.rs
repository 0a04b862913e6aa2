//! Downloads of logs: `GET /tasks/{id}/runs/{run}/ranks/{rank}/log`.

use axum::Extension;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE,
    ETAG, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use domain::audit::Origin;
use domain::{Error, Result};
use futures_util::StreamExt;

use super::range::{self, Part};
use super::router::{Shared, failed};
use crate::error::code;
use crate::log::{Download, Wanted};
use crate::metrics::Label;

/// Where the log of a rank of a run is.
pub(super) const PATH: &str = "/tasks/{id}/runs/{run}/ranks/{rank}/log";

/// Logical offset of the first byte that is sent: rotation may have removed what was before it.
const LOG_OFFSET: HeaderName = HeaderName::from_static("hai-log-offset");

/// The log as plain text, as far as it is written now: what a page of it shows, with the stamps and byte for byte. What a
/// full disk has not taken stands as line feeds.
///
/// `Range: bytes=N-` goes on behind the N bytes that a client has of a file, with `If-Range` and the entity tag of that
/// file. Where it is not sure that the bytes fit, all is sent anew.
pub(super) async fn download(
    State(shared): State<Shared>,
    Path((task, run, rank)): Path<(String, String, String)>,
    Extension(origin): Extension<Origin>,
    headers: HeaderMap,
) -> Response {
    let wanted = Wanted { task, run, rank };
    let mut meter = shared.engine.metrics().begin(Label::DOWNLOAD);
    let opened = open(&shared, &headers, &origin, wanted).await;
    meter.answered(opened.as_ref().err().map(code));
    match opened {
        Ok(download) => answer(&shared, download, &headers),
        Err(error) => failed(error),
    }
}

async fn open(
    shared: &Shared,
    headers: &HeaderMap,
    origin: &Origin,
    wanted: Wanted,
) -> Result<Download> {
    let bearer = shared.bearer(headers, origin)?;
    let bearer = bearer.ok_or(Error::Unauthenticated)?;
    let load = shared.engine.load();
    let _in_flight = load.operation(load.holder(Some(&bearer)))?;
    let actor = shared.engine.enter(&bearer).await?;
    Download::open(shared.engine.app(), &actor, shared.tracker.clone(), wanted).await
}

fn answer(shared: &Shared, mut download: Download, headers: &HeaderMap) -> Response {
    let (oldest, end) = (download.offset(), download.end());
    let (base, from, status) = match range::asked(headers, oldest, end) {
        Part::Whole => (oldest, oldest, StatusCode::OK),
        Part::Rest { base, from } => (base, from, StatusCode::PARTIAL_CONTENT),
        Part::Nothing { base } => {
            let length = end.saturating_sub(base);
            let range = [(CONTENT_RANGE, format!("bytes */{length}"))];
            return (StatusCode::RANGE_NOT_SATISFIABLE, range).into_response();
        }
    };
    download.skip_to(from);
    let mut headers = vec![
        (CONTENT_TYPE, "text/plain; charset=utf-8".to_owned()),
        (X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
        (CACHE_CONTROL, "no-store".to_owned()),
        (ACCEPT_RANGES, "bytes".to_owned()),
        (
            CONTENT_DISPOSITION,
            format!("attachment; filename=\"{}\"", download.name),
        ),
        // A body that ends before it, because rotation was faster or the server stops, is seen to be incomplete.
        (CONTENT_LENGTH, (end - from).to_string()),
        (ETAG, range::tag(base)),
        (LOG_OFFSET, from.to_string()),
    ];
    if status == StatusCode::PARTIAL_CONTENT {
        let (first, last, length) = (from - base, end - 1 - base, end - base);
        headers.push((CONTENT_RANGE, format!("bytes {first}-{last}/{length}")));
    }
    let stopped = shared.stop.clone().cancelled_owned();
    let body = Body::from_stream(download.bytes().take_until(stopped));
    (status, axum::response::AppendHeaders(headers), body).into_response()
}
