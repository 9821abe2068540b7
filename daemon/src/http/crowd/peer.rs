//! The connections of one owner, and which of them gives way.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::place::{At, Doing, Place};

/// The connections of one owner, by the number under which they came.
#[derive(Default)]
pub(super) struct Peer {
    pub(super) places: BTreeMap<u64, Arc<Place>>,
}

/// Those of one owner who do the same: how many they are, and who does it for longest.
#[derive(Default)]
struct Group<'peer> {
    count: usize,
    first: Option<(At, &'peer Place)>,
}

impl<'peer> Group<'peer> {
    fn add(&mut self, at: At, place: &'peer Place) {
        self.count += 1;
        let first = self.first.map(|(first, _)| first.since());
        if first.is_none_or(|first| at.since() < first) {
            self.first = Some((at, place));
        }
    }
}

impl Peer {
    pub(super) fn can_give_way(&self) -> bool {
        self.places.values().any(|place| place.at().can_give_way())
    }

    /// Asks one to leave; nobody where all are at work or asked already. Says whether it did.
    pub(super) fn ask_one(&self) -> bool {
        while let Some((at, place)) = self.first_to_leave() {
            // Who began to work in this very moment stays, and another one goes.
            if place.ask_to_leave(at) {
                return true;
            }
        }
        false
    }

    /// Who leaves first. New arrivals may not drive out everyone who rests, nor the other way
    /// round: the larger group gives one up.
    fn first_to_leave(&self) -> Option<(At, &Place)> {
        let [mut arriving, mut dawdling, mut resting] = [(); 3].map(|()| Group::default());
        for place in self.places.values() {
            let at = place.at();
            let group = match at.doing() {
                Doing::Arriving => &mut arriving,
                Doing::Dawdling => &mut dawdling,
                Doing::Resting => &mut resting,
                Doing::Working => continue,
            };
            if at.can_give_way() {
                group.add(at, place);
            }
        }
        if 0 < dawdling.count {
            dawdling.first
        } else if resting.count < arriving.count {
            arriving.first
        } else {
            resting.first
        }
    }
}
