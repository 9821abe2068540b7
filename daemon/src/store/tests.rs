//! What only this module can see: a schema that grows.

use lastbeat_proto::register::Registration;
use lastbeat_proto::{Address, ServiceName};

use super::*;
use crate::clock::{Moment, Mono};
use crate::config::{Limits, Rules};
use crate::state::State;
use crate::state::dirty::{Copied as CopiedRows, EVENTS_CHUNK, List};

#[test]
fn an_older_schema_is_copied_and_brought_up_to_date() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().canonicalize().unwrap().join("monitoring.db");
    let now = Timestamp::from_micros(1_795_528_687_812_334);
    let ttl = Span::from_secs(60);
    Store::open(&path, now, ttl).unwrap().0.close();
    let newer = [
        schema::MIGRATIONS,
        &["create table later (id integer primary key) strict"],
    ];

    let (store, _, opening) = Store::open_with(&path, now, ttl, &newer.concat()).unwrap();

    let copy = dir
        .path()
        .canonicalize()
        .unwrap()
        .join("monitoring.db.schema-2-20261124T135807Z");
    assert_eq!(opening, Opening::Migrated { copy: copy.clone() });
    store.close();
    let version = |path: &Path| -> i64 {
        Connection::open(path)
            .unwrap()
            .pragma_query_value(None, "user_version", |row| row.get(0))
            .unwrap()
    };
    assert_eq!((version(&copy), version(&path)), (2, 3));
    assert!(matches!(
        Store::open(&path, now, ttl).unwrap_err(),
        StoreError::Newer {
            version: 3,
            ours: 2,
            ..
        }
    ));
    let (_store, _, opening) = Store::open_with(&path, now, ttl, &newer.concat()).unwrap();
    assert_eq!(opening, Opening::Existing);
}

#[test]
fn a_file_of_the_first_schema_keeps_its_rows_and_can_shrink_from_now_on() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().canonicalize().unwrap().join("monitoring.db");
    let old = Connection::open(&path).unwrap();
    old.execute_batch(&format!(
        "pragma journal_mode = wal; {}
         pragma application_id = {}; pragma user_version = 1;
         insert into instances (name, instance, ip, tags, metadata, first_seen, life, since,
                                since_l, mass)
         values ('a', 'i', '192.0.2.1', '[]', '{{}}', 1, 'down', 2, 3, 0);
         insert into heartbeats values (1, 4, 5);",
        schema::MIGRATIONS[0],
        schema::APPLICATION_ID
    ))
    .unwrap();
    old.close().unwrap();

    let now = Timestamp::from_micros(1_795_528_687_812_334);
    let (store, loaded, opening) = Store::open(&path, now, Span::from_secs(60)).unwrap();

    assert!(matches!(opening, Opening::Migrated { .. }), "{opening:?}");
    let [row] = loaded.instances.as_slice() else {
        panic!("{loaded:?}")
    };
    assert_eq!((row.name.as_str(), row.is_flapping), ("a", false));
    assert!(row.changes.moments().is_empty());
    let connection = store.connection.as_ref().unwrap();
    let mode = connection.pragma_query_value(None, "auto_vacuum", |row| row.get::<_, i64>(0));
    assert_eq!(mode, Ok(2));
}

#[test]
fn a_file_that_was_migrated_and_not_let_shrink_can_shrink_from_a_later_start_on() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().canonicalize().unwrap().join("monitoring.db");
    let mut migrated = Connection::open(&path).unwrap();
    migrated.pragma_update(None, "journal_mode", "wal").unwrap();
    schema::migrate(&mut migrated, 0, schema::MIGRATIONS).unwrap();
    let start = || {
        let now = Timestamp::from_micros(1_795_528_687_812_334);
        let (store, _, opening) = Store::open(&path, now, Span::from_secs(60)).unwrap();
        assert_eq!(opening, Opening::Existing);
        let connection = store.connection.as_ref().unwrap();
        let mode = connection.pragma_query_value(None, "auto_vacuum", |row| row.get::<_, i64>(0));
        mode.unwrap()
    };

    // There is no way to write it anew now, and it is served all the same.
    migrated.execute_batch("begin immediate").unwrap();
    assert_eq!(start(), 0);
    migrated.execute_batch("commit").unwrap();

    assert_eq!(start(), 2);
}

