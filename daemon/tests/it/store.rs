//! What is written to the store is what a start finds.

use std::path::Path;

use lastbeat_proto::{Span, Timestamp};
use lastbeatd::clock::Listened;
use lastbeatd::instance::{Changes, Life};
use lastbeatd::state::record::{Batch, InstanceRecord, Loaded};
use lastbeatd::store::{Opening, Store};
use proptest::prelude::*;
use rusqlite::Connection;

use crate::sample::{NOON_US, TTL, beat, event, names, now, record, rows, stretch};

/// Opens what is at `path` once more and says what is in it.
fn reloaded(path: &Path) -> Loaded {
    let (store, loaded, opening) = open(path);
    assert_eq!(opening, Opening::Existing);
    store.close();
    loaded
}

fn open(path: &Path) -> (Store, Loaded, Opening) {
    Store::open(path, now(), TTL).unwrap()
}

#[test]
fn a_missing_file_is_created_and_found_again() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("monitoring.db");

    let (store, loaded, opening) = open(&path);

    assert_eq!(opening, Opening::Created);
    assert_eq!(
        loaded,
        Loaded {
            next_id: 1,
            ..Loaded::default()
        }
    );
    assert_eq!(store.path(), path.canonicalize().unwrap());
    store.close();
    assert_eq!(open(&path).2, Opening::Existing);
}

#[test]
fn an_empty_file_is_a_missing_one() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("monitoring.db");
    std::fs::write(&path, b"").unwrap();

    assert_eq!(open(&path).2, Opening::Created);
}

#[test]
fn a_clean_stop_leaves_one_file_without_a_journal() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("monitoring.db");
    let (mut store, _, _) = open(&path);
    store.write(&rows(vec![record(1, "a")])).unwrap();

    store.close();

    assert_eq!(names(dir.path()), ["monitoring.db", "monitoring.db.lock"]);
}

#[test]
fn a_store_that_is_killed_keeps_what_was_written() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("monitoring.db");
    let (mut store, _, _) = open(&path);
    store.write(&rows(vec![record(1, "a")])).unwrap();
    let copy = dir.path().join("copy.db");
    std::fs::copy(&path, &copy).unwrap();
    std::fs::copy(
        dir.path().join("monitoring.db-wal"),
        dir.path().join("copy.db-wal"),
    )
    .unwrap();

    assert_eq!(reloaded(&copy).instances, [record(1, "a")]);
}

#[test]
fn a_row_written_again_is_replaced() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("monitoring.db");
    let (mut store, _, _) = open(&path);
    let mut row = record(1, "a");
    store.write(&rows(vec![row.clone()])).unwrap();
    row.life = Life::Down;
    row.is_mass = true;
    row.port = None;
    row.tags.clear();
    row.metadata.clear();

    store.write(&rows(vec![row.clone()])).unwrap();

    store.close();
    assert_eq!(reloaded(&path).instances, [row]);
}

#[test]
fn a_heartbeat_moves_a_stored_row_and_makes_none() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("monitoring.db");
    let (mut store, _, _) = open(&path);
    store.write(&rows(vec![record(1, "a")])).unwrap();

    store
        .write(&Batch {
            beats: vec![(1, beat(90)), (2, beat(91))],
            ..Batch::default()
        })
        .unwrap();

    store.close();
    let loaded = reloaded(&path);
    assert_eq!(loaded.instances.len(), 1);
    assert_eq!(loaded.instances[0].heartbeat, beat(90));
    assert_eq!(loaded.next_id, 2);
}

#[test]
fn a_row_that_turned_keeps_what_it_says_and_one_that_is_missing_is_made() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("monitoring.db");
    let (mut store, _, _) = open(&path);
    let stored = record(1, "a");
    store.write(&rows(vec![stored.clone()])).unwrap();
    let turned = InstanceRecord {
        life: Life::Down,
        since: Timestamp::from_micros(NOON_US + 60),
        since_l: Listened::from_micros(100),
        is_mass: true,
        changes: Changes::try_from(vec![Listened::from_micros(100)]).unwrap(),
        is_flapping: true,
        heartbeat: beat(55),
        ..stored
    };
    let missing = InstanceRecord {
        life: Life::Down,
        ..record(2, "b")
    };

    let said_otherwise = InstanceRecord {
        port: None,
        tags: Vec::new(),
        ..turned.clone()
    };
    store
        .write(&Batch {
            turned: vec![said_otherwise, missing.clone()],
            ..Batch::default()
        })
        .unwrap();

    store.close();
    assert_eq!(reloaded(&path).instances, [turned, missing]);
}

