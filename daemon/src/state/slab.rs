//! Where rows live: a slab of small hot rows, columns of numbers and grades beside it, an
//! index by identity and an order by name.
//!
//! A row is looked up with a borrowed name and instance, so that a heartbeat allocates nothing.
//! Indexes and order hold slots alone and look names up in the rows.

mod addresses;
mod columns;
mod detail;
mod hot;
mod order;

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use hashbrown::HashTable;
use lastbeat_proto::{InstanceId, ServiceName};

use self::columns::Columns;
pub use self::detail::Detail;
pub(in crate::state) use self::hot::{Grade, Hot, Standing, flag};
use self::order::Order;

/// A row's place. The generation tells a reused slot from the row that had it before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    pub(super) slot: u32,
    pub(super) generation: u32,
}

/// All rows, living ones and tombstones.
#[derive(Debug, Default)]
pub(super) struct Slab {
    rows: Vec<Slot>,
    columns: Columns,
    free: Vec<u32>,
    index: HashTable<u32>,
    /// By name and address, which several instances may share.
    addresses: HashTable<u32>,
    hasher: RandomState,
    /// By name and instance.
    order: Order,
}

#[derive(Debug)]
enum Slot {
    Used(Hot),
    /// Free; the generation that the next row gets.
    Free(u32),
}

impl Slab {
    /// A slab with room for so many rows.
    pub(super) fn with_room_for(rows: usize) -> Self {
        Self {
            rows: Vec::with_capacity(rows),
            columns: Columns::with_room_for(rows),
            index: HashTable::with_capacity(rows),
            addresses: HashTable::with_capacity(rows),
            ..Self::default()
        }
    }

