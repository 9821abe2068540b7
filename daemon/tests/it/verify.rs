//! `lastbeatd verify` says what a file is, and changes nothing.

use std::fs;
use std::path::Path;

use rusqlite::Connection;

use crate::program::Program;
use crate::sample::{names, old_row, original};
use crate::tool::{has, registry, run, verify};

const DB: &str = "monitoring.db";

const CONTENT: [&str; 6] = [
    "made by: lastbeatd, schema ",
    "instances: 2 (1 UP, 1 DOWN)",
    "tombstones: 1",
    "events: 6, from 2",
    "highest id: 3",
    "listened: 2s, stretches: 1",
];

#[test]
fn a_file_is_described_while_a_daemon_runs_after_a_kill_and_after_a_stop() {
    let dir = tempfile::tempdir().unwrap();
    let program = registry(dir.path());

    let said = verify(dir.path()).fine();
    has(&said, &CONTENT);
    has(&said, &["in use by a running program: yes"]);
    has(&said, &["last stop: none yet, it runs"]);
    assert!(said.contains("in its -wal"), "{said}");
    assert_eq!(program.ask("POST", "/heartbeat/alive", "").0, 200);

    program.kill();
    let said = verify(dir.path()).fine();
    has(&said, &CONTENT);
    has(&said, &["in use by a running program: no"]);
    has(&said, &["last stop: not clean"]);
    assert!(said.contains("in its -wal"), "{said}");

    assert_eq!(Program::start(dir.path(), &[]).stop(), Some(0));
    let said = verify(dir.path()).fine();
    has(&said, &["last stop: clean"]);
    assert!(!said.contains("in its -wal"), "{said}");
    assert!(
        said.lines()
            .next()
            .unwrap()
            .ends_with("monitoring.db: sound"),
        "{said}"
    );
}

#[test]
fn a_file_that_nobody_may_write_is_described() {
    let dir = tempfile::tempdir().unwrap();
    registry(dir.path()).kill();
    let mode = |path: &Path, mode| {
        fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(mode)).unwrap();
    };
    for name in names(dir.path()) {
        mode(&dir.path().join(name), 0o444);
    }
    mode(dir.path(), 0o555);

    let ran = verify(dir.path());

    mode(dir.path(), 0o755);
    has(&ran.fine(), &CONTENT);
}

#[test]
fn the_originals_database_is_recognized() {
    let dir = tempfile::tempdir().unwrap();
    let connection = original(&dir.path().join(DB));
    old_row(
        &connection,
        &[&"a", &"10.0.0.1", &"UP", &"2026-11-24 10:00:00"],
    );
    old_row(
        &connection,
        &[&"a", &"10.0.0.1", &"UP", &"2026-11-24 11:00:00"],
    );
    old_row(&connection, &[&"b", &"", &"DOWN", &"yesterday"]);
    connection.close().unwrap();

    let said = verify(dir.path()).fine();

    has(
        &said,
        &[
            "made by: the original program",
            "rows: 3; a start of lastbeatd would import 1, merge 1 and refuse 1",
        ],
    );
}

const ADVICE: &str = "; name a database of lastbeatd";
/// A file, the exit code, and what is said of it.
const STRANGE: [(&str, i32, [&str; 2]); 8] = [
    (
        "missing",
        3,
        ["cannot read missing: ", "No such file or directory"],
    ),
    ("empty", 3, ["it is empty", ADVICE]),
    ("text", 3, ["it is not a database", ADVICE]),
    ("folder", 3, ["it is not a regular file", ADVICE]),
    (
        "foreign",
        3,
        [
            "it is a database of another program (application id 7, version 2)",
            ADVICE,
        ],
    ),
    (
        "unmarked",
        3,
        ["it is a database of another program", ADVICE],
    ),
    ("bare", 3, ["it is a database without any table", ADVICE]),
    (
        "newer",
        5,
        [
            "a newer lastbeatd made it (schema 99, this one knows ",
            "use that version",
        ],
    ),
];

#[test]
fn what_is_no_registry_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str| dir.path().join(name);
    fs::write(file("empty"), "").unwrap();
    fs::write(file("text"), "a shopping list\n".repeat(999)).unwrap();
    fs::create_dir(file("folder")).unwrap();
    Connection::open(file("foreign"))
        .unwrap()
        .execute_batch("create table t (x); pragma application_id = 7; pragma user_version = 2")
        .unwrap();
    Connection::open(file("unmarked"))
        .unwrap()
        .execute_batch("create table t (x)")
        .unwrap();
    Connection::open(file("bare"))
        .unwrap()
        .execute_batch("create table t (x); drop table t")
        .unwrap();
    Connection::open(file("newer"))
        .unwrap()
        .execute_batch(
            "create table t (x); pragma application_id = 0x4c424541; pragma user_version = 99",
        )
        .unwrap();
    for (name, code, words) in STRANGE {
        let ran = run(dir.path(), &["verify", name]);

        assert_eq!(ran.out, "", "{name}");
        ran.refused(code, &words);
    }
    let ran = run(dir.path(), &["verify"]);
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("<FILE>"), "{ran:?}");
}
