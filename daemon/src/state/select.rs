//! Choosing rows for a list: small holds here, filtering and sorting outside the lock.

use std::sync::Arc;

use lastbeat_proto::answer::{Notice, Summary};
use lastbeat_proto::{InstanceId, ServiceName, Status, Timestamp};
use serde::Serialize;

use super::State;
use super::slab::{Detail, Place, flag};
use crate::clock::{Listened, Moment};
use crate::instance::Life;

/// Rows of a list that are fetched from memory together.
const TOGETHER: usize = 16;

/// A registered row that may become part of a list.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// Where it is.
    pub place: Place,
    /// Its fixed part.
    pub detail: Arc<Detail>,
    /// UP or DOWN.
    pub life: Life,
    /// UP and late.
    pub is_late: bool,
    /// When it was last heard.
    pub heard: Listened,
    /// Since when it is what it is.
    pub since: Listened,
}

/// What an answer says beside its rows, read in the same hold as its cursor.
#[derive(Debug, Clone, Serialize)]
pub struct Head {
    /// The daemon's wall clock.
    pub now: Timestamp,
    /// Milliseconds since this start.
    pub up_ms: i64,
    /// Number of the last event.
    pub revision: u64,
    /// Where a reader stands behind this answer.
    pub cursor: String,
    /// Counts over the whole registry.
    pub summary: Summary,
    /// What the daemon says about itself.
    pub notices: Vec<Notice>,
}

/// How much one hold of the lock writes: it ends with the row that reaches either.
#[derive(Debug, Clone, Copy)]
pub struct Portion {
    /// Rows, written or passed over.
    pub rows: usize,
    /// Length of what is written, with what stood there before.
    pub bytes: usize,
}

impl State {
    /// Everything an answer says beside its rows.
    pub fn head(&self, now: Moment) -> Head {
        Head {
            now: now.wall,
            up_ms: self.up_ms(now),
            revision: self.journal.revision(),
            cursor: self.cursor().text(),
            summary: self.summary(),
            notices: self.notices(),
        }
    }

    /// The registered ones among the next `count` rows in the order of name and instance, and
    /// behind whom to go on; nobody: that was all.
    pub fn candidates(
        &self,
        behind: Option<&(ServiceName, InstanceId)>,
        count: usize,
    ) -> (Vec<Candidate>, Option<(ServiceName, InstanceId)>) {
        let behind = behind.map(|(name, instance)| (name, Some(instance)));
        let mut seen = 0;
        let mut last = None;
        let mut candidates = Vec::new();
        for place in self.slab.after(behind, count) {
            seen += 1;
            last = Some(place);
            candidates.extend(self.candidate(place));
        }
        let last = last.filter(|_| seen == count);
        let next = last.and_then(|place| self.slab.get(place));
        (
            candidates,
            next.map(|hot| (hot.detail.name.clone(), hot.detail.instance.clone())),
        )
    }

    /// A row, if it is registered.
    pub fn candidate(&self, place: Place) -> Option<Candidate> {
        let hot = self.slab.get(place)?;
        hot.life.is_registered().then(|| Candidate {
            place,
            detail: Arc::clone(&hot.detail),
            life: hot.life,
            is_late: hot.has(flag::LATE),
            heard: hot.heartbeat.l,
            since: hot.since_l,
        })
    }

    /// Writes the registered ones among the next rows as JSON, each with a comma behind it, and
    /// says behind whom to go on; nobody: that was all.
    pub fn write_rows(
        &self,
        behind: Option<&(ServiceName, InstanceId)>,
        most: Portion,
        now: Moment,
        out: &mut Vec<u8>,
    ) -> Option<(ServiceName, InstanceId)> {
        let behind = behind.map(|(name, instance)| (name, Some(instance)));
        let places = self.slab.after(behind, usize::MAX);
        let taken = self.write_places(places.clone(), most, now, out);
        let mut places = places.skip(taken.checked_sub(1)?);
        let hot = self.slab.get(places.next()?)?;
        places.next()?;
        Some((hot.detail.name.clone(), hot.detail.instance.clone()))
    }

    /// Writes the registered ones of the next of these rows as JSON, each with a comma behind it,
    /// and says how many were taken.
    pub fn write_places(
        &self,
        places: impl Iterator<Item = Place> + Clone,
        most: Portion,
        now: Moment,
        out: &mut Vec<u8>,
    ) -> usize {
        let mut ahead = places.clone();
        let mut taken = 0;
        for place in places.take(most.rows) {
            if taken % TOGETHER == 0 {
                self.fetch(ahead.by_ref().take(TOGETHER));
            }
            taken += 1;
            let hot = self.slab.get(place);
            if let Some(hot) = hot.filter(|hot| hot.life.is_registered()) {
                self.write_registered(hot, now, out);
                out.push(b',');
            }
            if most.bytes <= out.len() {
                break;
            }
        }
        taken
    }

    /// Fetches [`TOGETHER`] rows from memory. Their order is not that of memory, so each is far away:
    /// here they are all asked for at once, and not one after the other while each is written.
    fn fetch(&self, places: impl Iterator<Item = Place>) {
        let mut details = [None; TOGETHER];
        for (detail, place) in details.iter_mut().zip(places) {
            *detail = self.slab.get(place).map(|hot| hot.detail.as_ref());
        }
        let ends = |detail: &Detail| (detail.id, detail.own_ttl.is_some(), detail.is_plain);
        for detail in details.into_iter().flatten() {
            std::hint::black_box(ends(detail));
        }
    }

    /// At most `count` rows of a name, living ones and tombstones, behind the given instance, and
    /// behind whom to go on; nobody: that was all.
    pub fn portion_of_name(
        &self,
        name: &ServiceName,
        behind: Option<&InstanceId>,
        count: usize,
    ) -> (Vec<Place>, Option<InstanceId>) {
        let of_name = |place: &Place| {
            let hot = self.slab.get(*place);
            hot.is_some_and(|hot| hot.detail.name == *name)
        };
        let rows = self.slab.after(Some((name, behind)), count);
        let places: Vec<Place> = rows.take_while(of_name).collect();
        let last = places.last().filter(|_| places.len() == count);
        let next = last.and_then(|place| self.slab.get(*place));
        let next = next.map(|hot| hot.detail.instance.clone());
        (places, next)
    }

    /// What rows are together: UP when one is, and their newest heartbeat; nothing of no row.
    pub fn together(&self, places: &[Place], now: Moment) -> Option<(Status, Timestamp)> {
        let rows = || places.iter().filter_map(|place| self.slab.get(*place));
        let is_up = rows().any(|hot| hot.life == Life::Up);
        let newest = rows().map(|hot| self.last_heartbeat(hot, now)).max()?;
        Some((if is_up { Status::Up } else { Status::Down }, newest))
    }

    /// The registered ones of these rows, judged now.
    pub fn judged(&mut self, places: &[Place], now: Moment) -> Vec<Place> {
        self.advance(now);
        for place in places {
            self.judge(*place, now);
            self.enqueue(*place);
        }
        let is_registered = |place: &Place| {
            self.slab
                .get(*place)
                .is_some_and(|hot| hot.life.is_registered())
        };
        places.iter().copied().filter(is_registered).collect()
    }
}
