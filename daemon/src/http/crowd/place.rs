//! What one connection does on its seat, and since when, in one number that it alone turns.

use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Notify;

/// What a connection does on its seat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Doing {
    /// Its request comes in, since a moment ago.
    Arriving = 0,
    /// The same, for longer than it should take.
    Dawdling = 1,
    /// It was answered and waits for its next request.
    Resting = 2,
    /// Its request is answered.
    Working = 3,
}

/// What a connection does, since which turn of all, and whether it was asked to leave meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct At(u64);

/// The bits of what it does, of whether it was asked, and where its turn begins.
const DOING: u64 = 0b011;
const ASKED: u64 = 0b100;
const TURN: u32 = 3;

impl At {
    pub(super) const fn doing(self) -> Doing {
        match self.0 & DOING {
            0 => Doing::Arriving,
            1 => Doing::Dawdling,
            2 => Doing::Resting,
            _ => Doing::Working,
        }
    }

    /// The turn in which that began.
    pub(super) const fn since(self) -> u64 {
        self.0 >> TURN
    }

    /// Whether it is not at work and was not asked yet.
    pub(super) const fn can_give_way(self) -> bool {
        self.0 & DOING != Doing::Working as u64 && self.0 & ASKED == 0
    }
}

/// The place of one connection.
#[derive(Debug)]
pub(super) struct Place {
    at: AtomicU64,
    leave: Notify,
}

impl Place {
    /// Nobody is asked to leave before it has begun to arrive.
    pub(super) fn new() -> Self {
        Self {
            at: AtomicU64::new(Doing::Working as u64),
            leave: Notify::new(),
        }
    }

    pub(super) fn at(&self) -> At {
        At(self.at.load(Ordering::Relaxed))
    }

    /// It does this from now on, in this turn of all; asked again, it may be.
    pub(super) fn turn_to(&self, doing: Doing, turn: u64) {
        let at = turn << TURN | doing as u64;
        self.at.store(at, Ordering::Relaxed);
    }

    /// Asks it to leave, unless it does something else meanwhile.
    pub(super) fn ask_to_leave(&self, at: At) -> bool {
        let asked = at.0 | ASKED;
        let is_asked = self
            .at
            .compare_exchange(at.0, asked, Ordering::Relaxed, Ordering::Relaxed)
            .is_ok();
        if is_asked {
            self.leave.notify_one();
        }
        is_asked
    }

    /// Ends when it should leave.
    pub(super) async fn asked_to_leave(&self) {
        self.leave.notified().await;
    }
}
