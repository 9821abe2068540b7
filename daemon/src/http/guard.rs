//! Who may ask at all: exactly one Host, a Host this daemon answers to, and no change asked for
//! by a web page of another site.
//!
//! Pure: looks at a request's head and nothing else. Which status a refusal has is left to
//! [`super::problem`].

mod authority;

use hyper::header::{HOST, HeaderMap, HeaderName, HeaderValue, ORIGIN};
use hyper::http::request::Parts;
use hyper::{Method, Version};

use self::authority::{Authority, Host, MAX_HOST_BYTES, plain};
use super::stream::Scheme;

/// Domains that no public DNS server resolves, so no foreign site can point one of them at us
/// (RFC 6761, RFC 6762, RFC 8375, and ICANN's reservation of `internal`).
const PRIVATE_SUFFIXES: [&str; 6] = [
    ".local",
    ".internal",
    ".lan",
    ".home.arpa",
    ".localhost",
    ".test",
];

static SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Why a request is turned away before anything else is looked at.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum GuardError {
    /// HTTP/1.1 without Host.
    #[error("the request has no Host header; HTTP/1.1 needs one")]
    NoHost,
    /// More than one Host.
    #[error("the request has {count} Host headers; send exactly one")]
    SeveralHosts {
        /// How many.
        count: usize,
    },
    /// A Host that is no host.
    #[error("the Host header is not a host name or address with an optional port")]
    BrokenHost,
    /// `GET http://a/ HTTP/1.1` with `Host: b`.
    #[error("the request is for {target} but its Host header says {host}; send the same in both")]
    Disagreeing {
        /// Host of the request's target.
        target: String,
        /// The Host header.
        host: String,
    },
    /// A name that anyone on the internet could point at this machine.
    #[error(
        "this daemon does not answer to the host {host}; if that is its name, start lastbeatd with --allowed-host {host}, else use its IP address"
    )]
    Misdirected {
        /// The Host's name.
        host: String,
    },
    /// A page of another site wants to change something.
    #[error(
        "the request comes from a web page of another site ({site}); open this daemon's own page, or send the request without a browser"
    )]
    Foreign {
        /// What the browser said about where it comes from.
        site: String,
    },
}

/// The names this daemon answers to beside those that are safe by themselves.
#[derive(Debug, Clone, Default)]
pub(super) struct KnownHosts {
    names: Vec<String>,
    is_any: bool,
}

impl KnownHosts {
    /// Names in any case, with or without a trailing dot.
    pub(super) fn new<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        let names = names.into_iter().map(|name| plain(name).into_owned());
        let names = names.collect();
        let is_any = false;
        Self { names, is_any }
    }

    /// Every name: for whoever shows a live token in a header, since no page that was lured to a
    /// foreign name can.
    pub(super) const fn any() -> Self {
        Self {
            names: Vec::new(),
            is_any: true,
        }
    }

    /// Whether no foreign site can make a browser believe that `host` is its own.
    fn answers_to(&self, host: &Host<'_>) -> bool {
        let Host::Name(name) = host else { return true };
        self.is_any
            || !name.contains('.')
            || PRIVATE_SUFFIXES.iter().any(|suffix| name.ends_with(suffix))
            || self.names.iter().any(|known| known == name)
    }
}

/// What proxies add: de-facto headers, RFC 7239 and RFC 9110 §7.6.3.
const FORWARDING: [&str; 5] = [
    "x-forwarded-for",
    "x-forwarded-proto",
    "x-real-ip",
    "forwarded",
    "via",
];

/// Lets a request that came by `scheme` pass or says why not.
///
/// # Errors
/// [`GuardError`] when the Host or the browser's origin is not acceptable.
pub(super) fn check(head: &Parts, scheme: Scheme, known: &KnownHosts) -> Result<(), GuardError> {
    let authority = authority(head)?;
    if let Some(authority) = &authority
        && !known.answers_to(&authority.host)
    {
        let host = authority.host.to_string();
        return Err(GuardError::Misdirected { host });
    }
    if head.method == Method::GET || head.method == Method::HEAD {
        return Ok(());
    }
    check_site(&head.headers, scheme, authority.as_ref())
}

