//! From the file to values: everything that a start needs, checked row by row.
//!
//! A row that our own types refuse cannot have been written by us, so it counts as damage of the
//! file.

mod column;
mod each;

use lastbeat_proto::{EventKind, InstanceId, ServiceName, Span};
use rusqlite::{Connection, Result, Row};
use tracing::warn;

use self::column::{address, checked, flag, labels, listened, port, time, unsigned};
pub(super) use self::each::{each_event, each_instance, each_refused, each_stretch};
use super::import::{Import, OldRow, Refused};
use crate::clock::Listened;
use crate::instance::{Changes, Life};
use crate::state::record::{
    Batch, Began, EventRecord, Heartbeat, InstanceRecord, Loaded, Stretch, Subject,
};

/// Which instances and tombstones are there, with their heartbeats?
const INSTANCES: &str = "
    select i.id, i.name, i.instance, i.ip, i.port, i.ttl_us, i.tags, i.metadata, i.first_seen,
           i.life, i.since, i.since_l, i.mass, i.changes, i.flapping, h.at, h.l
    from instances as i left join heartbeats as h on h.id = i.id
    order by i.id";

/// What happened last?
const EVENTS: &str = "
    select revision, at, l, kind, id, name, instance, reason
    from events order by revision desc limit ?1";

/// Which is the first event that a start reads?
const FIRST_RECENT: &str =
    "select min(revision) from (select revision from events order by revision desc limit ?1)";

/// When did the daemon listen?
const STRETCHES: &str = "
    select began, start_l, last_l, start_wall, last_wall, clean
    from stretches order by start_l desc limit ?1";

/// Which row number was the highest ever given?
const HIGHEST_ID: &str = "
    select max(
        ifnull((select max(seq) from sqlite_sequence where name = 'instances'), 0),
        ifnull((select max(id) from instances), 0),
        ifnull((select max(id) from heartbeats), 0),
        ifnull((select max(id) from events), 0)
    )";

/// Which rows of an imported database were refused, and why?
const REFUSED_ROWS: &str =
    "select id, name, ip, status, last_heartbeat, reason from refused_rows order by id";

/// How many rows of an imported database were refused?
const REFUSED: &str = "select count(*) from refused_rows";

/// So many events are kept in memory; older ones are read from the file when asked for.
const RECENT_EVENTS: i64 = 1_000;

/// The limit that stands for none.
const ALL: i64 = -1;

/// So many stretches are kept: with a crash every minute that is 17 hours, longer than any
/// silence that matters.
pub(super) const KEPT_STRETCHES: i64 = 1_000;

/// Every state with its word in the table.
pub(super) const LIVES: [(Life, &str); 5] = [
    (Life::Up, "up"),
    (Life::Down, "down"),
    (Life::TimedOut, "timed-out"),
    (Life::Dismissed, "dismissed"),
    (Life::Deregistered, "deregistered"),
];

/// Reads everything.
pub(super) fn load(connection: &Connection) -> Result<Loaded> {
    let instances = instances(connection)?;
    let events = events(connection, RECENT_EVENTS)?;
    let stretches = stretches(connection)?;
    Ok(Loaded {
        revision: events.last().map_or(0, |event| event.revision),
        next_id: highest_id(connection)?.saturating_add(1),
        refused_rows: connection.query_row(REFUSED, [], |row| unsigned(row, 0))?,
        instances,
        events,
        stretches,
    })
}

/// Reads what is in no memory, old events and refused rows, for another file.
pub(super) fn past(connection: &Connection) -> Result<Import> {
    Ok(Import {
        merged: 0,
        batch: Batch {
            events: events(connection, ALL)?,
            ..Batch::default()
        },
        refused: connection
            .prepare(REFUSED_ROWS)?
            .query_map([], refused)?
            .collect::<Result<Vec<_>>>()?,
        sequence: highest_id(connection)?,
    })
}

fn instances(connection: &Connection) -> Result<Vec<InstanceRecord>> {
    connection
        .prepare(INSTANCES)?
        .query_map([], instance)?
        .collect()
}

fn events(connection: &Connection, newest: i64) -> Result<Vec<EventRecord>> {
    let mut events: Vec<_> = connection
        .prepare(EVENTS)?
        .query_map([newest], event)?
        .collect::<Result<_>>()?;
    events.reverse();
    Ok(events)
}