    /// Puts a new row in; its identity must not be there yet.
    pub(super) fn insert(&mut self, mut hot: Hot) -> Place {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.rows.push(Slot::Free(0));
            self.columns.push();
            u32::try_from(self.rows.len() - 1).unwrap_or(u32::MAX)
        });
        if let Some(Slot::Free(generation)) = self.rows.get(slot as usize) {
            hot.generation = *generation;
        }
        let place = Place {
            slot,
            generation: hot.generation,
        };
        let detail = Arc::clone(&hot.detail);
        if let Some(used) = self.rows.get_mut(slot as usize) {
            *used = Slot::Used(hot);
        }
        let hash = self.hash(detail.name.as_str(), detail.instance.as_str());
        let (rows, hasher) = (&self.rows, &self.hasher);
        self.index
            .insert_unique(hash, slot, |slot| hash_of(rows, hasher, *slot));
        self.order
            .insert(slot, |other| is_before(&self.rows, other, &detail));
        self.index_address(slot, &detail);
        place
    }

    /// Replaces the part of a row that only a registration changes; who it is stays.
    pub(super) fn set_detail(&mut self, place: Place, detail: &Arc<Detail>) {
        let Some(hot) = self.get(place) else { return };
        let old = Arc::clone(&hot.detail);
        self.forget_address(place.slot, &old);
        if let Some(hot) = self.get_mut(place) {
            hot.detail = Arc::clone(detail);
        }
        self.index_address(place.slot, detail);
    }

    /// Frees the row at `place`; its slot gets the next generation.
    pub(super) fn remove(&mut self, place: Place) {
        let Some(hot) = self.get(place) else { return };
        let detail = Arc::clone(&hot.detail);
        let hash = self.hash(detail.name.as_str(), detail.instance.as_str());
        if let Ok(entry) = self.index.find_entry(hash, |slot| *slot == place.slot) {
            entry.remove();
        }
        self.order
            .remove(place.slot, |other| is_before(&self.rows, other, &detail));
        self.forget_address(place.slot, &detail);
        if let Some(used) = self.rows.get_mut(place.slot as usize) {
            *used = Slot::Free(place.generation.wrapping_add(1));
        }
        self.columns.set_grade(place.slot, Grade::Gone);
        self.free.push(place.slot);
    }

    pub(super) fn find(&self, name: &str, instance: &str) -> Option<Place> {
        let hash = self.hash(name, instance);
        let slot = *self.index.find(hash, |slot| {
            self.at(*slot).is_some_and(|hot| {
                hot.detail.name.as_str() == name && hot.detail.instance.as_str() == instance
            })
        })?;
        self.place_at(slot)
    }

    pub(super) fn get(&self, place: Place) -> Option<&Hot> {
        self.at(place.slot)
            .filter(|hot| hot.generation == place.generation)
    }

    pub(super) fn get_mut(&mut self, place: Place) -> Option<&mut Hot> {
        match self.rows.get_mut(place.slot as usize) {
            Some(Slot::Used(hot)) if hot.generation == place.generation => Some(hot),
            _ => None,
        }
    }

    fn at(&self, slot: u32) -> Option<&Hot> {
        match self.rows.get(slot as usize) {
            Some(Slot::Used(hot)) => Some(hot),
            _ => None,
        }
    }

    pub(super) fn place_at(&self, slot: u32) -> Option<Place> {
        self.at(slot).map(|hot| Place {
            slot,
            generation: hot.generation,
        })
    }

    /// All rows of a name, living ones and tombstones, by instance.
    pub(super) fn of_name<'slab>(
        &'slab self,
        name: &'slab ServiceName,
    ) -> impl Iterator<Item = Place> {
        self.after(Some((name, None)), usize::MAX)
            .take_while(move |place| self.get(*place).is_some_and(|hot| hot.detail.name == *name))
    }

    /// At most `count` rows in the order of name and instance, behind the given one (or from the
    /// first instance of the given name on).
    pub(super) fn after(
        &self,
        behind: Option<(&ServiceName, Option<&InstanceId>)>,
        count: usize,
    ) -> impl Iterator<Item = Place> + Clone {
        self.slots_after(behind)
            .take(count)
            .filter_map(|slot| self.place_at(slot))
    }

    /// The slots of the same rows, as many as there are, and what was in them at their last change.
    pub(super) fn grades_after(
        &self,
        behind: Option<(&ServiceName, Option<&InstanceId>)>,
    ) -> impl Iterator<Item = (u32, Grade)> {
        let slots = self.slots_after(behind);
        slots.map(|slot| (slot, self.columns.grade_of(slot)))
    }

    fn slots_after(
        &self,
        behind: Option<(&ServiceName, Option<&InstanceId>)>,
    ) -> impl Iterator<Item = u32> + Clone {
        let is_before = move |slot: u32| {
            let detail = self.at(slot).map(|hot| &hot.detail);
            detail.is_some_and(|detail| match behind {
                None => false,
                Some((name, None)) => detail.name < *name,
                Some((name, Some(key))) => (&detail.name, &detail.instance) <= (name, key),
            })
        };
        self.order.behind(is_before)
    }

    /// How many rows there are.
    pub(super) fn len(&self) -> usize {
        self.index.len()
    }

    /// Every row, in no order.
    pub(super) fn places(&self) -> impl Iterator<Item = Place> {
        (0_u32..)
            .take(self.rows.len())
            .filter_map(|slot| self.place_at(slot))
    }

    /// The rows of `count` slots from `first` on, in no order; `None` behind the last slot.
    pub(super) fn of_slots(
        &self,
        first: usize,
        count: usize,
    ) -> Option<impl Iterator<Item = &Hot>> {
        let slots = self.rows.get(first..).filter(|slots| !slots.is_empty())?;
        Some(slots.iter().take(count).filter_map(|slot| match slot {
            Slot::Used(hot) => Some(hot),
            Slot::Free(_) => None,
        }))
    }

    pub(super) fn change_of(&self, place: Place) -> u64 {
        self.columns.change_of(place.slot)
    }

    /// A row was changed, and has this change number from now on.
    pub(super) fn set_change(&mut self, place: Place, change: u64) {
        self.columns.set_change(place.slot, change);
        if let Some(grade) = self.get(place).map(Hot::grade) {
            self.columns.set_grade(place.slot, grade);
        }
    }

    /// Rows whose change number is above `change`, in no order.
    pub(super) fn changed_since(&self, change: u64) -> impl Iterator<Item = Place> {
        let slots = self.columns.changed_since(change);
        slots.filter_map(|slot| self.place_at(slot))
    }

    fn hash(&self, name: &str, instance: &str) -> u64 {
        self.hasher.hash_one((name, instance))
    }
}

fn hash_of(rows: &[Slot], hasher: &RandomState, slot: u32) -> u64 {
    match rows.get(slot as usize) {
        Some(Slot::Used(hot)) => {
            hasher.hash_one((hot.detail.name.as_str(), hot.detail.instance.as_str()))
        }
        _ => 0,
    }
}

/// Whether the row at `slot` stands before this one in the order of name and instance.
fn is_before(rows: &[Slot], slot: u32, detail: &Detail) -> bool {
    match rows.get(slot as usize) {
        Some(Slot::Used(hot)) => {
            (&hot.detail.name, &hot.detail.instance) < (&detail.name, &detail.instance)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// With nine bytes for its change number and its grade, about five in the order, thirteen in the
    /// indexes, sixteen in the queue and what an allocation costs, a row takes some 300 bytes as
    /// long as no text of it is longer than 24.
    #[test]
    fn a_row_is_small_and_holds_each_text_once() {
        assert_eq!(size_of::<Slot>(), 96);
        assert_eq!(size_of::<Detail>(), 120);
    }
}
