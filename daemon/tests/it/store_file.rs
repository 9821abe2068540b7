//! The file itself: the view of the original's table, and the marks of ours.

use lastbeat_proto::Timestamp;
use lastbeatd::instance::Life;
use lastbeatd::store::{Opening, Store};
use rusqlite::Connection;

use crate::sample::{TTL, now, open_with_rows, record, rows};

#[test]
fn the_view_answers_the_originals_queries() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("monitoring.db");
    let (mut store, _, _) = Store::open(&path, now(), TTL).unwrap();
    let lives = [
        Life::Up,
        Life::Down,
        Life::TimedOut,
        Life::Dismissed,
        Life::Deregistered,
    ];
    let mut batch = rows(
        lives
            .iter()
            .zip(1..)
            .map(|(life, id)| {
                let mut row = record(id, &format!("s{id}"));
                row.life = *life;
                row
            })
            .collect(),
    );
    batch.rows[0].heartbeat.at = Timestamp::from_micros(-1);
    store.write(&batch).unwrap();

    let connection = Connection::open(&path).unwrap();
    connection
        .pragma_update(None, "trusted_schema", false)
        .unwrap();
    let shown: Vec<(i64, String, String, String, String)> = connection
        .prepare("select * from services order by id")
        .unwrap()
        .query_map([], |row| {
            Ok((
                row.get(0)?,
                row.get(1)?,
                row.get(2)?,
                row.get(3)?,
                row.get(4)?,
            ))
        })
        .unwrap()
        .map(Result::unwrap)
        .collect();

    let expected = [
        (1, "s1", "192.0.2.1", "UP", "1969-12-31 23:59:59.999999"),
        (2, "s2", "192.0.2.2", "DOWN", "2026-11-24 13:58:07.812384"),
    ]
    .map(|(id, name, ip, status, at)| {
        (
            id,
            name.to_owned(),
            ip.to_owned(),
            status.to_owned(),
            at.to_owned(),
        )
    });
    assert_eq!(shown, expected);
}

#[test]
fn the_view_has_the_originals_columns() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("monitoring.db");
    Store::open(&path, now(), TTL).unwrap().0.close();
    let connection = Connection::open(&path).unwrap();

    let statement = connection.prepare("select * from services").unwrap();

    assert_eq!(
        statement.column_names().collect::<Vec<_>>(),
        ["id", "name", "ip", "status", "last_heartbeat"]
    );
}

#[test]
fn the_file_says_whose_it_is_and_its_tables_are_strict() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("monitoring.db");
    Store::open(&path, now(), TTL).unwrap().0.close();
    let connection = Connection::open(&path).unwrap();
    let number = |pragma: &str| -> i64 {
        connection
            .pragma_query_value(None, pragma, |row| row.get(0))
            .unwrap()
    };
    let loose: i64 = connection
        .query_row(
            "select count(*) from pragma_table_list
             where type = 'table' and strict = 0 and name not like 'sqlite_%'",
            [],
            |row| row.get(0),
        )
        .unwrap();
    let journal: String = connection
        .pragma_query_value(None, "journal_mode", |row| row.get(0))
        .unwrap();

    assert_eq!(number("application_id"), 0x4c42_4541);
    assert_eq!(number("user_version"), 2);
    assert_eq!(number("auto_vacuum"), 2, "it can shrink in small steps");
    assert_eq!(journal, "wal");
    assert_eq!(loose, 0);
}

#[test]
fn sqlite_has_no_wal_reset_bug() {
    assert!(
        3_051_003 <= rusqlite::version_number(),
        "{}",
        rusqlite::version()
    );
}

#[test]
fn a_registry_that_lost_its_mark_is_set_aside_and_saved() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("monitoring.db");
    open_with_rows(&path).close();
    let connection = Connection::open(&path).unwrap();
    connection
        .execute_batch("pragma application_id = 0; pragma user_version = 0")
        .unwrap();
    connection.close().unwrap();

    let (_store, loaded, opening) = Store::open(&path, now(), TTL).unwrap();

    assert!(
        matches!(opening, Opening::SetAside { salvaged: 2, .. }),
        "{opening:?}"
    );
    assert_eq!(loaded.instances.len(), 2);
}
