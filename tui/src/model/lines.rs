//! The lines that can be selected, from top to bottom: instances, or services with what is
//! unfolded of them, and below them what left. Made anew only when what they are made of changed.

use std::collections::{BTreeSet, HashMap};

use lastbeat_proto::answer::{Row, Tombstone};

use super::filter::Filter;
use super::gone::GoneGroup;
use super::group::{Group, group};
use super::rows::{RowKey, Rows};

/// What is selected, whatever line it stands on.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Selection {
    /// An instance.
    Instance(RowKey),
    /// A service, in the view by service.
    Service(String),
    /// A service of which an instance left.
    Gone(String),
    /// An instance that left, below its service in the view by service.
    Left(RowKey),
}

impl Selection {
    /// Name of the service.
    pub fn name(&self) -> &str {
        match self {
            Self::Instance(key) | Self::Left(key) => &key.name,
            Self::Service(name) | Self::Gone(name) => name,
        }
    }
}

/// What stands on a line.
#[derive(Debug, Clone, Copy)]
pub enum Item<'a> {
    /// An instance.
    Instance(&'a Row),
    /// A service with how many instances are how.
    Service(&'a Group),
    /// What left of a service.
    Gone(&'a GoneGroup),
    /// One instance that left, below its service.
    Left(&'a Tombstone),
}

impl Item<'_> {
    /// What is selected when the cursor is here.
    pub fn selection(&self) -> Selection {
        match self {
            Self::Instance(row) => Selection::Instance(RowKey::of(row)),
            Self::Service(group) => Selection::Service(group.name.clone()),
            Self::Gone(group) => Selection::Gone(group.name.clone()),
            Self::Left(tombstone) => Selection::Left(key_of(tombstone)),
        }
    }
}

/// What tells an instance that left from others.
pub fn key_of(tombstone: &Tombstone) -> RowKey {
    RowKey {
        name: tombstone.name.clone(),
        instance: tombstone.instance.clone(),
    }
}

#[derive(Debug, Clone, Copy)]
enum Listed {
    Service(usize),
    Member(usize),
    /// A group of what left, and one of its tombstones.
    Left(usize, usize),
}

/// The lines.
#[derive(Debug, Default)]
pub struct Lines {
    is_grouped: bool,
    unfolded: BTreeSet<String>,
    groups: Vec<Group>,
    /// Lines of the table while grouped; else the visible rows are the lines.
    listed: Vec<Listed>,
    /// Which groups of what left the filter lets through.
    gone: Vec<usize>,
    rows_seen: Option<u64>,
    is_old: bool,
}

impl Lines {
    /// Whether there is one line a service.
    pub const fn is_grouped(&self) -> bool {
        self.is_grouped
    }

    /// One line a service, or one an instance.
    pub const fn set_grouped(&mut self, is_grouped: bool) {
        self.is_grouped = is_grouped;
        self.is_old = true;
    }

    /// Whether the instances of a service are listed below it.
    pub fn is_unfolded(&self, name: &str) -> bool {
        self.unfolded.contains(name)
    }

    /// Lists the instances of a service below it.
    pub fn unfold(&mut self, name: &str) {
        self.unfolded.insert(name.to_owned());
        self.is_old = true;
    }

    /// Leaves one line of a service; whether there were more.
    pub fn fold(&mut self, name: &str) -> bool {
        let had_more = self.unfolded.remove(name);
        self.is_old |= had_more;
        had_more
    }

    /// Something that lines are made of changed beside the rows.
    pub const fn touch(&mut self) {
        self.is_old = true;
    }

    /// Makes them anew where they are old.
    pub fn keep(&mut self, rows: &Rows, gone: &[GoneGroup]) {
        if !self.is_old && self.rows_seen == Some(rows.generation()) {
            return;
        }
        self.is_old = false;
        self.rows_seen = Some(rows.generation());
        let filter = rows.filter();
        self.gone.clear();
        let shown = |group: &GoneGroup| group.tombstones.iter().any(|t| filter.matches_gone(t));
        self.gone.extend(
            gone.iter()
                .enumerate()
                .filter(|(_, group)| shown(group))
                .map(|(index, _)| index),
        );
        self.groups.clear();
        self.listed.clear();
        if self.is_grouped {
            self.groups = group(rows);
            self.list(gone, filter);
        }
    }

    /// Services, and below those that are unfolded what is counted: their instances, and those of
    /// them that left.
    fn list(&mut self, gone: &[GoneGroup], filter: &Filter) {
        let by_name: HashMap<&str, (usize, &GoneGroup)> = gone
            .iter()
            .enumerate()
            .map(|(at, group)| (group.name.as_str(), (at, group)))
            .collect();
        for (index, group) in self.groups.iter_mut().enumerate() {
            let left: Vec<Listed> =
                by_name
                    .get(group.name.as_str())
                    .map_or_else(Vec::new, |(at, of)| {
                        let shown = of.tombstones.iter().enumerate();
                        let shown = shown.filter(|(_, tombstone)| filter.matches_gone(tombstone));
                        shown.map(|(index, _)| Listed::Left(*at, index)).collect()
                    });
            group.gone = left.len();
            self.listed.push(Listed::Service(index));
            if self.unfolded.contains(&group.name) {
                let members = group.members.iter().map(|line| Listed::Member(*line));
                self.listed.extend(members);
                self.listed.extend(left);
            }
        }
    }

    /// How many lines the table has.
    pub const fn table_len(&self, rows: &Rows) -> usize {
        if self.is_grouped {
            self.listed.len()
        } else {
            rows.len()
        }
    }

    /// How many lines what left has.
    pub const fn gone_len(&self) -> usize {
        self.gone.len()
    }

    /// What stands on a line; the lines of what left follow those of the table.
    pub fn item<'a>(
        &'a self,
        line: usize,
        rows: &'a Rows,
        gone: &'a [GoneGroup],
    ) -> Option<Item<'a>> {
        if let Some(below) = line.checked_sub(self.table_len(rows)) {
            return gone.get(*self.gone.get(below)?).map(Item::Gone);
        }
        if !self.is_grouped {
            return rows.row(line).map(Item::Instance);
        }
        match *self.listed.get(line)? {
            Listed::Service(index) => self.groups.get(index).map(Item::Service),
            Listed::Member(line) => rows.row(line).map(Item::Instance),
            Listed::Left(group, index) => gone.get(group)?.tombstones.get(index).map(Item::Left),
        }
    }

    /// The line on which something stands, where it is visible.
    pub fn line_of(&self, selection: &Selection, rows: &Rows, gone: &[GoneGroup]) -> Option<usize> {
        match selection {
            Selection::Gone(name) => {
                let is_it = |index: &usize| gone.get(*index).is_some_and(|g| g.name == *name);
                let below = self.gone.iter().position(is_it)?;
                Some(self.table_len(rows) + below)
            }
            Selection::Left(key) => {
                let is_it = |listed: &Listed| match *listed {
                    Listed::Left(group, index) => gone
                        .get(group)
                        .and_then(|group| group.tombstones.get(index))
                        .is_some_and(|tombstone| key_of(tombstone) == *key),
                    Listed::Service(_) | Listed::Member(_) => false,
                };
                self.listed.iter().position(is_it)
            }
            Selection::Instance(key) if self.is_grouped => {
                let of_row = rows.line_of(key)?;
                let is_it = |listed: &Listed| matches!(listed, Listed::Member(l) if *l == of_row);
                self.listed.iter().position(is_it)
            }
            Selection::Instance(key) => rows.line_of(key),
            Selection::Service(name) if !self.is_grouped => rows.first_of(name),
            Selection::Service(name) => {
                let index = self.groups.iter().position(|group| group.name == *name)?;
                let is_it = |listed: &Listed| matches!(listed, Listed::Service(i) if *i == index);
                self.listed.iter().position(is_it)
            }
        }
    }

    /// The visible rows that stand on a line: one, those of a service, none of what left.
    pub fn rows_on(&self, line: usize, rows: &Rows) -> Vec<usize> {
        if !self.is_grouped {
            return (line < rows.len()).then_some(line).into_iter().collect();
        }
        match self.listed.get(line) {
            Some(Listed::Member(line)) => vec![*line],
            Some(Listed::Service(index)) => self
                .groups
                .get(*index)
                .map_or_else(Vec::new, |group| group.members.clone()),
            Some(Listed::Left(..)) | None => Vec::new(),
        }
    }

    /// Which of the groups of what left stands on a line.
    pub fn gone_on(&self, line: usize, rows: &Rows) -> Option<usize> {
        let below = line.checked_sub(self.table_len(rows))?;
        self.gone.get(below).copied()
    }
}
