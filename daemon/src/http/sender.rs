//! For whom a request is: the peer of the connection, or whom a trusted proxy names.
//!
//! Pure. Anybody can write an `X-Forwarded-…` header, so it counts only when the connection comes
//! from a proxy that the operator has named, and in a list only as far back as such proxies wrote.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use hyper::header::{FORWARDED, HeaderMap, HeaderName};
use ipnet::IpNet;
use lastbeat_proto::Address;

use super::stream::Scheme;

/// The addresses that a request has passed, the newest last (MDN: X-Forwarded-For).
static FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
/// How the browser spoke to the proxy: `http` or `https`.
static FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
/// Under which path the browser sees us.
static FORWARDED_PREFIX: HeaderName = HeaderName::from_static("x-forwarded-prefix");
/// Longest prefix that is shown on a page, in bytes.
const MAX_PREFIX_BYTES: usize = 256;

/// The other end of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Peer {
    /// From where it came.
    pub(super) ip: IpAddr,
    /// The same as an instance has it: made once for all requests of the connection.
    pub(super) address: Address,
    /// How it speaks.
    pub(super) scheme: Scheme,
}

impl Peer {
    pub(super) fn new(ip: IpAddr, scheme: Scheme) -> Self {
        Self {
            ip,
            address: Address::from(ip),
            scheme,
        }
    }

    /// The address of a sender, who mostly is the peer itself.
    pub(super) fn address_of(&self, sender: &Sender) -> Address {
        if sender.ip == self.ip.to_canonical() {
            self.address.clone()
        } else {
            Address::from(sender.ip)
        }
    }
}

/// Who sent a request and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sender {
    /// The address; of the proxy, where it does not say for whom it asks.
    pub(super) ip: IpAddr,
    /// False when the request was passed on and nobody trustworthy says for whom.
    pub(super) is_known: bool,
    /// How the sender speaks.
    pub(super) scheme: Scheme,
    /// The path under which the sender sees us: empty, or with a slash in front and none behind.
    pub(super) prefix: String,
}

/// The proxies that are believed.
#[derive(Debug, Clone, Default)]
pub(super) struct Proxies {
    networks: Vec<IpNet>,
}

impl Proxies {
    pub(super) fn new(networks: &[IpNet]) -> Self {
        Self {
            networks: networks.to_vec(),
        }
    }

    /// Whether this address is one of theirs.
    pub(super) fn has(&self, ip: IpAddr) -> bool {
        let ip = ip.to_canonical();
        self.networks.iter().any(|network| network.contains(&ip))
    }

    /// The sender of a request with these headers that came from `peer`, who speaks `scheme`.
    pub(super) fn sender(&self, peer: IpAddr, scheme: Scheme, headers: &HeaderMap) -> Sender {
        let peer = peer.to_canonical();
        // The second says the same (RFC 7239). It is not read, but shows that somebody passed it on.
        // Of few names each is compared sooner than two are looked up.
        let says_so = |name: &HeaderName| *name == FORWARDED_FOR || *name == FORWARDED;
        let is_passed_on = || headers.keys().any(says_so);
        if !self.has(peer) {
            return Sender {
                ip: peer,
                // A proxy on this machine that nobody has named, or a client that pretends.
                is_known: !(peer.is_loopback() && is_passed_on()),
                scheme,
                prefix: String::new(),
            };
        }
        let ip = if is_passed_on() {
            self.forwarded_for(headers)
        } else {
            Some(peer)
        };
        Sender {
            ip: ip.unwrap_or(peer),
            is_known: ip.is_some(),
            scheme: forwarded_scheme(headers).unwrap_or(scheme),
            prefix: forwarded_prefix(headers).unwrap_or_default(),
        }
    }

    /// The newest address that is none of our proxies; of proxies alone the oldest. Nothing when
    /// what stands there is no address.
    fn forwarded_for(&self, headers: &HeaderMap) -> Option<IpAddr> {
        let mut oldest = None;
        let values = headers.get_all(&FORWARDED_FOR).iter();
        let lists: Vec<&str> = values.map(|value| value.to_str().unwrap_or("?")).collect();
        for text in lists.iter().rev().flat_map(|list| list.rsplit(',')) {
            let ip = address(text.trim())?;
            if !self.has(ip) {
                return Some(ip);
            }
            oldest = Some(ip);
        }
        oldest
    }
}

