//! Which table a row is of: no two of ours have the same number of columns.

use lastbeat_proto::{EventKind, InstanceId, NetworkEndpoint, ServiceName, Span, Timestamp};
use rusqlite::types::Value::{self, Integer, Null, Text};

use crate::clock::Listened;
use crate::instance::Changes;
use crate::state::record::{EventRecord, Heartbeat, InstanceRecord, Stretch, Subject};
use crate::store::image::RawRow;
use crate::store::import::{OldRow, Refused};
use crate::store::load::{self, began, life};

/// A row of a known table.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Shape {
    /// Of `instances`; its heartbeat stands elsewhere.
    Instance(InstanceRecord),
    /// Of `heartbeats`, with its row number.
    Heartbeat(i64, Heartbeat),
    /// Of `events`.
    Event(EventRecord),
    /// Of `stretches`.
    Stretch(Stretch),
    /// Of `refused_rows`.
    Refused(Refused),
    /// Of the original's `services`.
    Old(OldRow),
    /// The highest row number of `instances`.
    Sequence(i64),
    /// The highest row number of the original's `services`.
    OldSequence(i64),
}

/// What the row is; `None` for a row of no table of ours, or with a value we never write.
pub(super) fn of(row: &RawRow) -> Option<Shape> {
    let id = row.id;
    match row.values.as_slice() {
        [Text(table), Integer(seq)] => match table.as_str() {
            "instances" => Some(Shape::Sequence(*seq)),
            "services" => Some(Shape::OldSequence(*seq)),
            _ => None,
        },
        [Null, Integer(at), Integer(l)] => Some(Shape::Heartbeat(id, heartbeat(*at, *l))),
        [Null, name, ip, status, last_heartbeat] => Some(Shape::Old(OldRow {
            id,
            name: name.clone(),
            ip: ip.clone(),
            status: status.clone(),
            last_heartbeat: last_heartbeat.clone(),
        })),
        [Null, name, ip, status, last_heartbeat, Text(reason)] => Some(Shape::Refused(Refused {
            row: OldRow {
                id,
                name: name.clone(),
                ip: ip.clone(),
                status: status.clone(),
                last_heartbeat: last_heartbeat.clone(),
            },
            reason: reason.clone(),
        })),
        [Null, Text(began), rest @ ..] if rest.len() == 5 => {
            stretch(began, rest).map(Shape::Stretch)
        }
        [Null, rest @ ..] if rest.len() == 7 => event(id, rest).map(Shape::Event),
        [Null, rest @ ..] if rest.len() == 12 => instance(id, rest).map(Shape::Instance),
        [Null, rest @ .., Text(changes), Integer(flapping)] if rest.len() == 12 => {
            let row = with_changes(instance(id, rest)?, changes, *flapping);
            row.map(Shape::Instance)
        }
        _ => None,
    }
}

fn stretch(word: &str, rest: &[Value]) -> Option<Stretch> {
    let [
        Integer(start_l),
        Integer(last_l),
        Integer(start_wall),
        Integer(last_wall),
        Integer(clean),
    ] = rest
    else {
        return None;
    };
    Some(Stretch {
        began: began(word).ok()?,
        start_l: Listened::from_micros(*start_l),
        last_l: Listened::from_micros(*last_l),
        start_wall: Timestamp::from_micros(*start_wall),
        last_wall: Timestamp::from_micros(*last_wall),
        is_clean: flag(*clean)?,
    })
}

fn event(revision: i64, rest: &[Value]) -> Option<EventRecord> {
    let [
        Integer(at),
        Integer(l),
        Text(kind),
        id,
        name,
        instance,
        reason,
    ] = rest
    else {
        return None;
    };
    let subject = match (id, name, instance) {
        (Null, Null, Null) => None,
        (Integer(id), Text(name), Text(instance)) => Some(Subject {
            id: *id,
            name: ServiceName::parse(name).ok()?,
            instance: InstanceId::parse(instance).ok()?,
        }),
        _ => return None,
    };
    let reason = match reason {
        Null => None,
        Text(reason) => Some(reason.clone()),
        _ => return None,
    };
    Some(EventRecord {
        revision: u64::try_from(revision).ok()?,
        at: Timestamp::from_micros(*at),
        l: Listened::from_micros(*l),
        kind: EventKind::parse(kind)?,
        subject,
        reason,
    })
}

fn instance(id: i64, rest: &[Value]) -> Option<InstanceRecord> {
    let [
        Text(name),
        Text(instance),
        Text(ip),
        port,
        ttl_us,
        Text(tags),
        Text(metadata),
        Integer(first_seen),
        Text(word),
        Integer(since),
        Integer(since_l),
        Integer(mass),
    ] = rest
    else {
        return None;
    };
    Some(InstanceRecord {
        id,
        name: ServiceName::parse(name).ok()?,
        instance: InstanceId::parse(instance).ok()?,
        address: NetworkEndpoint::parse(ip).ok()?.address,
        port: match port {
            Null => None,
            Integer(port) => Some(u16::try_from(*port).ok().filter(|port| 0 < *port)?),
            _ => return None,
        },
        ttl: match ttl_us {
            Null => None,
            Integer(ttl_us) => Some(Span::from_signed_micros(*ttl_us)),
            _ => return None,
        },
        tags: serde_json::from_str(tags).ok()?,
        metadata: serde_json::from_str(metadata).ok()?,
        first_seen: Timestamp::from_micros(*first_seen),
        life: life(word).ok()?,
        since: Timestamp::from_micros(*since),
        since_l: Listened::from_micros(*since_l),
        is_mass: flag(*mass)?,
        changes: Changes::default(),
        is_flapping: false,
        heartbeat: heartbeat(*since, *since_l),
    })
}

/// A row of the schema since its second version.
fn with_changes(row: InstanceRecord, changes: &str, flapping: i64) -> Option<InstanceRecord> {
    Some(InstanceRecord {
        changes: load::changes(changes).ok()?,
        is_flapping: flag(flapping)?,
        ..row
    })
}

fn heartbeat(at: i64, l: i64) -> Heartbeat {
    Heartbeat {
        at: Timestamp::from_micros(at),
        l: Listened::from_micros(l),
    }
}

const fn flag(number: i64) -> Option<bool> {
    match number {
        0 => Some(false),
        1 => Some(true),
        _ => None,
    }
}
