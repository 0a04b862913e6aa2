//! Downloads of logs: `GET /tasks/{id}/runs/{run}/ranks/{rank}/log`.

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE,
    RANGE, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use domain::{Error, Result};
use futures_util::StreamExt;

use super::router::{Shared, failed};
use crate::auth::Bearer;
use crate::error::code;
use crate::log::{Download, Wanted};
use crate::metrics::Label;

/// Where the log of a rank of a run is.
pub(super) const PATH: &str = "/tasks/{id}/runs/{run}/ranks/{rank}/log";

/// Logical offset of the first byte that is sent: rotation may have removed what was before it.
const LOG_OFFSET: HeaderName = HeaderName::from_static("hai-log-offset");

/// The log as plain text, as far as it is written now: what a page of it shows, with the stamps and byte for byte.
///
/// `Range: bytes=N-` begins at byte N of the log, or at the oldest one that is kept. Other ranges are ignored.
pub(super) async fn download(
    State(shared): State<Shared>,
    Path((task, run, rank)): Path<(String, String, String)>,
    headers: HeaderMap,
) -> Response {
    let range = range_of(&headers);
    let wanted = Wanted {
        task,
        run,
        rank,
        from: range.unwrap_or(0),
    };
    let mut meter = shared.engine.metrics().begin(Label::DOWNLOAD);
    let opened = open(&shared, &headers, wanted).await;
    meter.answered(opened.as_ref().err().map(code));
    match opened {
        Ok(download) => answer(&shared, download, range.is_some()),
        Err(error) => failed(error),
    }
}

async fn open(shared: &Shared, headers: &HeaderMap, wanted: Wanted) -> Result<Download> {
    let bearer = Bearer::from_headers(headers)?.ok_or(Error::Unauthenticated)?;
    let actor = shared.engine.sign_in(&bearer).await?;
    Download::open(shared.engine.app(), &actor, shared.tracker.clone(), wanted).await
}

fn answer(shared: &Shared, download: Download, is_range: bool) -> Response {
    let (offset, end) = (download.offset(), download.end());
    if is_range && offset >= end {
        let range = [(CONTENT_RANGE, format!("bytes */{end}"))];
        return (StatusCode::RANGE_NOT_SATISFIABLE, range).into_response();
    }
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
        (CONTENT_LENGTH, (end - offset).to_string()),
        (LOG_OFFSET, offset.to_string()),
    ];
    let status = if is_range {
        let last = end - 1;
        headers.push((CONTENT_RANGE, format!("bytes {offset}-{last}/{end}")));
        StatusCode::PARTIAL_CONTENT
    } else {
        StatusCode::OK
    };
    let stopped = shared.stop.clone().cancelled_owned();
    let body = Body::from_stream(download.bytes().take_until(stopped));
    (status, axum::response::AppendHeaders(headers), body).into_response()
}

/// The first byte of a range that has no end.
fn range_of(headers: &HeaderMap) -> Option<u64> {
    let value = headers.get(RANGE)?.to_str().ok()?;
    let first = value.strip_prefix("bytes=")?.strip_suffix('-')?;
    first.parse().ok()
}
