//! How many connections there are: a seat for each, and when all are taken, somebody gives way.
//!
//! Fair by address, of IPv6 by /64: who holds the most seats gives one up. Of these first a connection that lets us
//! wait for its request, else the one that rests for longest; one whose request is being answered
//! never. Knows no HTTP; what a connection does on its seat is left to [`super::connection`].

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

use super::sender::{Proxies, of_one_owner};

/// How often somebody is asked to give way while all seats stay taken.
const ASK_AGAIN: Duration = Duration::from_millis(100);
/// Most seats that are kept free ahead of need.
const MAX_SPARE: usize = 8;
/// How many seats there must be for each of them: few seats are all used.
const SEATS_A_SPARE: usize = 16;
/// How long the first bytes of a request may take without a reproach: more than a round trip to a
/// device on a slow radio.
pub(super) const DAWDLING_TIME: Duration = Duration::from_millis(250);

/// What a connection does on its seat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Doing {
    /// Its request comes in, since a moment ago.
    Arriving,
    /// The same, for longer than it should take.
    Dawdling,
    /// It was answered and waits for its next request.
    Resting,
    /// Its request is answered.
    Working,
}

/// All seats.
pub(super) struct Crowd {
    seats: Arc<Semaphore>,
    guests: Mutex<Guests>,
    most_per_peer: usize,
    proxies: Proxies,
    most: usize,
    /// Seats that are cleared ahead, so that the next one need not wait until somebody has left.
    spare: usize,
    accepted: AtomicU64,
    refused: AtomicU64,
    evicted: AtomicU64,
    accept_errors: AtomicU64,
}

/// How many connections there are and were.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Census {
    /// Seats that are taken.
    pub(super) open: usize,
    /// Seats in all.
    pub(super) limit: usize,
    /// Connections that got a seat.
    pub(super) accepted: u64,
    /// Connections whose address had its share already.
    pub(super) refused: u64,
    /// Idle connections that were asked to give way.
    pub(super) evicted: u64,
    /// Attempts to accept a connection that the system refused.
    pub(super) accept_errors: u64,
}

#[derive(Default)]
struct Guests {
    /// By the address of all that may be one owner's.
    peers: HashMap<IpAddr, Peer>,
    next: u64,
}

/// The connections of one owner that can be asked to leave, the oldest first.
#[derive(Default)]
struct Peer {
    taken: usize,
    arriving: Line,
    dawdling: Line,
    resting: Line,
}

/// By the number of the change that put them there.
type Line = BTreeMap<u64, Arc<Notify>>;

/// One connection's place; free again when it is dropped.
pub(super) struct Seat {
    crowd: Arc<Crowd>,
    /// Among which peers it is counted.
    key: IpAddr,
    leave: Arc<Notify>,
    /// What it does, and its number in that line.
    at: Mutex<(Doing, u64)>,
    _permit: OwnedSemaphorePermit,
}

impl Peer {
    fn line(&mut self, doing: Doing) -> Option<&mut Line> {
        match doing {
            Doing::Arriving => Some(&mut self.arriving),
            Doing::Dawdling => Some(&mut self.dawdling),
            Doing::Resting => Some(&mut self.resting),
            Doing::Working => None,
        }
    }

    fn can_give_way(&self) -> bool {
        !(self.arriving.is_empty() && self.dawdling.is_empty() && self.resting.is_empty())
    }

    /// Who leaves first. New arrivals may not drive out everyone who rests, nor the other way
    /// round: the larger group gives one up.
    fn pop(&mut self) -> Option<Arc<Notify>> {
        let line = if !self.dawdling.is_empty() {
            &mut self.dawdling
        } else if self.resting.len() < self.arriving.len() {
            &mut self.arriving
        } else {
            &mut self.resting
        };
        line.pop_first().map(|(_, leave)| leave)
    }
}

impl Crowd {
    /// A crowd of at most `seats`, half of them from one address. Loopback and `proxies` are
    /// exempt: they put whole fleets behind one address.
    pub(super) fn new(seats: usize, proxies: Proxies) -> Arc<Self> {
        let most = seats.clamp(1, Semaphore::MAX_PERMITS);
        Arc::new(Self {
            seats: Arc::new(Semaphore::new(most)),
            guests: Mutex::default(),
            most_per_peer: (seats / 2).max(1),
            proxies,
            most,
            spare: MAX_SPARE.min(most / SEATS_A_SPARE),
            accepted: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            evicted: AtomicU64::new(0),
            accept_errors: AtomicU64::new(0),
        })
    }

