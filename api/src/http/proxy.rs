//! Who asks, where proxies stand between: pure.

use std::net::{IpAddr, SocketAddr};

use axum::http::header::FORWARDED;
use axum::http::{HeaderMap, HeaderName};
use ipnet::IpNet;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// Whose word counts on where requests come from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Proxies {
    /// Where they are. Nobody else is believed.
    pub trusted: Vec<IpNet>,
    /// What they write. The other header is what a client made up, which a proxy that does not know it passes on.
    pub header: ForwardedHeader,
}

/// In which header proxies say for whom they ask.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ForwardedHeader {
    /// `X-Forwarded-For`, and beside it `X-Forwarded-Proto`.
    #[default]
    XForwardedFor,
    /// `Forwarded`, of RFC 7239.
    Forwarded,
}

/// Somebody who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Peer {
    /// His address.
    pub(super) address: IpAddr,
    /// Whether he asks over TLS.
    pub(super) is_secure: bool,
}

/// How a request came from its client: to us, or to the first of our proxies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Way {
    /// Whether it was over TLS.
    pub(super) is_secure: bool,
}

/// What one proxy says of whoever asked it; what cannot be read is absent.
#[derive(Debug, Clone, Copy, Default)]
struct Hop {
    address: Option<IpAddr>,
    is_secure: Option<bool>,
}

/// The client: the last one in the chain before us whom we do not trust. If all are trusted, it is the first.
///
/// Each proxy adds its peer at the end. So what stands before the word of one who is not trusted is not looked at: he may
/// have written it himself.
pub(super) fn seen(peer: Peer, headers: &HeaderMap, proxies: &Proxies) -> Peer {
    let is_trusted = |address| proxies.trusted.iter().any(|net| net.contains(&address));
    let mut client = peer;
    if !is_trusted(peer.address) {
        return client;
    }
    let hops = match proxies.header {
        ForwardedHeader::XForwardedFor => hops_of_list(headers),
        ForwardedHeader::Forwarded => hops_of_elements(headers),
    };
    for hop in hops.into_iter().rev() {
        client.is_secure = hop.is_secure.unwrap_or(client.is_secure);
        // A name instead of an address, or nonsense: it is as far as we see.
        let Some(address) = hop.address else { break };
        client.address = address;
        if !is_trusted(address) {
            break;
        }
    }
    client
}

/// Of two lists, in the order of the proxies. A proxy that only says how it was asked has replaced the list of the others.
fn hops_of_list(headers: &HeaderMap) -> Vec<Hop> {
    let addresses = parts(headers, &X_FORWARDED_FOR, ',');
    let schemes = parts(headers, &X_FORWARDED_PROTO, ',');
    let n = addresses.len();
    let scheme = |index: usize| {
        let from_end = (n - 1 - index).min(schemes.len().checked_sub(1)?);
        schemes.iter().rev().nth(from_end)
    };
    let hop = |(index, address): (usize, &String)| Hop {
        address: read_address(address),
        is_secure: scheme(index).and_then(|scheme| read_scheme(scheme)),
    };
    addresses.iter().enumerate().map(hop).collect()
}

fn hops_of_elements(headers: &HeaderMap) -> Vec<Hop> {
    let elements = parts(headers, &FORWARDED, ',');
    elements
        .iter()
        .map(|element| read_element(element))
        .collect()
}

fn read_element(element: &str) -> Hop {
    let mut hop = Hop::default();
    for pair in split(element, ';') {
        let Some((name, value)) = pair.split_once('=') else {
            continue;
        };
        let value = value.trim().trim_matches('"');
        match name.trim().to_ascii_lowercase().as_str() {
            "for" => hop.address = read_address(value),
            "proto" => hop.is_secure = read_scheme(value),
            _ => {}
        }
    }
    hop
}

/// The parts of all lines of a header, which mean the same as one long line.
fn parts(headers: &HeaderMap, name: &HeaderName, separator: char) -> Vec<String> {
    let lines = headers.get_all(name).iter();
    // What is no text is no address, and must not vanish: what stands before it would move up.
    let lines = lines.map(|line| line.to_str().unwrap_or("?"));
    lines.flat_map(|line| split(line, separator)).collect()
}

/// What stands between separators, but for those in quotes.
fn split(text: &str, separator: char) -> Vec<String> {
    let mut is_quoted = false;
    let pieces = text.split(|char| {
        is_quoted ^= char == '"';
        char == separator && !is_quoted
    });
    pieces.map(|piece| piece.trim().to_owned()).collect()
}

/// An address, perhaps in brackets, perhaps with a port.
fn read_address(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|it| it.strip_suffix(']'));
    let address = bare.unwrap_or(text).parse::<IpAddr>().ok();
    let address = address.or_else(|| text.parse::<SocketAddr>().ok().map(|it| it.ip()));
    address.map(|address| address.to_canonical())
}

