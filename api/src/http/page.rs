//! From which page a request of a browser comes, and whether that page may use the session of its user.

use std::net::IpAddr;

use axum::http::header::{HOST, ORIGIN};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use domain::{Error, Result};

use super::proxy::Way;

/// What browsers say of the page that asks; no page can say it.
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Refuses the cookie to all pages but those of this server and of the sites on the list: browsers send cookies also for
/// pages of others.
///
/// # Errors
/// [`Error::Forbidden`].
pub(super) fn check(headers: &HeaderMap, allowed: &[HeaderValue], is_secure: bool) -> Result<()> {
    let is_ours = match headers.get(ORIGIN) {
        Some(origin) => allowed.contains(origin) || is_own(headers, origin, is_secure),
        // For what changes nothing browsers name no origin to the server itself.
        None => headers
            .get(SEC_FETCH_SITE)
            .is_some_and(|site| site == "same-origin"),
    };
    is_ours.then_some(()).ok_or_else(|| {
        let reason = "a session of a browser is for pages of this server, and of the sites in http.allowed_origins";
        Error::Forbidden(reason.to_owned())
    })
}

/// Whether the page that wants to sign in came over TLS, as its request has, or so far as its browser knows. Cookies that go
/// over plain HTTP are for pages of this machine, and for who asked for them.
///
/// # Errors
/// [`Error::Forbidden`].
pub(super) fn is_secure(headers: &HeaderMap, way: Way, takes_insecure: bool) -> Result<bool> {
    if way.is_secure {
        return Ok(true);
    }
    let origin = headers.get(ORIGIN).and_then(|origin| origin.to_str().ok());
    let Some(host) = origin.and_then(|origin| origin.strip_prefix("http://")) else {
        return Ok(true);
    };
    if takes_insecure || is_loopback(host) {
        return Ok(false);
    }
    let reason = "browsers sign in over https, unless http.insecure_cookies is true";
    Err(Error::Forbidden(reason.to_owned()))
}

/// A page of this server has come by the way by which its requests come.
fn is_own(headers: &HeaderMap, origin: &HeaderValue, is_secure: bool) -> bool {
    let scheme: &[u8] = match is_secure {
        true => b"https://",
        false => b"http://",
    };
    let host = origin.as_bytes().strip_prefix(scheme);
    let own = headers.get(HOST).map(HeaderValue::as_bytes);
    host.zip(own)
        .is_some_and(|(host, own)| host.eq_ignore_ascii_case(own))
}

/// Whether a host, perhaps with a port, is the machine of whoever asks.
fn is_loopback(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next(),
        None => host.split(':').next(),
    };
    let name = name.unwrap_or_default();
    let is_address = name.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
    name == "localhost" || name.ends_with(".localhost") || is_address
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(of: &[(&'static str, &'static str)]) -> HeaderMap {
        let read = |(name, value): &(&'static str, &'static str)| {
            (
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            )
        };
        of.iter().map(read).collect()
    }

    #[test]
    fn only_pages_of_the_server_and_of_the_list_use_a_session() {
        let host = ("host", "hai.example.org:8443");
        let allowed = [HeaderValue::from_static("https://studio.example.org")];
        for (origin, when_secure, when_plain) in [
            ("https://hai.example.org:8443", true, false),
            ("http://hai.example.org:8443", false, true),
            ("https://studio.example.org", true, true),
            ("https://hai.example.org", false, false),
            ("https://hai.example.org:8443.evil.org", false, false),
            ("https://evil.example.org", false, false),
            ("null", false, false),
            ("", false, false),
        ] {
            // What a browser says beside a wrong origin makes it no better.
            let headers = headers(&[host, ("origin", origin), ("sec-fetch-site", "same-origin")]);
            for (is_secure, expected) in [(true, when_secure), (false, when_plain)] {
                let answer = check(&headers, &allowed, is_secure);
                assert_eq!(answer.is_ok(), expected, "{origin}, {is_secure}");
            }
        }
        for (site, expected) in [
            ("same-origin", true),
            ("same-site", false),
            ("cross-site", false),
            ("none", false),
        ] {
            let headers = headers(&[host, ("sec-fetch-site", site)]);
            assert_eq!(check(&headers, &allowed, true).is_ok(), expected, "{site}");
        }
        assert!(check(&headers(&[host]), &allowed, true).is_err());
    }

    #[test]
    fn a_cookie_goes_over_plain_http_on_one_machine_only_unless_that_is_asked_for() {
        let plain = Way { is_secure: false };
        let secure = |origin, takes_insecure| {
            is_secure(&headers(&[("origin", origin)]), plain, takes_insecure).ok()
        };
        for origin in [
            "http://localhost:3000",
            "http://studio.localhost",
            "http://127.0.0.1:7070",
            "http://[::1]:7070",
        ] {
            assert_eq!(secure(origin, false), Some(false), "{origin}");
        }
        for origin in [
            "http://hai.example.org",
            "http://localhost.evil.org",
            "http://10.0.0.1",
        ] {
            assert_eq!(secure(origin, false), None, "{origin}");
            assert_eq!(secure(origin, true), Some(false), "{origin}");
        }
        assert_eq!(secure("https://hai.example.org", true), Some(true));
        assert_eq!(is_secure(&HeaderMap::new(), plain, true).ok(), Some(true));
        let tls = Way { is_secure: true };
        let here = headers(&[("origin", "http://localhost:3000")]);
        assert_eq!(is_secure(&here, tls, true).ok(), Some(true));
    }
}
