//! An import keeps the original's bytes, whatever state its files are in.

use std::fs;
use std::path::{Path, PathBuf};

use lastbeatd::state::record::Loaded;
use lastbeatd::store::{Opening, Store};

use crate::sample::{TTL, names, now, old_row, original};

fn import(path: &Path) -> (Loaded, PathBuf) {
    let (store, loaded, opening) = Store::open(path, now(), TTL).unwrap();
    store.close();
    match opening {
        Opening::Imported { copy, .. } => (loaded, copy),
        other => panic!("{other:?}"),
    }
}

/// Fills the original's table with 300 rows of one status.
fn fill(connection: &rusqlite::Connection, status: &str) {
    connection.execute_batch("begin").unwrap();
    for n in 0..300 {
        let name = format!("service-{n}");
        old_row(
            connection,
            &[&name, &"192.0.2.1", &status, &"2026-11-24 13:57:57"],
        );
    }
    connection.execute_batch("commit").unwrap();
}

#[test]
fn the_original_is_kept_bit_by_bit_and_the_second_start_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().canonicalize().unwrap().join("monitoring.db");
    let connection = original(&path);
    fill(&connection, "UP");
    connection.close().unwrap();
    let before = fs::read(&path).unwrap();

    let (loaded, copy) = import(&path);

    assert_eq!(
        copy,
        path.with_file_name("monitoring.db.original-20261124T135807Z")
    );
    assert_eq!(fs::read(&copy).unwrap(), before);
    assert_eq!(loaded.instances.len(), 300);
    assert_eq!(
        names(dir.path()),
        [
            "monitoring.db",
            "monitoring.db.lock",
            "monitoring.db.original-20261124T135807Z",
        ]
    );
    let (_store, again, opening) = Store::open(&path, now(), TTL).unwrap();
    assert_eq!(opening, Opening::Existing);
    assert_eq!(again, loaded);
}

#[test]
fn what_an_interrupted_import_left_behind_is_in_nobodys_way() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("monitoring.db");
    fill(&original(&path), "UP");
    for name in [
        "new",
        "new-wal",
        "new-journal",
        "reading",
        "reading-journal",
        "reading-shm",
    ] {
        fs::write(dir.path().join(format!("monitoring.db.{name}")), b"left").unwrap();
    }

    let (loaded, _) = import(&path);

    assert_eq!(loaded.instances.len(), 300);
    assert_eq!(
        names(dir.path()),
        [
            "monitoring.db",
            "monitoring.db.lock",
            "monitoring.db.original-20261124T135807Z",
        ]
    );
}

#[test]
fn a_copy_that_is_there_already_is_not_overwritten() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("monitoring.db");
    let taken = dir.path().join("monitoring.db.original-20261124T135807Z");
    fs::write(&taken, b"mine").unwrap();
    original(&path).close().unwrap();

    let (_, copy) = import(&path);

    assert!(copy.ends_with("monitoring.db.original-20261124T135807Z-2"));
    assert_eq!(fs::read(&taken).unwrap(), b"mine");
}

#[test]
fn a_transaction_that_the_original_never_ended_is_rolled_back_in_a_copy() {
    let dir = tempfile::tempdir().unwrap();
    let live = dir.path().join("live.db");
    let connection = original(&live);
    fill(&connection, "UP");
    // With a cache of a few pages the change spills into the file before it is committed.
    connection
        .execute_batch("pragma cache_size = 2; begin")
        .unwrap();
    connection
        .execute("update services set name = 'torn-' || name", [])
        .unwrap();
    let path = dir.path().join("monitoring.db");
    let journal = dir.path().join("monitoring.db-journal");
    fs::copy(&live, &path).unwrap();
    fs::copy(dir.path().join("live.db-journal"), &journal).unwrap();
    let (before, before_journal) = (fs::read(&path).unwrap(), fs::read(&journal).unwrap());
    assert!(before.windows(5).any(|bytes| bytes == b"torn-"));

    let (loaded, copy) = import(&path);

    assert_eq!(loaded.instances.len(), 300);
    assert!(
        loaded
            .instances
            .iter()
            .all(|row| row.name.as_str().starts_with("service-"))
    );
    assert_eq!(fs::read(&copy).unwrap(), before);
    let kept_journal = dir.path().join(format!(
        "{}-journal",
        copy.file_name().unwrap().to_str().unwrap()
    ));
    assert_eq!(fs::read(kept_journal).unwrap(), before_journal);
    assert!(!journal.exists());
    assert_eq!(Store::open(&path, now(), TTL).unwrap().2, Opening::Existing);
}

#[test]
fn rows_in_the_log_of_the_original_are_imported() {
    let dir = tempfile::tempdir().unwrap();
    let live = dir.path().join("live.db");
    let connection = original(&live);
    connection
        .pragma_update(None, "journal_mode", "wal")
        .unwrap();
    fill(&connection, "UP");
    let path = dir.path().join("monitoring.db");
    fs::copy(&live, &path).unwrap();
    fs::copy(
        dir.path().join("live.db-wal"),
        dir.path().join("monitoring.db-wal"),
    )
    .unwrap();
    let before = fs::read(&path).unwrap();

    let (loaded, copy) = import(&path);

    assert_eq!(loaded.instances.len(), 300);
    assert_eq!(fs::read(copy).unwrap(), before);
    assert_eq!(Store::open(&path, now(), TTL).unwrap().2, Opening::Existing);
}

#[test]
fn a_database_without_any_table_is_a_new_one() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("monitoring.db");
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection
        .execute_batch("create table t (a); drop table t")
        .unwrap();
    connection.close().unwrap();

    assert_eq!(Store::open(&path, now(), TTL).unwrap().2, Opening::Created);
    assert_eq!(names(dir.path()), ["monitoring.db", "monitoring.db.lock"]);
}

#[test]
fn a_damaged_original_is_set_aside_and_its_readable_rows_are_saved() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("monitoring.db");
    let connection = original(&path);
    fill(&connection, "UP");
    let leaf: (u16, u16) = connection
        .query_row(
            "select pageno, ncell from dbstat
             where name = 'services' and pagetype = 'leaf' order by pageno limit 1",
            [],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .unwrap();
    connection.close().unwrap();
    let mut bytes = fs::read(&path).unwrap();
    let (page, lost) = (usize::from(leaf.0), usize::from(leaf.1));
    bytes[(page - 1) * 4_096..page * 4_096].fill(0);
    fs::write(&path, &bytes).unwrap();

    let (_store, loaded, opening) = Store::open(&path, now(), TTL).unwrap();

    let Opening::SetAside {
        moved_to, salvaged, ..
    } = opening
    else {
        panic!("{opening:?}")
    };
    assert_eq!(salvaged, 300 - lost);
    assert_eq!(loaded.instances.len(), 300 - lost);
    assert_eq!(loaded.next_id, 301);
    assert_eq!(fs::read(moved_to).unwrap(), bytes);
}

#[test]
fn a_hundred_thousand_rows_are_imported() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("monitoring.db");
    let connection = original(&path);
    connection
        .execute_batch(
            "insert into services (name, ip, status, last_heartbeat)
             with recursive n(n) as (select 1 union all select n + 1 from n where n < 100000)
             select 'service-' || n, '10.0.' || (n % 250) || '.' || (n / 250 % 250), 'UP',
                    '2026-11-24 13:57:57.123456'
             from n",
        )
        .unwrap();
    connection.close().unwrap();

    let (loaded, _) = import(&path);

    assert_eq!(loaded.instances.len(), 100_000);
    assert_eq!(loaded.next_id, 100_001);
}
