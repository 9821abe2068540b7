//! What a `Host` or an `Origin` names: a host, as names are compared, and a port.

use std::borrow::Cow;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use hyper::header::HeaderValue;

/// Longest Host that is quoted back, in bytes: a host name of 253 and a port.
pub(super) const MAX_HOST_BYTES: usize = 260;

/// A host and the port written behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Authority<'a> {
    pub(super) host: Host<'a>,
    pub(super) port: Option<u16>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Host<'a> {
    Address(IpAddr),
    /// Lower case, without a trailing dot.
    Name(Cow<'a, str>),
}

impl<'a> Authority<'a> {
    pub(super) fn of(value: &'a HeaderValue) -> Option<Self> {
        value.to_str().ok().and_then(Self::parse)
    }

    pub(super) fn parse(text: &'a str) -> Option<Self> {
        if MAX_HOST_BYTES < text.len() {
            return None;
        }
        let (host, tail) = if let Some(rest) = text.strip_prefix('[') {
            let (inner, tail) = rest.split_once(']')?;
            // A zone id says through which of our interfaces; not part of who we are.
            let address: Ipv6Addr = inner.split('%').next()?.parse().ok()?;
            (Host::Address(address.into()), tail)
        } else {
            let colon = text.as_bytes().iter().position(|b| *b == b':');
            let (name, tail) = text.split_at_checked(colon.unwrap_or(text.len()))?;
            (Host::parse_name(name)?, tail)
        };
        let port = match (tail, tail.strip_prefix(':')) {
            ("" | ":", _) => None,
            (_, Some(digits)) if digits.bytes().all(|b| b.is_ascii_digit()) => {
                Some(digits.parse().ok()?)
            }
            _ => return None,
        };
        Some(Self { host, port })
    }

    pub(super) fn agrees_with(&self, other: &Authority<'_>) -> bool {
        let same_port = match (self.port, other.port) {
            (Some(ours), Some(theirs)) => ours == theirs,
            _ => true,
        };
        self.host == other.host && same_port
    }
}

impl<'a> Host<'a> {
    fn parse_name(text: &'a str) -> Option<Self> {
        let name = plain(text);
        if let Ok(address) = name.parse::<Ipv4Addr>() {
            return Some(Self::Address(address.into()));
        }
        let known = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
        let is_label = |label: &str| !label.is_empty() && label.bytes().all(known);
        name.split('.').all(is_label).then_some(Self::Name(name))
    }
}

impl fmt::Display for Authority<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.port {
            None => write!(f, "{}", self.host),
            Some(port) => write!(f, "{}:{port}", self.host),
        }
    }
}

impl fmt::Display for Host<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(IpAddr::V6(address)) => write!(f, "[{address}]"),
            Self::Address(address) => write!(f, "{address}"),
            Self::Name(name) => f.write_str(name),
        }
    }
}

/// Lower case, without a trailing dot: how host names are compared.
pub(super) fn plain(name: &str) -> Cow<'_, str> {
    let name = name.strip_suffix('.').unwrap_or(name);
    // All are looked at: without a way out in between that is many at a time.
    if name
        .bytes()
        .fold(false, |any, b| any | b.is_ascii_uppercase())
    {
        Cow::Owned(name.to_ascii_lowercase())
    } else {
        Cow::Borrowed(name)
    }
}
