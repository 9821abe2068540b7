//! Trouble of the disk is the daemon's own: heartbeats and judgements go on, registrations wait
//! and are refused, and everything mends itself.

use std::path::Path;

use rusqlite::Connection;

use crate::program::{Program, until};
use crate::tool::{contents, run};

/// Holds the write lock of the database, as a backup or a database browser does.
pub(crate) fn hold_lock(dir: &Path) -> Connection {
    let connection = Connection::open(dir.join("monitoring.db")).unwrap();
    until("the lock is free for a moment", || {
        connection.execute_batch("begin immediate").is_ok()
    });
    connection
}

const FAST: [&str; 6] = ["--ttl", "2s", "--storage-wait", "300ms", "--flush", "100ms"];

#[test]
fn a_locked_database_stops_registrations_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let program = Program::start(dir.path(), &FAST);
    program.register(r#"{"name":"known","ip":"10.0.0.1","ttl_s":3600}"#);
    program.register(r#"{"name":"silent","ip":"10.0.0.2"}"#);
    let lock = hold_lock(dir.path());

    let (status, problem) = program.ask("POST", "/register", r#"{"name":"new","ip":"10.0.0.3"}"#);
    assert_eq!(
        (status, &problem["type"]),
        (503, &"urn:lastbeat:problem:storage-unavailable".into())
    );
    assert!(program.row("new").is_some(), "seen and shown");
    assert_eq!(
        program.ask("POST", "/heartbeat/new", "").0,
        503,
        "as its registration"
    );
    assert_eq!(program.ask("POST", "/heartbeat/known", "").0, 200);
    until("silent is DOWN all the same", || {
        program.row("silent").unwrap()["status"] == "DOWN"
    });
    let (status, health) = program.ask("GET", "/healthz", "");
    assert_eq!((status, &health["status"]), (200, &"degraded".into()));
    assert_eq!(health["notices"][0]["kind"], "store-not-writing");

    drop(lock);
    until("changes are stored again", || {
        let (_, health) = program.ask("GET", "/healthz", "");
        health["status"] == "ok" && health["store"]["waiting"] == 0
    });
    program.register(r#"{"name":"new","ip":"10.0.0.3"}"#);
    program.kill();
    let program = Program::start(dir.path(), &FAST);
    assert!(program.row("new").is_some());
    assert_eq!(program.row("silent").unwrap()["status"], "DOWN");
}

#[test]
fn a_deleted_database_is_written_again_from_memory() {
    let dir = tempfile::tempdir().unwrap();
    let db = dir.path().join("monitoring.db");
    let program = Program::start(dir.path(), &FAST);
    let first = program.register(r#"{"name":"a","ip":"10.0.0.1","ttl_s":3600}"#);
    std::fs::remove_file(&db).unwrap();

    until("there is a new file with the row", || {
        let rows = db.exists().then(|| {
            let connection = Connection::open(&db).unwrap();
            connection.query_row("select count(*) from services", [], |row| {
                row.get::<_, i64>(0)
            })
        });
        matches!(rows, Some(Ok(1)))
    });
    until("changes are stored again", || {
        program.ask("GET", "/healthz", "").1["store"]["waiting"] == 0
    });

    program.kill();
    let program = Program::start(dir.path(), &FAST);
    let row = program.row("a").unwrap();
    assert_eq!(
        (&row["id"], &row["first_seen"]),
        (&first["service"]["id"], &first["service"]["first_seen"])
    );
    let (_, events) = program.ask("GET", "/events?name=a", "");
    assert_eq!(events["events"][0]["kind"], "registered");
}

#[test]
fn a_document_of_somebody_is_refused_and_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("notes.csv"), "name,town\n".repeat(900)).unwrap();
    std::fs::write(dir.path().join("one.txt"), "1").unwrap();
    let before = contents(dir.path());

    for name in ["notes.csv", "one.txt"] {
        let ran = run(dir.path(), &["--listen", "127.0.0.1:0", "--db", name]);

        let said = "it is not a database, and nothing of lastbeatd can be read in it; choose";
        ran.refused(3, &[name, said]);
        assert!(contents(dir.path()) == before, "{name}");
    }
}

#[test]
fn a_registry_all_of_which_rotted_is_set_aside_and_the_start_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let db = dir.path().join("monitoring.db");
    // A daemon was here.
    std::fs::write(dir.path().join("monitoring.db.lock"), "").unwrap();
    std::fs::write(&db, "this is a shopping list, not a database\n".repeat(200)).unwrap();

    let program = Program::start(dir.path(), &[]);

    program.register(r#"{"name":"a","ip":"10.0.0.1"}"#);
    let (_, health) = program.ask("GET", "/healthz", "");
    assert_eq!(health["notices"][0]["kind"], "set-aside");
    let aside = std::fs::read_dir(dir.path()).unwrap().find_map(|entry| {
        let name = entry.unwrap().file_name().into_string().unwrap();
        name.starts_with("monitoring.db.corrupt-").then_some(name)
    });
    let kept = std::fs::read_to_string(dir.path().join(aside.unwrap())).unwrap();
    assert!(kept.starts_with("this is a shopping list"));
}

#[test]
fn the_database_of_the_original_is_taken_over() {
    let dir = tempfile::tempdir().unwrap();
    let connection = Connection::open(dir.path().join("monitoring.db")).unwrap();
    connection
        .execute_batch(
            "CREATE TABLE services (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL,
                 ip TEXT NOT NULL, status TEXT NOT NULL,
                 last_heartbeat TIMESTAMP DEFAULT CURRENT_TIMESTAMP);
             INSERT INTO services (name, ip, status, last_heartbeat) VALUES
                 ('old', '192.0.2.1', 'DOWN', '2020-01-01 00:00:00'),
                 ('twice', '192.0.2.7', 'DOWN', '2020-01-01 00:00:00'),
                 ('twice', '192.0.2.7', 'UP', '2021-01-01 00:00:00.123456'),
                 ('future', '192.0.2.8', 'UP', '2999-01-01T00:00:00+02:00'),
                 ('nowhere', '', 'UP', 'yesterday');",
        )
        .unwrap();
    connection.close().unwrap();

    let program = Program::start(dir.path(), &[]);

    let rows = program.rows();
    assert_eq!(rows.len(), 3);
    for row in &rows {
        assert_eq!(
            (&row["status"], &row["confirmed"]),
            (&"UP".into(), &false.into()),
            "{row}"
        );
    }
    let twice = program.row("twice").unwrap();
    assert_eq!(twice["last_heartbeat"], "2021-01-01T00:00:00.123456+00:00");
    let (_, health) = program.ask("GET", "/healthz", "");
    let kinds: Vec<_> = health["notices"]
        .as_array()
        .unwrap()
        .iter()
        .map(|notice| &notice["kind"])
        .collect();
    assert!(kinds.contains(&&"refused-rows".into()), "{health}");
}
