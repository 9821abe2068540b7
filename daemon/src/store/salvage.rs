//! What can be saved from a file that `SQLite` does not read any more, or not wholly.
//!
//! Rows are collected page by page, whichever table they seem to belong to, and each is checked
//! as strictly as one from outside. What a row looks like is in [`shape`].

mod shape;

use std::collections::{BTreeMap, HashSet};

use lastbeat_proto::{Span, Timestamp};

use self::shape::Shape;
use super::image::{Image, RawRow};
use super::import::{self, Import, OldRow, Refused};
use crate::clock::Listened;
use crate::instance::Life;
use crate::state::record::{Batch, Began, EventRecord, Heartbeat, InstanceRecord, Stretch};

/// How much listening time a lost page of stretches can hide; with one start a day, a page holds
/// a quarter of a year.
const LOST_LISTENING: Span = Span::from_secs(366 * 86_400);

/// Everything that was found, by what identifies it: a stale page may hold a row once more.
#[derive(Debug, Default)]
struct Found {
    instances: BTreeMap<i64, InstanceRecord>,
    heartbeats: BTreeMap<i64, Heartbeat>,
    events: BTreeMap<u64, EventRecord>,
    stretches: BTreeMap<Listened, Stretch>,
    refused: BTreeMap<i64, Refused>,
    old_rows: BTreeMap<i64, OldRow>,
    sequence: i64,
    old_sequence: i64,
}

/// Collects all readable rows of `image`, ours or the original's.
pub(super) fn rescue(image: &Image, now: Timestamp, default_ttl: Span) -> Import {
    let mut found = Found::default();
    for row in image.rows() {
        found.add(&row);
    }
    if found.instances.is_empty() && !found.old_rows.is_empty() {
        let rows = found.old_rows.into_values().collect();
        return import::plan(rows, found.old_sequence, now);
    }
    found.into_import(now, default_ttl)
}

impl Found {
    fn add(&mut self, row: &RawRow) {
        match shape::of(row) {
            Some(Shape::Instance(new)) => {
                let newest = self.instances.entry(new.id).or_insert_with(|| new.clone());
                if newest.since_l < new.since_l {
                    *newest = new;
                }
            }
            Some(Shape::Heartbeat(id, new)) => {
                let newest = self.heartbeats.entry(id).or_insert(new);
                if newest.l < new.l {
                    *newest = new;
                }
            }
            Some(Shape::Event(event)) => {
                self.events.insert(event.revision, event);
            }
            Some(Shape::Stretch(new)) => {
                let newest = self.stretches.entry(new.start_l).or_insert(new);
                if newest.last_l < new.last_l {
                    *newest = new;
                }
            }
            Some(Shape::Refused(refused)) => {
                self.refused.insert(refused.row.id, refused);
            }
            Some(Shape::Old(row)) => {
                self.old_rows.insert(row.id, row);
            }
            Some(Shape::Sequence(seq)) => self.sequence = self.sequence.max(seq),
            Some(Shape::OldSequence(seq)) => self.old_sequence = self.old_sequence.max(seq),
            None => {}
        }
    }

    fn into_import(self, now: Timestamp, default_ttl: Span) -> Import {
        let listened = self.listened();
        let stretches = self.stretches_until(listened, now);
        let (at, l) = stretches.last().map_or((now, listened), |stretch| {
            (stretch.last_wall, stretch.last_l)
        });
        let mut identities = HashSet::new();
        // Of two rows with one identity the younger is the living one.
        let mut rows: Vec<_> = self
            .instances
            .into_values()
            .rev()
            .filter(|row| identities.insert((row.name.clone(), row.instance.clone())))
            .collect();
        rows.reverse();
        for row in &mut rows {
            row.heartbeat = match self.heartbeats.get(&row.id) {
                Some(heartbeat) if heartbeat.l <= listened => *heartbeat,
                _ if row.life == Life::Up => Heartbeat { at, l },
                _ => silent_since(row, default_ttl),
            };
        }
        let highest = self
            .heartbeats
            .keys()
            .copied()
            .chain(
                self.events
                    .values()
                    .filter_map(|e| e.subject.as_ref())
                    .map(|s| s.id),
            )
            .max()
            .unwrap_or(0);
        Import {
            batch: Batch {
                rows,
                events: self.events.into_values().collect(),
                stretches,
                ..Batch::default()
            },
            refused: self.refused.into_values().collect(),
            merged: 0,
            sequence: self.sequence.max(highest),
        }
    }

    /// The latest listening time that any row knows. One far behind the newest stretch comes from
    /// a flipped bit, and would make everybody silent for years.
    fn listened(&self) -> Listened {
        let newest = self
            .stretches
            .last_key_value()
            .map(|(_, stretch)| stretch.last_l);
        let limit = newest.map(|last_l| last_l.plus(LOST_LISTENING));
        let rows = self.instances.values().map(|row| row.since_l);
        let heartbeats = self.heartbeats.values().map(|heartbeat| heartbeat.l);
        let events = self.events.values().map(|event| event.l);
        let stretches = self.stretches.values().map(|stretch| stretch.last_l);
        rows.chain(heartbeats)
            .chain(events)
            .chain(stretches)
            .filter(|l| limit.is_none_or(|limit| *l <= limit))
            .max()
            .unwrap_or_default()
    }

    /// The stretches, the newest reaching up to `listened`: listening time never goes back, also
    /// when the row that knew it is lost.
    fn stretches_until(&self, listened: Listened, now: Timestamp) -> Vec<Stretch> {
        let mut stretches: Vec<_> = self.stretches.values().copied().collect();
        match stretches.last_mut() {
            Some(newest) if newest.last_l < listened => {
                newest.last_l = listened;
                newest.is_clean = false;
            }
            None if Listened::default() < listened => stretches.push(Stretch {
                began: Began::Start,
                start_l: Listened::default(),
                last_l: listened,
                start_wall: now,
                last_wall: now,
                is_clean: false,
            }),
            _ => {}
        }
        stretches
    }
}

/// The heartbeat that one who is not UP must have had at the latest.
fn silent_since(row: &InstanceRecord, default_ttl: Span) -> Heartbeat {
    let ttl_us = row.ttl.unwrap_or(default_ttl).as_signed_micros();
    Heartbeat {
        at: row.since.plus_micros(ttl_us.saturating_neg()),
        l: Listened::from_micros(row.since_l.as_micros().saturating_sub(ttl_us)),
    }
}