#[test]
fn a_row_number_is_never_given_twice() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("monitoring.db");
    let (mut store, _, _) = open(&path);
    store
        .write(&rows(vec![record(1, "a"), record(7, "b")]))
        .unwrap();
    store
        .write(&Batch {
            deleted: vec![7],
            ..Batch::default()
        })
        .unwrap();
    store.close();
    let after_delete = reloaded(&path);
    let (mut store, _, _) = open(&path);
    store
        .write(&Batch {
            events: vec![event(30, Some("z"))],
            ..Batch::default()
        })
        .unwrap();
    store.close();

    assert_eq!(after_delete.instances, [record(1, "a")]);
    assert_eq!(after_delete.next_id, 8);
    assert_eq!(reloaded(&path).next_id, 31);
}

#[test]
fn a_name_freed_in_a_batch_can_be_taken_in_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("monitoring.db");
    let (mut store, _, _) = open(&path);
    store.write(&rows(vec![record(1, "a")])).unwrap();
    let mut anew = record(2, "a");
    anew.instance = record(1, "a").instance;

    store
        .write(&Batch {
            rows: vec![anew.clone()],
            deleted: vec![1],
            ..Batch::default()
        })
        .unwrap();

    store.close();
    assert_eq!(reloaded(&path).instances, [anew]);
}

#[test]
fn a_batch_is_written_whole_or_not_at_all() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("monitoring.db");
    let (mut store, _, _) = open(&path);
    let mut twin = record(2, "a");
    twin.instance = record(1, "a").instance;

    let error = store
        .write(&Batch {
            rows: vec![record(1, "a"), twin],
            stretches: vec![stretch(0)],
            ..Batch::default()
        })
        .unwrap_err();

    assert!(!error.is_trouble());
    assert_eq!(
        error.to_string(),
        "cannot use the database: UNIQUE constraint failed: instances.name, instances.instance; \
         please report this as a bug"
    );
    store.close();
    let loaded = reloaded(&path);
    assert!(loaded.instances.is_empty());
    assert!(loaded.stretches.is_empty());
}

#[test]
fn a_batch_written_twice_is_the_same_batch() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("monitoring.db");
    let (mut store, _, _) = open(&path);
    let batch = Batch {
        rows: vec![record(1, "a")],
        events: vec![event(1, Some("a")), event(2, None)],
        stretches: vec![stretch(4)],
        listened: Some((Listened::from_micros(60), now())),
        ..Batch::default()
    };

    store.write(&batch).unwrap();
    store.write(&batch).unwrap();

    store.close();
    let loaded = reloaded(&path);
    assert_eq!(loaded.instances, batch.rows);
    assert_eq!(loaded.events, batch.events);
    assert_eq!(loaded.stretches.len(), 1);
}

#[test]
fn every_transaction_says_how_far_the_newest_stretch_came() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("monitoring.db");
    let (mut store, _, _) = open(&path);
    let wall = Timestamp::from_micros(NOON_US + 9);
    store
        .write(&Batch {
            stretches: vec![stretch(10), stretch(20)],
            ..Batch::default()
        })
        .unwrap();

    store
        .write(&Batch {
            listened: Some((Listened::from_micros(90), wall)),
            is_clean_stop: true,
            ..Batch::default()
        })
        .unwrap();

    store.close();
    let mut newest = stretch(20);
    newest.last_l = Listened::from_micros(90);
    newest.last_wall = wall;
    newest.is_clean = true;
    assert_eq!(reloaded(&path).stretches, [stretch(10), newest]);
}

