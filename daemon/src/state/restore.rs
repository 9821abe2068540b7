//! The state of a start: what the store had, at this moment.

use std::collections::BTreeSet;
use std::sync::Arc;

use lastbeat_proto::EventKind;

use super::dirty::Dirty;
use super::journal::Journal;
use super::listening::Listening;
use super::mass::Mass;
use super::queue::Queue;
use super::record::{InstanceRecord, Loaded};
use super::slab::{Detail, Hot, Slab, flag};
use super::tally::Tally;
use super::{Counts, State, notice, view};
use crate::clock::{Listened, Moment, Mono};
use crate::config::{Limits, Rules};
use crate::instance::Life;

impl State {
    /// Goes on where the store left off. Time does not count yet: the caller binds its listeners,
    /// stores the new stretch and then calls [`listen`](Self::listen).
    pub fn load(loaded: Loaded, rules: Rules, limits: Limits, now: Moment) -> Self {
        let mut state = Self {
            rules,
            limits,
            origin: now.mono,
            run: format!("{:x}.{:x}", now.wall.as_micros(), loaded.revision),
            listening: Listening::load(loaded.stretches),
            slab: Slab::with_room_for(loaded.instances.len()),
            queue: Queue::default(),
            graves: BTreeSet::new(),
            counts: Counts::default(),
            mass: Mass::default(),
            journal: Journal::load(loaded.events, loaded.revision),
            dirty: Dirty::default(),
            next_id: loaded.next_id.max(1),
            change: 1,
            waking_change: 1,
            floor: 1,
            notices: notice::Facts::new(loaded.refused_rows, now.wall),
            tally: Tally::new(now),
        };
        let mut newest = None;
        for record in loaded.instances {
            newest = newest
                .max(Some(record.since_l))
                .max(Some(record.heartbeat.l));
            state.insert_loaded(record, now);
        }
        state.judge_loaded(now);
        state.begin(now, newest);
        state
    }

    fn begin(&mut self, now: Moment, newest: Option<Listened>) {
        let was_empty = self.journal.revision() == 0;
        if let Some(stretch) = self.listening.stretches().last() {
            self.notices.away = Some((stretch.last_wall.min(now.wall), now.wall));
        }
        self.listening.begin(now, newest);
        self.counts.unconfirmed = self.counts.up;
        let reason = if was_empty {
            "first start"
        } else {
            "the daemon started"
        };
        self.record(now, EventKind::Start, None, Some(reason.to_owned()));
        self.dirty.wants_store = true;
    }

    fn insert_loaded(&mut self, record: InstanceRecord, now: Moment) {
        let l = self.listening.l();
        let heard_at = view::shown(record.heartbeat.at, record.heartbeat.l, l, now);
        let age_us = now.wall.as_micros() - heard_at.as_micros();
        let (life, is_mass, is_flapping) = (record.life, record.is_mass, record.is_flapping);
        let mut hot = Hot {
            heartbeat: record.heartbeat,
            heard: Mono::from_micros(now.mono.as_micros() - age_us),
            ttl: record.ttl.unwrap_or(self.rules.ttl),
            since: record.since,
            since_l: record.since_l,
            changes: record.changes.clone(),
            queued: None,
            urgent: 0,
            generation: 0,
            life,
            flags: 0,
            detail: Arc::new(Detail::from(record)),
        };
        if is_mass {
            hot.set(flag::MASS);
        }
        if is_flapping {
            hot.set(flag::FLAPPING);
        }
        let is_shown = life == Life::TimedOut || life == Life::Deregistered;
        if is_shown && l <= hot.since_l.plus(self.rules.gone_for) {
            hot.set(flag::SHOWN);
        }
        self.count(hot.standing(), 1);
        let is_victim = life == Life::Down && hot.has(flag::MASS);
        let (since_l, since) = (hot.since_l, hot.since);
        let place = self.slab.insert(hot);
        if is_victim {
            self.mass.load(since_l, since);
        }
        if !life.is_registered() {
            self.graves.insert((since_l, place));
        }
        self.change += 1;
        self.slab.set_change(place, self.change);
        self.floor = self.change;
        self.waking_change = self.change;
        self.enqueue(place);
    }
}
