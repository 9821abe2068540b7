//! A page of a list worst first, without a list of all: DOWN before late before all others, each by
//! name.
//!
//! How many there are of each kind is counted anyway, so the walk over the grades knows which rows
//! stand before the page and when it has all of it, and looks up no other row.

use std::ops::Range;

use lastbeat_proto::answer::Summary;
use lastbeat_proto::query::StatusFilter;
use lastbeat_proto::{InstanceId, ServiceName};

use super::State;
use super::slab::{Grade, Place};

/// Rows whose grade one hold looks at: some 0.03 ms.
const AT_A_GLANCE: usize = 8_192;

/// The rows of a page, as far as they were found.
#[derive(Debug)]
pub struct WorstFirst {
    down: Kind,
    late: Kind,
    /// UP and not late.
    well: Kind,
}

/// Those of one kind.
#[derive(Debug)]
struct Kind {
    /// How many stand before the page and were not seen yet.
    ahead: usize,
    wanted: usize,
    places: Vec<Place>,
}

impl Kind {
    /// Those of `count` rows that lie in the window, which begins with the first of them; it then
    /// begins behind the last.
    fn of(count: usize, window: &mut Range<usize>) -> Self {
        let ahead = count.min(window.start);
        let wanted = count.min(window.end) - ahead;
        *window = window.start - ahead..window.end - ahead - wanted;
        Self {
            ahead,
            wanted,
            places: Vec::with_capacity(wanted),
        }
    }

    fn is_found(&self) -> bool {
        self.wanted <= self.places.len()
    }

    /// Adds a row, unless all are found.
    fn offer(&mut self, find: impl FnOnce() -> Option<Place>) {
        if self.is_found() {
            return;
        }
        match self.ahead.checked_sub(1) {
            Some(ahead) => self.ahead = ahead,
            None => self.places.extend(find()),
        }
    }
}

impl WorstFirst {
    /// The rows of this status that lie in a window of their list, where there are so many as
    /// `summary` says.
    pub fn new(summary: &Summary, status: Option<StatusFilter>, mut window: Range<usize>) -> Self {
        let well = summary.up.saturating_sub(summary.late);
        let (down, late, well) = match status {
            None => (summary.down, summary.late, well),
            Some(StatusFilter::Down) => (summary.down, 0, 0),
            Some(StatusFilter::Late) => (0, summary.late, 0),
            Some(StatusFilter::Up) => (0, summary.late, well),
        };
        Self {
            down: Kind::of(down, &mut window),
            late: Kind::of(late, &mut window),
            well: Kind::of(well, &mut window),
        }
    }

    /// The page in its order; none where there are fewer rows of a kind than were counted.
    pub fn into_places(self) -> Option<Vec<Place>> {
        if !self.is_found() {
            return None;
        }
        let [mut places, late, well] = [self.down, self.late, self.well].map(|kind| kind.places);
        places.extend(late);
        places.extend(well);
        Some(places)
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