/// Under which address everyone is counted who may be one sender: a single subscriber has a whole
/// /64 of IPv6 (RFC 6177), and may send from any of it.
pub(super) fn of_one_owner(ip: IpAddr) -> IpAddr {
    match ip {
        IpAddr::V4(_) => ip,
        IpAddr::V6(ip) => {
            let network = ip.to_bits() & !u128::from(u64::MAX);
            IpAddr::V6(Ipv6Addr::from_bits(network))
        }
    }
}

/// An address as proxies write it: alone, in brackets, or with a port.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|t| t.strip_suffix(']'));
    let ip = bare
        .unwrap_or(text)
        .parse()
        .or_else(|_no_address| text.parse().map(|address: SocketAddr| address.ip()));
    ip.ok().map(|ip: IpAddr| ip.to_canonical())
}

/// The value that the proxy next to us wrote: the last of all.
fn last<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let value = headers.get_all(name).iter().next_back()?.to_str().ok()?;
    value.rsplit(',').next().map(str::trim)
}

fn forwarded_scheme(headers: &HeaderMap) -> Option<Scheme> {
    let word = last(headers, &FORWARDED_PROTO)?;
    [Scheme::Http, Scheme::Https]
        .into_iter()
        .find(|scheme| word.eq_ignore_ascii_case(scheme.word()))
}

