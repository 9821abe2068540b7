//! What must hold between the rows of a registry, beyond what each value's own type says.
//!
//! The same rules judge a database that is looked at and a document that is imported.

use std::collections::HashSet;

use lastbeat_proto::name::check_line;
use lastbeat_proto::register::{
    MAX_KEY_BYTES, MAX_METADATA, MAX_TAG_BYTES, MAX_TAGS, MAX_TTL, MAX_VALUE_BYTES, MIN_TTL,
};
use lastbeat_proto::{InstanceId, ServiceName, Span};

use super::import::MAX_ID;
use crate::clock::Listened;
use crate::state::record::{EventRecord, InstanceRecord, Stretch};

/// The longest listening time: 10,000 years, far from where numbers end.
const MAX_LISTENED_US: i64 = 10_000 * 365 * 86_400 * 1_000_000;
/// How far anything may be ahead of the newest stretch: what one transaction writes is copied in
/// several holds of the lock.
const AHEAD: Span = Span::from_secs(10);

/// Rows seen so far. Stretches come first, then instances and events.
#[derive(Debug, Default)]
pub(super) struct Soundness {
    listened: Listened,
    last_start: Option<Listened>,
    ids: HashSet<i64>,
    identities: HashSet<(ServiceName, InstanceId)>,
    last_revision: u64,
    /// The highest row number that any row speaks of.
    highest_id: i64,
}

impl Soundness {
    /// The latest listening time of the stretches.
    pub(super) const fn listened(&self) -> Listened {
        self.listened
    }

    /// Judges the next stretch.
    pub(super) fn stretch(&mut self, stretch: &Stretch) -> Result<(), String> {
        let (start, last) = (stretch.start_l, stretch.last_l);
        for l in [start, last] {
            in_range(l)?;
        }
        if last < start {
            return Err("it ends before it begins".to_owned());
        }
        if self.last_start.is_some_and(|before| start <= before) || start < self.listened {
            return Err("it begins before the one before it ends".to_owned());
        }
        self.last_start = Some(start);
        self.listened = last;
        Ok(())
    }

    /// Judges the next instance.
    pub(super) fn instance(&mut self, row: &InstanceRecord) -> Result<(), String> {
        self.id(row.id)?;
        if !self.ids.insert(row.id) {
            return Err(format!("another instance has the id {}", row.id));
        }
        let identity = (row.name.clone(), row.instance.clone());
        if !self.identities.insert(identity) {
            return Err(format!(
                "another row is instance {} of service {}",
                row.instance, row.name
            ));
        }
        if let Some(ttl) = row.ttl.filter(|ttl| !(MIN_TTL..=MAX_TTL).contains(ttl)) {
            return Err(format!(
                "its ttl of {} us is not between {MIN_TTL} and {MAX_TTL}",
                ttl.as_micros()
            ));
        }
        if row.port == Some(0) {
            return Err("its port is 0".to_owned());
        }
        labels(row)?;
        let changes = row.changes.moments();
        for l in changes.iter().chain([&row.since_l, &row.heartbeat.l]) {
            self.heard(*l)?;
        }
        Ok(())
    }

    /// Judges the next event.
    pub(super) fn event(&mut self, event: &EventRecord) -> Result<(), String> {
        let revision = event.revision;
        if revision <= self.last_revision || i64::try_from(revision).is_err() {
            return Err(format!(
                "its revision {revision} does not follow {}",
                self.last_revision
            ));
        }
        self.last_revision = revision;
        if let Some(subject) = &event.subject {
            self.id(subject.id)?;
        }
        self.heard(event.l)
    }

    /// Judges the highest row number that was ever given, after everything else.
    pub(super) fn last_id(&self, last_id: i64) -> Result<(), String> {
        if (self.highest_id..=MAX_ID).contains(&last_id) {
            Ok(())
        } else {
            Err(format!(
                "the last id {last_id} is not between {}, the highest of the rows, and {MAX_ID}",
                self.highest_id
            ))
        }
    }

    fn id(&mut self, id: i64) -> Result<(), String> {
        if !(1..=MAX_ID).contains(&id) {
            return Err(format!("the id {id} is not between 1 and {MAX_ID}"));
        }
        self.highest_id = self.highest_id.max(id);
        Ok(())
    }

    fn heard(&self, l: Listened) -> Result<(), String> {
        in_range(l)?;
        if self.listened.plus(AHEAD) < l {
            return Err(format!(
                "it is from listening time {} us, but the daemon has listened for {} us only",
                l.as_micros(),
                self.listened.as_micros()
            ));
        }
        Ok(())
    }
}

/// Bounded, so that no sum of times overflows.
fn in_range(l: Listened) -> Result<(), String> {
    if (-MAX_LISTENED_US..=MAX_LISTENED_US).contains(&l.as_micros()) {
        Ok(())
    } else {
        Err(format!(
            "listening time {} us is not within 10,000 years",
            l.as_micros()
        ))
    }
}

/// Tags and metadata, by the rules of a registration.
fn labels(row: &InstanceRecord) -> Result<(), String> {
    if MAX_TAGS < row.tags.len() {
        return Err(format!("it has more than {MAX_TAGS} tags"));
    }
    if MAX_METADATA < row.metadata.len() {
        return Err(format!("it has more than {MAX_METADATA} pairs of metadata"));
    }
    let tags = row.tags.iter().map(|tag| ("a tag", tag, MAX_TAG_BYTES));
    let keys = row.metadata.keys();
    let keys = keys.map(|key| ("a key of its metadata", key, MAX_KEY_BYTES));
    let values = row.metadata.values();
    let values = values.map(|value| ("a value of its metadata", value, MAX_VALUE_BYTES));
    for (what, text, limit) in tags.chain(keys).chain(values) {
        check_line(text, limit).map_err(|error| format!("{what} {error}"))?;
    }
    Ok(())
}
