//! Where a service is found: an IPv4 or IPv6 address or a host name, with or without a port.
//!
//! Nothing here connects anywhere. One spelling per address, so that an identity made of it is
//! one identity however the client writes it.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use compact_str::{CompactString, ToCompactString, format_compact};
use serde::{Serialize, Serializer};

/// Longest host name, in bytes (RFC 1123 §2.1).
pub const MAX_HOST_BYTES: usize = 253;

/// Longest IPv6 zone id, in bytes: Linux interface names have at most 15.
pub const MAX_ZONE_BYTES: usize = 32;

/// Why a text is not an address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// Nothing was given.
    #[error("is empty; give an IPv4 or IPv6 address or a host name, or leave the field out")]
    Empty,
    /// Longer than any address.
    #[error("has {bytes} bytes; the limit is {MAX_HOST_BYTES}")]
    TooLong {
        /// Length in bytes.
        bytes: usize,
    },
    /// Looks like an IPv4 address and is none (`999.1.1.1`, `192.0.2.010`, `0x7f.1`).
    #[error(
        "looks like a number but is not an IPv4 address; write four numbers from 0 to 255 without leading zeros"
    )]
    NumberLike,
    /// A colon or bracket, yet no IPv6 address.
    #[error("is not an IPv6 address; write it as 2001:db8::7, or [2001:db8::7]:8080 with a port")]
    NotIpv6,
    /// Neither an address nor a host name of RFC 1123.
    #[error(
        "is neither an IP address nor a host name; host names have labels of letters, digits, '-' and '_' (no scheme, no path)"
    )]
    NotAHost,
    /// The part after the last colon is no port.
    #[error("has a port that is not a number from 1 to 65535")]
    Port,
}

/// An address in its one canonical spelling.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address(CompactString);

/// An address and the port that was written with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Where.
    pub address: Address,
    /// The port after the colon, if there was one.
    pub port: Option<u16>,
}

impl Endpoint {
    /// Reads `10.0.0.1`, `10.0.0.1:80`, `2001:db8::7`, `[2001:db8::7]`, `[::1]:80`, `db.internal`
    /// and `db.internal:5432`; blanks around it are dropped.
    ///
    /// # Errors
    /// [`AddressError`] says what is expected instead.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(AddressError::Empty);
        }
        // "[" + address + "]:65535" around the longest host name or zone.
        if MAX_HOST_BYTES + 8 < text.len() {
            return Err(AddressError::TooLong { bytes: text.len() });
        }
        if let Some(rest) = text.strip_prefix('[') {
            let (inner, tail) = rest.split_once(']').ok_or(AddressError::NotIpv6)?;
            let address = parse_ipv6(inner)?;
            let port = match tail.strip_prefix(':') {
                Some(port) => Some(parse_port(port)?),
                None if tail.is_empty() => None,
                None => return Err(AddressError::NotIpv6),
            };
            return Ok(Self { address, port });
        }
        match text.split_once(':') {
            None => Ok(Self {
                address: parse_name_or_ipv4(text)?,
                port: None,
            }),
            Some((_, rest)) if rest.contains(':') || rest.contains('%') => Ok(Self {
                address: parse_ipv6(text)?,
                port: None,
            }),
            Some((_, rest)) if rest.contains('/') => Err(AddressError::NotAHost),
            Some((host, port)) => {
                let address = parse_name_or_ipv4(host)?;
                Ok(Self {
                    address,
                    port: Some(parse_port(port)?),
                })
            }
        }
    }
}

impl Address {
    /// The canonical text: dotted IPv4, RFC 5952 IPv6 with its zone id, lower-case host name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) const fn text(&self) -> &CompactString {
        &self.0
    }

    /// The text with a port, IPv6 in brackets: what an URL or a socket call takes.
    pub fn with_port(&self, port: Option<u16>) -> String {
        match port {
            None => self.0.to_string(),
            // No other address has a colon.
            Some(port) if self.0.contains(':') => format!("[{}]:{port}", self.0),
            Some(port) => format!("{}:{port}", self.0),
        }
    }
}

impl From<IpAddr> for Address {
    /// The address of a peer; an IPv4-mapped one becomes IPv4.
    fn from(ip: IpAddr) -> Self {
        Self(ip.to_canonical().to_compact_string())
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &*self.0)
    }
}