#[test]
fn the_newest_thousand_stretches_are_kept() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("monitoring.db");
    let (mut store, _, _) = open(&path);
    for first in [0, 1_000] {
        store
            .write(&Batch {
                stretches: (first..first + 1_000).map(|l| stretch(l * 2)).collect(),
                ..Batch::default()
            })
            .unwrap();
    }
    store
        .write(&Batch {
            stretches: vec![stretch(9_000)],
            ..Batch::default()
        })
        .unwrap();

    store.close();
    let kept: i64 = Connection::open(&path)
        .unwrap()
        .query_row("select count(*) from stretches", [], |row| row.get(0))
        .unwrap();
    let loaded = reloaded(&path);
    assert_eq!(kept, 1_000);
    assert_eq!(loaded.stretches.len(), 1_000);
    assert_eq!(loaded.stretches[0], stretch(2_002));
    assert_eq!(loaded.stretches[999], stretch(9_000));
}

#[test]
fn stretches_are_in_the_order_of_listening_time_whatever_their_row_numbers() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("monitoring.db");
    let (mut store, _, _) = open(&path);
    let write = |store: &mut Store, stretches: std::ops::Range<i64>| {
        store
            .write(&Batch {
                stretches: stretches.map(|n| stretch(n * 2)).collect(),
                ..Batch::default()
            })
            .unwrap();
    };
    // As after a rescue that found only the newest: these have the lowest row numbers.
    write(&mut store, 900..1_000);
    write(&mut store, 0..1_000);
    for late in [9_000, 1_001] {
        store
            .write(&Batch {
                stretches: vec![stretch(late)],
                ..Batch::default()
            })
            .unwrap();
    }
    let wall = Timestamp::from_micros(NOON_US + 9);
    store
        .write(&Batch {
            listened: Some((Listened::from_micros(9_999), wall)),
            is_clean_stop: true,
            ..Batch::default()
        })
        .unwrap();
    store.close();

    let stretches = reloaded(&path).stretches;

    let mut newest = stretch(9_000);
    newest.last_l = Listened::from_micros(9_999);
    newest.last_wall = wall;
    newest.is_clean = true;
    let older = (2..1_000).map(|n| stretch(n * 2));
    let mut kept: Vec<_> = older.chain([stretch(1_001), newest]).collect();
    kept.sort_by_key(|stretch| stretch.start_l);
    assert_eq!(stretches, kept);
    let report = lastbeatd::store::inspect(&path, now()).unwrap();
    assert_eq!(report.faults, [""; 0]);
}

fn any_text() -> impl Strategy<Value = String> {
    "\\PC{0,20}"
}

prop_compose! {
    fn any_row()(
        times in proptest::array::uniform5(-62_135_596_800_000_000_i64..253_402_300_799_999_999),
        ttl_us in 2_000_000_u64..2_592_000_000_000,
        life in proptest::sample::select(vec![
            Life::Up, Life::Down, Life::TimedOut, Life::Dismissed, Life::Deregistered,
        ]),
        port in proptest::option::of(1_u16..),
        tags in proptest::collection::vec(any_text(), 0..16),
        metadata in proptest::collection::btree_map(any_text(), any_text(), 0..32),
        is_mass in any::<bool>(),
    ) -> InstanceRecord {
        let mut row = record(1, "a");
        row.first_seen = Timestamp::from_micros(times[0]);
        row.since = Timestamp::from_micros(times[1]);
        row.since_l = Listened::from_micros(times[2]);
        row.heartbeat.at = Timestamp::from_micros(times[3]);
        row.heartbeat.l = Listened::from_micros(times[4]);
        row.ttl = Some(Span::from_micros(ttl_us));
        row.life = life;
        row.port = port;
        row.tags = tags;
        row.metadata = metadata;
        row.is_mass = is_mass;
        row
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn a_row_is_loaded_as_it_was_written(
        mut written in proptest::collection::vec(any_row(), 0..6),
    ) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("monitoring.db");
        for (row, id) in written.iter_mut().zip(1..) {
            row.id = id * 3;
            row.instance = record(id, "a").instance;
        }
        let (mut store, _, _) = open(&path);
        store.write(&rows(written.clone())).unwrap();
        store.close();

        let loaded = reloaded(&path);

        prop_assert_eq!(loaded.next_id, written.last().map_or(1, |row| row.id + 1));
        prop_assert_eq!(loaded.instances, written);
    }
}
