//! What a registration makes of a row: new, renewed, or changed in what it says.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;

use lastbeat_proto::register::{Patch, Registration};
use lastbeat_proto::{Address, EventKind, InstanceId, Span};

use super::again::{says_nothing_new, whereabouts};
use super::dirty::List;
use super::record::{Heartbeat, InstanceRecord};
use super::slab::{Detail, Hot, Place, flag};
use super::{State, subject};
use crate::clock::Moment;
use crate::instance::{Changes, Life};

/// Where a registration says the instance is.
pub(super) struct Location {
    pub(super) address: Address,
    pub(super) port: Option<u16>,
    pub(super) instance: InstanceId,
}

impl State {
    /// A new row.
    pub(super) fn insert(
        &mut self,
        registration: &Registration,
        location: Location,
        now: Moment,
    ) -> Place {
        let id = self.next_id;
        self.next_id += 1;
        let record = self.new_record(id, registration, location, now);
        let hot = self.fresh_hot(record, now);
        self.count(hot.standing(), 1);
        let place = self.slab.insert(hot);
        self.registered(place);
        place
    }

    /// A deregistered row registers again: as new, under its old number.
    pub(super) fn renew(
        &mut self,
        place: Place,
        registration: &Registration,
        location: Location,
        now: Moment,
    ) {
        let l = self.listening.l();
        let Some(id) = self.slab.get(place).map(|hot| hot.detail.id) else {
            return;
        };
        let record = self.new_record(id, registration, location, now);
        let fresh = self.fresh_hot(record, now);
        self.slab.set_detail(place, &fresh.detail);
        let Some(hot) = self.slab.get_mut(place) else {
            return;
        };
        hot.ttl = fresh.ttl;
        hot.heartbeat = fresh.heartbeat;
        hot.heard = fresh.heard;
        hot.changes = fresh.changes;
        hot.clear(flag::FLAPPING);
        hot.clear(flag::EXPIRING);
        self.change_life(place, Life::Up, l, now);
        self.registered(place);
    }

    fn registered(&mut self, place: Place) {
        let Some(hot) = self.slab.get(place) else {
            return;
        };
        let from = hot.detail.address.with_port(hot.detail.port);
        self.record_transition(
            place,
            EventKind::Registered,
            format!("registered at {from}"),
        );
        self.touch_and_wake(place);
        self.mark(place, List::Urgent);
        self.enqueue(place);
    }

    fn new_record(
        &self,
        id: i64,
        registration: &Registration,
        location: Location,
        now: Moment,
    ) -> InstanceRecord {
        let l = self.listening.l();
        InstanceRecord {
            id,
            name: registration.name.clone(),
            instance: location.instance,
            address: location.address,
            port: location.port,
            ttl: set(&registration.ttl),
            tags: set(&registration.tags).unwrap_or_default(),
            metadata: set(&registration.metadata).unwrap_or_default(),
            first_seen: now.wall,
            life: Life::Up,
            since: now.wall,
            since_l: l,
            is_mass: false,
            changes: Changes::default(),
            is_flapping: false,
            heartbeat: Heartbeat { at: now.wall, l },
        }
    }

    fn fresh_hot(&self, record: InstanceRecord, now: Moment) -> Hot {
        Hot {
            heartbeat: record.heartbeat,
            heard: now.mono,
            ttl: record.ttl.unwrap_or(self.rules.ttl),
            since: record.since,
            since_l: record.since_l,
            changes: record.changes.clone(),
            queued: None,
            urgent: 0,
            generation: 0,
            life: record.life,
            flags: 0,
            detail: Arc::new(Detail::from(record)),
        }
    }

    /// Takes over what a registration changes of a known row.
    pub(super) fn apply(
        &mut self,
        place: Place,
        registration: &Registration,
        location: Location,
        now: Moment,
    ) {
        let Some(hot) = self.slab.get(place) else {
            return;
        };
        let old = &hot.detail;
        if says_nothing_new(old, registration, (&location.address, location.port)) {
            return;
        }
        let Wanted {
            port,
            ttl,
            tags,
            metadata,
        } = Wanted::new(old, registration, &location);
        let record = InstanceRecord {
            id: old.id,
            name: old.name.clone(),
            instance: old.instance.clone(),
            address: location.address,
            port,
            ttl,
            tags,
            metadata,
            first_seen: old.first_seen,
            life: hot.life,
            since: hot.since,
            since_l: hot.since_l,
            is_mass: false,
            changes: hot.changes.clone(),
            is_flapping: hot.has(flag::FLAPPING),
            heartbeat: hot.heartbeat,
        };
        let detail = Arc::new(Detail::from(record));
        let reason = difference(old, &detail);
        let who = subject(hot);
        if let Some(hot) = self.slab.get_mut(place) {
            hot.ttl = detail.own_ttl.unwrap_or(self.rules.ttl);
        }
        self.slab.set_detail(place, &detail);
        self.record(now, EventKind::Changed, Some(who), Some(reason));
        self.touch_and_wake(place);
        self.mark(place, List::Urgent);
        self.enqueue(place);
    }
}

/// What a registration makes of a known row, beside its address.
struct Wanted {
    port: Option<u16>,
    ttl: Option<Span>,
    tags: Vec<String>,
    metadata: BTreeMap<String, String>,
}

impl Wanted {
    fn new(old: &Detail, registration: &Registration, location: &Location) -> Self {
        Self {
            port: match (registration.port.clone(), location.port) {
                (Patch::Keep, None) => old.port,
                (_, port) => port,
            },
            ttl: patched(&registration.ttl, old.own_ttl.as_ref()),
            tags: patched(&registration.tags, Some(old.tags())).unwrap_or_default(),
            metadata: patched(&registration.metadata, Some(old.metadata())).unwrap_or_default(),
        }
    }
}

pub(super) fn locate(registration: &Registration, caller: &Address) -> Location {
    let (address, port) = whereabouts(registration, caller);
    let instance =
        set(&registration.instance).unwrap_or_else(|| InstanceId::of_address(address, port));
    Location {
        address: address.clone(),
        port,
        instance,
    }
}

fn set<T: Clone>(patch: &Patch<T>) -> Option<T> {
    if let Patch::Set(value) = patch {
        Some(value.clone())
    } else {
        None
    }
}

fn patched<T: ToOwned<Owned: Clone> + ?Sized>(
    patch: &Patch<T::Owned>,
    old: Option<&T>,
) -> Option<T::Owned> {
    match patch {
        Patch::Keep => old.map(T::to_owned),
        Patch::Clear => None,
        Patch::Set(value) => Some(value.clone()),
    }
}

/// What a change changed, in words.
fn difference(old: &Detail, new: &Detail) -> String {
    let mut words = String::new();
    let mut add = |what: &str, from: String, to: String| {
        if from != to {
            let comma = if words.is_empty() { "" } else { "; " };
            // Writing to a `String` cannot fail.
            write!(words, "{comma}{what} {from} -> {to}").unwrap_or(());
        }
    };
    let ttl = |detail: &Detail| {
        detail
            .own_ttl
            .map_or("default".to_owned(), |ttl| ttl.to_string())
    };
    add(
        "address",
        old.address.with_port(old.port),
        new.address.with_port(new.port),
    );
    add("ttl", ttl(old), ttl(new));
    add("tags", old.tags().join(","), new.tags().join(","));
    if old.metadata() != new.metadata() {
        let comma = if words.is_empty() { "" } else { "; " };
        write!(words, "{comma}metadata").unwrap_or(());
    }
    words
}
