//! Rows, tombstones and events as everybody sees them.
//!
//! What a row is as JSON is written when a list is built, never at a heartbeat (ADR 0003).

use std::sync::Arc;

use lastbeat_proto::answer::{Removed, Row, Summary, Tombstone};
use lastbeat_proto::{Span, Status, Timestamp};

use super::command::DEREGISTERED;
use super::slab::{Detail, Hot, Place, flag};
use super::{State, fixed, judge};
use crate::clock::{Listened, Moment};
use crate::instance::{self, Life};

/// No row's JSON is shorter, so that a list knows beforehand that it is long.
pub const LEAST_ROW_BYTES: usize = 320;

/// The part of a row that moves.
#[derive(Debug)]
struct Moving {
    status: Status,
    late: bool,
    confirmed: bool,
    flapping: bool,
    reason: Option<String>,
    since: Timestamp,
    last_heartbeat: Timestamp,
    first_seen: Timestamp,
    heard_ms: i64,
    due_ms: i64,
}

/// How a row stands that nobody needs to look at: as most do, and all that were just heard.
const USUAL: &[u8] =
    br#","status":"UP","late":false,"confirmed":true,"flapping":false,"reason":null"#;

impl Moving {
    const fn is_usual(&self) -> bool {
        matches!(self.status, Status::Up)
            && !self.late
            && self.confirmed
            && !self.flapping
            && self.reason.is_none()
    }

    fn write_standing(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b",\"status\":\"");
        out.extend_from_slice(self.status.word().as_bytes());
        out.extend_from_slice(b"\",\"late\":");
        out.extend_from_slice(boolean(self.late));
        out.extend_from_slice(b",\"confirmed\":");
        out.extend_from_slice(boolean(self.confirmed));
        out.extend_from_slice(b",\"flapping\":");
        out.extend_from_slice(boolean(self.flapping));
        match &self.reason {
            // Only letters, digits and spaces: nothing in it needs escaping.
            Some(reason) => {
                out.extend_from_slice(b",\"reason\":\"");
                out.extend_from_slice(reason.as_bytes());
                out.push(b'"');
            }
            None => out.extend_from_slice(b",\"reason\":null"),
        }
    }

    /// The whole row.
    fn write(&self, detail: &Detail, ttl: Span, out: &mut Vec<u8>) {
        detail.write(ttl, out);
        if self.is_usual() {
            out.extend_from_slice(USUAL);
        } else {
            self.write_standing(out);
        }
        out.extend_from_slice(b",\"since\":\"");
        let since = self.since.text();
        out.extend_from_slice(&since);
        out.extend_from_slice(b"\",\"last_heartbeat\":\"");
        out.extend_from_slice(&self.last_heartbeat.text());
        out.extend_from_slice(b"\",\"first_seen\":\"");
        if self.first_seen == self.since {
            out.extend_from_slice(&since);
        } else {
            out.extend_from_slice(&self.first_seen.text());
        }
        out.extend_from_slice(b"\",\"heard_ms\":");
        fixed::json(out, &self.heard_ms);
        out.extend_from_slice(b",\"due_ms\":");
        fixed::json(out, &self.due_ms);
        out.push(b'}');
    }
}

/// A row at one moment.
#[derive(Debug)]
pub struct RowSnapshot {
    /// What only a registration changes.
    pub detail: Arc<Detail>,
    /// How long its heartbeat counts.
    pub ttl: Span,
    moving: Moving,
}

impl RowSnapshot {
    /// The row as JSON, as lists have it.
    pub fn write(&self, out: &mut Vec<u8>) {
        self.moving.write(&self.detail, self.ttl, out);
    }
}

/// A stored wall time as it is shown: never later than now, however the wall clock was stepped.
pub(super) fn shown(at: Timestamp, at_l: Listened, l: Listened, now: Moment) -> Timestamp {
    if now.wall < at {
        now.wall.plus_micros(-l.micros_since(at_l))
    } else {
        at
    }
}

impl State {
    /// Milliseconds since this start.
    pub fn up_ms(&self, now: Moment) -> i64 {
        now.mono.micros_since(self.origin) / 1_000
    }

    /// How many rows are how.
    pub fn summary(&self) -> Summary {
        let counts = self.counts;
        Summary {
            total: counts.up + counts.down,
            up: counts.up,
            late: counts.late,
            down: counts.down,
            gone: counts.shown,
        }
    }

