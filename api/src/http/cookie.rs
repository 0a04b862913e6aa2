//! The cookie of a session: how it is named, found and set.

use axum::http::header::COOKIE;
use axum::http::{HeaderMap, HeaderValue};
use domain::{Error, Result};

/// Its name where pages come over TLS. Browsers take a cookie with this prefix from nobody but the host itself.
const SECURE: &str = "__Host-hai-session";
/// Its name where pages come over plain HTTP.
const PLAIN: &str = "hai-session";

/// The cookie of a session, as a browser sends it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sent<'a> {
    /// What it says.
    pub(super) text: &'a str,
    /// Whether it came over TLS, so far as the browser knows.
    pub(super) is_secure: bool,
}

/// The cookie of a session among all cookies of a request; the one that only TLS carries wins.
pub(super) fn find(headers: &HeaderMap) -> Option<Sent<'_>> {
    [(SECURE, true), (PLAIN, false)]
        .into_iter()
        .find_map(|(name, is_secure)| {
            let text = value(headers, name)?;
            Some(Sent { text, is_secure })
        })
}

fn value<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let lines = headers.get_all(COOKIE).iter();
    let cookies = lines.filter_map(|line| line.to_str().ok());
    cookies.flat_map(|line| line.split(';')).find_map(|cookie| {
        let (found, value) = cookie.trim().split_once('=')?;
        (found == name && !value.is_empty()).then_some(value)
    })
}

/// A header that gives a browser the cookie for so many seconds, or takes it away for none.
///
/// No script can read it, no page of another site sends it, and with TLS it goes nowhere without.
///
/// # Errors
/// [`Error::Internal`] for a text that no header can have.
pub(super) fn set(text: &str, seconds: i64, is_secure: bool) -> Result<HeaderValue> {
    let (name, secure) = match is_secure {
        true => (SECURE, "; Secure"),
        false => (PLAIN, ""),
    };
    let cookie =
        format!("{name}={text}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}");
    let mut header =
        HeaderValue::from_str(&cookie).map_err(|error| Error::Internal(error.into()))?;
    header.set_sensitive(true);
    Ok(header)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(cookies: &[&str]) -> Option<(String, bool)> {
        let mut headers = HeaderMap::new();
        for cookie in cookies {
            headers.append(COOKIE, cookie.parse().unwrap());
        }
        find(&headers).map(|sent| (sent.text.to_owned(), sent.is_secure))
    }

    #[test]
    fn a_cookie_is_found_among_others_and_the_secure_one_wins() {
        let some = |text: &str, is_secure| Some((text.to_owned(), is_secure));
        assert_eq!(found(&["a=b; hai-session=x.y.z; c"]), some("x.y.z", false));
        assert_eq!(found(&["a=b", "__Host-hai-session=x"]), some("x", true));
        assert_eq!(
            found(&["hai-session=y; __Host-hai-session=x"]),
            some("x", true)
        );
        for none in [
            "",
            "hai-session",
            "hai-session=",
            "xhai-session=a",
            "HAI-SESSION=a",
        ] {
            assert_eq!(found(&[none]), None, "{none}");
        }
    }

    #[test]
    fn a_cookie_is_set_for_the_host_alone() {
        let secure = "__Host-hai-session=x; Path=/; Max-Age=9; HttpOnly; SameSite=Strict; Secure";
        assert_eq!(set("x", 9, true).unwrap(), secure);
        let plain = "hai-session=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict";
        assert_eq!(set("", 0, false).unwrap(), plain);
        assert!(format!("{:?}", set("x", 9, true).unwrap()).contains("Sensitive"));
    }
}
