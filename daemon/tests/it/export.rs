//! A registry that is exported, imported and exported again is the same, byte by byte.

mod random;

use std::collections::BTreeMap;
use std::path::Path;

use lastbeat_proto::Timestamp;
use lastbeatd::store::{FileError, Store, StoreError, Taken, export_to, import};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use rusqlite::Connection;

use self::random::{batch, column};
use crate::figure::figure;
use crate::program::{Program, until};
use crate::sample::{TTL, now};
use crate::tool::{registry, run};

/// The document of a database, but for the moment at which it was made.
fn document(db: &Path) -> String {
    let mut document = Vec::new();
    export_to(db, &mut document, "a list", now()).unwrap();
    String::from_utf8(document).unwrap()
}

/// When documents are imported: later than every time in them.
const LATER: Timestamp = Timestamp::from_micros(253_402_300_799_000_000);

fn take(db: &Path, document: &str) -> Taken {
    loop {
        // A program that another test starts in this moment holds our files until it runs.
        match import(db, document.as_bytes(), "a text", LATER) {
            Err(FileError::Store(StoreError::InUse { .. })) => std::thread::yield_now(),
            taken => return taken.unwrap(),
        }
    }
}

fn open(db: &Path) -> (Store, lastbeatd::state::record::Loaded) {
    loop {
        match Store::open(db, now(), TTL) {
            Err(StoreError::InUse { .. }) => std::thread::yield_now(),
            opened => {
                let (store, loaded, _) = opened.unwrap();
                return (store, loaded);
            }
        }
    }
}

/// Memory where there is some: no power is cut here, and thousands of syncs take minutes.
fn memory() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() {
        tempfile::tempdir_in(memory).unwrap()
    } else {
        tempfile::tempdir().unwrap()
    }
}

#[test]
fn a_random_registry_survives_export_and_import() {
    let cases = u32::try_from(figure("export", 60)).unwrap();
    let config = Config {
        failure_persistence: None,
        ..Config::with_cases(cases)
    };
    let refused = prop::collection::vec((column(), column(), column(), column()), 0..3);
    let whole = (batch(), refused, 0..200_i64);
    TestRunner::new(config)
        .run(&whole, |(batch, refused, sequence)| {
            let dir = memory();
            let (first, second) = (dir.path().join("first.db"), dir.path().join("second.db"));
            let (mut store, _) = open(&first);
            store.write(&batch).unwrap();
            store.close();
            let connection = Connection::open(&first).unwrap();
            for (name, ip, status, time) in &refused {
                let sql = "insert into refused_rows values (null, ?1, ?2, ?3, ?4, 'why')";
                connection.execute(sql, [name, ip, status, time]).unwrap();
            }
            let raise = "update sqlite_sequence set seq = max(seq, ?1) where name = 'instances'";
            connection.execute(raise, [sequence]).unwrap();
            connection.close().unwrap();

            let exported = document(&first);
            let taken = take(&second, &exported);

            prop_assert_eq!(&document(&second), &exported);
            prop_assert_eq!(taken.instances + taken.tombstones, batch.rows.len());
            prop_assert_eq!(taken.refused_rows, refused.len());
            let (one, loaded) = open(&first);
            let (other, loaded_again) = open(&second);
            prop_assert_eq!(&loaded.instances, &batch.rows);
            prop_assert_eq!(loaded, loaded_again);
            one.close();
            other.close();
            Ok(())
        })
        .unwrap();
}

fn survives(dir: &Path) -> String {
    let exported = document(&dir.join("monitoring.db"));
    take(&dir.join("again.db"), &exported);
    assert_eq!(document(&dir.join("again.db")), exported);
    exported
}

