//! Who shows a wrong token is told to the operator: a line an address and minute, so that neither
//! the log nor the memory grows with those who guess. The token itself is never told.

use std::collections::HashMap;
use std::net::IpAddr;

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
    /// By the address of all that may be one owner's; nobody's own holds those beyond the limit.
    seen: Mutex<HashMap<Option<IpAddr>, Seen>>,
}

#[derive(Debug, Clone, Copy)]
struct Seen {
    told_at: Mono,
    /// How often it came since then.
    more: u64,
    /// Where it was refused the last time, and why.
    last: (usize, Wrong),
}

impl Seen {
    /// Whether its next wrong token is news.
    fn is_over(&self, now: Mono) -> bool {
        self.more == 0 && self.told_at.plus(EVERY) <= now
    }
}

impl Strangers {
    /// `ip` has shown a token that is `wrong` to an endpoint, by its place in the table.
    pub(super) fn note(&self, ip: IpAddr, now: Mono, endpoint: usize, wrong: Wrong) {
        if !self.is_news(ip, now, (endpoint, wrong)) {
            return;
        }
        let (method, path) = call(endpoint);
        tracing::warn!(
            peer.ip = %ip,
            http.route = path,
            peer.attempts = 1,
            "{ip} was refused at {method} {path}: {wrong}"
        );
    }

    /// Tells how often those came of whom a line was written a minute ago, also when none of them
    /// comes again.
    pub(super) fn tell_rest(&self, now: Mono) {
        for (from, seen) in self.take_rest(now) {
            let who = match from {
                None => "others".to_owned(),
                Some(IpAddr::V6(network)) => format!("{network}/64"),
                Some(IpAddr::V4(ip)) => ip.to_string(),
            };
            let Seen { more, last, .. } = seen;
            let times = if more == 1 { "" } else { "s" };
            let ((method, path), wrong) = (call(last.0), last.1);
            tracing::warn!(
                peer.network = who,
                http.route = path,
                peer.attempts = more,
                "{who} had {more} more refusal{times}, the last at {method} {path}: {wrong}"
            );
        }
    }

    /// The same for all, whenever they were told of last: nobody will tell of them later.
    pub(super) fn tell_all(&self, now: Mono) {
        self.tell_rest(now.plus(EVERY));
    }

    /// Counts it; whether a line of its own is due.
    fn is_news(&self, ip: IpAddr, now: Mono, last: (usize, Wrong)) -> bool {
        let mut all = self.seen.lock();
        let mut key = Some(of_one_owner(ip));
        if MAX_ADDRESSES <= all.len() && !all.contains_key(&key) {
            all.retain(|_, seen| !seen.is_over(now));
            if MAX_ADDRESSES <= all.len() {
                key = None;
            }
        }
        let told = Seen {
            told_at: now,
            more: 0,
            last,
        };
        match all.get_mut(&key) {
            Some(seen) if !seen.is_over(now) => {
                seen.more += 1;
                seen.last = last;
                false
            }
            Some(seen) => {
                *seen = told;
                true
            }
            None => {
                all.insert(key, told);
                true
            }
        }
    }

    /// Those who came more often than was told, a minute after they were told of; they are told of
    /// now.
    fn take_rest(&self, now: Mono) -> Vec<(Option<IpAddr>, Seen)> {
        let mut rest = Vec::new();
        for (from, seen) in self.seen.lock().iter_mut() {
            if 0 < seen.more && seen.told_at.plus(EVERY) <= now {
                rest.push((*from, *seen));
                (seen.told_at, seen.more) = (now, 0);
            }
        }
        rest
    }
}

/// Method and path of an endpoint, by its place in the table.
fn call(endpoint: usize) -> (&'static str, &'static str) {
    let endpoint = ENDPOINTS.get(endpoint);
    endpoint.map_or(("", "none"), |e| (e.method.word(), e.path))
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Mono = Mono::from_micros(7_000_000);

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    /// Whether a line is due when `ip` comes so many microseconds after the start.
    fn is_news(strangers: &Strangers, from: &str, us: u64) -> bool {
        let wrong = if us == 0 {
            Wrong::NoBearer
        } else {
            Wrong::Unknown
        };
        strangers.is_news(ip(from), START.plus(Span::from_micros(us)), (2, wrong))
    }

    #[test]
    fn an_address_is_told_of_once_a_minute_and_then_how_often_it_came() {
        let strangers = Strangers::default();
        let rest = |us: u64| {
            let rest = strangers.take_rest(START.plus(Span::from_micros(us)));
            let told = rest.into_iter();
            told.map(|(from, seen)| (from, seen.more, seen.last))
                .collect::<Vec<_>>()
        };

        assert!(is_news(&strangers, "192.0.2.7", 0));
        assert!(!is_news(&strangers, "192.0.2.7", 1));
        assert!(!is_news(&strangers, "192.0.2.7", 59_999_999));
        assert!(is_news(&strangers, "192.0.2.8", 1));
        assert_eq!(rest(59_999_999), []);
        assert!(!is_news(&strangers, "192.0.2.7", 60_000_001), "it waits");
        let told = (Some(ip("192.0.2.7")), 3, (2, Wrong::Unknown));
        assert_eq!(rest(60_000_002), [told], "also when nobody comes again");
        assert_eq!(rest(180_000_000), []);
        assert!(is_news(&strangers, "192.0.2.7", 180_000_000));
    }

    #[test]
    fn all_of_one_network_of_ipv6_are_one() {
        let strangers = Strangers::default();

        assert!(is_news(&strangers, "2001:db8::1", 0));
        assert!(!is_news(&strangers, "2001:db8::ffff:2", 0));
        assert!(is_news(&strangers, "2001:db8:0:1::1", 0));
    }

    #[test]
    fn the_memory_is_bounded_whoever_guesses() {
        let strangers = Strangers::default();
        for n in 0..u32::try_from(MAX_ADDRESSES).unwrap() {
            let address = IpAddr::from((0x0a00_0000 + n).to_be_bytes());
            assert!(is_news(&strangers, &address.to_string(), 0));
        }

        assert!(is_news(&strangers, "192.0.2.7", 0));
        assert!(!is_news(&strangers, "::1", 0), "they share");
        assert_eq!(strangers.seen.lock().len(), MAX_ADDRESSES + 1);
        strangers.take_rest(START.plus(EVERY));
        assert!(is_news(&strangers, "192.0.2.9", 120_000_000));
        assert_eq!(strangers.seen.lock().len(), 1, "the others are forgotten");
    }
}
