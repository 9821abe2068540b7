//! How many connections there are: a seat for each, and the oldest idle one gives way.
//!
//! Knows no HTTP; what a connection does on its seat is left to [`super::connection`].

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

/// How often an idle connection is asked to give way while all seats stay taken.
const ASK_AGAIN: Duration = Duration::from_millis(100);

/// All seats.
pub(super) struct Crowd {
    seats: Arc<Semaphore>,
    /// Idle connections, the one that is idle for longest first.
    idle: Mutex<BTreeMap<u64, Arc<Notify>>>,
    next: AtomicU64,
    peers: Mutex<HashMap<IpAddr, usize>>,
    most_per_peer: usize,
}

/// One connection's place; free again when it is dropped.
pub(super) struct Seat {
    crowd: Arc<Crowd>,
    peer: IpAddr,
    leave: Arc<Notify>,
    /// Key in `idle`; 0 while busy.
    idle_since: AtomicU64,
    _permit: OwnedSemaphorePermit,
}

impl Crowd {
    /// A crowd of at most `seats`, half of them from one address. Loopback is exempt: proxies put
    /// whole fleets behind it.
    pub(super) fn new(seats: usize) -> Arc<Self> {
        Arc::new(Self {
            seats: Arc::new(Semaphore::new(seats.clamp(1, Semaphore::MAX_PERMITS))),
            idle: Mutex::default(),
            next: AtomicU64::new(1),
            peers: Mutex::default(),
            most_per_peer: (seats / 2).max(1),
        })
    }

    /// A seat for a connection from `peer`, as soon as one is free; none when this address has
    /// its share already.
    pub(super) async fn seat(self: &Arc<Self>, peer: IpAddr) -> Option<Seat> {
        let peer = peer.to_canonical();
        if !self.admits(peer) {
            return None;
        }
        let permit = self.permit().await?;
        *self.peers.lock().entry(peer).or_default() += 1;
        Some(Seat {
            crowd: Arc::clone(self),
            peer,
            leave: Arc::default(),
            idle_since: AtomicU64::new(0),
            _permit: permit,
        })
    }

    async fn permit(&self) -> Option<OwnedSemaphorePermit> {
        loop {
            if let Ok(permit) = Arc::clone(&self.seats).try_acquire_owned() {
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

    fn admits(&self, peer: IpAddr) -> bool {
        let taken = self.peers.lock().get(&peer).copied().unwrap_or_default();
        peer.is_loopback() || taken < self.most_per_peer
    }

    /// Asks the connection that is idle for longest to leave.
    fn give_way(&self) {
        if let Some((_, leave)) = self.idle.lock().pop_first() {
            leave.notify_one();
        }
    }
}

impl Seat {
    /// The connection waits for a request.
    pub(super) fn rest(&self) {
        let turn = self.crowd.next.fetch_add(1, Ordering::Relaxed);
        let mut idle = self.crowd.idle.lock();
        idle.remove(&self.idle_since.swap(turn, Ordering::Relaxed));
        idle.insert(turn, Arc::clone(&self.leave));
    }

    /// The connection answers a request.
    pub(super) fn work(&self) {
        let mut idle = self.crowd.idle.lock();
        idle.remove(&self.idle_since.swap(0, Ordering::Relaxed));
    }

    /// Ends when the connection should leave.
    pub(super) async fn asked_to_leave(&self) {
        self.leave.notified().await;
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.work();
        let mut peers = self.crowd.peers.lock();
        if let Some(taken) = peers.get_mut(&self.peer) {
            *taken -= 1;
            if *taken == 0 {
                peers.remove(&self.peer);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
    const FAR: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));

    #[tokio::test(start_paused = true)]
    async fn the_connection_that_is_idle_for_longest_gives_way() {
        let crowd = Crowd::new(2);
        let first = crowd.seat(LOOPBACK).await.unwrap();
        let second = crowd.seat(LOOPBACK).await.unwrap();
        first.rest();
        second.rest();
        first.work();
        first.rest();

        let third = tokio::spawn({
            let crowd = Arc::clone(&crowd);
            async move { crowd.seat(LOOPBACK).await.is_some() }
        });
        second.asked_to_leave().await;
        drop(second);

        assert!(third.await.unwrap());
        assert_eq!(crowd.idle.lock().len(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_at_work_is_never_asked_to_leave() {
        let crowd = Crowd::new(1);
        let seat = crowd.seat(LOOPBACK).await.unwrap();
        seat.rest();
        seat.work();

        let next = tokio::time::timeout(Duration::from_secs(10), crowd.seat(LOOPBACK)).await;

        assert!(next.is_err());
    }

    #[tokio::test]
    async fn one_address_takes_half_of_the_seats_and_loopback_all() {
        let crowd = Crowd::new(4);
        let mut far = vec![crowd.seat(FAR).await, crowd.seat(FAR).await];

        assert!(crowd.seat(FAR).await.is_none());
        let near = [crowd.seat(LOOPBACK).await, crowd.seat(LOOPBACK).await];
        assert!(near.iter().all(Option::is_some));

        far.pop();
        assert!(crowd.seat(FAR).await.is_some());
    }
}
