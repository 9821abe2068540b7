//! What the real program takes of the machine's memory when others ask for without end: names,
//! metadata, and answers that nobody takes; and that known clients are answered meanwhile.
//!
//! How long answers take is only worth something on a machine that does nothing else, so these run
//! among the system tests.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpSocket;
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;

use crate::figure::figure;
use crate::fleet::{Fleet, until};
use crate::program::Program;

const MIB: u64 = 1 << 20;
/// What a known client waits for its answer at most.
const DELAY: Duration = Duration::from_secs(1);
/// What an instance takes that has nothing but a name and an address: its row, its places in the
/// index, the order and the queue, and its event. Measured: 36 MiB for 50,000 (debug build),
/// which is 0.8 KiB each; the index and the order grow in steps.
const INSTANCE_BYTES: u64 = 2 << 10;
/// What comes and goes beside that: buffers of connections, batches of the store, its page cache.
const SLACK: u64 = 24 * MIB;
/// What changes of one instance may take: the thousand newest events, and the same.
const CHANGES: u64 = SLACK + 8 * MIB;
/// How often a measurement is made anew.
const TRIES: usize = 3;
/// Longest wait for a condition.
const PATIENCE: Duration = Duration::from_secs(20);
/// Connections that ask for names without end.
const ASKERS: usize = 8;
/// Readers of one kind.
const READERS: usize = 64;
/// Instances with as much metadata as one may have, all of one name.
const WIDE: usize = 1_000;
/// What lists may hold for readers that take nothing, as `http::shelf` says.
const LISTS: u64 = 32 * MIB;
/// The same for pages, events and tombstones.
const PAGES: u64 = 64 * MIB;
/// What every second reader sends along.
const GZIP: &str = "Accept-Encoding: gzip\r\n";
/// What a reader has for what it receives, in bytes.
const SMALL_BUFFER: u32 = 4 << 10;

#[test]
#[ignore = "needs util-linux"]
fn names_without_end_fill_the_registry_and_then_nothing() {
    let count = figure("memory", 20_000);
    let limit = count / 4;
    let dir = tempfile::tempdir().unwrap();
    let program = Program::start(dir.path(), &["--max-instances", &limit.to_string()]);
    let fleet = Fleet::start(program.addr, None);
    let known = program.rows().len();
    let empty = program.memory();

    let first = ask_for_names(program.addr, "early", limit - known);
    assert_eq!(first, (limit - known, 0), "all of them have room");
    let full = program.memory();
    program.forget_peak();
    let rest = ask_for_names(program.addr, "late", count - limit);

    assert_eq!(rest, (0, count - limit), "none of them has room");
    fleet.take();
    assert_eq!(program.rows().len(), limit);
    told("full", &program, empty);
    let allowed = u64::try_from(limit).unwrap() * INSTANCE_BYTES + SLACK;
    assert!(full - empty <= allowed, "{} MiB", (full - empty) >> 20);
    assert!(program.peak() <= full + SLACK, "refusals are kept");
    measured(|| {
        let more = ask_for_names(program.addr, "more", count / 10);
        assert_eq!(more, (0, count / 10));
        all_are_answered(&fleet)
    });
}

#[test]
#[ignore = "needs util-linux"]
fn metadata_without_end_replaces_what_was_there() {
    let dir = tempfile::tempdir().unwrap();
    let program = Program::start(dir.path(), &[]);
    let fleet = Fleet::start(program.addr, None);
    let mut connection = Connection::open(program.addr);
    for number in 0..100 {
        assert_eq!(connection.register(&wide("changing", "a", number)), 200);
    }
    let before = program.memory();
    program.forget_peak();

    let mut numbers = 100..;
    measured(|| {
        fleet.take();
        for number in numbers.by_ref().take(1_000) {
            assert_eq!(connection.register(&wide("changing", "a", number)), 200);
            let one_more = json!({"name": "more", "metadata": pairs(33, 200, number)});
            assert_eq!(connection.register(&one_more.to_string()), 400);
            let too_long = json!({"name": "long", "metadata": pairs(32, 257, number)});
            assert_eq!(connection.register(&too_long.to_string()), 400);
            let large = json!({"name": "large", "metadata": pairs(64, 256, number)});
            assert_eq!(program.ask("POST", "/register", &large.to_string()).0, 413);
        }
        all_are_answered(&fleet)
    });

    told("metadata", &program, before);
    assert!(program.peak() <= before + CHANGES, "{}", program.peak());
}

#[test]
#[ignore = "needs util-linux"]
fn readers_that_take_nothing_hold_no_more_than_the_shelf() {
    let dir = tempfile::tempdir().unwrap();
    let program = Program::start(dir.path(), &["--ttl", "1h"]);
    let fleet = Fleet::start(program.addr, None);
    let mut connection = Connection::open(program.addr);
    let cursor = program.ask("GET", "/services?size=1", "").1["cursor"].clone();
    for number in 0..WIDE {
        let body = wide("wide", &number.to_string(), number);
        assert_eq!(connection.register(&body), 200);
    }
    let since = format!("/services?since={}", cursor.as_str().unwrap());
    let kinds: [(&str, &str, u64); 11] = [
        ("GET", "/services", LISTS),
        ("GET", "/services?sort=-since", LISTS),
        ("GET", "/services?size=1000", LISTS),
        ("GET", &since, LISTS),
        ("GET", "/services/wide", LISTS),
        ("POST", "/refresh_all", LISTS),
        ("GET", "/?size=1000", PAGES),
        ("GET", "/s/wide", PAGES),
        ("GET", "/events?limit=1000", PAGES),
        ("GET", "/gone?limit=1000", PAGES),
        ("GET", "/metrics", PAGES),
    ];
    // The clients that do not keep their connections have some open at any time.
    let open = program.descriptors() + 10;
    for (method, path, allowed) in kinds {
        measured(|| {
            let are_gone = || program.descriptors() <= open;
            wait_until("those before are gone", are_gone);
            fleet.take();
            let before = program.memory();
            program.forget_peak();
            let statuses = runtime().block_on(read_nothing(program.addr, method, path));
            let what = format!("{method} {path} answered {statuses:?}");
            told(&what, &program, before);
            assert!(statuses.contains_key(&200), "{what}");
            assert!(
                statuses.keys().all(|status| [200, 429].contains(status)),
                "{what}"
            );
            assert!(program.peak() <= before + allowed + SLACK, "{what}");
            all_are_answered(&fleet)
        });
    }
}

