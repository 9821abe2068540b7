//! What each row of the original program's database becomes.

use std::path::Path;

use lastbeat_proto::{EventKind, Timestamp};
use lastbeatd::clock::Listened;
use lastbeatd::instance::Life;
use lastbeatd::state::record::Loaded;
use lastbeatd::store::{Opening, Store};
use rusqlite::types::Null;
use rusqlite::{Connection, ToSql};

use crate::sample::{NOON_US, TTL, now, old_row, original};

/// Seconds before the import, as a time of day in the original's words.
const TEN_S: &str = "2026-11-24 13:57:57";
const TWENTY_S: &str = "2026-11-24 13:57:47.500000";

/// Imports these rows and says what became of them.
fn imported(rows: &[[&dyn ToSql; 4]]) -> (tempfile::TempDir, Loaded, Opening) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("monitoring.db");
    let connection = original(&path);
    for row in rows {
        old_row(&connection, row);
    }
    connection.close().unwrap();
    let (store, loaded, opening) = Store::open(&path, now(), TTL).unwrap();
    store.close();
    (dir, loaded, opening)
}

fn counts(opening: &Opening) -> (usize, usize) {
    match opening {
        Opening::Imported { rows, refused, .. } => (*rows, *refused),
        other => panic!("{other:?}"),
    }
}

/// Rows of `refused_rows` with their reasons.
fn refused(dir: &Path) -> Vec<(i64, String)> {
    Connection::open(dir.join("monitoring.db"))
        .unwrap()
        .prepare("select id, reason from refused_rows order by id")
        .unwrap()
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap()
        .map(Result::unwrap)
        .collect()
}

#[test]
fn a_row_keeps_its_number_and_is_up_whatever_its_status_was() {
    let (_dir, loaded, opening) = imported(&[
        [&"api", &"192.0.2.1", &"DOWN", &TEN_S],
        [&"db", &"db.internal:5432", &"up ", &TWENTY_S],
    ]);

    assert_eq!(counts(&opening), (2, 0));
    let [api, db] = &loaded.instances[..] else {
        panic!("{:?}", loaded.instances)
    };
    assert_eq!(
        (api.id, api.name.as_str(), api.instance.as_str()),
        (1, "api", "192.0.2.1")
    );
    assert_eq!((db.id, db.instance.as_str()), (2, "db.internal:5432"));
    assert_eq!((db.address.as_str(), db.port), ("db.internal", Some(5432)));
    for row in &loaded.instances {
        assert_eq!(row.life, Life::Up);
        assert_eq!(row.ttl, None, "as the daemon says");
        assert_eq!(row.heartbeat.l, Listened::from_micros(0));
        assert_eq!(row.since_l, Listened::from_micros(0));
        assert_eq!(row.first_seen, row.heartbeat.at);
    }
    assert_eq!(
        db.heartbeat.at,
        Timestamp::from_micros(NOON_US - 20_312_334)
    );
    assert_eq!(
        (loaded.next_id, loaded.revision, loaded.refused_rows),
        (3, 0, 0)
    );
    assert!(loaded.stretches.is_empty());
}

#[test]
fn a_time_that_is_missing_unreadable_or_to_come_is_the_import() {
    let (_dir, loaded, _) = imported(&[
        [&"a", &"192.0.2.1", &"UP", &Null],
        [&"b", &"192.0.2.1", &"UP", &"yesterday"],
        [&"c", &"192.0.2.1", &"UP", &"2026-11-24 13:58:07.812335"],
        [&"d", &"192.0.2.1", &"UP", &"2026-11-24 13:58:07.812333"],
        [&"e", &"192.0.2.1", &"UP", &1_732_456_687],
        [&"f", &"192.0.2.1", &"UP", &vec![1_u8, 2]],
    ]);

    let ages: Vec<_> = loaded
        .instances
        .iter()
        .map(|row| NOON_US - row.heartbeat.at.as_micros())
        .collect();
    assert_eq!(ages, [0, 0, 0, 1, 0, 0]);
}

#[test]
fn of_two_rows_of_one_address_the_newest_heartbeat_counts() {
    let (_dir, loaded, opening) = imported(&[
        [&"twice", &"192.0.2.7", &"DOWN", &TEN_S],
        [&"twice", &"192.0.2.7 ", &"UP", &TWENTY_S],
        [&"twice", &"192.0.2.7", &"UP", &Null],
        [&"twice", &"192.0.2.8", &"UP", &TWENTY_S],
        [&"twice", &"192.0.2.7:80", &"UP", &TWENTY_S],
    ]);

    assert_eq!(counts(&opening), (3, 0));
    let ids: Vec<_> = loaded.instances.iter().map(|row| row.id).collect();
    assert_eq!(ids, [1, 4, 5]);
    let events: Vec<_> = loaded
        .events
        .iter()
        .map(|event| {
            (
                event.revision,
                event.kind,
                event.subject.as_ref().unwrap().id,
            )
        })
        .collect();
    assert_eq!(
        events,
        [(1, EventKind::Registered, 2), (2, EventKind::Registered, 3)]
    );
    assert_eq!(
        loaded.events[0].at,
        Timestamp::from_micros(NOON_US - 20_312_334)
    );
    assert_eq!(
        loaded.events[0].reason.as_deref(),
        Some("imported: row 2 named the same service and address as row 1 and was merged into it")
    );
    assert_eq!((loaded.revision, loaded.next_id), (2, 6));
}