fn forwarded_prefix(headers: &HeaderMap) -> Option<String> {
    let prefix = last(headers, &FORWARDED_PREFIX)?.trim_end_matches('/');
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || b"/-._~".contains(&b);
    let is_path = prefix.starts_with('/')
        && prefix.len() <= MAX_PREFIX_BYTES
        && prefix.bytes().all(is_plain)
        && prefix
            .split('/')
            .skip(1)
            .all(|part| !matches!(part, "" | "." | ".."));
    is_path.then(|| prefix.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(HeaderName, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(name.clone(), value.parse().unwrap());
        }
        headers
    }

    fn proxies() -> Proxies {
        let networks = ["127.0.0.1/32", "10.0.0.0/8", "fd00::/8"];
        Proxies::new(&networks.map(|network| network.parse().unwrap()))
    }

    fn sender(peer: &str, pairs: &[(HeaderName, &str)]) -> Sender {
        let peer = peer.parse().unwrap();
        proxies().sender(peer, Scheme::Http, &headers(pairs))
    }

    fn ip(peer: &str, forwarded: &[&str]) -> Option<String> {
        let pairs: Vec<_> = forwarded
            .iter()
            .map(|value| (FORWARDED_FOR.clone(), *value))
            .collect();
        let sender = sender(peer, &pairs);
        sender.is_known.then(|| sender.ip.to_string())
    }

    #[test]
    fn a_trusted_proxy_says_for_whom_it_asks() {
        for (peer, forwarded, sender) in [
            ("127.0.0.1", &["192.0.2.7"][..], "192.0.2.7"),
            ("::ffff:127.0.0.1", &["192.0.2.7"], "192.0.2.7"),
            ("10.1.2.3", &["2001:db8::7"], "2001:db8::7"),
            ("fd00::1", &["[2001:db8::7]:4711"], "2001:db8::7"),
            ("10.1.2.3", &["[2001:db8::7]"], "2001:db8::7"),
            ("10.1.2.3", &["192.0.2.7:4711"], "192.0.2.7"),
            ("10.1.2.3", &["::ffff:192.0.2.7"], "192.0.2.7"),
            // Proxies behind proxies are looked through.
            ("127.0.0.1", &["192.0.2.7, 10.0.0.9"], "192.0.2.7"),
            (
                "127.0.0.1",
                &["192.0.2.7", "10.0.0.9,10.0.0.8"],
                "192.0.2.7",
            ),
            // What a client wrote itself stands before the address that a proxy of ours saw.
            ("127.0.0.1", &["203.0.113.1, 192.0.2.7"], "192.0.2.7"),
            ("127.0.0.1", &["nonsense, 192.0.2.7"], "192.0.2.7"),
            (
                "127.0.0.1",
                &["10.0.0.9, 203.0.113.1", "192.0.2.7"],
                "192.0.2.7",
            ),
            // A request of a proxy itself.
            ("127.0.0.1", &["10.0.0.9, 10.0.0.8"], "10.0.0.9"),
            ("10.1.2.3", &[], "10.1.2.3"),
        ] {
            let found = ip(peer, forwarded);

            assert_eq!(found.as_deref(), Some(sender), "{peer} {forwarded:?}");
        }
    }

    #[test]
    fn what_is_no_address_is_nobody() {
        for forwarded in [
            "",
            "unknown",
            "192.0.2.7, ",
            "192.0.2.7, _hidden",
            "1.2.3.4.5",
            "é",
        ] {
            assert_eq!(ip("10.1.2.3", &[forwarded]), None, "{forwarded:?}");
        }
        let only_the_new_header = sender("10.1.2.3", &[(FORWARDED, "for=192.0.2.7")]);
        assert!(!only_the_new_header.is_known);
    }

    #[test]
    fn nobody_else_is_believed() {
        let said = [
            (FORWARDED_FOR.clone(), "127.0.0.1"),
            (FORWARDED_PROTO.clone(), "https"),
            (FORWARDED_PREFIX.clone(), "/registry"),
        ];

        let sender = sender("192.0.2.1", &said);

        assert_eq!(sender.ip.to_string(), "192.0.2.1");
        assert!(sender.is_known);
        assert_eq!((sender.scheme, sender.prefix.as_str()), (Scheme::Http, ""));
    }

    #[test]
    fn the_address_of_a_sender_is_its_own_whoever_the_peer_is() {
        for (peer, forwarded, address) in [
            ("::ffff:192.0.2.7", None, "192.0.2.7"),
            ("fe80::1", None, "fe80::1"),
            ("10.1.2.3", Some("192.0.2.7"), "192.0.2.7"),
        ] {
            let peer = Peer::new(peer.parse().unwrap(), Scheme::Http);
            let said: Vec<_> = forwarded
                .map(|ip| (FORWARDED_FOR.clone(), ip))
                .into_iter()
                .collect();
            let sender = proxies().sender(peer.ip, peer.scheme, &headers(&said));

            assert_eq!(peer.address_of(&sender).as_str(), address);
        }
    }

    #[test]
    fn a_proxy_on_this_machine_that_was_not_named_leaves_the_sender_unknown() {
        let peer = "127.0.0.1".parse().unwrap();
        let passed_on = headers(&[(FORWARDED_FOR.clone(), "192.0.2.7")]);

        let sender = Proxies::default().sender(peer, Scheme::Http, &passed_on);

        assert!(!sender.is_known);
        assert_eq!(sender.ip, peer);
    }

    #[test]
    fn scheme_and_prefix_are_the_last_that_were_written() {
        let scheme = |value| sender("10.1.2.3", &[(FORWARDED_PROTO.clone(), value)]).scheme;
        assert_eq!(scheme("https"), Scheme::Https);
        assert_eq!(scheme("HTTPS"), Scheme::Https);
        assert_eq!(scheme("https, http"), Scheme::Http);
        assert_eq!(scheme("wss"), Scheme::Http);

        let prefix = |value| sender("10.1.2.3", &[(FORWARDED_PREFIX.clone(), value)]).prefix;
        assert_eq!(prefix("/registry/"), "/registry");
        assert_eq!(prefix("/a/b-c_d.e~f"), "/a/b-c_d.e~f");
        let long = format!("/{}", "x".repeat(MAX_PREFIX_BYTES));
        for wrong in [
            "registry",
            "//evil.example",
            "/a//b",
            "/..",
            "/a/./b",
            "/<b>",
            "/%2f",
            "/",
            &long,
        ] {
            assert_eq!(prefix(wrong), "", "{wrong}");
        }
    }
}
