//! Where no database can be, one clear sentence says why and what to do.

use std::path::Path;

use lastbeatd::store::{Store, StoreError};
use rusqlite::Connection;

use crate::sample::{TTL, now, record, rows};

fn refusal(path: &Path) -> StoreError {
    Store::open(path, now(), TTL).unwrap_err()
}

#[test]
fn a_second_daemon_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().canonicalize().unwrap().join("monitoring.db");
    let (store, _, _) = Store::open(&path, now(), TTL).unwrap();

    let error = refusal(&path);

    assert!(matches!(error, StoreError::InUse { .. }), "{error:?}");
    assert_eq!(
        error.to_string(),
        format!(
            "cannot open the database {}: another lastbeatd uses it; stop that one or choose \
             another file with --db",
            path.display()
        )
    );
    store.close();
    assert!(Store::open(&path, now(), TTL).is_ok());
}

#[test]
fn a_second_name_of_the_same_file_is_the_same_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("monitoring.db");
    let link = dir.path().join("link.db");
    let (_store, _, _) = Store::open(&path, now(), TTL).unwrap();
    std::os::unix::fs::symlink(&path, &link).unwrap();

    assert!(matches!(refusal(&link), StoreError::InUse { .. }));
}

#[test]
fn a_newer_schema_is_refused_and_its_file_not_touched() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().canonicalize().unwrap().join("monitoring.db");
    Store::open(&path, now(), TTL).unwrap().0.close();
    let connection = Connection::open(&path).unwrap();
    connection.pragma_update(None, "user_version", 7).unwrap();
    connection.close().unwrap();
    let before = std::fs::read(&path).unwrap();

    let error = refusal(&path);

    assert!(matches!(
        error,
        StoreError::Newer {
            version: 7,
            ours: 2,
            ..
        }
    ));
    assert_eq!(
        error.to_string(),
        format!(
            "cannot open the database {}: a newer lastbeatd made it (schema 7, this one knows 2); \
             run that version or choose another file with --db",
            path.display()
        )
    );
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[test]
fn every_obstacle_is_one_sentence_with_a_way_out() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().canonicalize().unwrap();
    std::fs::write(root.join("file"), b"").unwrap();
    std::os::unix::fs::symlink(root.join("nowhere"), root.join("dangling")).unwrap();
    std::os::unix::net::UnixListener::bind(root.join("socket")).unwrap();
    let obstacles = [
        ("", "it is a directory; choose a file with --db"),
        (
            "socket",
            "it is not a regular file; choose a file with --db",
        ),
        (
            "missing/monitoring.db",
            "its directory does not exist; create it or choose a file with --db",
        ),
        (
            "dangling",
            "it is a symbolic link to a file that does not exist; choose a file with --db",
        ),
        (
            "file/monitoring.db",
            "Not a directory (os error 20); let this user read and write it and its directory, \
             or choose a file with --db",
        ),
        ("..", "the path names no file; choose a file with --db"),
    ];
    for (name, sentence) in obstacles {
        let error = refusal(&root.join(name));

        assert!(
            matches!(error, StoreError::Unusable { .. }),
            "{name}: {error:?}"
        );
        let text = error.to_string();
        assert!(text.starts_with("cannot open the database /"), "{text}");
        assert!(text.ends_with(&format!(": {sentence}")), "{name}: {text}");
        assert!(!error.is_trouble());
    }
}

#[test]
fn a_locked_database_is_trouble_at_once_and_well_again_after() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("monitoring.db");
    let (mut store, _, _) = Store::open(&path, now(), TTL).unwrap();
    let other = Connection::open(&path).unwrap();
    other.execute_batch("begin immediate").unwrap();

    let error = store.write(&rows(vec![record(1, "a")])).unwrap_err();

    assert!(error.is_trouble());
    assert_eq!(
        error.to_string(),
        "cannot read or write the database: database is locked; the same is tried again later"
    );
    other.execute_batch("rollback").unwrap();
    store.write(&rows(vec![record(1, "a")])).unwrap();
}
