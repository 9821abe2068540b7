//! A clean stop under load: every connection gets a whole answer or none, everything that was
//! answered is stored, and it ends in time.

use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use crate::dice::{Dice, seed};
use crate::ledger::{Answer, Identity, Ledger, Line, of_daemon};
use crate::program::{Program, until};
use crate::storage::hold_lock;

/// Requests that are under way when the signal comes.
const REQUESTS: usize = 500;
/// Readers that wait for a change.
const VIEWERS: usize = 30;
/// The longest time that a stop may take.
const LIMIT: Duration = Duration::from_secs(6);

/// A request of which everything but the last byte was sent.
struct Waiting {
    line: Line,
    name: String,
    last_byte: [u8; 1],
}

#[test]
fn a_stop_tears_no_answer_and_keeps_what_it_answered() {
    let mut dice = Dice::new(seed("stop"));
    let dir = tempfile::tempdir().unwrap();
    let program = Program::start(dir.path(), &["--storage-wait", "5s"]);
    let addr = program.addr;
    let mut ledger = registered(addr);
    let mut viewers: Vec<Line> = (0..VIEWERS).map(|_| viewer(&program)).collect();
    let mut requests: Vec<Waiting> = (0..REQUESTS)
        .map(|number| prepare(addr, &mut ledger, number))
        .collect();

    // Most are at work when the signal comes, as none can be stored; the others come after it.
    let signal_at = REQUESTS / 2 + dice.below(REQUESTS / 4);
    let lock = hold_lock(dir.path());
    let (at_work, late) = requests.split_at_mut(signal_at);
    for request in at_work.iter_mut() {
        request.line.send(&request.last_byte).unwrap();
    }
    until("all of them wait for the disk", || {
        let (_, health) = program.ask("GET", "/healthz", "");
        // Each is a row and an event.
        health["store"]["waiting"]
            .as_u64()
            .is_some_and(|count| 2 * signal_at as u64 <= count)
    });
    program.terminate();
    let began = clock();
    for request in late.iter_mut() {
        // The connection may be closed by now.
        request.line.send(&request.last_byte).unwrap_or(());
    }
    until("it listens no more", || TcpStream::connect(addr).is_err());
    drop(lock);
    let mut answered = |requests: &mut [Waiting]| {
        let settled = requests
            .iter_mut()
            .filter_map(|request| settle(request, &mut ledger));
        settled.count()
    };
    let (answered, answered_late) = (answered(at_work), answered(late));
    let told = viewers
        .iter_mut()
        .map(Line::answer)
        .inspect(|answer| assert!(!matches!(answer, Answer::Torn(_)), "{answer:?}"))
        .filter(|answer| matches!(answer, Answer::Whole { status: 200, .. }))
        .count();
    let code = program.wait();
    let took = began.elapsed();

    println!("stop: {answered} and {answered_late} answered, {told} viewers told, {took:?}");
    assert_eq!(code, Some(0));
    assert!(took < LIMIT, "{took:?}");
    assert_eq!(answered, signal_at, "all that were at work are answered");
    assert_eq!(told, VIEWERS, "viewers are answered at a stop");
    let program = Program::start(dir.path(), &[]);
    assert_eq!(ledger.check(&of_daemon(program.addr)), []);
}

/// Names to change and to deregister.
fn registered(addr: SocketAddr) -> Ledger {
    let mut ledger = Ledger::default();
    let names = (0..REQUESTS).filter(|number| number % 3 != 0);
    let mut requests: Vec<Waiting> = names
        .map(|number| {
            let name = format!("s{number}");
            ledger.begin(&name, true, 1);
            let body = body(&name, 1);
            Waiting::new(addr, name, "/register", &body)
        })
        .collect();
    for request in &mut requests {
        request.line.send(&request.last_byte).unwrap();
    }
    for request in &mut requests {
        settle(request, &mut ledger).expect("nobody stops it yet");
    }
    ledger
}

/// A new registration, a change or a deregistration; its last byte is kept back.
fn prepare(addr: SocketAddr, ledger: &mut Ledger, number: usize) -> Waiting {
    let name = format!("s{number}");
    if number % 3 == 2 {
        ledger.begin(&name, false, 1);
        let path = format!("/deregister/{name}");
        Waiting::new(addr, name, &path, r#"{"instance":"i"}"#)
    } else {
        ledger.begin(&name, true, 2);
        let body = body(&name, 2);
        Waiting::new(addr, name, "/register", &body)
    }
}

impl Waiting {
    fn new(addr: SocketAddr, name: String, path: &str, body: &str) -> Self {
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: {addr}\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let (last, rest) = request.as_bytes().split_last().unwrap();
        let mut line = Line::open(addr).unwrap();
        line.send(rest).unwrap();
        Self {
            line,
            name,
            last_byte: [*last],
        }
    }
}

fn body(name: &str, version: u64) -> String {
    format!(
        r#"{{"name":"{name}","ip":"10.0.0.1","instance":"i","ttl_s":3600,"metadata":{{"v":"{version}"}}}}"#
    )
}

/// The answer goes into the ledger; a torn one fails.
fn settle(request: &mut Waiting, ledger: &mut Ledger) -> Option<()> {
    match request.line.answer() {
        Answer::Whole { status: 200, body } => {
            let row = &body["service"];
            let identity = row.is_object().then(|| Identity::of(row));
            ledger.acknowledge(&request.name, identity);
            Some(())
        }
        Answer::Whole { status: 503, .. } | Answer::Nothing => None,
        other => panic!("{}: {other:?}", request.name),
    }
}

/// A reader that waits for the next change, from where things stand now.
fn viewer(program: &Program) -> Line {
    let (_, list) = program.ask("GET", "/services", "");
    let cursor = list["cursor"].as_str().unwrap();
    let mut line = Line::open(program.addr).unwrap();
    let request =
        format!("GET /services?since={cursor}&wait=30s HTTP/1.1\r\nHost: localhost\r\n\r\n");
    line.send(request.as_bytes()).unwrap();
    line
}

#[expect(
    clippy::disallowed_methods,
    reason = "how long a stop takes is the subject"
)]
fn clock() -> Instant {
    Instant::now()
}
