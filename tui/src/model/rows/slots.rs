//! Where rows are kept: each in a slot of its own for as long as it stays.

use lastbeat_proto::answer::Row;

use super::order::compare;
use super::{Entry, RowKey, Rows};
use crate::model::filter::search_text;

/// Whether a row has to be put into the order anew.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// It has.
    New,
    /// Only where it does not belong to where it is.
    Kept,
}

impl Rows {
    /// Puts a row into its slot and marks it, unless it may and does keep its place.
    pub(super) fn store(&mut self, row: Row, place: Place) -> usize {
        let key = RowKey::of(&row);
        let search = search_text(&row);
        let mut entry = Entry {
            is_visible: self.filter.matches(&row, &search),
            address: row.ip.parse().ok(),
            search,
            row,
            is_marked: true,
            is_changed: false,
        };
        let before = self.by_key.get(&key).and_then(|slot| self.entry(*slot));
        if let Some(before) = before {
            entry.is_changed = before.is_changed || before.row.status != entry.row.status;
            let stays =
                before.is_visible == entry.is_visible && compare(before, &entry, self.sort).is_eq();
            entry.is_marked = before.is_marked || place == Place::New || !stays;
            self.changed += usize::from(entry.is_changed) - usize::from(before.is_changed);
        }
        let slot = match (self.by_key.get(&key), self.free.pop()) {
            (Some(known), unused) => {
                self.free.extend(unused);
                *known
            }
            (None, Some(free)) => free,
            (None, None) => {
                self.slots.push(None);
                self.slots.len() - 1
            }
        };
        self.by_key.insert(key, slot);
        if let Some(place) = self.slots.get_mut(slot) {
            *place = Some(entry);
        }
        slot
    }

    pub(super) fn drop_slot(&mut self, slot: usize) {
        if let Some(entry) = self.slots.get_mut(slot).and_then(Option::take) {
            self.changed -= usize::from(entry.is_changed);
            self.by_key.remove(&RowKey::of(&entry.row));
            self.free.push(slot);
        }
    }

    pub(super) fn is_marked(&self, slot: usize) -> bool {
        self.entry(slot).is_some_and(|entry| entry.is_marked)
    }
}