    /// A registered row.
    pub fn row(&self, place: Place, now: Moment) -> Option<Row> {
        let hot = self
            .slab
            .get(place)
            .filter(|hot| hot.life.is_registered())?;
        let (detail, moving) = (&hot.detail, self.moving(hot, now));
        Some(Row {
            id: detail.id,
            name: detail.name.to_string(),
            instance: detail.instance.to_string(),
            ip: detail.address.to_string(),
            port: detail.port,
            status: moving.status,
            late: moving.late,
            confirmed: moving.confirmed,
            flapping: moving.flapping,
            reason: moving.reason,
            since: moving.since,
            last_heartbeat: moving.last_heartbeat,
            first_seen: moving.first_seen,
            ttl_s: hot.ttl,
            tags: detail.tags().to_vec(),
            metadata: detail.metadata().clone(),
            heard_ms: moving.heard_ms,
            due_ms: moving.due_ms,
        })
    }

    /// A registered row as JSON, equal in value to [`row`](Self::row).
    pub(super) fn write_registered(&self, hot: &Hot, now: Moment, out: &mut Vec<u8>) {
        self.moving(hot, now).write(&hot.detail, hot.ttl, out);
    }

    /// A registered row as it is now, to be written when the lock is free again.
    pub fn snapshot(&self, place: Place, now: Moment) -> Option<RowSnapshot> {
        let hot = self
            .slab
            .get(place)
            .filter(|hot| hot.life.is_registered())?;
        Some(RowSnapshot {
            detail: Arc::clone(&hot.detail),
            ttl: hot.ttl,
            moving: self.moving(hot, now),
        })
    }

    fn moving(&self, hot: &Hot, now: Moment) -> Moving {
        let l = self.listening.l();
        let pulse = self.pulse(hot);
        let is_up = hot.life == Life::Up;
        let deadline = if is_up {
            pulse.deadline(self.rules.start_grace)
        } else {
            instance::leaves_after(hot.since_l, hot.has(flag::MASS), &self.rules)
        };
        let last_heartbeat = self.last_heartbeat(hot, now);
        Moving {
            status: hot.life.status(),
            late: hot.has(flag::LATE),
            confirmed: !is_up || !pulse.is_unconfirmed(),
            flapping: hot.has(flag::FLAPPING),
            reason: (!is_up).then(|| judge::silent_for(hot.since_l.since(hot.heartbeat.l))),
            since: shown(hot.since, hot.since_l, l, now),
            last_heartbeat,
            first_seen: hot.detail.first_seen.min(last_heartbeat),
            heard_ms: hot.heard.micros_since(self.origin).div_euclid(1_000),
            due_ms: self.up_ms(now) + deadline.micros_since(l).div_euclid(1_000),
        }
    }

    /// When a row was last heard, as it is shown.
    pub(super) fn last_heartbeat(&self, hot: &Hot, now: Moment) -> Timestamp {
        shown(hot.heartbeat.at, hot.heartbeat.l, self.listening.l(), now)
    }

    /// What is kept of a row that left.
    pub fn tombstone(&self, place: Place, now: Moment) -> Option<Tombstone> {
        let hot = self
            .slab
            .get(place)
            .filter(|hot| !hot.life.is_registered())?;
        let (detail, l) = (&hot.detail, self.listening.l());
        let last_heartbeat = self.last_heartbeat(hot, now);
        let is_deregistered = hot.life == Life::Deregistered;
        let reason = if is_deregistered {
            DEREGISTERED.to_owned()
        } else {
            judge::silent_for(hot.since_l.since(hot.heartbeat.l))
        };
        Some(Tombstone {
            id: detail.id,
            name: detail.name.to_string(),
            instance: detail.instance.to_string(),
            ip: detail.address.to_string(),
            port: detail.port,
            status: Status::Gone,
            reason,
            deregistered: is_deregistered,
            since: shown(hot.since, hot.since_l, l, now),
            last_heartbeat,
            first_seen: detail.first_seen.min(last_heartbeat),
        })
    }

    /// Tombstones that the screens show, newest first, of one name or of all.
    pub fn gone(&self, name: Option<&str>, count: usize, now: Moment) -> Vec<Tombstone> {
        let l = self.listening.l();
        let is_meant = |place: &&(Listened, Place)| {
            self.slab.get(place.1).is_some_and(|hot| {
                hot.has(flag::SHOWN) && name.is_none_or(|name| hot.detail.name.as_str() == name)
            })
        };
        self.graves
            .iter()
            .rev()
            .take_while(|(left, _)| l <= left.plus(self.rules.gone_for))
            .filter(is_meant)
            .take(count)
            .filter_map(|(_, place)| self.tombstone(*place, now))
            .collect()
    }

    /// Who a row is, whatever became of it.
    pub fn removed(&self, place: Place) -> Option<Removed> {
        self.slab.get(place).map(|hot| Removed {
            id: hot.detail.id,
            name: hot.detail.name.to_string(),
            instance: hot.detail.instance.to_string(),
        })
    }
}

const fn boolean(value: bool) -> &'static [u8] {
    if value { b"true" } else { b"false" }
}
