//! The registry as the screen needs it: every row once, an order over all of them and the part of
//! it that the filter lets through, both kept up to date with work in proportion to what changed.

mod changed;
mod order;
mod slots;

use std::cmp::Ordering;
use std::collections::HashMap;
use std::net::IpAddr;

use lastbeat_proto::answer::{Removed, Row};
use lastbeat_proto::query::Sort;

use super::filter::Filter;
use order::compare;
use slots::Place;

/// What tells rows apart on screens: name and instance, never the row number.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RowKey {
    /// Name of the service.
    pub name: String,
    /// Its instance key.
    pub instance: String,
}

impl RowKey {
    /// The key of a row.
    pub fn of(row: &Row) -> Self {
        Self {
            name: row.name.clone(),
            instance: row.instance.clone(),
        }
    }
}

#[derive(Debug)]
struct Entry {
    row: Row,
    search: String,
    address: Option<IpAddr>,
    is_visible: bool,
    /// Changed in this round, so not in the order at the moment; or, in a whole answer, seen.
    is_marked: bool,
    /// Whether its status changed since it was last seen.
    is_changed: bool,
}

/// All rows, their order and what of it is visible.
#[derive(Debug)]
pub struct Rows {
    slots: Vec<Option<Entry>>,
    free: Vec<usize>,
    by_key: HashMap<RowKey, usize>,
    sorted: Vec<usize>,
    visible: Vec<usize>,
    filter: Filter,
    sort: Sort,
    /// Whether the order in use is another than the one the rows are in.
    is_unordered: bool,
    /// Grows whenever the visible rows may be others.
    generation: u64,
    /// How many entries are changed.
    changed: usize,
}

impl Rows {
    /// No rows.
    pub fn new(filter: Filter, sort: Sort) -> Self {
        Self {
            slots: Vec::new(),
            free: Vec::new(),
            by_key: HashMap::new(),
            sorted: Vec::new(),
            visible: Vec::new(),
            filter,
            sort,
            is_unordered: false,
            generation: 0,
            changed: 0,
        }
    }

    /// A number that grows whenever the visible rows may be others, or otherwise.
    pub const fn generation(&self) -> u64 {
        self.generation
    }

    /// How many rows there are.
    pub const fn total(&self) -> usize {
        self.sorted.len()
    }

    /// How many rows the filter lets through.
    pub const fn len(&self) -> usize {
        self.visible.len()
    }

    /// Whether the filter lets nothing through, or there is nothing.
    pub const fn is_empty(&self) -> bool {
        self.visible.is_empty()
    }

    /// The visible row on a line.
    pub fn row(&self, line: usize) -> Option<&Row> {
        let slot = self.visible.get(line)?;
        Some(&self.entry(*slot)?.row)
    }

    /// The visible rows from a line on.
    pub fn rows_from(&self, line: usize) -> impl Iterator<Item = &Row> {
        self.visible
            .iter()
            .skip(line)
            .filter_map(|slot| Some(&self.entry(*slot)?.row))
    }

    /// The row with this key, visible or not.
    pub fn find(&self, key: &RowKey) -> Option<&Row> {
        Some(&self.entry(*self.by_key.get(key)?)?.row)
    }

    /// The first line on which a visible row of a service stands.
    pub fn first_of(&self, name: &str) -> Option<usize> {
        self.rows_from(0).position(|row| row.name == name)
    }

    /// The line of a visible row.
    pub fn line_of(&self, key: &RowKey) -> Option<usize> {
        let slot = self.by_key.get(key)?;
        self.visible.iter().position(|visible| visible == slot)
    }

    /// All rows of a service, visible or not, in their order.
    pub fn of_service<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Row> {
        let all = self.sorted.iter().filter_map(|slot| self.entry(*slot));
        all.map(|entry| &entry.row)
            .filter(move |row| row.name == name)
    }

    /// The filter in use.
    pub const fn filter(&self) -> &Filter {
        &self.filter
    }

    /// The order in use.
    pub const fn sort(&self) -> Sort {
        self.sort
    }

