//! What is only in the log beside the file, when the file or the log is damaged.

use std::fs;
use std::path::Path;

use lastbeatd::store::{Opening, Store};

use crate::sample::{TTL, now, open_with_rows, record, rows};

/// Copies the files of an open store, as a power cut would leave them.
fn cut_power(store: &Store, to: &Path) {
    let wal = format!("{}-wal", store.path().display());
    fs::copy(store.path(), to).unwrap();
    fs::copy(wal, format!("{}-wal", to.display())).unwrap();
}

#[test]
fn rows_that_are_only_in_the_log_are_saved_from_a_damaged_file() {
    let dir = tempfile::tempdir().unwrap();
    let store = open_with_rows(&dir.path().join("live.db"));
    let cases = [
        (&b""[..], "it is empty, but its -wal file is not"),
        (b"not a database", "it is not a database"),
    ];
    for (content, said) in cases {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("monitoring.db");
        cut_power(&store, &path);
        fs::write(&path, content).unwrap();
        let wal = fs::read(dir.path().join("monitoring.db-wal")).unwrap();

        let (_store, loaded, opening) = Store::open(&path, now(), TTL).unwrap();

        let Opening::SetAside {
            moved_to,
            salvaged,
            why,
        } = opening
        else {
            panic!("{opening:?}")
        };
        assert_eq!(why, said);
        assert_eq!(salvaged, 2);
        assert_eq!(loaded.instances, [record(1, "a"), record(2, "b")]);
        assert_eq!(fs::read(&moved_to).unwrap(), content);
        assert_eq!(
            fs::read(format!("{}-wal", moved_to.display())).unwrap(),
            wal
        );
    }
}

#[test]
fn rows_that_are_only_in_the_log_are_saved_when_the_file_is_missing() {
    let dir = tempfile::tempdir().unwrap();
    let store = open_with_rows(&dir.path().join("live.db"));
    let path = dir.path().join("monitoring.db");
    cut_power(&store, &path);
    fs::remove_file(&path).unwrap();

    let (_store, loaded, opening) = Store::open(&path, now(), TTL).unwrap();

    let Opening::SetAside {
        moved_to,
        salvaged: 2,
        ..
    } = opening
    else {
        panic!("{opening:?}")
    };
    assert!(moved_to.exists(), "only the log was there");
    assert_eq!(loaded.instances, [record(1, "a"), record(2, "b")]);
}

#[test]
fn a_rotten_log_costs_only_what_was_in_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("live.db");
    open_with_rows(&path).close();
    let (mut store, _, _) = Store::open(&path, now(), TTL).unwrap();
    store.write(&rows(vec![record(3, "c")])).unwrap();
    let copy = dir.path().join("monitoring.db");
    cut_power(&store, &copy);
    let wal = dir.path().join("monitoring.db-wal");
    let mut bytes = fs::read(&wal).unwrap();
    bytes[60..].fill(0x55);
    fs::write(&wal, bytes).unwrap();

    let (_store, loaded, _) = Store::open(&copy, now(), TTL).unwrap();

    assert_eq!(loaded.instances, [record(1, "a"), record(2, "b")]);
}