fn stretches(connection: &Connection) -> Result<Vec<Stretch>> {
    let mut stretches: Vec<_> = connection
        .prepare(STRETCHES)?
        .query_map([KEPT_STRETCHES], stretch)?
        .collect::<Result<_>>()?;
    // By an index, which no check of a start has compared with the table.
    stretches.sort_by_key(|stretch| stretch.start_l);
    Ok(stretches)
}

fn refused(row: &Row<'_>) -> Result<Refused> {
    Ok(Refused {
        row: OldRow::read(row)?,
        reason: row.get(5)?,
    })
}

/// The highest row number ever given to an instance; 0 before the first.
pub(super) fn highest_id(connection: &Connection) -> Result<i64> {
    connection.query_row(HIGHEST_ID, [], |row| row.get(0))
}

/// Number of the first event that a start reads; the largest number when there is none.
pub(super) fn first_recent_event(connection: &Connection) -> Result<i64> {
    let first: Option<i64> =
        connection.query_row(FIRST_RECENT, [RECENT_EVENTS], |row| row.get(0))?;
    Ok(first.unwrap_or(i64::MAX))
}

/// The word of a state in the table.
pub(super) fn life_word(life: Life) -> &'static str {
    LIVES
        .iter()
        .find(|(known, _)| *known == life)
        .map_or("up", |(_, word)| word)
}

fn instance(row: &Row<'_>) -> Result<InstanceRecord> {
    let since = time(row, 10)?;
    let since_l = listened(row, 11)?;
    // A heartbeat is written with its row, so only damage can have taken it.
    let heartbeat = Heartbeat {
        at: time(row, 15)?,
        l: listened(row, 16)?,
    };
    Ok(InstanceRecord {
        id: row.get(0)?,
        name: checked(row, 1, ServiceName::parse)?,
        instance: checked(row, 2, InstanceId::parse)?,
        address: address(row, 3)?,
        port: port(row, 4)?,
        ttl: row.get::<_, Option<i64>>(5)?.map(Span::from_signed_micros),
        tags: labels(row, 6, "[]")?,
        metadata: labels(row, 7, "{}")?,
        first_seen: time(row, 8)?,
        life: checked(row, 9, life)?,
        since,
        since_l,
        is_mass: flag(row, 12)?,
        changes: checked(row, 13, changes)?,
        is_flapping: flag(row, 14)?,
        heartbeat,
    })
}

/// Reads a row of `revision, at, l, kind, id, name, instance, reason`.
pub(super) fn event(row: &Row<'_>) -> Result<EventRecord> {
    let subject = match row.get::<_, Option<i64>>(4)? {
        None => None,
        Some(id) => Some(Subject {
            id,
            name: checked(row, 5, ServiceName::parse)?,
            instance: checked(row, 6, InstanceId::parse)?,
        }),
    };
    Ok(EventRecord {
        revision: unsigned(row, 0)?,
        at: time(row, 1)?,
        l: listened(row, 2)?,
        kind: checked(row, 3, |word| EventKind::parse(word).ok_or(UnknownWord))?,
        subject,
        reason: row.get(7)?,
    })
}

fn stretch(row: &Row<'_>) -> Result<Stretch> {
    Ok(Stretch {
        began: checked(row, 0, began)?,
        start_l: listened(row, 1)?,
        last_l: listened(row, 2)?,
        start_wall: time(row, 3)?,
        last_wall: time(row, 4)?,
        is_clean: flag(row, 5)?,
    })
}

/// The changes of status of a row. Those that nobody can have noted are ignored: they only say
/// whether it flaps, and a row must not be lost for that.
pub(super) fn changes(json: &str) -> serde_json::Result<Changes> {
    if json == "[]" {
        return Ok(Changes::default());
    }
    let moments: Vec<Listened> = serde_json::from_str(json)?;
    Ok(Changes::try_from(moments).unwrap_or_else(|error| {
        warn!(error = %error, "the changes of status {json} of a row are ignored: {error}");
        Changes::default()
    }))
}

/// A word that the column does not know.
#[derive(Debug, thiserror::Error)]
#[error("is a word that this column does not know")]
pub(super) struct UnknownWord;

pub(super) fn life(word: &str) -> std::result::Result<Life, UnknownWord> {
    LIVES
        .iter()
        .find(|(_, known)| *known == word)
        .map(|(life, _)| *life)
        .ok_or(UnknownWord)
}

pub(super) fn began(word: &str) -> std::result::Result<Began, UnknownWord> {
    [Began::Start, Began::Stall]
        .into_iter()
        .find(|began| began.word() == word)
        .ok_or(UnknownWord)
}
