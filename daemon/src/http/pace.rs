//! How fast one address may change the registry: so many changes a second, and a burst of ten
//! seconds' worth.
//!
//! The heartbeat of a known instance is no change and never counts. Loopback is exempt: programs on
//! this machine can harm it in easier ways, and proxies put whole fleets behind it.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};

use lastbeat_proto::Span;
use parking_lot::Mutex;

use super::sender::of_one_owner;
use crate::clock::Mono;

/// How many seconds' worth of changes may come at once: a rack that starts after a power cut.
const BURST_S: u64 = 10;
/// Most addresses that are remembered. One is forgotten as soon as its burst is whole again, which
/// takes milliseconds for a single change; the ones beyond share one allowance.
const MAX_ADDRESSES: usize = 65_536;

/// More changes than one address may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "more than {rate} registrations and changes a second came from this address; wait {} s, or \
     raise --max-write-rate", wait_s(*wait)
)]
pub(super) struct TooFast {
    rate: usize,
    /// How long until one more is allowed.
    pub(super) wait: Span,
}

/// Whole seconds, at least one, as `Retry-After` wants them.
pub(super) const fn wait_s(wait: Span) -> u64 {
    let seconds = wait.as_micros().div_ceil(1_000_000);
    if seconds == 0 { 1 } else { seconds }
}

/// The pace of every address.
#[derive(Debug)]
pub(super) struct Pace {
    rate: usize,
    /// What one change costs: the time in which one is earned.
    cost: Span,
    /// For each address the moment at which its burst is whole again (the generic cell rate
    /// algorithm, ITU-T I.371).
    whole_at: Mutex<HashMap<IpAddr, Mono>>,
}

impl Pace {
    /// At most `rate` changes a second from one address.
    pub(super) fn new(rate: usize) -> Self {
        let rate = rate.max(1);
        let each = u64::try_from(rate).unwrap_or(u64::MAX);
        Self {
            rate,
            cost: Span::from_micros((1_000_000 / each).max(1)),
            whole_at: Mutex::default(),
        }
    }

    /// Counts one change that `ip` asks for.
    ///
    /// # Errors
    /// [`TooFast`], and then it is not counted.
    pub(super) fn charge(&self, ip: IpAddr, now: Mono) -> Result<(), TooFast> {
        if ip.is_loopback() {
            return Ok(());
        }
        let mut all = self.whole_at.lock();
        let mut key = of_one_owner(ip);
        if MAX_ADDRESSES <= all.len() && !all.contains_key(&key) {
            all.retain(|_, whole_at| now < *whole_at);
            if MAX_ADDRESSES <= all.len() {
                key = IpAddr::V6(Ipv6Addr::UNSPECIFIED);
            }
        }
        let whole_at = all.get(&key).copied().unwrap_or(now).max(now);
        let burst = Span::from_secs(BURST_S);
        let after = whole_at.plus(self.cost);
        let over = after.micros_since(now.plus(burst));
        if 0 < over {
            return Err(TooFast {
                rate: self.rate,
                wait: Span::from_signed_micros(over),
            });
        }
        all.insert(key, after);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Mono = Mono::from_micros(7_000_000);

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    /// How many changes pass before one is refused.
    fn pass(pace: &Pace, from: &str, now: Mono) -> usize {
        (0..100_000)
            .take_while(|_| pace.charge(ip(from), now).is_ok())
            .count()
    }

    #[test]
    fn ten_seconds_worth_pass_at_once_and_then_one_at_a_time() {
        let pace = Pace::new(200);

        assert_eq!(pass(&pace, "192.0.2.7", START), 2_000);
        let refused = pace.charge(ip("192.0.2.7"), START).unwrap_err();
        assert_eq!(refused.wait, Span::from_micros(5_000));
        assert_eq!(wait_s(refused.wait), 1);

        assert_eq!(pass(&pace, "192.0.2.7", START.plus(refused.wait)), 1);
        assert_eq!(
            pass(&pace, "192.0.2.7", START.plus(Span::from_secs(1))),
            199
        );
        assert_eq!(
            pass(&pace, "192.0.2.7", START.plus(Span::from_secs(60))),
            2_000
        );
    }

    #[test]
    fn one_address_does_not_slow_another() {
        let pace = Pace::new(1);

        assert_eq!(pass(&pace, "192.0.2.7", START), 10);
        assert_eq!(pass(&pace, "192.0.2.8", START), 10);
        assert_eq!(pass(&pace, "2001:db8::1", START), 10);
        assert_eq!(pass(&pace, "2001:db8::ffff:2", START), 0, "the same /64");
        assert_eq!(pass(&pace, "2001:db8:0:1::1", START), 10);
    }

    #[test]
    fn this_machine_is_never_slowed() {
        let pace = Pace::new(1);

        assert_eq!(pass(&pace, "127.0.0.1", START), 100_000);
        assert_eq!(pass(&pace, "::1", START), 100_000);
    }

    #[test]
    fn the_memory_is_bounded_whoever_asks() {
        let pace = Pace::new(1);
        let address = |n: u32| IpAddr::from((0x0a00_0000 + n).to_be_bytes());
        for n in 0..u32::try_from(MAX_ADDRESSES).unwrap() + 10 {
            assert!(pace.charge(address(n), START).is_ok());
        }
        assert_eq!(pace.whole_at.lock().len(), MAX_ADDRESSES + 1);
        let beyond = u32::try_from(MAX_ADDRESSES).unwrap() + 20;
        assert!(
            pace.charge(address(beyond), START).is_err(),
            "they share one allowance"
        );

        let later = START.plus(Span::from_secs(2));
        assert!(pace.charge(address(beyond), later).is_ok());
        assert_eq!(pace.whole_at.lock().len(), 2, "the others are forgotten");
    }
}
