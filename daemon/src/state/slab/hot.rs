//! The part of a row that moves often, small, so that many lie close together.

use std::sync::Arc;

use lastbeat_proto::{Span, Timestamp};

use super::Detail;
use crate::clock::{Listened, Mono};
use crate::instance::{Changes, Life};
use crate::state::record::Heartbeat;

/// Marks of a row, each a bit.
pub(in crate::state) mod flag {
    /// Went DOWN in a mass loss.
    pub(in crate::state) const MASS: u8 = 1;
    /// UP and silent for more than three quarters of its ttl.
    pub(in crate::state) const LATE: u8 = 2;
    /// A tombstone that the screens show.
    pub(in crate::state) const SHOWN: u8 = 4;
    /// A tombstone whose deletion is under way.
    pub(in crate::state) const EXPIRING: u8 = 8;
    /// On the urgent list.
    pub(in crate::state) const URGENT: u8 = 16;
    /// On the lazy list.
    pub(in crate::state) const LAZY: u8 = 32;
    /// On the list of beats.
    pub(in crate::state) const BEAT: u8 = 64;
    /// Changes its status all the time.
    pub(in crate::state) const FLAPPING: u8 = 128;
}

/// What moves often.
#[derive(Debug)]
pub(in crate::state) struct Hot {
    pub(in crate::state) detail: Arc<Detail>,
    pub(in crate::state) heartbeat: Heartbeat,
    /// Steady time of the last heartbeat; before this start for a loaded row.
    pub(in crate::state) heard: Mono,
    pub(in crate::state) ttl: Span,
    pub(in crate::state) since: Timestamp,
    pub(in crate::state) since_l: Listened,
    pub(in crate::state) changes: Changes,
    /// Deadline of the live queue entry; none: no entry.
    pub(in crate::state) queued: Option<Listened>,
    /// The urgent number that must be stored before an answer about this row.
    pub(in crate::state) urgent: u64,
    pub(in crate::state) generation: u32,
    pub(in crate::state) life: Life,
    pub(in crate::state) flags: u8,
}

/// Where a row stands in a list worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::state) enum Grade {
    Down,
    Late,
    /// UP and not late.
    Well,
    /// In no list: a tombstone, or no row at all.
    Gone,
}

/// What the counts need to know of a row.
#[derive(Debug, Clone, Copy)]
pub(in crate::state) struct Standing {
    pub(in crate::state) life: Life,
    pub(in crate::state) is_late: bool,
    pub(in crate::state) is_shown: bool,
    pub(in crate::state) heard: Listened,
}

impl Hot {
    pub(in crate::state) const fn grade(&self) -> Grade {
        match self.life {
            Life::Down => Grade::Down,
            Life::Up if self.has(flag::LATE) => Grade::Late,
            Life::Up => Grade::Well,
            Life::TimedOut | Life::Dismissed | Life::Deregistered => Grade::Gone,
        }
    }

    pub(in crate::state) const fn standing(&self) -> Standing {
        Standing {
            life: self.life,
            is_late: self.has(flag::LATE),
            is_shown: self.has(flag::SHOWN),
            heard: self.heartbeat.l,
        }
    }

    pub(in crate::state) const fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    /// Sets a mark; says whether it was new.
    pub(in crate::state) const fn set(&mut self, flag: u8) -> bool {
        let was = self.has(flag);
        self.flags |= flag;
        !was
    }

    /// Takes a mark away; says whether it stood.
    pub(in crate::state) const fn clear(&mut self, flag: u8) -> bool {
        let was = self.has(flag);
        self.flags &= !flag;
        was
    }
}