/// Measures again where a machine that does other things spoils it.
fn measured(mut measure: impl FnMut() -> Result<(), String>) {
    for left in (0..TRIES).rev() {
        let Err(reason) = measure() else { return };
        assert!(0 < left, "{reason}");
        println!("measured again, {reason}");
    }
}

fn told(what: &str, program: &Program, before: u64) {
    let [before, now, peak] = [before, program.memory(), program.peak()].map(|bytes| bytes >> 20);
    println!("{what}: {before} MiB before, {now} now, {peak} at most");
}

/// Every heartbeat since the last look was answered; an error when one was answered late.
fn all_are_answered(fleet: &Fleet) -> Result<(), String> {
    wait_until("a heartbeat of each", || 60 <= fleet.count());
    let beats = fleet.take();
    println!("{beats}");
    assert_eq!(beats.answered, beats.all, "{beats}");
    if DELAY <= beats.longest {
        return Err(beats.to_string());
    }
    Ok(())
}

fn wait_until(what: &str, holds: impl FnMut() -> bool) {
    runtime().block_on(until(PATIENCE, what, holds));
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// A connection that is kept.
struct Connection {
    stream: BufReader<TcpStream>,
}

impl Connection {
    fn open(addr: SocketAddr) -> Self {
        let stream = TcpStream::connect(addr).unwrap();
        stream.set_nodelay(true).unwrap();
        Self {
            stream: BufReader::new(stream),
        }
    }

    /// One registration; the status.
    fn register(&mut self, body: &str) -> u16 {
        let length = body.len();
        let request = format!(
            "POST /register HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        self.stream.get_mut().write_all(request.as_bytes()).unwrap();
        let mut line = String::new();
        self.stream.read_line(&mut line).unwrap();
        let status = line.get(9..12).unwrap().parse().unwrap();
        let mut length = 0;
        loop {
            line.clear();
            self.stream.read_line(&mut line).unwrap();
            match line.trim_end().split_once(": ") {
                Some(("content-length", number)) => length = number.parse().unwrap(),
                Some(_) => {}
                None => break,
            }
        }
        self.stream.read_exact(&mut vec![0; length]).unwrap();
        status
    }
}

/// Registers so many names on some connections at once: how many were taken and how many were
/// turned away for want of room.
fn ask_for_names(addr: SocketAddr, prefix: &'static str, count: usize) -> (usize, usize) {
    let ask = move |asker: usize| {
        let mut connection = Connection::open(addr);
        let (mut taken, mut refused) = (0, 0);
        for number in (asker..count).step_by(ASKERS) {
            let body = format!(r#"{{"name":"{prefix}-{number}","ip":"10.0.0.1","ttl_s":3600}}"#);
            match connection.register(&body) {
                200 => taken += 1,
                507 => refused += 1,
                other => panic!("{prefix}-{number}: {other}"),
            }
        }
        (taken, refused)
    };
    let askers: Vec<JoinHandle<(usize, usize)>> = (0..ASKERS)
        .map(|asker| std::thread::spawn(move || ask(asker)))
        .collect();
    let asked = askers.into_iter().map(|asker| asker.join().unwrap());
    asked.fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1))
}

/// So many pairs with values of so many bytes, other ones for each number.
fn pairs(count: usize, bytes: usize, number: usize) -> Value {
    let pair = |key| {
        (
            format!("key{key:0>61}"),
            format!("{number:x>bytes$}").into(),
        )
    };
    Value::Object((0..count).map(pair).collect())
}

/// A registration with as much metadata as one may have.
fn wide(name: &str, instance: &str, number: usize) -> String {
    json!({"name": name, "instance": instance, "ip": "10.0.0.1", "ttl_s": 3600,
        "metadata": pairs(32, 256, number)})
    .to_string()
}

/// Readers that take the status of their answer and no more: how often which came. All are there
/// until the last of them has its own.
async fn read_nothing(addr: SocketAddr, method: &str, path: &str) -> BTreeMap<u16, usize> {
    let mut readers = JoinSet::new();
    for number in 0..READERS {
        let coding = if number % 2 == 0 { GZIP } else { "" };
        let request = format!("{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{coding}\r\n");
        readers.spawn(async move {
            let socket = TcpSocket::new_v4().unwrap();
            socket.set_recv_buffer_size(SMALL_BUFFER).unwrap();
            let mut stream = socket.connect(addr).await.unwrap();
            stream.write_all(request.as_bytes()).await.unwrap();
            let mut start = [0; 12];
            stream.read_exact(&mut start).await.unwrap();
            let status = String::from_utf8_lossy(&start[9..]).parse().unwrap();
            (status, stream)
        });
    }
    let mut statuses = BTreeMap::new();
    for (status, _held) in &readers.join_all().await {
        *statuses.entry(*status).or_default() += 1;
    }
    statuses
}