    /// Shows only what matches.
    pub fn set_filter(&mut self, filter: Filter) {
        self.filter = filter;
        for entry in self.slots.iter_mut().flatten() {
            entry.is_visible = self.filter.matches(&entry.row, &entry.search);
        }
        self.collect_visible();
    }

    /// Another order, which the rows are in after [`Self::order`].
    pub const fn set_sort(&mut self, sort: Sort) {
        self.sort = sort;
        self.is_unordered = true;
    }

    /// Orders anew, where another order was chosen.
    pub fn order(&mut self) {
        if !std::mem::take(&mut self.is_unordered) {
            return;
        }
        let mut sorted = std::mem::take(&mut self.sorted);
        sorted.sort_by(|a, b| self.compare(*a, *b));
        self.sorted = sorted;
        self.collect_visible();
    }

    /// Takes over a whole registry; rows that stay keep their place in memory.
    pub fn replace(&mut self, rows: Vec<Row>) {
        let slots: Vec<usize> = rows
            .into_iter()
            .map(|row| self.store(row, Place::New))
            .collect();
        let gone: Vec<usize> = self
            .sorted
            .iter()
            .copied()
            .filter(|slot| self.entry(*slot).is_some_and(|entry| !entry.is_marked))
            .collect();
        for slot in gone {
            self.drop_slot(slot);
        }
        self.sorted.clear();
        self.insert_sorted(slots);
    }

    /// Takes over what changed. A row that stays where it is, as with every plain heartbeat, costs
    /// nothing but its exchange.
    pub fn merge(&mut self, changed: Vec<Row>, removed: &[Removed]) {
        self.generation += 1;
        let mut slots: Vec<usize> = Vec::new();
        for row in changed {
            let slot = self.store(row, Place::Kept);
            slots.extend(Some(slot).filter(|slot| self.is_marked(*slot)));
        }
        let before = self.by_key.len();
        for row in removed {
            let key = RowKey {
                name: row.name.clone(),
                instance: row.instance.clone(),
            };
            if let Some(slot) = self.by_key.get(&key).copied() {
                self.drop_slot(slot);
            }
        }
        if slots.is_empty() && self.by_key.len() == before {
            return;
        }
        let mut sorted = std::mem::take(&mut self.sorted);
        sorted.retain(|slot| self.entry(*slot).is_some_and(|entry| !entry.is_marked));
        self.sorted = sorted;
        self.insert_sorted(slots);
    }

    fn entry(&self, slot: usize) -> Option<&Entry> {
        self.slots.get(slot)?.as_ref()
    }

    /// Merges marked slots into the order and clears their marks. An answer that names a row
    /// twice, or as changed and removed, leaves it once, or not at all.
    fn insert_sorted(&mut self, mut slots: Vec<usize>) {
        self.order();
        slots.sort_unstable();
        slots.dedup();
        slots.retain(|slot| self.entry(*slot).is_some());
        slots.sort_by(|a, b| self.compare(*a, *b));
        let mut merged = Vec::with_capacity(self.sorted.len() + slots.len());
        let mut new = slots.iter().copied().peekable();
        for old in self.sorted.iter().copied() {
            while let Some(slot) = new.next_if(|slot| self.compare(*slot, old).is_lt()) {
                merged.push(slot);
            }
            merged.push(old);
        }
        merged.extend(new);
        self.sorted = merged;
        for slot in slots {
            if let Some(entry) = self.slots.get_mut(slot).and_then(Option::as_mut) {
                entry.is_marked = false;
            }
        }
        self.collect_visible();
    }

    fn collect_visible(&mut self) {
        self.generation += 1;
        let mut visible = std::mem::take(&mut self.visible);
        visible.clear();
        let shown = |slot: &usize| self.entry(*slot).is_some_and(|entry| entry.is_visible);
        visible.extend(self.sorted.iter().copied().filter(shown));
        self.visible = visible;
    }

    fn compare(&self, a: usize, b: usize) -> Ordering {
        let (Some(a), Some(b)) = (self.entry(a), self.entry(b)) else {
            return Ordering::Equal;
        };
        compare(a, b, self.sort)
    }
}

#[cfg(test)]
mod tests;
