//! Rows by name and address, which several instances may share.

use std::hash::BuildHasher;

use lastbeat_proto::{Address, ServiceName};

use super::{Detail, Place, Slab, Slot};

impl Slab {
    /// The rows of a name at one address, living ones and tombstones, in no order.
    pub(in crate::state) fn of_address<'slab>(
        &'slab self,
        name: &'slab ServiceName,
        address: &'slab Address,
    ) -> impl Iterator<Item = Place> {
        let hash = self.hasher.hash_one((name.as_str(), address));
        let is_there = move |place: &Place| {
            self.get(*place)
                .is_some_and(|hot| hot.detail.name == *name && hot.detail.address == *address)
        };
        let slots = self.addresses.iter_hash(hash);
        slots
            .filter_map(|slot| self.place_at(*slot))
            .filter(is_there)
    }

    pub(super) fn index_address(&mut self, slot: u32, detail: &Detail) {
        let hash = self
            .hasher
            .hash_one((detail.name.as_str(), &detail.address));
        let (rows, hasher) = (&self.rows, &self.hasher);
        self.addresses
            .insert_unique(hash, slot, |slot| match rows.get(*slot as usize) {
                Some(Slot::Used(hot)) => {
                    hasher.hash_one((hot.detail.name.as_str(), &hot.detail.address))
                }
                _ => 0,
            });
    }

    pub(super) fn forget_address(&mut self, slot: u32, detail: &Detail) {
        let hash = self
            .hasher
            .hash_one((detail.name.as_str(), &detail.address));
        if let Ok(entry) = self.addresses.find_entry(hash, |found| *found == slot) {
            entry.remove();
        }
    }
}