#[test]
fn the_open_file_is_settled_as_the_design_says() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("monitoring.db");
    let now = Timestamp::from_micros(0);
    for _ in 0..2 {
        let (store, _, _) = Store::open(&path, now, Span::from_secs(60)).unwrap();
        let number = |pragma: &str| -> i64 {
            let connection = store.connection.as_ref().unwrap();
            connection
                .pragma_query_value(None, pragma, |row| row.get(0))
                .unwrap()
        };

        assert_eq!(number("synchronous"), 2, "FULL");
        assert_eq!(number("trusted_schema"), 0);
        assert_eq!(number("cache_size"), -4_096);
        assert_eq!(number("journal_size_limit"), 4 << 20);
        assert_eq!(number("busy_timeout"), 200);
    }
}

#[test]
fn a_file_that_makes_no_sense_while_it_is_open_is_made_anew_with_its_history() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().canonicalize().unwrap().join("monitoring.db");
    let now = Timestamp::from_micros(1_795_528_687_812_334);
    let (mut store, _, _) = Store::open(&path, now, Span::from_secs(60)).unwrap();
    let event = crate::state::record::EventRecord {
        revision: 1,
        at: now,
        l: Listened::from_micros(1),
        kind: lastbeat_proto::EventKind::Stall,
        subject: None,
        reason: None,
    };
    let batch = Batch {
        events: vec![event],
        ..Batch::default()
    };
    store.write(&batch).unwrap();

    let error = store
        .change(|connection| connection.query_row("select json('{')", [], |_row| Ok(())))
        .unwrap_err();
    assert!(!error.is_trouble() && store.is_in_place());
    let error = store
        .change(|_connection| -> rusqlite::Result<()> {
            let corrupt = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CORRUPT);
            Err(rusqlite::Error::SqliteFailure(corrupt, None))
        })
        .unwrap_err();

    assert!(error.is_trouble());
    assert!(!store.is_in_place());
    store.reopen(now, &mut std::iter::empty()).unwrap();
    assert!(store.is_in_place());
    store.close();
    let (_store, loaded, _) = Store::open(&path, now, Span::from_secs(60)).unwrap();
    assert_eq!(loaded.events, batch.events);
    assert!(
        path.with_file_name("monitoring.db.corrupt-20261124T135807Z")
            .exists()
    );
}

#[test]
fn a_full_disk_moves_the_log_into_the_file_so_that_its_room_is_used_again() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("monitoring.db");
    let now = Timestamp::from_micros(0);
    let (mut store, _, _) = Store::open(&path, now, Span::from_secs(60)).unwrap();
    let event = |revision| crate::state::record::EventRecord {
        revision,
        at: now,
        l: Listened::from_micros(1),
        kind: lastbeat_proto::EventKind::Stall,
        subject: None,
        reason: Some("x".repeat(3_000)),
    };
    let batch = |revisions: std::ops::Range<u64>| Batch {
        events: revisions.map(event).collect(),
        ..Batch::default()
    };
    let in_file = || -> i64 {
        schema::connect_untouching(&path)
            .unwrap()
            .query_row("select count(*) from events", [], |row| row.get(0))
            .unwrap()
    };
    store.write(&batch(1..9)).unwrap();
    assert_eq!(in_file(), 0, "all of it is in the log");
    let connection = store.connection.as_ref().unwrap();
    connection.pragma_update(None, "max_page_count", 1).unwrap();

    let error = store.write(&batch(9..20)).unwrap_err();

    assert!(error.is_trouble(), "{error}");
    assert_eq!(in_file(), 8);
    assert!(store.is_in_place());
}

