//! What waits to be stored: three lists of places, and the events that are not written yet.
//!
//! A place stands on a list at most once; its row carries a mark for each list. Values are copied
//! only when they are written, so nothing stale can be stored (ADR 0003).

use std::collections::VecDeque;

use super::State;
use super::record::{Batch, InstanceRecord};
use super::slab::{Hot, Place, flag};

/// Rows copied in one hold of the lock: some 0.1 ms.
pub const MAX_COPIED: usize = 256;
/// Events that one transaction stores, where more wait. Their names lie all over the index by name:
/// each makes a page of it dirty, and those who register wait until these are on the disk.
pub const EVENTS_CHUNK: usize = 512;
/// Events that wait in memory while the store cannot write; older ones are given up, with a
/// notice. 200,000 of them take about 40 MB.
pub const MAX_WAITING_EVENTS: usize = 200_000;

/// Which list of dirty rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum List {
    /// Somebody waits for these: registrations, changes, come-backs, deregistrations.
    Urgent,
    /// Transitions, heartbeats that end late or unconfirmed, expired tombstones.
    Lazy,
    /// Plain heartbeats.
    Beats,
}

impl List {
    const fn flag(self) -> u8 {
        match self {
            Self::Urgent => flag::URGENT,
            Self::Lazy => flag::LAZY,
            Self::Beats => flag::BEAT,
        }
    }
}

/// The three lists.
#[derive(Debug, Default)]
pub(super) struct Dirty {
    /// The last urgent number that was given.
    pub(super) urgent_number: u64,
    /// The urgent number up to which everything is stored.
    pub(super) stored: u64,
    urgent: VecDeque<Place>,
    lazy: VecDeque<Place>,
    beats: VecDeque<Place>,
    /// Whether the store should look before its next flush.
    pub(super) wants_store: bool,
}

impl Dirty {
    fn list(&mut self, list: List) -> &mut VecDeque<Place> {
        match list {
            List::Urgent => &mut self.urgent,
            List::Lazy => &mut self.lazy,
            List::Beats => &mut self.beats,
        }
    }
}

/// What was copied for one transaction.
#[derive(Debug, Default)]
pub struct Copied {
    /// The values.
    pub batch: Batch,
    /// Tombstones in it that are to be forgotten once they are deleted.
    expiring: Vec<Place>,
}

impl State {
    /// Puts a row on a list, unless it stands there. An urgent one gets the next number.
    pub(super) fn mark(&mut self, place: Place, list: List) {
        let Some(hot) = self.slab.get_mut(place) else {
            return;
        };
        if list == List::Urgent {
            self.dirty.urgent_number += 1;
            hot.urgent = self.dirty.urgent_number;
        }
        if hot.set(list.flag()) {
            self.dirty.list(list).push_back(place);
        }
        if list != List::Beats {
            self.dirty.wants_store = true;
        }
    }

    /// Takes the urgent list and the number that is stored once all of it is written.
    pub fn take_urgent(&mut self) -> (u64, Vec<Place>) {
        self.dirty.wants_store = false;
        (
            self.dirty.urgent_number,
            self.dirty.urgent.drain(..).collect(),
        )
    }

    /// Takes at most `count` places of a list. Beats of rows that are not stored yet stay.
    pub fn take(&mut self, list: List, count: usize) -> Vec<Place> {
        let count = count.min(self.dirty.list(list).len());
        let taken: Vec<Place> = self.dirty.list(list).drain(..count).collect();
        if list != List::Beats {
            return taken;
        }
        let stored = self.dirty.stored;
        let (ready, early): (Vec<Place>, Vec<Place>) = taken
            .into_iter()
            .partition(|place| self.slab.get(*place).is_none_or(|hot| hot.urgent <= stored));
        self.dirty.beats.extend(early);
        ready
    }

    /// Takes a whole list, to be put in [`order`](Self::put_in_order) by the store's thread; until
    /// it is given back there, its marks keep it from being listed twice.
    pub fn take_whole(&mut self, list: List) -> VecDeque<Place> {
        std::mem::take(self.dirty.list(list))
    }

    /// A list that was taken whole stands again, in another order and in front of what came
    /// meanwhile.
    pub fn put_in_order(&mut self, list: List, ordered: VecDeque<Place>) {
        let came = std::mem::replace(self.dirty.list(list), ordered);
        self.dirty.list(list).extend(came);
    }

    /// How many places stand on a list.
    pub fn waiting(&self, list: List) -> usize {
        match list {
            List::Urgent => self.dirty.urgent.len(),
            List::Lazy => self.dirty.lazy.len(),
            List::Beats => self.dirty.beats.len(),
        }
    }