/// The host that the request is for; absent only in HTTP/1.0.
fn authority(head: &Parts) -> Result<Option<Authority<'_>>, GuardError> {
    let mut hosts = head.headers.get_all(HOST).iter();
    let host = match (hosts.next(), hosts.count()) {
        (None, _) if head.version == Version::HTTP_11 => return Err(GuardError::NoHost),
        (None, _) => None,
        (Some(host), 0) => Some(Authority::of(host).ok_or(GuardError::BrokenHost)?),
        (Some(_), others) => return Err(GuardError::SeveralHosts { count: 1 + others }),
    };
    let Some(target) = head.uri.authority() else {
        return Ok(host);
    };
    let target = Authority::parse(target.as_str()).ok_or(GuardError::BrokenHost)?;
    match host {
        Some(host) if !host.agrees_with(&target) => Err(GuardError::Disagreeing {
            target: target.to_string(),
            host: host.to_string(),
        }),
        Some(host) => Ok(Some(host)),
        None => Ok(Some(target)),
    }
}

/// `Sec-Fetch-Site` alone decides where a browser sends it; else `Origin` must be ours; who sends
/// neither is no browser.
fn check_site(
    headers: &HeaderMap,
    by: Scheme,
    ours: Option<&Authority<'_>>,
) -> Result<(), GuardError> {
    // Of few names each is compared sooner than two are looked up, and most requests have few.
    let says_so = |name: &HeaderName| *name == SEC_FETCH_SITE || *name == ORIGIN;
    if !headers.keys().any(says_so) {
        return Ok(());
    }
    let foreign = |value: &HeaderValue| {
        let site = quoted(value);
        Err(GuardError::Foreign { site })
    };
    let mut sites = headers.get_all(&SEC_FETCH_SITE).iter().peekable();
    if sites.peek().is_some() {
        let other = sites.find(|site| *site != "same-origin" && *site != "none");
        return other.map_or(Ok(()), foreign);
    }
    let other = headers
        .get_all(ORIGIN)
        .iter()
        .find(|origin| !is_ours(origin, by, ours, headers));
    other.map_or(Ok(()), foreign)
}

fn is_ours(
    origin: &HeaderValue,
    by: Scheme,
    ours: Option<&Authority<'_>>,
    headers: &HeaderMap,
) -> bool {
    let Some(ours) = ours else { return false };
    let Some((scheme, rest)) = origin.to_str().ok().and_then(|o| o.split_once("://")) else {
        return false;
    };
    let Some(theirs) = Authority::parse(rest) else {
        return false;
    };
    let default_port = match (scheme, by) {
        // Where TLS is spoken to us, a page that came without it is not ours.
        ("http", Scheme::Http) => 80,
        // Where it is not, a proxy before us may have spoken it.
        ("https", Scheme::Http | Scheme::Https) => 443,
        _ => return false,
    };
    let their_port = theirs.port.unwrap_or(default_port);
    theirs.host == ours.host
        && match ours.port {
            Some(port) => port == their_port,
            // A proxy may pass the Host on without its port (nginx's `$host`), and says that it is
            // one by a header that no page can add. Else none is the default one.
            None => their_port == default_port || is_forwarded(headers),
        }
}

/// Whether a proxy passed the request on.
fn is_forwarded(headers: &HeaderMap) -> bool {
    FORWARDING.iter().any(|name| headers.contains_key(*name))
}

/// What a browser said, short and harmless enough to say back.
fn quoted(value: &HeaderValue) -> String {
    let text = String::from_utf8_lossy(value.as_bytes());
    text.chars()
        .filter(char::is_ascii_graphic)
        .take(MAX_HOST_BYTES)
        .collect()
}

#[cfg(test)]
mod tests;
