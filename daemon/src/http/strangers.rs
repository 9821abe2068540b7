//! Who shows a wrong token is told to the operator: a line an address and minute, so that neither
//! the log nor the memory grows with those who guess. The token itself is never told.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};

use lastbeat_proto::Span;
use lastbeat_proto::endpoint::ENDPOINTS;
use parking_lot::Mutex;

use super::gate::Wrong;
use super::sender::of_one_owner;
use crate::clock::Mono;

/// How long an address is told of once.
const EVERY: Span = Span::from_secs(60);
/// Most addresses that are remembered; the ones beyond share one line.
const MAX_ADDRESSES: usize = 1_024;

/// Who was told of lately.
#[derive(Debug, Default)]
pub(super) struct Strangers {
    seen: Mutex<HashMap<IpAddr, Seen>>,
}

#[derive(Debug, Clone, Copy)]
struct Seen {
    told_at: Mono,
    /// How often it came since then.
    more: u64,
}

impl Strangers {
    /// `ip` has shown a token that is `wrong` to an endpoint, by its place in the table.
    pub(super) fn note(&self, ip: IpAddr, now: Mono, endpoint: usize, wrong: Wrong) {
        let Some(before) = self.count(ip, now) else {
            return;
        };
        let endpoint = ENDPOINTS.get(endpoint);
        let (method, path) = endpoint.map_or(("", "none"), |e| (e.method.word(), e.path));
        let said = match before {
            0 => String::new(),
            _ => format!("; {before} more came since the line before"),
        };
        tracing::warn!(
            peer.ip = %ip,
            http.route = path,
            peer.attempts = before + 1,
            "{ip} was refused at {method} {path}: {wrong}{said}"
        );
    }

    /// Counts it; how many came untold before, when a line is due.
    fn count(&self, ip: IpAddr, now: Mono) -> Option<u64> {
        let is_over = |seen: &Seen| seen.told_at.plus(EVERY) <= now;
        let mut all = self.seen.lock();
        let mut key = of_one_owner(ip);
        if MAX_ADDRESSES <= all.len() && !all.contains_key(&key) {
            all.retain(|_, seen| !is_over(seen));
            if MAX_ADDRESSES <= all.len() {
                key = IpAddr::V6(Ipv6Addr::UNSPECIFIED);
            }
        }
        let told = Seen {
            told_at: now,
            more: 0,
        };
        match all.get_mut(&key) {
            Some(seen) if !is_over(seen) => {
                seen.more += 1;
                None
            }
            Some(seen) => Some(std::mem::replace(seen, told).more),
            None => {
                all.insert(key, told);
                Some(0)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Mono = Mono::from_micros(7_000_000);

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn an_address_is_told_of_once_a_minute_and_then_how_often_it_came() {
        let strangers = Strangers::default();
        let later = |us| START.plus(Span::from_micros(us));

        assert_eq!(strangers.count(ip("192.0.2.7"), START), Some(0));
        assert_eq!(strangers.count(ip("192.0.2.7"), later(1)), None);
        assert_eq!(strangers.count(ip("192.0.2.7"), later(59_999_999)), None);
        assert_eq!(strangers.count(ip("192.0.2.8"), later(1)), Some(0));
        assert_eq!(strangers.count(ip("192.0.2.7"), later(60_000_000)), Some(2));
        assert_eq!(strangers.count(ip("192.0.2.7"), later(60_000_001)), None);
    }

    #[test]
    fn all_of_one_network_of_ipv6_are_one() {
        let strangers = Strangers::default();

        assert_eq!(strangers.count(ip("2001:db8::1"), START), Some(0));
        assert_eq!(strangers.count(ip("2001:db8::ffff:2"), START), None);
        assert_eq!(strangers.count(ip("2001:db8:0:1::1"), START), Some(0));
    }

    #[test]
    fn the_memory_is_bounded_whoever_guesses() {
        let strangers = Strangers::default();
        let address = |n: u32| IpAddr::from((0x0a00_0000 + n).to_be_bytes());
        for n in 0..u32::try_from(MAX_ADDRESSES).unwrap() {
            assert_eq!(strangers.count(address(n), START), Some(0));
        }

        assert_eq!(strangers.count(ip("192.0.2.7"), START), Some(0));
        assert_eq!(strangers.count(ip("192.0.2.8"), START), None, "they share");
        assert_eq!(strangers.seen.lock().len(), MAX_ADDRESSES + 1);
        let later = START.plus(EVERY);
        assert_eq!(strangers.count(ip("192.0.2.9"), later), Some(0));
        assert_eq!(strangers.seen.lock().len(), 1, "the others are forgotten");
    }
}
