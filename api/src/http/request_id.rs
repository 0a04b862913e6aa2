//! The id of a request: in its answer, and in every line that is logged on the way.

use std::net::SocketAddr;

use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use domain::audit::Origin;
use tokio::time::Instant;
use tracing::Instrument;

use super::proxy::{Peer, Way, seen};
use super::router::Shared;
use crate::span;

/// Where clients and proxies find it, or say it.
pub(super) const HEADER: HeaderName = HeaderName::from_static("x-request-id");
/// Longest id that is taken over.
const MOST_CHARS: usize = 64;

/// Serves a request under its id: the one that it brings, else a new one. What it is served with learns from where it
/// came.
pub(super) async fn identify(
    State(shared): State<Shared>,
    mut request: Request,
    next: Next,
) -> Response {
    let id = brought(request.headers()).unwrap_or_else(span::new_id);
    let header = HeaderValue::from_str(&id);
    let span = span::of_request(&id);
    let is_secure = shared.config.over_tls;
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    let client = peer.map(|ConnectInfo(peer)| {
        let address = peer.ip().to_canonical();
        let peer = Peer { address, is_secure };
        seen(peer, request.headers(), &shared.config.proxies)
    });
    request.extensions_mut().insert(Origin {
        address: client.map_or_else(String::new, |client| client.address.to_string()),
        request: id,
    });
    let is_secure = client.map_or(is_secure, |client| client.is_secure);
    request.extensions_mut().insert(Way { is_secure });
    let mut response = answer(request, next).instrument(span).await;
    if let Ok(header) = header {
        response.headers_mut().insert(HEADER, header);
    }
    response
}

async fn answer(request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let response = next.run(request).await;
    tracing::debug!(
        http.status = response.status().as_u16(),
        seconds = begun.elapsed().as_secs_f64(),
        "a request was answered"
    );
    response
}

/// The id that a request brings, if it is one that can be logged as it is.
fn brought(headers: &HeaderMap) -> Option<String> {
    let id = headers.get(HEADER)?.to_str().ok()?;
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    let is_sane = (1..=MOST_CHARS).contains(&id.len()) && id.bytes().all(is_plain);
    is_sane.then(|| id.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken_over(id: &[u8]) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(HEADER, HeaderValue::from_bytes(id).unwrap());
        brought(&headers).is_some()
    }

    #[test]
    fn only_an_id_that_can_be_logged_as_it_is_is_taken_over() {
        assert!(taken_over(b"0f8e1c3a-1111-4222-8333-444455556666"));
        assert!(taken_over(&[b'a'; 64]));
        for wrong in [
            &b""[..],
            &[b'a'; 65],
            b"a b",
            b"a\"b",
            b"a\tb",
            "ä".as_bytes(),
        ] {
            assert!(!taken_over(wrong), "{wrong:?}");
        }
        assert_eq!(brought(&HeaderMap::new()), None);
    }
}