#[test]
fn a_checkpoint_that_never_ends_does_not_hide_what_others_write() {
    use std::os::unix::fs::FileExt;
    use std::time::{Duration, SystemTime};
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().canonicalize().unwrap().join("monitoring.db");
    let now = Timestamp::from_micros(0);
    let (mut store, _, _) = Store::open(&path, now, Span::from_secs(60)).unwrap();
    store.write(&Batch::default()).unwrap();
    let file = std::fs::File::options().write(true).open(&path).unwrap();
    let began = file.metadata().unwrap().modified().unwrap();
    let written = |after: Duration| {
        let at: SystemTime = began + after;
        file.set_modified(at).unwrap();
    };
    // As after one that found no room: it set out to bring more frames there than it brought.
    let index = std::fs::File::options()
        .write(true)
        .open(path.with_file_name("monitoring.db-shm"))
        .unwrap();
    index.write_all_at(&7_u32.to_ne_bytes(), 128).unwrap();

    written(Duration::from_secs(1));
    assert!(store.is_in_place(), "it writes");
    written(Duration::from_secs(9));
    assert!(store.is_in_place(), "it goes on writing");
    store
        .change(|_connection| {
            written(Duration::from_secs(50));
            Ok(())
        })
        .unwrap();
    assert!(store.is_in_place(), "our own one has failed once more");
    written(Duration::from_secs(60));
    assert!(!store.is_in_place());
}

/// Rows that are changed when what stands on a list is written.
fn changed_rows(store: &mut Store, state: &mut State, list: List) -> u64 {
    let (number, places) = match list {
        List::Urgent => state.take_urgent(),
        List::Lazy | List::Beats => (0, state.take(list, 1_000)),
    };
    let mut copied = CopiedRows::default();
    state.copy(list, &places, &mut copied);
    state.copy_history(EVENTS_CHUNK, &mut copied);
    let before = store.connection.as_ref().unwrap().total_changes();
    store.write(&copied.batch).unwrap();
    state.written(&copied);
    if list == List::Urgent {
        state.publish(number);
    }
    store.connection.as_ref().unwrap().total_changes() - before
}

#[test]
fn a_heartbeat_changes_one_row_and_a_registration_three() {
    let dir = tempfile::tempdir().unwrap();
    let minute = Span::from_secs(60);
    let rules = Rules {
        ttl: minute,
        remove_after: minute,
        start_grace: minute,
        gone_for: minute,
        tombstones_for: minute,
    };
    let limits = Limits {
        instances: 1_000,
        tombstones: 1_000,
    };
    let now = |us| Moment {
        wall: Timestamp::from_micros(us),
        mono: Mono::from_micros(us),
    };
    let (mut store, loaded, _) =
        Store::open(&dir.path().join("a.db"), now(1).wall, rules.ttl).unwrap();
    let mut state = State::load(loaded, rules, limits, now(1));
    state.listen(now(1));
    changed_rows(&mut store, &mut state, List::Urgent);
    let caller = Address::from(std::net::IpAddr::from([192, 0, 2, 1]));
    let names = (0..100).map(|number| ServiceName::parse(&format!("s{number}")).unwrap());
    let names: Vec<ServiceName> = names.collect();
    for name in &names {
        let registration = Registration::bare(name.clone());
        state.register(&registration, &caller, now(2)).unwrap();
    }
    let by_registrations = changed_rows(&mut store, &mut state, List::Urgent);
    for name in &names {
        state.heartbeat(name, None, &caller, now(3)).unwrap();
    }

    let by_heartbeats = changed_rows(&mut store, &mut state, List::Beats);

    // And one row each time, which says how far the registry has listened.
    assert_eq!(by_registrations, 3 * 100 + 1, "instance, heartbeat, event");
    assert_eq!(by_heartbeats, 100 + 1);
}
