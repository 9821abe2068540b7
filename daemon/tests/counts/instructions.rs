//! How many instructions a heartbeat takes, as callgrind counts them: those of the debug build, which
//! is what tests have. They say little about time and tell at once when a heartbeat does more.

use std::env;
use std::process::Command;

use super::server::{REGISTER, bare, daemon};

/// The variables that tell the counted program whom it asks, and how often.
const SERVER: &str = "COUNTED_SERVER";
const TIMES: &str = "COUNTED_TIMES";
/// The counted program's only test.
const COUNTED: &str = "instructions::heartbeats_are_answered_by_both";
/// Heartbeats of two runs; what they have in common, from start to end, falls out.
const FEW: u32 = 200;
const MANY: u32 = 1_200;
/// What a heartbeat may take, a tenth more than was counted on 2026-11-29: 172,500, with those of who
/// asks. Bare hyper's takes 111,800.
const MOST: f64 = 190_000.0;

/// Asks one of the servers so often.
fn ask(server: &str, times: usize) {
    let dir = tempfile::tempdir().unwrap();
    let server = match server {
        "daemon" => daemon(dir.path()),
        "bare" => bare(),
        other => panic!("there is no server {other}"),
    };
    server.connect(REGISTER).ask(times);
}

/// What is counted; it can run by itself, too, and is short then. Not beside the other tests of this
/// program in one process: they count memory.
#[test]
#[ignore = "needs valgrind, which counts it"]
#[expect(
    clippy::disallowed_methods,
    reason = "a program under valgrind is told by its environment; its arguments are the test's"
)]
fn heartbeats_are_answered_by_both() {
    match (env::var(SERVER), env::var(TIMES)) {
        (Ok(server), Ok(times)) => ask(&server, times.parse().unwrap()),
        _ => ["daemon", "bare"]
            .into_iter()
            .for_each(|server| ask(server, 10)),
    }
}

#[test]
#[ignore = "needs valgrind"]
fn a_heartbeat_takes_not_many_more_instructions_than_it_did() {
    let (ours, theirs) = (of_a_heartbeat("daemon"), of_a_heartbeat("bare"));

    println!("instructions per heartbeat: lastbeatd {ours:.0}, bare hyper {theirs:.0}");
    assert!(0.0 < theirs, "nothing is counted");
    assert!(ours <= MOST, "{ours}");
}

/// Instructions of one heartbeat more.
fn of_a_heartbeat(server: &str) -> f64 {
    let [few, many] = [FEW, MANY].map(|times| of_a_run(server, times));
    (many - few) / f64::from(MANY - FEW)
}

/// Instructions of a run of this program, all threads.
fn of_a_run(server: &str, times: u32) -> f64 {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("callgrind.out");
    let output = Command::new("valgrind")
        .arg("--tool=callgrind")
        .arg(format!("--callgrind-out-file={}", file.display()))
        .arg(env::current_exe().unwrap())
        .args(["--ignored", "--exact", COUNTED])
        .env(SERVER, server)
        .env(TIMES, times.to_string())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {said}", output.status);
    let count = said.split("Collected : ").nth(1).unwrap();
    count.split_whitespace().next().unwrap().parse().unwrap()
}
