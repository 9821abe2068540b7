//! The begin of a list worst first, without a list of all: DOWN before late before all others, each
//! by name.
//!
//! How many there are of each kind is counted anyway, so the walk over the rows knows when it has
//! seen enough, and it keeps no more than the page shows.

use lastbeat_proto::answer::Summary;
use lastbeat_proto::query::StatusFilter;
use lastbeat_proto::{InstanceId, ServiceName};

use super::State;
use super::slab::{Grade, Place};

/// Rows whose grade one hold looks at: some 0.03 ms.
const AT_A_GLANCE: usize = 8_192;

/// The rows that a list worst first begins with, as far as they were found.
#[derive(Debug)]
pub struct WorstFirst {
    down: Kind,
    late: Kind,
    /// UP and not late.
    well: Kind,
}

/// Some rows of one kind.
#[derive(Debug)]
struct Kind {
    wanted: usize,
    places: Vec<Place>,
}

impl Kind {
    /// Of `count` rows as many as there is room for; they take that room.
    fn of(count: usize, room: &mut usize) -> Self {
        let wanted = count.min(*room);
        *room -= wanted;
        Self {
            wanted,
            places: Vec::with_capacity(wanted),
        }
    }

    fn is_found(&self) -> bool {
        self.wanted <= self.places.len()
    }

    /// Adds a row, unless all are found.
    fn offer(&mut self, find: impl FnOnce() -> Option<Place>) {
        if !self.is_found() {
            self.places.extend(find());
        }
    }
}

impl WorstFirst {
    /// The first `most` rows of this status, where there are so many as `summary` says.
    pub fn new(summary: &Summary, status: Option<StatusFilter>, most: usize) -> Self {
        let well = summary.up.saturating_sub(summary.late);
        let (down, late, well) = match status {
            None => (summary.down, summary.late, well),
            Some(StatusFilter::Down) => (summary.down, 0, 0),
            Some(StatusFilter::Late) => (0, summary.late, 0),
            Some(StatusFilter::Up) => (0, summary.late, well),
        };
        let mut room = most;
        Self {
            down: Kind::of(down, &mut room),
            late: Kind::of(late, &mut room),
            well: Kind::of(well, &mut room),
        }
    }

    /// What was found, in its order.
    pub fn into_places(self) -> Vec<Place> {
        let [mut places, late, well] = [self.down, self.late, self.well].map(|kind| kind.places);
        places.extend(late);
        places.extend(well);
        places
    }

    fn is_found(&self) -> bool {
        self.down.is_found() && self.late.is_found() && self.well.is_found()
    }

    fn offer(&mut self, grade: Grade, find: impl FnOnce() -> Option<Place>) {
        match grade {
            Grade::Down => self.down.offer(find),
            Grade::Late => self.late.offer(find),
            Grade::Well => self.well.offer(find),
            Grade::Gone => {}
        }
    }
}

impl State {
    /// Looks for them among the next rows in the order of name and instance, as many as one hold
    /// of the lock may look at, and says behind whom to go on; nobody: all are found, or there are
    /// no more.
    pub fn find_worst(
        &self,
        behind: Option<&(ServiceName, InstanceId)>,
        worst: &mut WorstFirst,
    ) -> Option<(ServiceName, InstanceId)> {
        let behind = behind.map(|(name, instance)| (name, Some(instance)));
        let mut last = None;
        for (slot, grade) in self.slab.grades_after(behind).take(AT_A_GLANCE) {
            if worst.is_found() {
                return None;
            }
            worst.offer(grade, || self.slab.place_at(slot));
            last = Some(slot);
        }
        let hot = self.slab.get(self.slab.place_at(last?)?)?;
        Some((hot.detail.name.clone(), hot.detail.instance.clone()))
    }
}