#[test]
fn of_two_rows_of_one_moment_the_later_row_counts() {
    let (_dir, loaded, _) = imported(&[
        [&"twice", &"192.0.2.7", &"UP", &TEN_S],
        [&"twice", &"192.0.2.7", &"UP", &TEN_S],
    ]);

    assert_eq!(loaded.instances[0].id, 2);
    assert_eq!(loaded.events[0].subject.as_ref().unwrap().id, 1);
}

#[test]
fn what_our_rules_refuse_is_kept_with_the_reason() {
    let long = "x".repeat(129);
    let (dir, loaded, opening) = imported(&[
        [&"good", &"192.0.2.1", &"UP", &TEN_S],
        [&"", &"192.0.2.1", &"UP", &TEN_S],
        [&"empty-ip", &"", &"UP", &TEN_S],
        [&"two\nlines", &"192.0.2.1", &"UP", &TEN_S],
        [&long, &"192.0.2.1", &"UP", &TEN_S],
        [&"url", &"http://192.0.2.1/", &"UP", &TEN_S],
        [&vec![0xff_u8, 0xfe], &"192.0.2.1", &"UP", &TEN_S],
        [&"real", &"192.0.2.1", &1.5, &2.5],
    ]);

    assert_eq!(counts(&opening), (2, 6));
    assert_eq!(loaded.refused_rows, 6);
    assert_eq!(loaded.next_id, 9);
    let refused = refused(dir.path());
    let begins = [
        (2, "name is empty; "),
        (3, "ip is empty; "),
        (4, "name has U+000A at character 4; "),
        (5, "name has 129 bytes; the limit is 128"),
        (6, "ip is neither an IP address nor a host name; "),
        (7, "name is not text in UTF-8"),
    ];
    for ((id, reason), (expected_id, begin)) in refused.iter().zip(begins) {
        assert_eq!(*id, expected_id);
        assert!(reason.starts_with(begin), "{reason}");
    }
}

#[test]
fn values_of_any_type_are_taken_or_kept_and_never_a_crash() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("monitoring.db");
    let connection = Connection::open(&path).unwrap();
    connection
        .execute_batch(
            "create table services (id integer primary key, name, ip, status, last_heartbeat);
             insert into services values
                 (-1, 'negative', '192.0.2.1', 'UP', null),
                 (0, 'zero', '192.0.2.1', 'UP', null),
                 (4, 'null-ip', null, null, null),
                 (5, null, '192.0.2.1', 'UP', null),
                 (6, cast(x'ff61' as text), '192.0.2.1', cast(x'fe' as text), cast(x'fe' as text)),
                 (7, 'blob-ip', x'01', 'UP', null),
                 (8, 42, '192.0.2.1', 1, cast(x'fe' as text)),
                 (9007199254740992, 'largest', '192.0.2.1', 'UP', null),
                 (9007199254740993, 'larger', '192.0.2.1', 'UP', null);",
        )
        .unwrap();
    connection.close().unwrap();

    let (_store, loaded, opening) = Store::open(&path, now(), TTL).unwrap();

    assert_eq!(counts(&opening), (2, 7));
    let taken: Vec<_> = loaded
        .instances
        .iter()
        .map(|row| (row.id, row.name.as_str()))
        .collect();
    assert_eq!(taken, [(8, "42"), (9_007_199_254_740_992, "largest")]);
    let reasons = refused(dir.path());
    let expected = [
        (-1, "id -1 is not between 1 and 9007199254740992"),
        (0, "id 0 is not between 1 and 9007199254740992"),
        (4, "ip is missing"),
        (5, "name is missing"),
        (6, "name is not text in UTF-8"),
        (7, "ip is not text in UTF-8"),
        (
            9_007_199_254_740_993,
            "id 9007199254740993 is not between 1 and 9007199254740992",
        ),
    ]
    .map(|(id, reason)| (id, reason.to_owned()));
    assert_eq!(reasons, expected);
}

#[test]
fn a_number_that_the_original_gave_is_never_given_again() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("monitoring.db");
    let connection = original(&path);
    for _ in 0..9 {
        old_row(&connection, &[&"a", &"192.0.2.1", &"UP", &TEN_S]);
    }
    connection.execute("delete from services", []).unwrap();
    connection.close().unwrap();

    let (store, loaded, opening) = Store::open(&path, now(), TTL).unwrap();

    assert_eq!(counts(&opening), (0, 0));
    assert_eq!(loaded.next_id, 10);
    store.close();
    assert_eq!(Store::open(&path, now(), TTL).unwrap().1.next_id, 10);
}
