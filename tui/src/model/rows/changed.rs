//! Which rows changed their status since somebody saw them.

use super::{RowKey, Rows};

impl Rows {
    /// Whether the status of the row on a line changed since it was last seen.
    pub fn is_changed(&self, line: usize) -> bool {
        let entry = self.visible.get(line).and_then(|slot| self.entry(*slot));
        entry.is_some_and(|entry| entry.is_changed)
    }

    /// How many rows changed their status since they were last seen.
    pub const fn changed(&self) -> usize {
        self.changed
    }

    /// The row with this key changed its status.
    pub fn mark_changed(&mut self, key: &RowKey) {
        let slot = self.by_key.get(key).copied();
        self.set_changed(slot, true);
    }

    /// The row on a line was seen.
    pub fn see(&mut self, line: usize) {
        let slot = self.visible.get(line).copied();
        self.set_changed(slot, false);
    }

    fn set_changed(&mut self, slot: Option<usize>, is_changed: bool) {
        let entry = slot.and_then(|slot| self.slots.get_mut(slot)?.as_mut());
        if let Some(entry) = entry.filter(|entry| entry.is_changed != is_changed) {
            entry.is_changed = is_changed;
            self.generation += 1;
            if is_changed {
                self.changed += 1;
            } else {
                self.changed -= 1;
            }
        }
    }
}
