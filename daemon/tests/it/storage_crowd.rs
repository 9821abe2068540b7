//! A crowd of registrations that a locked database keeps waiting: more than one transaction
//! takes, and all of them are stored once it can be written again.

use rusqlite::Connection;

use crate::ledger::{Answer, Line};
use crate::program::{Program, until};

/// More than the 1,024 rows of a transaction, so that some stand behind the one that is refused.
const ROWS: usize = 1_300;
/// Clients that register them, one after the other.
const CLIENTS: usize = 50;

/// A store in trouble tries again every 500 ms and waits 200 ms for the lock each time, so by then
/// it has tried once from beginning to end.
const TRY_MS: u64 = 1_500;

/// So short that a client is told at once that its registration is not stored.
const SETTINGS: [&str; 4] = ["--storage-wait", "10ms", "--flush", "100ms"];

#[test]
fn all_of_a_crowd_that_a_locked_database_kept_waiting_is_stored() {
    let dir = tempfile::tempdir().unwrap();
    let program = Program::start(dir.path(), &SETTINGS);
    let lock = Connection::open(dir.path().join("monitoring.db")).unwrap();
    until("the lock is free for a moment", || {
        lock.execute_batch("begin immediate").is_ok()
    });

    std::thread::scope(|scope| {
        for client in 0..CLIENTS {
            let addr = program.addr;
            scope.spawn(move || {
                let mut line = Line::open(addr).unwrap();
                for number in (client..ROWS).step_by(CLIENTS) {
                    let answer = line.ask(registration(number).as_bytes());
                    assert!(
                        matches!(answer, Answer::Whole { status: 503, .. }),
                        "{answer:?}"
                    );
                }
            });
        }
    });
    let up_ms = || {
        program.ask("GET", "/healthz", "").1["up_ms"]
            .as_u64()
            .unwrap()
    };
    let begin = up_ms();
    until("the store has tried with all of them", || {
        begin + TRY_MS < up_ms()
    });
    lock.execute_batch("rollback").unwrap();
    until("everything is stored", || {
        let (_, health) = program.ask("GET", "/healthz", "");
        health["status"] == "ok" && health["store"]["waiting"] == 0
    });
    // From now on a heartbeat says that the registration is stored.
    for number in 0..ROWS {
        let (status, _) = program.ask("POST", &format!("/heartbeat/s{number}"), "");
        assert_eq!(status, 200, "s{number}");
    }
    program.kill();

    let program = Program::start(dir.path(), &SETTINGS);
    assert_eq!(program.rows().len(), ROWS);
}

fn registration(number: usize) -> String {
    let body = format!(r#"{{"name":"s{number}","ip":"10.0.0.1","ttl_s":3600}}"#);
    let length = body.len();
    format!("POST /register HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n{body}")
}
