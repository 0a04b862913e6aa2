//! What every answer tells browsers, and which other sites may ask.

use std::time::Duration;

use axum::extract::Request;
use axum::http::header::{
    ACCEPT, AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, HeaderName, REFERRER_POLICY,
    STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::{HeaderValue, Method};
use axum::middleware::Next;
use axum::response::Response;
use tower_http::cors::{AllowCredentials, CorsLayer};

use super::proxy::Way;
use super::request_id;

/// How long a browser remembers that a site may ask.
const REMEMBERED: Duration = Duration::from_secs(3600);

/// Nothing of ours is guessed to be of another type, shown in the frame of another page, told where people come from, or
/// kept by a cache, unless it says so itself.
const HEADERS: [(HeaderName, HeaderValue); 4] = [
    (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (CACHE_CONTROL, HeaderValue::from_static("no-store")),
];

/// Who came over TLS comes so for the next year, whatever a page or a person types.
const ONLY_TLS: HeaderValue = HeaderValue::from_static("max-age=31536000");

/// Adds the headers that every answer has.
pub(super) async fn shield(request: Request, next: Next) -> Response {
    let way = request.extensions().get::<Way>().copied();
    let mut response = next.run(request).await;
    for (name, value) in HEADERS {
        response.headers_mut().entry(name).or_insert(value);
    }
    if way.is_some_and(|way| way.is_secure) {
        let headers = response.headers_mut();
        headers.insert(STRICT_TRANSPORT_SECURITY, ONLY_TLS);
    }
    response
}

/// Lets pages of these origins ask, also with the cookie of a session, and no others.
pub(super) fn cors(origins: &[HeaderValue]) -> CorsLayer {
    let listed = origins.to_vec();
    let with_cookies = AllowCredentials::predicate(move |origin, _| listed.contains(origin));
    CorsLayer::new()
        .allow_origin(origins.to_vec())
        .allow_credentials(with_cookies)
        .allow_methods([Method::GET, Method::POST, Method::DELETE])
        .allow_headers([AUTHORIZATION, CONTENT_TYPE, ACCEPT, request_id::HEADER])
        .expose_headers([request_id::HEADER])
        .max_age(REMEMBERED)
}
