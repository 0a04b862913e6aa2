//! From the base address of a server to the address of its WebSocket.

use tokio_tungstenite::tungstenite::http::Uri;

use crate::Error;

/// Path of the GraphQL endpoint below the base address.
const PATH: &str = "/graphql";

/// `https://host/base/` becomes `wss://host/base/graphql`.
pub(super) fn websocket(base: &str) -> Result<Uri, Error> {
    let base: Uri = base
        .parse()
        .map_err(|_invalid| Error::Address("cannot be read"))?;
    let scheme = match base.scheme_str() {
        Some("http" | "ws") => "ws",
        Some("https" | "wss") => "wss",
        Some(_) | None => {
            return Err(Error::Address(
                "does not start with http://, https://, ws://, or wss://",
            ));
        }
    };
    let authority = base.authority().ok_or(Error::Address("has no host"))?;
    if authority.as_str().contains('@') {
        return Err(Error::Address("contains a user name or a password"));
    }
    if base.query().is_some() {
        return Err(Error::Address("contains a query string"));
    }
    let path = base.path().trim_end_matches('/');
    format!("{scheme}://{authority}{path}{PATH}")
        .parse()
        .map_err(|_invalid| Error::Address("cannot be read"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_address_becomes_that_of_the_websocket() {
        for (base, expected) in [
            ("http://127.0.0.1:8080", "ws://127.0.0.1:8080/graphql"),
            ("https://hai.example/", "wss://hai.example/graphql"),
            ("ws://[::1]:9/hai", "ws://[::1]:9/hai/graphql"),
            ("wss://hai.example/a/b/", "wss://hai.example/a/b/graphql"),
        ] {
            assert_eq!(websocket(base).unwrap().to_string(), expected);
        }
    }

    #[test]
    fn what_is_not_a_base_address_is_refused_without_being_repeated() {
        for base in [
            "",
            "127.0.0.1:80",
            "ftp://host",
            "http://me:secret@host",
            "http://h/?t=secret",
        ] {
            let error = websocket(base).unwrap_err();
            assert!(matches!(error, Error::Address(_)), "{base}");
            assert!(!format!("{error} {error:?}").contains("secret"), "{base}");
        }
    }
}
