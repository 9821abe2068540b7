//! A file that is taken away while it is open is noticed and made anew.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc::channel;
use std::thread;

use lastbeatd::clock::Listened;
use lastbeatd::state::record::{Batch, Loaded};
use lastbeatd::store::{Keep, Opening, Store};
use rusqlite::Connection;

use crate::sample::{TTL, event, names, now, record, rows, stretch};

/// What the daemon has in memory.
fn memory() -> Batch {
    Batch {
        rows: vec![record(1, "a"), record(2, "b")],
        events: vec![event(1, Some("a")), event(2, None)],
        stretches: vec![stretch(0)],
        listened: Some((Listened::from_micros(70), now())),
        ..Batch::default()
    }
}

fn filled(path: &Path) -> Store {
    let (mut store, _, _) = Store::open(path, now(), TTL).unwrap();
    store.write(&memory()).unwrap();
    assert!(store.is_in_place());
    store
}

/// What of it the daemon hands to a new file, in two batches; the history is the old file's.
fn given() -> impl Iterator<Item = Batch> {
    let mut stretch = stretch(0);
    stretch.last_l = Listened::from_micros(70);
    let stretches = Batch {
        stretches: vec![stretch],
        ..Batch::default()
    };
    [stretches, rows(memory().rows)].into_iter()
}

/// Reopens, writes nothing more, and loads what is then at the path.
fn healed(mut store: Store) -> Loaded {
    assert!(!store.is_in_place());
    store.reopen(now(), &mut given()).unwrap();
    assert!(store.is_in_place());
    let path = store.path().to_path_buf();
    store.close();
    let (_store, loaded, opening) = Store::open(&path, now(), TTL).unwrap();
    assert_eq!(opening, Opening::Existing);
    loaded
}

fn assert_whole(loaded: &Loaded) {
    assert_eq!(loaded.instances, memory().rows);
    assert_eq!(loaded.events, memory().events);
    assert_eq!(loaded.stretches.len(), 1);
    assert_eq!(loaded.stretches[0].last_l, Listened::from_micros(70));
    assert_eq!(loaded.next_id, 3);
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    PathBuf::from(format!("{}{ending}", path.display()))
}

#[test]
fn a_deleted_file_is_made_anew_with_its_history() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("monitoring.db");
    let store = filled(&path);
    fs::remove_file(&path).unwrap();

    assert_whole(&healed(store));
    assert_eq!(names(dir.path()), ["monitoring.db", "monitoring.db.lock"]);
}

#[test]
fn a_file_deleted_with_its_log_is_made_anew() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("monitoring.db");
    let store = filled(&path);
    for ending in ["", "-wal", "-shm"] {
        fs::remove_file(beside(&path, ending)).unwrap();
    }

    assert_whole(&healed(store));
}

#[test]
fn a_renamed_file_is_completed_and_left_where_it_went() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("monitoring.db");
    let elsewhere = dir.path().join("elsewhere.db");
    let store = filled(&path);
    fs::rename(&path, &elsewhere).unwrap();

    assert_whole(&healed(store));
    assert_whole(&Store::open(&elsewhere, now(), TTL).unwrap().1);
}

#[test]
fn a_lost_log_is_noticed() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("monitoring.db");
    let store = filled(&path);
    fs::remove_file(beside(&path, "-wal")).unwrap();

    assert_whole(&healed(store));
}

#[test]
fn a_foreign_file_at_the_path_is_set_aside_untouched() {
    for has_log in [false, true] {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("monitoring.db");
        let foreign = dir.path().join("foreign.db");
        let connection = Connection::open(&foreign).unwrap();
        connection
            .execute_batch(
                "pragma journal_mode = wal; create table t (a); insert into t values (7)",
            )
            .unwrap();
        let store = filled(&path);
        let moved = dir.path().join("moved.db");
        fs::copy(&foreign, &moved).unwrap();
        fs::rename(&moved, &path).unwrap();
        if has_log {
            fs::copy(beside(&foreign, "-wal"), &moved).unwrap();
            fs::rename(&moved, beside(&path, "-wal")).unwrap();
        }
        let bytes = fs::read(&path).unwrap();

        assert_whole(&healed(store));

        let aside = dir.path().join("monitoring.db.corrupt-20261124T135807Z");
        assert_eq!(fs::read(&aside).unwrap(), bytes);
        assert_eq!(beside(&aside, "-wal").exists(), has_log);
        if has_log {
            let answer: i64 = Connection::open(&aside)
                .unwrap()
                .query_row("select a from t", [], |row| row.get(0))
                .unwrap();
            assert_eq!(answer, 7);
        }
    }
}