impl Serialize for Address {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

fn parse_port(text: &str) -> Result<u16, AddressError> {
    let digits_only = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    match text.parse::<u16>() {
        Ok(port) if digits_only && 0 < port => Ok(port),
        _ => Err(AddressError::Port),
    }
}

fn parse_ipv6(text: &str) -> Result<Address, AddressError> {
    let (ip, zone) = match text.split_once('%') {
        Some((ip, zone)) => (ip, Some(zone)),
        None => (text, None),
    };
    let ip: Ipv6Addr = ip.parse().map_err(|_parse| AddressError::NotIpv6)?;
    match zone {
        None => Ok(Address::from(IpAddr::V6(ip))),
        Some(zone) if is_zone(zone) => Ok(Address(format_compact!("{ip}%{zone}"))),
        Some(_) => Err(AddressError::NotIpv6),
    }
}

/// RFC 6874 §2: unreserved characters.
fn is_zone(zone: &str) -> bool {
    let unreserved = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~');
    !zone.is_empty() && zone.len() <= MAX_ZONE_BYTES && zone.bytes().all(unreserved)
}

fn parse_name_or_ipv4(text: &str) -> Result<Address, AddressError> {
    // Four numbers without leading zeros have one spelling only.
    if text.parse::<Ipv4Addr>().is_ok() {
        return Ok(Address(CompactString::new(text)));
    }
    let host = text.strip_suffix('.').unwrap_or(text);
    if MAX_HOST_BYTES < host.len() {
        return Err(AddressError::TooLong { bytes: host.len() });
    }
    if !host.split('.').all(is_label) {
        return Err(AddressError::NotAHost);
    }
    if host.rsplit('.').next().is_some_and(is_number_like) {
        return Err(AddressError::NumberLike);
    }
    let mut host = CompactString::new(host);
    host.make_ascii_lowercase();
    Ok(Address(host))
}

/// RFC 1123 §2.1, and `_`, which container networks use.
fn is_label(label: &str) -> bool {
    let known = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
    !label.is_empty()
        && label.len() <= 63
        && label.bytes().all(known)
        && !label.starts_with('-')
        && !label.ends_with('-')
}

/// The WHATWG URL "ends in a number" rule: such a host would be read as IPv4 by someone.
fn is_number_like(label: &str) -> bool {
    let hexadecimal = label
        .strip_prefix("0x")
        .or_else(|| label.strip_prefix("0X"))
        .is_some_and(|rest| rest.bytes().all(|b| b.is_ascii_hexdigit()));
    hexadecimal || label.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn canonical(text: &str) -> String {
        let endpoint = Endpoint::parse(text).unwrap_or_else(|e| panic!("{text:?} {e}"));
        endpoint.address.with_port(endpoint.port)
    }

    #[test]
    fn every_spelling_of_an_address_is_one_address() {
        let spellings = [
            ("2001:db8::7", "2001:db8::7"),
            ("[2001:db8::7]", "2001:db8::7"),
            ("2001:DB8:0:0:0:0:0:7", "2001:db8::7"),
            ("fe80::1%eth0", "fe80::1%eth0"),
            ("::ffff:192.0.2.9", "192.0.2.9"),
            (
                "2001:db8:1111:2222:3333:4444:5555:6666",
                "2001:db8:1111:2222:3333:4444:5555:6666",
            ),
            ("Auth.Example.com", "auth.example.com"),
            ("auth.example.com.", "auth.example.com"),
            ("8450c14378de", "8450c14378de"),
            ("192.0.2.10:8080", "192.0.2.10:8080"),
            ("[2001:db8::7]:8080", "[2001:db8::7]:8080"),
            (" 192.0.2.10 ", "192.0.2.10"),
            ("localhost", "localhost"),
            ("db_1.internal:5432", "db_1.internal:5432"),
            ("0.0.0.0", "0.0.0.0"),
        ];
        for (text, expected) in spellings {
            assert_eq!(canonical(text), expected, "{text:?}");
        }
    }

    #[test]
    fn what_is_no_address_is_refused_with_the_cure() {
        let refused = [
            ("", AddressError::Empty),
            ("  ", AddressError::Empty),
            ("192.0.2.010", AddressError::NumberLike),
            ("999.1.1.1", AddressError::NumberLike),
            ("12345", AddressError::NumberLike),
            ("0x7f.0x1", AddressError::NumberLike),
            ("http://192.0.2.10/", AddressError::NotAHost),
            ("192.0.2.10\u{1b}[31m", AddressError::NotAHost),
            ("192.0.2.10\n192.0.2.11", AddressError::NotAHost),
            ("a b", AddressError::NotAHost),
            ("-x", AddressError::NotAHost),
            ("a..b", AddressError::NotAHost),
            ("[::1", AddressError::NotIpv6),
            ("[::1]x", AddressError::NotIpv6),
            ("1:2:3", AddressError::NotIpv6),
            ("fe80::1%", AddressError::NotIpv6),
            ("10.0.0.1:0", AddressError::Port),
            ("10.0.0.1:65536", AddressError::Port),
            ("10.0.0.1:+80", AddressError::Port),
            ("[::1]:x", AddressError::Port),
        ];
        for (text, expected) in refused {
            assert_eq!(Endpoint::parse(text), Err(expected), "{text:?}");
        }
        assert!(matches!(
            Endpoint::parse(&"a".repeat(300)),
            Err(AddressError::TooLong { bytes: 300 })
        ));
    }

    #[test]
    fn a_mapped_peer_is_shown_as_ipv4() {
        let peer: IpAddr = "::ffff:10.0.0.9".parse().unwrap();

        assert_eq!(Address::from(peer).as_str(), "10.0.0.9");
    }

    proptest! {
        #[test]
        fn a_canonical_address_parses_to_itself(text in "[0-9a-fA-F:.\\[\\]%a-z_-]{0,40}") {
            if let Ok(first) = Endpoint::parse(&text) {
                let again = Endpoint::parse(&first.address.with_port(first.port)).unwrap();
                prop_assert_eq!(again, first);
            }
        }
    }
}
