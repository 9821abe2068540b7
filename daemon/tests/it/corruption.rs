//! A database that was damaged while the daemon was away: every start is quick, every row that is
//! not itself damaged is there, and of what was set aside not one bit differs.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::time::Duration;

use lastbeatd::state::record::{InstanceRecord, Loaded};
use lastbeatd::store::{Opening, Store};

use crate::program::clock;
use crate::sample::{TTL, now, open_with_rows, record, rows};
use crate::store_salvage::{PAGE, intact, pages};

/// How long a start may take: 2 s, and as much again where other tests run beside.
const START: Duration = Duration::from_secs(4);
/// Transactions in the log.
const TRANSACTIONS: i64 = 6;
const LOG_HEADER: usize = 32;
const FRAME: usize = 24 + PAGE;

/// Opens these bytes as database and log; what was set aside must be those bytes.
fn opened(db: &[u8], log: Option<&[u8]>, what: &str) -> (Loaded, Opening) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("monitoring.db");
    fs::write(&path, db).unwrap();
    if let Some(log) = log {
        fs::write(dir.path().join("monitoring.db-wal"), log).unwrap();
    }
    let begin = clock();

    let (store, loaded, opening) = Store::open(&path, now(), TTL).unwrap();

    assert!(begin.elapsed() < START, "{what}: {:?}", begin.elapsed());
    if let Opening::SetAside { moved_to, .. } = &opening {
        assert!(fs::read(moved_to).unwrap() == db, "{what}");
        let kept = fs::read(format!("{}-wal", moved_to.display())).unwrap_or_else(|error| {
            assert_eq!(error.kind(), ErrorKind::NotFound, "{what}: {error}");
            Vec::new()
        });
        // An empty one says as much as none.
        assert!(kept == log.unwrap_or_default(), "{what}");
    }
    store.close();
    (loaded, opening)
}

fn version(id: i64, version: i64) -> InstanceRecord {
    let mut row = record(id, &format!("service-{id}"));
    row.metadata
        .insert("version".to_owned(), version.to_string());
    row
}

/// A database whose log holds some transactions more, as after `kill -9`: each adds a row and
/// changes the first one.
fn with_log(dir: &Path) -> (Vec<u8>, Vec<u8>) {
    let path = dir.join("live.db");
    open_with_rows(&path).close();
    let (mut store, _, _) = Store::open(&path, now(), TTL).unwrap();
    for n in 1..=TRANSACTIONS {
        store
            .write(&rows(vec![version(1, n), version(10 + n, n)]))
            .unwrap();
    }
    let read = |ending: &str| fs::read(format!("{}{ending}", path.display())).unwrap();
    (read(""), read("-wal"))
}

/// How many transactions of the log are there, all of them whole.
fn transactions(loaded: &Loaded, what: &str) -> i64 {
    let first = loaded.instances.iter().find(|row| row.id == 1);
    let first = first.unwrap_or_else(|| panic!("{what}: the first row is gone"));
    let count = first
        .metadata
        .get("version")
        .map_or(0, |version| version.parse().unwrap());
    let added: Vec<i64> = loaded
        .instances
        .iter()
        .filter(|row| 10 < row.id)
        .map(|row| row.id - 10)
        .collect();
    assert_eq!(added, (1..=count).collect::<Vec<_>>(), "{what}");
    assert!(loaded.instances.iter().any(|row| row.id == 2), "{what}");
    count
}

/// A log fault is told where the file is set aside, and only there.
fn is_told(opening: &Opening, words: &str, what: &str) -> bool {
    match opening {
        Opening::SetAside { why, .. } => {
            assert!(why.contains(words), "{what}: {why}");
            true
        }
        other => {
            assert_eq!(*other, Opening::Existing, "{what}");
            false
        }
    }
}

#[test]
fn a_damaged_frame_of_the_log_costs_at_most_its_transaction_and_is_not_silent() {
    let dir = tempfile::tempdir().unwrap();
    let (db, log) = with_log(dir.path());
    let frames = (log.len() - LOG_HEADER) / FRAME;
    let (loaded, opening) = opened(&db, Some(&log), "whole");
    assert_eq!(transactions(&loaded, "whole"), TRANSACTIONS);
    assert_eq!(opening, Opening::Existing);
    let ends: Vec<usize> = (0..frames)
        .filter(|frame| log[LOG_HEADER + frame * FRAME + 4..][..4] != [0; 4])
        .collect();
    let last_begins = ends[ends.len() - 2] + 1;

    for at in [0, 30, 500] {
        for frame in 0..frames {
            let what = format!("byte {at} of frame {frame} of {frames}");
            let mut log = log.clone();
            log[LOG_HEADER + frame * FRAME + at] ^= 0x55;

            let (loaded, opening) = opened(&db, Some(&log), &what);

            let usable = ends.iter().rfind(|end| **end < frame);
            let words = format!("{} of {frames} frames", usable.map_or(0, |end| end + 1));
            let is_told = is_told(&opening, &words, &what);
            assert_eq!(is_told, frame < last_begins, "{what}");
            if is_told {
                let known = |id| loaded.instances.iter().any(|row| row.id == id);
                let lost = (1..=TRANSACTIONS).filter(|n| !known(10 + n)).count();
                assert!(known(1) && known(2) && lost <= 1, "{what}: {lost} lost");
            } else {
                assert_eq!(transactions(&loaded, &what), TRANSACTIONS - 1, "{what}");
            }
        }
    }
}

