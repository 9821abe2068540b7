//! Another program holds the lock of the database, for longer than any wait: whoever beats is
//! answered at once and stays UP, whoever stops is DOWN on time, and the file catches up.

use std::collections::HashMap;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use lastbeat_proto::Timestamp;
use rusqlite::Connection;
use serde_json::Value;

use crate::program::{Program, clock, until, within};
use crate::traffic::{Ledger, RECOVERY, TTL_S, Traffic, assert_never_down, pass};

/// Instances, each of which beats three times a ttl: 60 heartbeats a second.
const BEATING: usize = 40;
const PACE: Duration = Duration::from_millis(667);

/// How late DOWN may be seen, with a request each time, while other tests run.
const SEEN: Duration = Duration::from_secs(1);

fn database(dir: &Path) -> Connection {
    let connection = Connection::open(dir.join("monitoring.db")).unwrap();
    connection.busy_timeout(RECOVERY).unwrap();
    connection
}

fn micros(time: &Value) -> i64 {
    Timestamp::parse(time.as_str().unwrap())
        .unwrap()
        .as_micros()
}

/// The newest heartbeats that the registry knows, by name.
fn newest(program: &Program) -> HashMap<String, i64> {
    program
        .rows()
        .iter()
        .map(|row| {
            let name = row["name"].as_str().unwrap().to_owned();
            (name, micros(&row["last_heartbeat"]))
        })
        .collect()
}

/// The file has these heartbeats, or later ones.
fn holds(dir: &Path, expected: &HashMap<String, i64>) -> bool {
    let connection = database(dir);
    let stored: HashMap<String, i64> = connection
        .prepare("select name, at from instances join heartbeats using (id)")
        .unwrap()
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    expected
        .iter()
        .all(|(name, at)| stored.get(name).is_some_and(|stored| at <= stored))
}

/// A daemon with its clients while `trouble` is made; whether a lock is to be noticed at all.
fn stands(trouble: impl FnOnce(&Path) + Send, is_noticed: bool) {
    let dir = tempfile::tempdir().unwrap();
    let program = Program::start(dir.path(), &["--storage-wait", "500ms"]);
    let ledger = Arc::new(Ledger::default());
    let traffic = Traffic::beating(&program, &ledger, BEATING, PACE);
    let stopped = program.register(&format!(
        r#"{{"name":"stopped","ip":"10.0.0.9","ttl_s":{TTL_S}}}"#
    ));
    let begin = clock();
    let heard = micros(&stopped["service"]["last_heartbeat"]);

    thread::scope(|scope| {
        let made = scope.spawn(|| trouble(dir.path()));
        until("stopped is DOWN", || {
            program.row("stopped").unwrap()["status"] == "DOWN"
        });
        let ttl = Duration::from_secs(TTL_S.into());
        assert!(
            begin.elapsed() < ttl + SEEN,
            "DOWN after {:?}",
            begin.elapsed()
        );
        let since = micros(&program.row("stopped").unwrap()["since"]);
        assert_eq!(since, heard + 1_000_000 * i64::from(TTL_S));
        made.join().unwrap();
    });

    let expected = newest(&program);
    within(RECOVERY, "the file has the newest heartbeats", || {
        holds(dir.path(), &expected)
    });
    traffic.end();
    ledger.assert_right("locked");
    assert!(5 * BEATING < ledger.beats(), "{}", ledger.beats());
    assert_never_down(&program, BEATING, "locked");
    assert_log(&program.lines(), is_noticed);
}

/// One line when the trouble begins and one when it ends, or nothing.
fn assert_log(lines: &[String], is_noticed: bool) {
    let of_trouble: Vec<&str> = lines
        .iter()
        .filter(|line| line.contains("stored") || line.contains(" WARN ") || line.contains("ERROR"))
        .map(String::as_str)
        .collect();
    if is_noticed {
        let [begin, end] = of_trouble[..] else {
            panic!("two lines are expected: {of_trouble:#?}")
        };
        assert!(
            begin.contains("WARN changes are not stored ") && begin.contains("locked"),
            "{begin}"
        );
        assert!(end.contains("INFO changes are stored again"), "{end}");
    } else {
        assert!(of_trouble.is_empty(), "{of_trouble:#?}");
    }
}

fn hold(dir: &Path, how: &str, time: Duration) {
    let connection = database(dir);
    connection.execute_batch(how).unwrap();
    pass(time);
    connection.execute_batch("rollback").unwrap();
}

#[test]
fn a_lock_of_eight_seconds_makes_nobody_wait_and_nobody_down() {
    thread::scope(|scope| {
        for how in ["begin immediate", "begin exclusive"] {
            scope.spawn(move || {
                stands(|dir| hold(dir, how, Duration::from_secs(8)), true);
            });
        }
    });
}

#[test]
#[ignore = "needs sqlite3"]
fn a_lock_of_forty_seconds_and_copies_without_end_make_nobody_wait_and_nobody_down() {
    let long = |dir: &Path| hold(dir, "begin immediate", Duration::from_secs(40));
    thread::scope(|scope| {
        scope.spawn(|| stands(long, true));
        // A copy reads, and readers lock nobody out in WAL mode.
        scope.spawn(|| stands(copies, false));
    });
}

/// `.backup` again and again, as a script of somebody else might do.
fn copies(dir: &Path) {
    let begin = clock();
    let mut count = 0;
    while begin.elapsed() < Duration::from_secs(10) {
        let status = Command::new("sqlite3")
            .arg(dir.join("monitoring.db"))
            .arg(format!(".backup {}", dir.join("copy.db").display()))
            .stdin(Stdio::null())
            .status()
            .unwrap();
        assert!(status.success(), "{status}");
        count += 1;
    }
    assert!(10 < count, "{count} copies");
    let copy = Connection::open(dir.join("copy.db")).unwrap();
    let rows: i64 = copy
        .query_row("select count(*) from instances", [], |row| row.get(0))
        .unwrap();
    assert_eq!(usize::try_from(rows).unwrap(), BEATING + 1);
}