fn read_scheme(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "https" | "wss" => Some(true),
        "http" | "ws" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(of: &[(HeaderName, &str)]) -> HeaderMap {
        let read = |(name, value): &(HeaderName, &str)| (name.clone(), value.parse().unwrap());
        of.iter().map(read).collect()
    }

    fn client(header: ForwardedHeader, peer: &str, said: &[(HeaderName, &str)]) -> String {
        let trusted = ["10.0.0.0/8", "fd00::/8"].map(|net| net.parse().unwrap());
        let peer = Peer {
            address: peer.parse().unwrap(),
            is_secure: false,
        };
        let proxies = Proxies {
            trusted: trusted.into(),
            header,
        };
        let client = seen(peer, &headers(said), &proxies);
        let way = if client.is_secure { "https" } else { "http" };
        format!("{way} {}", client.address)
    }

    #[test]
    fn the_last_address_that_is_not_ours_is_the_clients() {
        for (peer, addresses, schemes, expected) in [
            // Nobody else is believed.
            ("203.0.113.9", "198.51.100.1", "https", "http 203.0.113.9"),
            ("10.0.0.1", "198.51.100.1", "https", "https 198.51.100.1"),
            ("10.0.0.1", "198.51.100.1:4711", "http", "http 198.51.100.1"),
            ("10.0.0.1", "[2001:db8::1]:4711", "", "http 2001:db8::1"),
            ("fd00::1", "2001:db8::1", "https", "https 2001:db8::1"),
            ("10.0.0.1", "::ffff:198.51.100.1", "", "http 198.51.100.1"),
            // What a client made up stands before what our proxy added.
            (
                "10.0.0.1",
                "127.0.0.1, 198.51.100.1",
                "http, https",
                "https 198.51.100.1",
            ),
            (
                "10.0.0.1",
                "10.9.9.9, 198.51.100.1",
                "https, http",
                "http 198.51.100.1",
            ),
            // Two proxies of ours.
            (
                "10.0.0.1",
                "1.2.3.4, 198.51.100.1, 10.0.0.2",
                "https",
                "https 198.51.100.1",
            ),
            (
                "10.0.0.1",
                "198.51.100.1, 10.0.0.2",
                "https, http",
                "https 198.51.100.1",
            ),
            // Somebody of ours asks.
            ("10.0.0.1", "10.0.0.3", "https", "https 10.0.0.3"),
            // Nonsense ends it.
            ("10.0.0.1", "unknown", "https", "https 10.0.0.1"),
            ("10.0.0.1", "198.51.100.1, , 10.0.0.2", "", "http 10.0.0.2"),
            ("10.0.0.1", "", "gopher", "http 10.0.0.1"),
        ] {
            let said = [(X_FORWARDED_FOR, addresses), (X_FORWARDED_PROTO, schemes)];
            let seen = client(ForwardedHeader::XForwardedFor, peer, &said);
            assert_eq!(seen, expected, "{peer}: {addresses:?} {schemes:?}");
        }
    }

    #[test]
    fn forwarded_says_the_same_in_its_own_words() {
        for (said, expected) in [
            ("for=198.51.100.1;proto=https", "https 198.51.100.1"),
            ("FOR=\"[2001:db8::1]:4711\"; Proto=http", "http 2001:db8::1"),
            (
                "for=1.1.1.1;proto=https, for=198.51.100.1;proto=http",
                "http 198.51.100.1",
            ),
            (
                "for=198.51.100.1;proto=https, for=10.0.0.2;proto=http",
                "https 198.51.100.1",
            ),
            ("for=\"_a,b\";proto=https", "https 10.0.0.1"),
            ("for=_hidden", "http 10.0.0.1"),
            ("", "http 10.0.0.1"),
        ] {
            let seen = client(ForwardedHeader::Forwarded, "10.0.0.1", &[(FORWARDED, said)]);
            assert_eq!(seen, expected, "{said}");
        }
    }

    #[test]
    fn the_header_that_our_proxies_do_not_write_is_a_clients_own() {
        let said = [
            (X_FORWARDED_FOR, "198.51.100.1"),
            (FORWARDED, "for=1.1.1.1;proto=https"),
        ];
        let seen = client(ForwardedHeader::XForwardedFor, "10.0.0.1", &said);
        assert_eq!(seen, "http 198.51.100.1");
        let seen = client(ForwardedHeader::Forwarded, "10.0.0.1", &said);
        assert_eq!(seen, "https 1.1.1.1");
    }

    #[test]
    fn several_lines_of_a_header_are_one() {
        let mut said = headers(&[(X_FORWARDED_FOR, "1.1.1.1")]);
        said.append(X_FORWARDED_FOR, "198.51.100.1".parse().unwrap());
        let proxies = Proxies {
            trusted: vec!["10.0.0.0/8".parse().unwrap()],
            header: ForwardedHeader::default(),
        };
        let peer = Peer {
            address: "10.0.0.1".parse().unwrap(),
            is_secure: true,
        };
        let seen = seen(peer, &said, &proxies);
        assert_eq!(seen.address.to_string(), "198.51.100.1");
        assert!(seen.is_secure, "the proxy itself came over TLS");
    }
}