#[test]
fn a_file_that_is_copied_over_is_noticed_and_set_aside() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("monitoring.db");
    let other = dir.path().join("other.db");
    let (mut others, _, _) = Store::open(&other, now(), TTL).unwrap();
    others.write(&rows(vec![record(8, "other")])).unwrap();
    others.close();
    let mut store = filled(&path);
    let foreign = fs::read(&other).unwrap();
    fs::write(&path, &foreign).unwrap();

    let error = store.write(&rows(vec![record(1, "a")])).unwrap_err();

    assert!(error.is_trouble());
    assert_eq!(
        error.to_string(),
        "cannot read or write the database: another program has overwritten the file; the same \
         is tried again later"
    );
    assert!(
        store
            .tidy(&Keep::LIMITS, Listened::from_micros(0))
            .unwrap_err()
            .is_trouble()
    );
    assert_whole(&healed(store));
    let aside = dir.path().join("monitoring.db.corrupt-20261124T135807Z");
    assert_eq!(fs::read(&aside).unwrap(), foreign);
    assert!(!beside(&aside, "-wal").exists());
}

#[test]
fn a_file_that_is_overwritten_during_a_write_is_noticed_all_the_same() {
    // Fewer than what `SQLite` moves into the file by itself, after 1,000 pages of the log.
    const WRITES: i64 = 60;
    for overwritten_after in 1..20 {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("monitoring.db");
        let mut store = filled(&path);
        let (written, progress) = channel();
        let writer = thread::spawn(move || {
            let failed = (1..=WRITES).find(|n| {
                written.send(*n).unwrap();
                store.write(&rows(vec![record(*n, "busy")])).is_err()
            });
            (store, failed)
        });
        progress.iter().find(|n| *n == overwritten_after).unwrap();
        let bytes = fs::read(&path).unwrap();
        fs::write(&path, bytes).unwrap();
        let (mut store, failed) = {
            let _open = progress;
            writer.join().unwrap()
        };

        assert!(
            failed.is_some() || !store.is_in_place(),
            "{overwritten_after}"
        );
    }
}

#[test]
fn the_numbers_of_deleted_rows_are_remembered_in_the_new_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("monitoring.db");
    let mut store = filled(&path);
    store.write(&rows(vec![record(40, "brief")])).unwrap();
    store
        .write(&Batch {
            deleted: vec![40],
            ..Batch::default()
        })
        .unwrap();
    fs::remove_file(&path).unwrap();

    assert_eq!(healed(store).next_id, 41);
}

#[test]
fn the_lock_is_held_over_a_reopening() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("monitoring.db");
    let mut store = filled(&path);
    fs::remove_file(&path).unwrap();

    store.reopen(now(), &mut given()).unwrap();

    assert!(Store::open(&path, now(), TTL).is_err());
}

#[test]
fn a_reopening_that_cannot_write_is_tried_again() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("monitoring.db");
    let store_path = path.clone();
    let mut store = filled(&path);
    fs::remove_file(&path).unwrap();
    // Something is in the way of the new file.
    fs::create_dir_all(beside(&store_path, ".new").join("x")).unwrap();

    let error = store.reopen(now(), &mut given()).unwrap_err();

    assert!(error.is_trouble(), "{error:?}");
    fs::remove_dir_all(beside(&store_path, ".new")).unwrap();
    assert_whole(&healed(store));
}

#[test]
fn a_checkpoint_by_another_program_is_no_damage() {
    let acts = [
        "pragma wal_checkpoint(passive)",
        "pragma wal_checkpoint(truncate)",
        "insert into refused_rows (id, reason) values (7, 'x'); pragma wal_checkpoint(full)",
        "delete from refused_rows; pragma wal_checkpoint(restart)",
        "vacuum; pragma wal_checkpoint(truncate)",
    ];
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("monitoring.db");
    let mut store = filled(&path);
    let other = Connection::open(&path).unwrap();
    for (act, id) in acts.into_iter().zip(100..) {
        let before = fs::metadata(&path).unwrap().modified().unwrap();
        store.write(&rows(vec![record(id, "more")])).unwrap();

        other.execute_batch(act).unwrap();

        let after = fs::metadata(&path).unwrap().modified().unwrap();
        assert!(before < after, "{act}: it wrote to the file");
        assert!(store.is_in_place(), "{act}");
    }
    drop(other);
    let foreign = fs::read(&path).unwrap();
    fs::write(&path, &foreign).unwrap();
    assert!(
        !store.is_in_place(),
        "what is copied over is noticed as before"
    );

    assert_eq!(healed(store).instances, memory().rows);
}