#[test]
fn a_registry_that_came_from_the_original_survives() {
    let dir = tempfile::tempdir().unwrap();
    let connection = Connection::open(dir.path().join("monitoring.db")).unwrap();
    connection
        .execute_batch(
            "create table services (id integer primary key, name, ip, status, last_heartbeat);
             insert into services (name, ip, status, last_heartbeat) values
                 ('a', '10.0.0.1', 'UP', '2026-11-24 10:00:00'),
                 ('a', '10.0.0.1', 'UP', '2026-11-24 11:00:00'),
                 ('b', x'00ff', 1.5, null)",
        )
        .unwrap();
    connection.close().unwrap();
    assert_eq!(Program::start(dir.path(), &[]).stop(), Some(0));

    let exported = survives(dir.path());

    assert!(
        exported.contains(r#""ip":{"hex":"00ff"},"status":{"real":"1.5"},"last_heartbeat":null"#),
        "{exported}"
    );
    assert!(exported.contains("was merged into it"), "{exported}");
}

#[test]
fn a_registry_that_was_salvaged_survives() {
    let dir = tempfile::tempdir().unwrap();
    let db = dir.path().join("monitoring.db");
    assert_eq!(registry(dir.path()).stop(), Some(0));
    let mut bytes = std::fs::read(&db).unwrap();
    bytes[..16].fill(0);
    std::fs::write(&db, bytes).unwrap();
    assert_eq!(Program::start(dir.path(), &["--ttl", "2s"]).stop(), Some(0));

    let exported = survives(dir.path());

    for name in ["alive", "dead", "left"] {
        assert!(
            exported.contains(&format!(r#""name":"{name}""#)),
            "{exported}"
        );
    }
}

#[test]
fn an_imported_registry_is_as_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let program = registry(dir.path());
    let before: BTreeMap<_, _> = ["alive", "dead"]
        .map(|name| (name, program.row(name).unwrap()))
        .into();
    let (_, gone) = program.ask("GET", "/gone", "");
    let said = run(dir.path(), &["export"]).fine();
    let fresh = tempfile::tempdir().unwrap();
    std::fs::write(fresh.path().join("document"), said).unwrap();

    let said = run(fresh.path(), &["import", "document"]).fine();

    assert!(said.starts_with("imported to: "), "{said}");
    assert!(
        said.contains("instances: 2\ntombstones: 1\nevents: 6\nstretches: 1\n"),
        "{said}"
    );
    let program = Program::start(
        fresh.path(),
        &["--ttl", "2s", "--remove-after", "1h", "--start-grace", "2s"],
    );
    for (name, row) in before {
        let after = program.row(name).unwrap();
        for key in [
            "id",
            "first_seen",
            "since",
            "status",
            "last_heartbeat",
            "tags",
            "metadata",
        ] {
            assert_eq!(row[key], after[key], "{key} of {name}");
        }
        let is_up = row["status"] == "UP";
        assert_eq!(after["confirmed"] == false, is_up, "{after}");
    }
    assert_eq!(program.ask("GET", "/gone", "").1["gone"], gone["gone"]);
    let new = program.register(r#"{"name":"new","ip":"10.0.0.9"}"#);
    assert_eq!(new["service"]["id"], 4);
    until("one that was just registered is DOWN by its ttl", || {
        program.row("new").unwrap()["status"] == "DOWN"
    });
    assert_eq!(program.row("alive").unwrap()["status"], "UP");
}

#[test]
fn whoever_reads_only_the_beginning_ends_the_export_quietly() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(registry(dir.path()).stop(), Some(0));
    let mut shell = std::process::Command::new("/bin/sh");
    let script =
        "{ \"$0\" export; echo $? >&2; } | true; \"$0\" export | \"$0\" import --db b.db -";
    shell
        .args(["-c", script, env!("CARGO_BIN_EXE_lastbeatd")])
        .current_dir(dir.path());

    let ran = crate::tool::end(shell);

    assert_eq!((ran.code, ran.err.as_str()), (0, "0\n"), "{ran:?}");
    assert!(ran.out.contains("instances: 2\ntombstones: 1"), "{ran:?}");
}
