//! Who may ask: whatever the guard lets pass is allowed by a second, small statement of the rule.
//!
//! The bytes are a head: the first line `METHOD 1.1 target`, then `name: value` lines.

use std::net::{Ipv4Addr, Ipv6Addr};

use lastbeatd::http::seam::{Head, guard};

use crate::sentence::assert_plain;

/// Names given with `--allowed-host`.
const ALLOWED: [&str; 1] = ["registry.example.com"];
/// Endings that no public server resolves.
const PRIVATE: [&str; 6] = ["local", "internal", "lan", "home.arpa", "localhost", "test"];

/// Reads the bytes as a head.
pub fn check(bytes: &[u8]) {
    let mut lines = bytes.split(|byte| *byte == b'\n');
    let first = String::from_utf8_lossy(lines.next().unwrap_or_default());
    let mut words = first.splitn(3, ' ');
    let (Some(method), Some(version), Some(target)) = (words.next(), words.next(), words.next())
    else {
        return;
    };
    let lines: Vec<(&str, &[u8])> = lines.filter_map(line).collect();
    let head = Head {
        method,
        is_1_1: version != "1.0",
        target,
        lines: &lines,
    };
    match guard(&head, &ALLOWED) {
        None => {}
        Some(Ok(())) => assert_eq!(objection(&head), None, "{head:?}"),
        Some(Err(error)) => {
            assert_plain("a refusal of the guard", &error);
            assert!(
                objection(&head).is_some() || is_exotic(&head),
                "{error}: {head:?}"
            );
        }
    }
}

fn line(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let colon = bytes.iter().position(|byte| *byte == b':')?;
    let (name, value) = bytes.split_at(colon);
    Some((std::str::from_utf8(name).ok()?, value[1..].trim_ascii()))
}

/// Why this head must not pass, if so.
fn objection(head: &Head<'_>) -> Option<&'static str> {
    let values = |wanted: &str| -> Vec<&[u8]> {
        let named = head
            .lines
            .iter()
            .filter(|(name, _)| name.eq_ignore_ascii_case(wanted));
        named.map(|(_, value)| *value).collect()
    };
    let hosts = values("host");
    let host = match hosts[..] {
        [] if head.is_1_1 => return Some("no Host"),
        [] => None,
        [one] => match host_of(one) {
            Some(host) => Some(host),
            None => return Some("a Host that is none"),
        },
        _ => return Some("several Hosts"),
    };
    let absolute = match absolute_host(head.target) {
        Some(authority) => match host_of(authority.as_bytes()) {
            Some(host) => Some(host),
            None => return Some("a target's host that is none"),
        },
        None => None,
    };
    if let (Some((one, port)), Some((other, other_port))) = (&host, &absolute)
        && (one != other || (port.is_some() && other_port.is_some() && port != other_port))
    {
        return Some("the target disagrees");
    }
    let asked = host.or(absolute);
    if asked.as_ref().is_some_and(|(name, _)| !is_ours(name)) {
        return Some("a host of others");
    }
    if ["GET", "HEAD"].contains(&head.method) {
        return None;
    }
    let sites = values("sec-fetch-site");
    if !sites.is_empty() {
        let ours: [&[u8]; 2] = [b"same-origin", b"none"];
        return (!sites.iter().all(|site| ours.contains(site))).then_some("another site");
    }
    let by_proxy = [
        "x-forwarded-for",
        "x-forwarded-proto",
        "x-real-ip",
        "forwarded",
        "via",
    ];
    let may_lack_port = by_proxy.iter().any(|name| !values(name).is_empty());
    let has_port = asked.as_ref().is_some_and(|(_, port)| port.is_some());
    let same = |origin: &&[u8]| {
        origin_agrees(origin, asked.as_ref())
            && (has_port || may_lack_port || is_of_default_port(origin))
    };
    (!values("origin").iter().all(same)).then_some("another origin")
}

/// The authority of a target that is no path; the HTTP library has read it as one.
fn absolute_host(target: &str) -> Option<&str> {
    if target.starts_with('/') || target == "*" {
        return None;
    }
    let rest = target.split_once("://").map_or(target, |(_, rest)| rest);
    rest.split(['/', '?', '#']).next()
}

/// Host in one spelling, and port.
fn host_of(value: &[u8]) -> Option<(String, Option<u16>)> {
    let text = std::str::from_utf8(value)
        .ok()
        .filter(|text| text.is_ascii())?;
    let after_bracket = text.find(']').map_or(0, |at| at + 1);
    let (host, port) = match text[after_bracket..].find(':') {
        Some(at) => (&text[..after_bracket + at], &text[after_bracket + at + 1..]),
        None => (text, ""),
    };
    let port = match port {
        "" => None,
        digits if digits.bytes().all(|b| b.is_ascii_digit()) => Some(digits.parse().ok()?),
        _ => return None,
    };
    if let Some(inner) = host.strip_prefix('[') {
        if after_bracket != host.len() {
            return None;
        }
        let ip = inner.strip_suffix(']')?.split('%').next()?;
        return Some((ip.parse::<Ipv6Addr>().ok()?.to_string(), port));
    }
    let name = host.to_ascii_lowercase();
    let name = name.strip_suffix('.').unwrap_or(&name);
    let is_known = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
    let is_name = name
        .split('.')
        .all(|l| !l.is_empty() && l.chars().all(is_known));
    is_name.then(|| (name.to_owned(), port))
}

fn is_ours(name: &str) -> bool {
    let is_private = |suffix: &&str| name.strip_suffix(*suffix).is_some_and(|n| n.ends_with('.'));
    name.parse::<Ipv4Addr>().is_ok()
        || name.parse::<Ipv6Addr>().is_ok()
        || !name.contains('.')
        || PRIVATE.iter().any(is_private)
        || ALLOWED.contains(&name)
}

fn origin_agrees(origin: &[u8], asked: Option<&(String, Option<u16>)>) -> bool {
    let Some((name, port)) = asked else {
        return false;
    };
    origin_of(origin).is_some_and(|(theirs, their_port, default_port)| {
        theirs == *name && port.is_none_or(|port| port == their_port.unwrap_or(default_port))
    })
}

fn is_of_default_port(origin: &[u8]) -> bool {
    origin_of(origin).is_some_and(|(_, port, default)| port.is_none_or(|port| port == default))
}

/// Host, port and default port of an origin.
fn origin_of(origin: &[u8]) -> Option<(String, Option<u16>, u16)> {
    let (rest, default_port) = match (
        origin.strip_prefix(b"http://"),
        origin.strip_prefix(b"https://"),
    ) {
        (Some(rest), _) => (rest, 80),
        (_, Some(rest)) => (rest, 443),
        _ => return None,
    };
    let (host, port) = host_of(rest)?;
    Some((host, port, default_port))
}

/// Refused although the rule above has no objection: a host beyond any length in use.
fn is_exotic(head: &Head<'_>) -> bool {
    260 < head.target.len() || head.lines.iter().any(|(_, value)| 260 < value.len())
}