    /// Whether something wants to be stored before the next flush.
    pub fn wants_store(&self) -> bool {
        self.dirty.wants_store
    }

    /// Copies the values of at most [`MAX_COPIED`] places into `copied` and clears their marks.
    pub fn copy(&mut self, list: List, places: &[Place], copied: &mut Copied) {
        let stored = self.dirty.stored;
        for place in places {
            let Some(hot) = self.slab.get_mut(*place) else {
                continue;
            };
            hot.clear(list.flag());
            if list == List::Beats {
                copied.batch.beats.push((hot.detail.id, hot.heartbeat));
            } else if hot.has(flag::EXPIRING) {
                copied.batch.deleted.push(hot.detail.id);
                copied.expiring.push(*place);
            } else if list == List::Lazy && hot.urgent <= stored {
                copied.batch.turned.push(record(hot));
            } else {
                copied.batch.rows.push(record(hot));
            }
        }
    }

    /// Copies at most `most` events and all stretches that are not written yet, and how far
    /// listening time came.
    pub fn copy_history(&self, most: usize, copied: &mut Copied) {
        copied.batch.events = self.journal.unwritten(most);
        copied.batch.stretches = self.listening.unstored().to_vec();
        copied.batch.listened = self
            .listening
            .stretches()
            .last()
            .map(|s| (s.last_l, s.last_wall));
    }

    /// The transaction was stored.
    pub fn written(&mut self, copied: &Copied) {
        if let Some(event) = copied.batch.events.last() {
            self.journal.written(event.revision);
        }
        self.listening.stored(copied.batch.stretches.len());
        for place in &copied.expiring {
            if self
                .slab
                .get(*place)
                .is_some_and(|hot| hot.has(flag::EXPIRING))
            {
                self.floor = self.floor.max(self.slab.change_of(*place));
                self.slab.remove(*place);
            }
        }
    }

    /// The transaction was not stored: its places stand on their list again.
    pub fn put_back(&mut self, list: List, places: &[Place]) {
        for place in places.iter().rev() {
            let Some(hot) = self.slab.get_mut(*place) else {
                continue;
            };
            if hot.set(list.flag()) {
                self.dirty.list(list).push_front(*place);
            }
        }
    }

    /// Places that were taken and not even copied stand on their list again: their marks stand
    /// still, so [`put_back`](Self::put_back) would take them for listed.
    pub fn give_back(&mut self, list: List, places: &[Place]) {
        for place in places.iter().rev() {
            if self.slab.get(*place).is_some() {
                self.dirty.list(list).push_front(*place);
            }
        }
    }

    /// Everything up to this urgent number is stored.
    pub fn publish(&mut self, stored: u64) {
        self.dirty.stored = self.dirty.stored.max(stored);
    }

    /// Events that are not written yet.
    pub fn unwritten_events(&self) -> usize {
        self.journal.unwritten_count()
    }

    /// The history that is in memory, for a new file in place of one that was lost.
    pub fn copy_past(&self) -> Batch {
        Batch {
            events: self.journal.newest(),
            stretches: self.listening.stretches().to_vec(),
            ..Batch::default()
        }
    }

    /// The rows of [`MAX_COPIED`] slots from `first` on, for a new file in place of one that was
    /// lost; `None` behind the last slot. All marks stay: what changes behind this, or waits to be
    /// written, is written as always.
    pub fn copy_slots(&self, first: usize) -> Option<Batch> {
        let rows = self.slab.of_slots(first, MAX_COPIED)?;
        // One that is to be deleted must not come back with the new file.
        let rows = rows.filter(|hot| !hot.has(flag::EXPIRING)).map(record);
        Some(Batch {
            rows: rows.collect(),
            ..Batch::default()
        })
    }
}

fn record(hot: &Hot) -> InstanceRecord {
    let detail = &hot.detail;
    InstanceRecord {
        id: detail.id,
        name: detail.name.clone(),
        instance: detail.instance.clone(),
        address: detail.address.clone(),
        port: detail.port,
        ttl: detail.own_ttl,
        tags: detail.tags().to_vec(),
        metadata: detail.metadata().clone(),
        first_seen: detail.first_seen,
        life: hot.life,
        since: hot.since,
        since_l: hot.since_l,
        is_mass: hot.has(flag::MASS),
        changes: hot.changes.clone(),
        is_flapping: hot.has(flag::FLAPPING),
        heartbeat: hot.heartbeat,
    }
}