    /// A seat for a connection from `peer`, as soon as one is free; none when this address has
    /// its share already.
    pub(super) async fn seat(self: &Arc<Self>, peer: IpAddr) -> Option<Seat> {
        let peer = peer.to_canonical();
        let is_exempt = peer.is_loopback() || self.proxies.has(peer);
        // A proxy is not counted with its neighbors.
        let key = if is_exempt { peer } else { of_one_owner(peer) };
        let taken = self.guests.lock().peers.get(&key).map_or(0, |p| p.taken);
        if self.most_per_peer <= taken && !is_exempt {
            self.refused.fetch_add(1, Ordering::Relaxed);
            return None;
        }
        let permit = self.permit().await?;
        self.guests.lock().peers.entry(key).or_default().taken += 1;
        self.accepted.fetch_add(1, Ordering::Relaxed);
        let seat = Seat {
            crowd: Arc::clone(self),
            key,
            leave: Arc::default(),
            at: Mutex::new((Doing::Working, 0)),
            _permit: permit,
        };
        seat.arrive();
        Some(seat)
    }

    /// The system refused to hand over a connection.
    pub(super) fn note_accept_error(&self) {
        self.accept_errors.fetch_add(1, Ordering::Relaxed);
    }

    /// How many connections there are and were.
    pub(super) fn census(&self) -> Census {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Census {
            open: self.most - self.seats.available_permits().min(self.most),
            limit: self.most,
            accepted: count(&self.accepted),
            refused: count(&self.refused),
            evicted: count(&self.evicted),
            accept_errors: count(&self.accept_errors),
        }
    }

    async fn permit(&self) -> Option<OwnedSemaphorePermit> {
        loop {
            if let Ok(permit) = Arc::clone(&self.seats).try_acquire_owned() {
                if self.seats.available_permits() < self.spare {
                    self.give_way();
                }
                return Some(permit);
            }
            self.give_way();
            let free = Arc::clone(&self.seats).acquire_owned();
            match tokio::time::timeout(ASK_AGAIN, free).await {
                // Closed seats would never be free again; nobody closes them.
                Ok(permit) => return permit.ok(),
                Err(_elapsed) => {}
            }
        }
    }

    /// Asks one connection to leave.
    fn give_way(&self) {
        let mut guests = self.guests.lock();
        let candidates = guests.peers.values_mut().filter(|peer| peer.can_give_way());
        let largest = candidates.max_by_key(|peer| peer.taken);
        if let Some(leave) = largest.and_then(Peer::pop) {
            self.evicted.fetch_add(1, Ordering::Relaxed);
            leave.notify_one();
        }
    }
}

impl Seat {
    /// A request begins to come in.
    pub(super) fn arrive(&self) {
        self.turn_to(Doing::Arriving);
    }

    /// It takes long to come in.
    pub(super) fn dawdle(&self) {
        self.turn_to(Doing::Dawdling);
    }

    /// The connection answers a request.
    pub(super) fn work(&self) {
        self.turn_to(Doing::Working);
    }

    /// The connection waits for a request.
    pub(super) fn rest(&self) {
        self.turn_to(Doing::Resting);
    }

    /// Whether a request is answered now.
    pub(super) fn is_working(&self) -> bool {
        self.at.lock().0 == Doing::Working
    }

    /// Whether a request is on its way in.
    pub(super) fn is_receiving(&self) -> bool {
        matches!(self.at.lock().0, Doing::Arriving | Doing::Dawdling)
    }

    /// Ends when the connection should leave.
    pub(super) async fn asked_to_leave(&self) {
        self.leave.notified().await;
    }

    fn turn_to(&self, doing: Doing) {
        let mut guests = self.crowd.guests.lock();
        let mut at = self.at.lock();
        guests.next += 1;
        let number = guests.next;
        let Some(peer) = guests.peers.get_mut(&self.key) else {
            return;
        };
        if let Some(line) = peer.line(at.0) {
            line.remove(&at.1);
        }
        *at = (doing, number);
        if let Some(line) = peer.line(doing) {
            line.insert(number, Arc::clone(&self.leave));
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.work();
        let mut guests = self.crowd.guests.lock();
        if let Some(peer) = guests.peers.get_mut(&self.key) {
            peer.taken -= 1;
            if peer.taken == 0 {
                guests.peers.remove(&self.key);
            }
        }
    }
}

#[cfg(test)]
mod tests;
