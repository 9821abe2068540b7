//! Values that the tests of the store write and expect.

use std::collections::BTreeMap;
use std::path::Path;

use lastbeat_proto::{EventKind, InstanceId, NetworkEndpoint, ServiceName, Span, Timestamp};
use lastbeatd::clock::Listened;
use lastbeatd::instance::{Changes, Life};
use lastbeatd::state::record::{
    Batch, Began, EventRecord, Heartbeat, InstanceRecord, Stretch, Subject,
};
use lastbeatd::store::Store;
use rusqlite::{Connection, ToSql};

/// 2026-11-24T13:58:07.812334 in microseconds.
pub(crate) const NOON_US: i64 = 1_795_528_687_812_334;

/// A usual ttl.
pub(crate) const TTL: Span = Span::from_secs(60);

pub(crate) fn now() -> Timestamp {
    Timestamp::from_micros(NOON_US)
}

/// An instance that is UP, with row number `id`.
pub(crate) fn record(id: i64, name: &str) -> InstanceRecord {
    let endpoint = NetworkEndpoint::parse(&format!("192.0.2.{}", id % 250)).unwrap();
    InstanceRecord {
        id,
        name: ServiceName::parse(name).unwrap(),
        instance: InstanceId::parse(&format!("i-{id}")).unwrap(),
        address: endpoint.address,
        port: Some(8080),
        ttl: Some(TTL),
        tags: vec!["web".to_owned(), "a \"quoted\" one".to_owned()],
        metadata: BTreeMap::from([("zone".to_owned(), "kühl".to_owned())]),
        first_seen: Timestamp::from_micros(NOON_US - 5),
        life: Life::Up,
        since: Timestamp::from_micros(NOON_US - 4),
        since_l: Listened::from_micros(40),
        is_mass: false,
        changes: Changes::default(),
        is_flapping: false,
        heartbeat: beat(50),
    }
}

pub(crate) fn beat(l: i64) -> Heartbeat {
    Heartbeat {
        at: Timestamp::from_micros(NOON_US + l),
        l: Listened::from_micros(l),
    }
}

pub(crate) fn event(revision: u64, name: Option<&str>) -> EventRecord {
    let l = i64::try_from(revision).unwrap();
    EventRecord {
        revision,
        at: Timestamp::from_micros(NOON_US + l),
        l: Listened::from_micros(l),
        kind: name.map_or(EventKind::Stall, |_| EventKind::Down),
        subject: name.map(|name| Subject {
            id: l,
            name: ServiceName::parse(name).unwrap(),
            instance: InstanceId::parse("i-1").unwrap(),
        }),
        reason: name.map(|_| "silent for 60 s".to_owned()),
    }
}

pub(crate) fn stretch(start_l: i64) -> Stretch {
    Stretch {
        began: if start_l % 2 == 0 {
            Began::Start
        } else {
            Began::Stall
        },
        start_l: Listened::from_micros(start_l),
        last_l: Listened::from_micros(start_l + 1),
        start_wall: now(),
        last_wall: now(),
        is_clean: false,
    }
}

/// A batch of nothing but these rows.
pub(crate) fn rows(rows: Vec<InstanceRecord>) -> Batch {
    Batch {
        rows,
        ..Batch::default()
    }
}

/// A batch of nothing but these events.
pub(crate) fn events(events: Vec<EventRecord>) -> Batch {
    Batch {
        events,
        ..Batch::default()
    }
}

/// Makes a database as the original program leaves it, with rows of name, ip, status and time.
pub(crate) fn original(path: &Path) -> Connection {
    let connection = Connection::open(path).unwrap();
    connection
        .execute_batch(
            "create table services (
                 id integer primary key autoincrement,
                 name text not null,
                 ip text not null,
                 status text not null,
                 last_heartbeat timestamp default current_timestamp
             )",
        )
        .unwrap();
    connection
}

/// Adds a row to the original's table and gives its number.
pub(crate) fn old_row(connection: &Connection, row: &[&dyn ToSql; 4]) -> i64 {
    connection
        .prepare("insert into services (name, ip, status, last_heartbeat) values (?1, ?2, ?3, ?4)")
        .unwrap()
        .insert(&row[..])
        .unwrap()
}

/// The names in a directory, in order.
pub(crate) fn names(directory: &Path) -> Vec<String> {
    let mut names: Vec<_> = std::fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// A store with two instances and a stretch.
pub(crate) fn open_with_rows(path: &Path) -> Store {
    let (mut store, _, _) = Store::open(path, now(), TTL).unwrap();
    store
        .write(&Batch {
            rows: vec![record(1, "a"), record(2, "b")],
            stretches: vec![stretch(0)],
            ..Batch::default()
        })
        .unwrap();
    store
}
