//! `lastbeatd backup` copies what a running daemon has acknowledged, disturbs nobody, and
//! what it copied can be put back.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Child;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use rusqlite::Connection;
use serde_json::Value;

use crate::program::{Program, ask, command, until};
use crate::sample::names;
use crate::tool::{contents, registry, run};

const DB: &str = "monitoring.db";

/// A daemon whose log is kept.
struct Logged {
    child: Child,
    addr: std::net::SocketAddr,
}

impl Logged {
    fn start(dir: &Path) -> Self {
        let child = command(dir, &["--listen", "127.0.0.1:0", "--flush", "10ms"])
            .stderr(File::create(dir.join("log")).unwrap())
            .spawn()
            .unwrap();
        let mut addr = None;
        until("it listens", || {
            let log = fs::read_to_string(dir.join("log")).unwrap();
            let line = log
                .lines()
                .find_map(|line| line.strip_prefix("listening on http://"));
            addr = line.and_then(|addr| addr.parse().ok());
            addr.is_some()
        });
        Self {
            child,
            addr: addr.unwrap(),
        }
    }
}

impl Drop for Logged {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

/// The lines of the log in which the daemon complains.
fn warnings(dir: &Path) -> Vec<String> {
    let log = fs::read_to_string(dir.join("log")).unwrap();
    let complains = |line: &&str| line.contains("WARN") || line.contains("ERROR");
    log.lines().filter(complains).map(str::to_owned).collect()
}

/// Ends the client, also when the test fails.
struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

fn count(copy: &Path, what: &str) -> usize {
    let connection = Connection::open(copy).unwrap();
    let count: i64 = connection
        .query_row(&format!("select count(*) from {what}"), [], |row| {
            row.get(0)
        })
        .unwrap();
    connection.close().unwrap();
    usize::try_from(count).unwrap()
}

#[test]
fn a_backup_under_load_has_what_was_acknowledged_and_nobody_notices() {
    let dir = tempfile::tempdir().unwrap();
    let daemon = Logged::start(dir.path());
    let (addr, stopping, acknowledged) = (daemon.addr, AtomicBool::new(false), AtomicUsize::new(0));
    let register = || {
        let mut refused = 0;
        while !stopping.load(Ordering::SeqCst) {
            let number = acknowledged.load(Ordering::SeqCst);
            let body = format!(r#"{{"name":"svc-{number}","ip":"10.0.0.1"}}"#);
            match ask(addr, "POST", "/register", &body).0 {
                200 => acknowledged.store(number + 1, Ordering::SeqCst),
                _ => refused += 1,
            }
            refused += usize::from(ask(addr, "POST", "/heartbeat/svc-0", "").0 != 200);
        }
        refused
    };

    let refused = std::thread::scope(|scope| {
        let client = scope.spawn(register);
        let stop = Stop(&stopping);
        for round in 0..10 {
            let known = acknowledged.load(Ordering::SeqCst);
            until("there is more to copy", || {
                known + 5 < acknowledged.load(Ordering::SeqCst)
            });
            let known = acknowledged.load(Ordering::SeqCst);
            let copy = format!("copy-{round}");

            let said = run(dir.path(), &["backup", &copy]).fine();

            let copied = count(&dir.path().join(&copy), "instances");
            assert!(known <= copied, "{known} acknowledged, {copied} copied");
            let (copy, bytes) = (dir.path().join(&copy), said.contains(" bytes\n"));
            assert!(
                bytes && said.contains(&format!("instances: {copied} (")),
                "{said}"
            );
            assert!(
                said.contains(&format!("events: {}, from ", count(&copy, "events"))),
                "{said}"
            );
        }
        drop(stop);
        client.join().unwrap()
    });

    assert_eq!(refused, 0);
    assert_eq!(warnings(dir.path()), Vec::<String>::new());
    let (_, health) = ask(addr, "GET", "/healthz", "");
    assert_eq!(
        (&health["status"], &health["notices"]),
        (&"ok".into(), &Value::Array(vec![]))
    );
    let names = names(dir.path());
    assert!(
        !names
            .iter()
            .any(|name| name.contains("corrupt") || name.contains("writing")),
        "{names:?}"
    );
}

fn lists(program: &Program) -> [Value; 3] {
    ["/services", "/gone", "/events?limit=100"].map(|path| {
        let (_, mut list) = program.ask("GET", path, "");
        let key = ["services", "gone", "events"]
            .into_iter()
            .find(|key| list[*key].is_array());
        list[key.unwrap()].take()
    })
}

#[test]
fn a_backup_that_is_put_back_is_the_registry_as_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let program = registry(dir.path());
    let [rows, gone, events] = lists(&program);
    run(dir.path(), &["backup", "copy.db"]).fine();
    // What happens afterwards is not in it, but the numbers it knows are never given again.
    program.register(r#"{"name":"later","ip":"10.0.0.9"}"#);
    assert_eq!(program.stop(), Some(0));
    for sibling in ["monitoring.db-wal", "monitoring.db-shm"] {
        assert!(!dir.path().join(sibling).exists(), "{sibling}");
    }
    fs::rename(dir.path().join("copy.db"), dir.path().join(DB)).unwrap();

    let program = Program::start(dir.path(), &["--ttl", "2s", "--remove-after", "1h"]);

    let [rows_after, gone_after, events_after] = lists(&program);
    let kept = [
        "id",
        "name",
        "instance",
        "ip",
        "first_seen",
        "last_heartbeat",
        "since",
        "status",
        "tags",
        "metadata",
    ];
    assert_eq!(rows.as_array().unwrap().len(), 2);
    for (before, after) in rows
        .as_array()
        .unwrap()
        .iter()
        .zip(rows_after.as_array().unwrap())
    {
        for key in kept {
            assert_eq!(before[key], after[key], "{key}");
        }
    }
    assert_eq!(gone, gone_after);
    let (before, after) = (events.as_array().unwrap(), events_after.as_array().unwrap());
    assert_eq!(&after[after.len() - before.len()..], before.as_slice());
    let fresh = program.register(r#"{"name":"fresh","ip":"10.0.0.9"}"#);
    assert!(3 < fresh["service"]["id"].as_i64().unwrap(), "{fresh}");
    let alive = program.row("alive").unwrap();
    assert_eq!(
        (&alive["status"], &alive["confirmed"]),
        (&"UP".into(), &false.into())
    );
}

#[test]
fn a_file_that_a_killed_daemon_left_is_copied_with_its_log_and_stays_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    registry(dir.path()).kill();
    let before = contents(dir.path());
    let mode = |file: &str| {
        let metadata = fs::metadata(dir.path().join(file)).unwrap();
        metadata.permissions().mode() & 0o777
    };
    fs::set_permissions(dir.path().join(DB), PermissionsExt::from_mode(0o640)).unwrap();

    let said = run(dir.path(), &["--db", DB, "backup", "copy.db"]).fine();

    assert!(
        said.contains("instances: 2 (1 UP, 1 DOWN)\ntombstones: 1\nevents: 6"),
        "{said}"
    );
    assert_eq!(mode("copy.db"), 0o640);
    assert_eq!(count(&dir.path().join("copy.db"), "instances"), 3);
    let mut after = contents(dir.path());
    assert!(after.remove("copy.db").is_some());
    assert!(before == after, "{:?}", after.keys());
}
