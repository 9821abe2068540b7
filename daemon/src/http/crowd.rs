//! How many connections there are: a seat for each, and when all are taken, somebody gives way.
//!
//! Fair by address, of IPv6 by /64: who holds the most seats gives one up. Of these first a
//! connection that lets us wait for its request, else the one that rests for longest; one whose
//! request is being answered never. Knows no HTTP; what a connection does on its seat is left to
//! [`super::connection`].
//!
//! A connection notes what it does with every request, and who should leave is asked only when
//! seats run out. So the note is one store to memory, and who looks for one to leave looks at all.

mod peer;
mod place;

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use self::peer::Peer;
use self::place::{Doing, Place};
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

/// All seats.
pub(super) struct Crowd {
    seats: Arc<Semaphore>,
    guests: Mutex<Guests>,
    /// How often anybody began to arrive, to dawdle or to rest.
    turns: AtomicU64,
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
    /// How many there were in all.
    came: u64,
}

/// One connection's place among all; free again when it is dropped.
pub(super) struct Seat {
    crowd: Arc<Crowd>,
    /// Among which peers it is counted.
    key: IpAddr,
    /// Its number among those of this peer.
    number: u64,
    place: Arc<Place>,
    _permit: OwnedSemaphorePermit,
}

impl Crowd {
    /// A crowd of at most `seats`, half of them from one address. Loopback and `proxies` are
    /// exempt: they put whole fleets behind one address.
    pub(super) fn new(seats: usize, proxies: Proxies) -> Arc<Self> {
        let most = seats.clamp(1, Semaphore::MAX_PERMITS);
        Arc::new(Self {
            seats: Arc::new(Semaphore::new(most)),
            guests: Mutex::default(),
            turns: AtomicU64::new(0),
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
        let taken = self.guests.lock().taken(key);
        if self.most_per_peer <= taken && !is_exempt {
            self.refused.fetch_add(1, Ordering::Relaxed);
            return None;
        }
        let permit = self.permit().await?;
        let place = Arc::new(Place::new());
        let number = self.guests.lock().seat(key, Arc::clone(&place));
        self.accepted.fetch_add(1, Ordering::Relaxed);
        let seat = Seat {
            crowd: Arc::clone(self),
            key,
            number,
            place,
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
        let guests = self.guests.lock();
        let candidates = guests.peers.values().filter(|peer| peer.can_give_way());
        let largest = candidates.max_by_key(|peer| peer.places.len());
        if largest.is_some_and(Peer::ask_one) {
            self.evicted.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Guests {
    /// How many of a peer there are.
    fn taken(&self, key: IpAddr) -> usize {
        self.peers.get(&key).map_or(0, |peer| peer.places.len())
    }

    /// Counts one more of a peer and gives it its number.
    fn seat(&mut self, key: IpAddr, place: Arc<Place>) -> u64 {
        self.came += 1;
        let number = self.came;
        let peer = self.peers.entry(key).or_default();
        peer.places.insert(number, place);
        number
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
        self.place.turn_to(Doing::Working, 0);
    }

    /// The connection waits for a request.
    pub(super) fn rest(&self) {
        self.turn_to(Doing::Resting);
    }

    /// Whether a request is answered now.
    pub(super) fn is_working(&self) -> bool {
        self.place.at().doing() == Doing::Working
    }

    /// Whether a request is on its way in.
    pub(super) fn is_receiving(&self) -> bool {
        matches!(self.place.at().doing(), Doing::Arriving | Doing::Dawdling)
    }

    /// Ends when the connection should leave.
    pub(super) async fn asked_to_leave(&self) {
        self.place.asked_to_leave().await;
    }

    fn turn_to(&self, doing: Doing) {
        let turn = self.crowd.turns.fetch_add(1, Ordering::Relaxed);
        self.place.turn_to(doing, turn);
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut guests = self.crowd.guests.lock();
        if let Some(peer) = guests.peers.get_mut(&self.key) {
            peer.places.remove(&self.number);
            if peer.places.is_empty() {
                guests.peers.remove(&self.key);
            }
        }
    }
}

#[cfg(test)]
mod tests;
