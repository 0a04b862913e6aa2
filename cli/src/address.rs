//! Where the platform listens: a base URL without secrets in it.

use std::fmt;

use reqwest::Url;

/// The base URL of a platform, `http` or `https`, without trailing slash, query or user part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address {
    base: Url,
}

/// Why a text is not an [`Address`].
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum AddressError {
    #[error("`{0}` is not an address like http://127.0.0.1:8080")]
    Malformed(String),
    #[error("the address begins with `{0}://`, only http:// and https:// are possible")]
    Scheme(String),
    #[error("the address contains a user, a query or a fragment; give only scheme, host and port")]
    TooMuch,
}

impl Address {
    /// Reads what a user typed. Without a scheme it is `https`, but `http` for this machine itself,
    /// where the embedded platform listens without TLS.
    pub(crate) fn parse(text: &str) -> Result<Self, AddressError> {
        let text = text.trim();
        let malformed = || AddressError::Malformed(text.to_owned());
        let mut base = if text.contains("://") {
            Url::parse(text).map_err(|_| malformed())?
        } else {
            let secure = Url::parse(&format!("https://{text}")).map_err(|_| malformed())?;
            if is_loopback(&secure) {
                Url::parse(&format!("http://{text}")).map_err(|_| malformed())?
            } else {
                secure
            }
        };
        if !matches!(base.scheme(), "http" | "https") {
            return Err(AddressError::Scheme(base.scheme().to_owned()));
        }
        if base.host_str().is_none_or(str::is_empty) {
            return Err(malformed());
        }
        if !base.username().is_empty()
            || base.password().is_some()
            || base.query().is_some()
            || base.fragment().is_some()
        {
            return Err(AddressError::TooMuch);
        }
        let path = base.path().trim_end_matches('/').to_owned();
        base.set_path(&path);
        Ok(Self { base })
    }

    /// Where queries and mutations are posted.
    pub(crate) fn graphql(&self) -> Url {
        let mut url = self.base.clone();
        url.set_path(&format!(
            "{}/graphql",
            self.base.path().trim_end_matches('/')
        ));
        url
    }

    /// Whether what is sent there is encrypted.
    pub(crate) fn is_encrypted(&self) -> bool {
        self.base.scheme() == "https"
    }

    /// Whether it names this machine itself.
    pub(crate) fn is_loopback(&self) -> bool {
        is_loopback(&self.base)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.base.as_str().trim_end_matches('/'))
    }
}

fn is_loopback(url: &Url) -> bool {
    let Some(host) = url.host_str() else {
        return false;
    };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || host.ends_with(".localhost")
        || host
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> String {
        Address::parse(text).unwrap().to_string()
    }

    #[test]
    fn without_a_scheme_this_machine_is_http_and_the_rest_of_the_world_https() {
        assert_eq!(read("127.0.0.1:7777"), "http://127.0.0.1:7777");
        assert_eq!(read("localhost:7777/"), "http://localhost:7777");
        assert_eq!(read("[::1]:7777"), "http://[::1]:7777");
        assert_eq!(read("hai.example.org"), "https://hai.example.org");
        assert_eq!(read("10.0.0.1:80"), "https://10.0.0.1:80");
    }

    #[test]
    fn a_given_scheme_is_kept() {
        assert_eq!(read("http://hai.example.org/"), "http://hai.example.org");
        assert_eq!(read("https://127.0.0.1:1"), "https://127.0.0.1:1");
    }

    #[test]
    fn a_base_path_is_kept_above_the_end_point() {
        let address = Address::parse("https://example.org/hai/").unwrap();
        assert_eq!(address.to_string(), "https://example.org/hai");
        assert_eq!(
            address.graphql().as_str(),
            "https://example.org/hai/graphql"
        );
    }

    #[test]
    fn what_is_not_an_address_is_refused() {
        for text in ["", "   ", "http://", "::::", "http://a b"] {
            let refused = Address::parse(text);
            assert!(
                matches!(refused, Err(AddressError::Malformed(_))),
                "{text}: {refused:?}"
            );
        }
        assert_eq!(
            Address::parse("ftp://example.org"),
            Err(AddressError::Scheme("ftp".to_owned()))
        );
        assert_eq!(
            Address::parse("http://me:secret@example.org"),
            Err(AddressError::TooMuch)
        );
        assert_eq!(
            Address::parse("example.org/?token=x"),
            Err(AddressError::TooMuch)
        );
    }
}
