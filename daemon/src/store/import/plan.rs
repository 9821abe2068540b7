//! What the rows of the original become: instances, events of merged rows, and refused rows.
//!
//! Their times may be local or UTC and their status was never evidence, so everything is UP and
//! unconfirmed, and gets one grace to be heard.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use lastbeat_proto::{EventKind, InstanceId, NetworkEndpoint, ServiceName, Timestamp};
use rusqlite::Row;
use rusqlite::types::{Value, ValueRef};

use super::time;
use crate::clock::Listened;
use crate::instance::{Changes, Life};
use crate::state::record::{Batch, EventRecord, Heartbeat, InstanceRecord, Subject};
use crate::store::image;

/// Row numbers above this are refused: a JavaScript number must hold them, and there must be
/// numbers left to give.
pub(in super::super) const MAX_ID: i64 = 1 << 53;

/// A row of the original's table, with whatever stood in its columns.
#[derive(Debug, Clone, PartialEq)]
pub(in super::super) struct OldRow {
    pub(in super::super) id: i64,
    pub(in super::super) name: Value,
    pub(in super::super) ip: Value,
    pub(in super::super) status: Value,
    pub(in super::super) last_heartbeat: Value,
}

impl OldRow {
    /// Reads `id, name, ip, status, last_heartbeat` with whatever stands there.
    pub(in super::super) fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: row.get(0)?,
            name: value(row.get_ref(1)?),
            ip: value(row.get_ref(2)?),
            status: value(row.get_ref(3)?),
            last_heartbeat: value(row.get_ref(4)?),
        })
    }
}

/// A value as it is; a text that is no UTF-8 as its bytes.
fn value(column: ValueRef<'_>) -> Value {
    match column {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => Value::Integer(number),
        ValueRef::Real(number) => Value::Real(number),
        ValueRef::Text(bytes) => image::text(bytes),
        ValueRef::Blob(bytes) => Value::Blob(bytes.to_vec()),
    }
}

/// A row that our rules refuse, and why.
#[derive(Debug, Clone, PartialEq)]
pub(in super::super) struct Refused {
    pub(in super::super) row: OldRow,
    pub(in super::super) reason: String,
}

/// What is written into the new database.
#[derive(Debug, Default)]
pub(in super::super) struct Import {
    pub(in super::super) batch: Batch,
    pub(in super::super) refused: Vec<Refused>,
    /// How many rows were merged into another.
    pub(in super::super) merged: usize,
    /// The highest row number ever given.
    pub(in super::super) sequence: i64,
}

/// A row that our rules accept.
struct Candidate {
    id: i64,
    name: ServiceName,
    endpoint: NetworkEndpoint,
    instance: InstanceId,
    /// The time it holds, where that can be read; one in the future is now.
    heard: Option<Timestamp>,
}

/// Decides about every row.
pub(super) fn plan(rows: Vec<OldRow>, sequence: i64, now: Timestamp) -> Import {
    let mut import = Import {
        sequence: sequence.clamp(0, MAX_ID),
        ..Import::default()
    };
    let mut newest: HashMap<(ServiceName, InstanceId), Candidate> = HashMap::new();
    let mut merged = Vec::new();
    for row in rows {
        if row.id <= MAX_ID {
            import.sequence = import.sequence.max(row.id);
        }
        let candidate = match accept(&row, now) {
            Ok(candidate) => candidate,
            Err(reason) => {
                import.refused.push(Refused { row, reason });
                continue;
            }
        };
        match newest.entry((candidate.name.clone(), candidate.instance.clone())) {
            Entry::Vacant(entry) => {
                entry.insert(candidate);
            }
            Entry::Occupied(mut entry) => {
                let kept = entry.get();
                let is_newer = (kept.heard, kept.id) < (candidate.heard, candidate.id);
                merged.push(if is_newer {
                    entry.insert(candidate)
                } else {
                    candidate
                });
            }
        }
    }
    let kept_as = |row: &Candidate| {
        let key = (row.name.clone(), row.instance.clone());
        newest.get(&key).map_or(row.id, |kept| kept.id)
    };
    import.merged = merged.len();
    let mut merged: Vec<_> = merged.into_iter().map(|row| (kept_as(&row), row)).collect();
    merged.sort_by_key(|(_, row)| (row.heard.unwrap_or(now), row.id));
    import.batch.events = merged
        .iter()
        .zip(1..)
        .map(|((kept, row), revision)| event(row, *kept, revision, now))
        .collect();
    import.batch.rows = newest.into_values().map(|row| instance(row, now)).collect();
    import.batch.rows.sort_by_key(|row| row.id);
    import
}

fn accept(row: &OldRow, now: Timestamp) -> Result<Candidate, String> {
    if !(1..=MAX_ID).contains(&row.id) {
        return Err(format!("id {} is not between 1 and {MAX_ID}", row.id));
    }
    let name = ServiceName::parse(&text("name", &row.name)?).map_err(|e| format!("name {e}"))?;
    let endpoint = NetworkEndpoint::parse(&text("ip", &row.ip)?).map_err(|e| format!("ip {e}"))?;
    let instance = InstanceId::parse(&endpoint.address.with_port(endpoint.port))
        .map_err(|e| format!("ip {e}"))?;
    let heard = match &row.last_heartbeat {
        Value::Text(text) => time::parse(text).map(|time| time.min(now)),
        _ => None,
    };
    Ok(Candidate {
        id: row.id,
        name,
        endpoint,
        instance,
        heard,
    })
}

/// A column as text; `SQLite` keeps a number as a number where the table was made without types.
fn text(column: &str, value: &Value) -> Result<String, String> {
    match value {
        Value::Text(text) => Ok(text.clone()),
        Value::Integer(number) => Ok(number.to_string()),
        Value::Null => Err(format!("{column} is missing")),
        Value::Real(_) | Value::Blob(_) => Err(format!("{column} is not text in UTF-8")),
    }
}

fn instance(row: Candidate, now: Timestamp) -> InstanceRecord {
    let at = row.heard.unwrap_or(now);
    let l = Listened::from_micros(0);
    InstanceRecord {
        id: row.id,
        name: row.name,
        instance: row.instance,
        address: row.endpoint.address,
        port: row.endpoint.port,
        ttl: None,
        tags: Vec::new(),
        metadata: std::collections::BTreeMap::new(),
        first_seen: at,
        life: Life::Up,
        since: at,
        since_l: l,
        is_mass: false,
        changes: Changes::default(),
        is_flapping: false,
        heartbeat: Heartbeat { at, l },
    }
}

fn event(row: &Candidate, kept: i64, revision: u64, now: Timestamp) -> EventRecord {
    EventRecord {
        revision,
        at: row.heard.unwrap_or(now),
        l: Listened::from_micros(0),
        kind: EventKind::Registered,
        subject: Some(Subject {
            id: row.id,
            name: row.name.clone(),
            instance: row.instance.clone(),
        }),
        reason: Some(format!(
            "imported: row {} named the same service and address as row {kept} and was merged into it",
            row.id
        )),
    }
}