#[test]
fn a_log_that_ends_early_costs_only_what_is_cut_off() {
    let dir = tempfile::tempdir().unwrap();
    let (db, log) = with_log(dir.path());
    let frames = (log.len() - LOG_HEADER) / FRAME;
    let mut before = 0;
    for (frame, more) in (0..=frames).flat_map(|frame| [(frame, 0), (frame, 100)]) {
        let end = (LOG_HEADER + frame * FRAME + more).min(log.len());
        let what = format!("{end} of {} bytes", log.len());

        let (loaded, opening) = opened(&db, Some(&log[..end]), &what);

        // No more than a crash could have done.
        assert_eq!(opening, Opening::Existing, "{what}");
        let count = transactions(&loaded, &what);
        assert!(before <= count, "{what}: {count}");
        before = count;
    }
    assert_eq!(before, TRANSACTIONS);
}

#[test]
fn a_log_that_is_lost_or_all_rotten_costs_only_what_was_in_it() {
    let dir = tempfile::tempdir().unwrap();
    let (db, log) = with_log(dir.path());
    let rotten = vec![0x5a; log.len()];
    let cases = [
        ("lost", None, false),
        ("empty", Some(&b""[..]), false),
        ("shorter than a header", Some(&rotten[..LOG_HEADER]), false),
        ("rotten", Some(&rotten), true),
    ];
    for (what, log, is_damage) in cases {
        let (loaded, opening) = opened(&db, log, what);

        assert_eq!(transactions(&loaded, what), 0, "{what}");
        let is_told = is_told(&opening, "does not begin as a log does", what);
        assert_eq!(is_told, is_damage, "{what}");
    }
}

#[test]
fn a_log_without_its_header_costs_nothing_and_is_not_silent() {
    let dir = tempfile::tempdir().unwrap();
    let (db, log) = with_log(dir.path());
    for at in [0, 5, 9, 17, 25] {
        let what = format!("byte {at} of the header");
        let mut log = log.clone();
        log[at] ^= 0x55;

        let (loaded, opening) = opened(&db, Some(&log), &what);

        assert!(is_told(&opening, "does not begin as a log does", &what));
        assert_eq!(transactions(&loaded, &what), TRANSACTIONS, "{what}");
    }
}

#[test]
fn a_log_of_another_database_is_noticed_and_kept_with_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let (db, _) = with_log(dir.path());
    let other = tempfile::tempdir().unwrap();
    let path = other.path().join("other.db");
    let (mut store, _, _) = Store::open(&path, now(), TTL).unwrap();
    let named = |id| record(id, &format!("other-{id}"));
    store.write(&rows((1..=40).map(named).collect())).unwrap();
    store.close();
    let (mut store, _, _) = Store::open(&path, now(), TTL).unwrap();
    store.write(&rows(vec![named(41)])).unwrap();
    let log = fs::read(other.path().join("other.db-wal")).unwrap();

    // Its checksums are right, so `SQLite` takes its pages for this file's own.
    let (loaded, opening) = opened(&db, Some(&log), "of another database");

    assert!(matches!(opening, Opening::SetAside { .. }), "{opening:?}");
    let found: Vec<&str> = loaded
        .instances
        .iter()
        .map(|row| row.name.as_str())
        .collect();
    assert!(found.contains(&"a") && found.contains(&"b"), "{found:?}");
}

#[test]
fn a_page_that_fell_back_to_an_older_version_costs_only_its_own_rows() {
    let dir = tempfile::tempdir().unwrap();
    let older = intact(dir.path());
    let older_pages = pages(dir.path());
    let path = dir.path().join("intact.db");
    let (mut store, loaded, _) = Store::open(&path, now(), TTL).unwrap();
    let count = loaded.instances.len();
    let ids = 1..=i64::try_from(count).unwrap();
    store
        .write(&rows(ids.clone().map(|id| version(id, 2)).collect()))
        .unwrap();
    store.close();
    let newer = fs::read(&path).unwrap();
    let expected: Vec<InstanceRecord> = ids.map(|id| version(id, 2)).collect();
    let mut silent = Vec::new();
    for ((table, on_page), index) in pages(dir.path()).into_iter().zip(0..) {
        let range = index * PAGE..(index + 1) * PAGE;
        let Some(old) = older
            .get(range.clone())
            .filter(|old| **old != newer[range.clone()])
        else {
            continue;
        };
        let what = format!("page {} of {table}", index + 1);
        let mut bytes = newer.clone();
        bytes[range].copy_from_slice(old);

        let (loaded, opening) = opened(&bytes, None, &what);

        let whole = expected.iter().filter(|row| loaded.instances.contains(row));
        // Its rows are lost. Those that it held once may stand on another page by now, and which
        // of two versions is newer, no row says.
        let before = older_pages.get(index).map_or(0, |(_, rows)| *rows);
        let lost = if table == "instances" {
            on_page + before
        } else {
            0
        };
        let whole = whole.count();
        assert!(
            count - lost.min(count) <= whole,
            "{what}: {whole} of {count}"
        );
        if opening == Opening::Existing {
            silent.push(what);
        }
    }
    println!("unnoticed: {silent:?}");
}

#[test]
fn a_file_cut_at_any_page_gives_every_row_before_the_cut() {
    let dir = tempfile::tempdir().unwrap();
    let bytes = intact(dir.path());
    let pages = pages(dir.path());
    for kept in 1..pages.len() {
        for more in [0, 1_000] {
            let cut = kept * PAGE + more;
            let what = format!("{cut} of {} bytes", bytes.len());
            let before: usize = pages[..kept]
                .iter()
                .filter(|(table, _)| table == "instances")
                .map(|(_, rows)| rows)
                .sum();

            let (loaded, opening) = opened(&bytes[..cut], None, &what);

            assert!(
                matches!(opening, Opening::SetAside { .. }),
                "{what}: {opening:?}"
            );
            assert_eq!(loaded.instances.len(), before, "{what}");
        }
    }
}
