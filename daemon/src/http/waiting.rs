//! Who waits for a change: how many readers may, in all and for one sender.
//!
//! A reader that has gone keeps its place until its wait is over, so one sender must not be able to
//! take them all. How long a wait lasts is left to [`crate::registry`].

use std::collections::HashMap;
use std::net::IpAddr;

use parking_lot::Mutex;

use super::sender::of_one_owner;

/// The places.
pub(super) struct Waiting {
    most: usize,
    most_per_sender: usize,
    taken: Mutex<Taken>,
}

#[derive(Default)]
struct Taken {
    all: usize,
    /// By the address of all that may be one owner's.
    by_sender: HashMap<IpAddr, usize>,
}

/// A reader's place; free again when it is dropped.
pub(super) struct Place<'a> {
    waiting: &'a Waiting,
    sender: IpAddr,
}

/// No place is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum TooManyWaiting {
    /// All are taken.
    #[error(
        "{limit} readers wait for a change already, the limit (half of --max-connections); ask \
         without wait, or again in a second"
    )]
    InAll {
        /// How many may.
        limit: usize,
    },
    /// The sender has its share.
    #[error(
        "{limit} readers at your address wait for a change already, its share (a quarter of \
         --max-connections); ask without wait, or again in a second"
    )]
    OfOneSender {
        /// How many of one address may.
        limit: usize,
    },
}

impl Waiting {
    /// Half as many places as there are `seats`, so that readers never take all of them, and half
    /// of these for one sender.
    pub(super) fn new(seats: usize) -> Self {
        let most = (seats / 2).max(1);
        Self {
            most,
            most_per_sender: (most / 2).max(1),
            taken: Mutex::default(),
        }
    }

    /// A place for a reader at this address. Loopback is exempt from shares: a proxy that is not
    /// named as one puts everybody behind it.
    ///
    /// # Errors
    /// [`TooManyWaiting`].
    pub(super) fn place(&self, sender: IpAddr) -> Result<Place<'_>, TooManyWaiting> {
        let sender = of_one_owner(sender.to_canonical());
        let mut taken = self.taken.lock();
        if self.most <= taken.all {
            return Err(TooManyWaiting::InAll { limit: self.most });
        }
        let of_sender = taken.by_sender.get(&sender).copied().unwrap_or_default();
        if self.most_per_sender <= of_sender && !sender.is_loopback() {
            return Err(TooManyWaiting::OfOneSender {
                limit: self.most_per_sender,
            });
        }
        taken.all += 1;
        taken.by_sender.insert(sender, of_sender + 1);
        Ok(Place {
            waiting: self,
            sender,
        })
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut taken = self.waiting.taken.lock();
        taken.all -= 1;
        if let Some(of_sender) = taken.by_sender.get_mut(&self.sender) {
            *of_sender -= 1;
            if *of_sender == 0 {
                taken.by_sender.remove(&self.sender);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn half_of_the_seats_may_wait_and_half_of_these_at_one_address() {
        let waiting = Waiting::new(8);
        let one: Vec<_> = (0..2).map(|_| waiting.place(ip("10.0.0.1"))).collect();
        assert!(one.iter().all(Result::is_ok));

        let refused = waiting.place(ip("::ffff:10.0.0.1")).err();
        assert_eq!(refused, Some(TooManyWaiting::OfOneSender { limit: 2 }));
        let others = ["2001:db8::1", "2001:db8::2"].map(|text| waiting.place(ip(text)));
        assert!(others.iter().all(Result::is_ok));
        let refused = waiting.place(ip("10.0.0.2")).err();
        assert_eq!(refused, Some(TooManyWaiting::InAll { limit: 4 }));

        drop(one);
        assert!(waiting.place(ip("10.0.0.1")).is_ok());
        let refused = waiting.place(ip("2001:db8::3")).err();
        assert_eq!(refused, Some(TooManyWaiting::OfOneSender { limit: 2 }));
        drop(others);
        let taken = waiting.taken.lock();
        assert!(taken.all == 0 && taken.by_sender.is_empty());
    }

    #[test]
    fn loopback_takes_all_places() {
        let waiting = Waiting::new(8);

        let all: Vec<_> = (0..5).map(|_| waiting.place(ip("127.0.0.1"))).collect();

        let refused = all.iter().filter(|place| place.is_err()).count();
        assert_eq!(refused, 1);
    }
}
