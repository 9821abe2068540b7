//! Clients of a daemon in trouble: some beat all the time, one registers all the time, and what
//! they were answered is kept in a ledger.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::Value;

use crate::program::{Program, clock, until};

/// How long a heartbeat counts; the shortest that is allowed.
pub(crate) const TTL_S: u32 = 2;
/// Slowest answer to a heartbeat: two more tries fit into the ttl.
const MAX_ANSWER: Duration = Duration::from_secs(1);
/// How soon everything is stored after a trouble ended.
pub(crate) const RECOVERY: Duration = Duration::from_secs(5);
/// Rows that may wait for the store because the clients have just sent something: the heartbeats
/// of one flush, and a registration with its event.
const IN_FLIGHT: u64 = 20;
/// Longest wait for an answer at all.
const PATIENCE: Duration = Duration::from_secs(20);
/// Threads that beat, each for its share of the instances.
const BEATERS: usize = 4;
/// Names that are registered again and again, each time with another version: so many that a row
/// which was lost is not written by chance before anybody looks.
const NAMES: usize = 4_000;

/// What the clients were answered; it outlives restarts of the daemon.
#[derive(Default)]
pub(crate) struct Ledger {
    /// Heartbeats that were refused or slow, registrations with an answer that is none.
    faults: Mutex<Vec<String>>,
    /// Every version that may be stored by name: the last that was answered with success, and
    /// those after it that were not.
    versions: Mutex<BTreeMap<String, Vec<usize>>>,
    stored: AtomicUsize,
    refused: AtomicUsize,
    beats: AtomicUsize,
    next: AtomicUsize,
}

/// The clients; they end when it is dropped.
pub(crate) struct Traffic {
    stops: Vec<Sender<()>>,
    threads: Vec<JoinHandle<()>>,
}

impl Ledger {
    /// Registrations that were answered with 503 so far.
    pub(crate) fn refused(&self) -> usize {
        self.refused.load(Ordering::SeqCst)
    }

    /// Registrations that were answered with 200 so far.
    pub(crate) fn stored(&self) -> usize {
        self.stored.load(Ordering::SeqCst)
    }

    /// Heartbeats that were answered with 200 so far.
    pub(crate) fn beats(&self) -> usize {
        self.beats.load(Ordering::SeqCst)
    }

    /// Nobody was given an answer that is not promised.
    pub(crate) fn assert_right(&self, when: &str) {
        let faults = self.faults.lock().unwrap();
        assert!(faults.is_empty(), "{when}: {faults:#?}");
    }

    /// Everything that was answered with success is in the registry.
    pub(crate) fn assert_kept(&self, program: &Program, when: &str) {
        let rows = program.rows();
        let versions: BTreeMap<&str, usize> = rows
            .iter()
            .filter_map(|row| {
                let version = row["metadata"]["version"].as_str()?.parse().ok()?;
                Some((row["name"].as_str()?, version))
            })
            .collect();
        for (name, possible) in &*self.versions.lock().unwrap() {
            let is = versions.get(name.as_str()).copied();
            let is_right = match possible.split_first() {
                // Version 0: never answered with success.
                Some((0, _)) if is.is_none() => true,
                _ => is.is_some_and(|is| possible.contains(&is)),
            };
            assert!(is_right, "{when}: {name} is {is:?} of {possible:?}");
        }
    }

    /// Waits until so many more heartbeats and registrations were answered, in whatever way.
    pub(crate) fn flow(&self, beats: usize, registrations: usize) {
        let registered = || self.next.load(Ordering::SeqCst);
        let (beats, registrations) = (self.beats() + beats, registered() + registrations);
        until("traffic flows", || {
            beats <= self.beats() && registrations <= registered()
        });
    }

    fn fault(&self, what: String) {
        self.faults.lock().unwrap().push(what);
    }

    /// One registration of the next name.
    fn register(&self, addr: SocketAddr) {
        let number = self.next.fetch_add(1, Ordering::SeqCst) + 1;
        let name = format!("new-{:04}", number % NAMES);
        let body = format!(
            r#"{{"name":"{name}","ip":"10.0.0.2","ttl_s":3600,"metadata":{{"version":"{number}"}}}}"#
        );
        let answer = try_ask(addr, "POST", "/register", &body);
        let mut versions = self.versions.lock().unwrap();
        let possible = versions.entry(name.clone()).or_insert_with(|| vec![0]);
        match answer {
            Ok((200, _)) => {
                *possible = vec![number];
                self.stored.fetch_add(1, Ordering::SeqCst);
            }
            Ok((503, problem)) if problem["type"] == "urn:lastbeat:problem:storage-unavailable" => {
                possible.push(number);
                self.refused.fetch_add(1, Ordering::SeqCst);
            }
            other => {
                possible.push(number);
                self.fault(format!("registration of {name}: {other:?}"));
            }
        }
    }

    /// One heartbeat of a known instance.
    fn beat(&self, addr: SocketAddr, name: &str) {
        let begin = clock();
        let answer = try_ask(addr, "POST", &format!("/heartbeat/{name}"), "");
        let took = begin.elapsed();
        match answer {
            Ok((200, _)) if took < MAX_ANSWER => {
                self.beats.fetch_add(1, Ordering::SeqCst);
            }
            other => self.fault(format!("heartbeat of {name} after {took:?}: {other:?}")),
        }
    }
}

/// The name of a beating instance.
fn known(number: usize) -> String {
    format!("known-{number:02}")
}

/// Nobody of the beating instances was ever DOWN.
pub(crate) fn assert_never_down(program: &Program, count: usize, when: &str) {
    for number in 0..count {
        let name = known(number);
        let (status, list) = program.ask("GET", &format!("/events?name={name}"), "");
        assert_eq!(status, 200, "{list}");
        let events = list["events"].as_array().unwrap();
        let down = events.iter().find(|event| event["kind"] == "down");
        assert!(down.is_none(), "{when}: {name}: {down:?}");
    }
}

/// Everything is stored again, soon enough.
pub(crate) fn assert_recovers(program: &Program, when: &str) {
    let begin = clock();
    loop {
        let (status, health) = program.ask("GET", "/healthz", "");
        let is_well = status == 200
            && health["status"] == "ok"
            && health["store"]["waiting"].as_u64() <= Some(IN_FLIGHT);
        if is_well {
            return;
        }
        assert!(
            begin.elapsed() < RECOVERY,
            "{when}: not well after {RECOVERY:?}: {health}"
        );
        std::thread::yield_now();
    }
}

impl Traffic {
    /// Registers `count` instances, lets each beat every `pace`, and registers others without a
    /// pause.
    pub(crate) fn start(
        program: &Program,
        ledger: &Arc<Ledger>,
        count: usize,
        pace: Duration,
    ) -> Self {
        let mut traffic = Self::beating(program, ledger, count, pace);
        let (ledger, addr) = (Arc::clone(ledger), program.addr);
        traffic.spawn(move |stop| {
            while goes_on(&stop, Duration::from_millis(1)) {
                ledger.register(addr);
            }
        });
        traffic
    }

    /// The same without the registrations.
    pub(crate) fn beating(
        program: &Program,
        ledger: &Arc<Ledger>,
        count: usize,
        pace: Duration,
    ) -> Self {
        let mut traffic = Self {
            stops: Vec::new(),
            threads: Vec::new(),
        };
        for number in 0..count {
            let name = known(number);
            program.register(&format!(
                r#"{{"name":"{name}","ip":"10.0.0.1","ttl_s":{TTL_S}}}"#
            ));
        }
        let addr = program.addr;
        for beater in 0..BEATERS {
            let mine: Vec<String> = (beater..count).step_by(BEATERS).map(known).collect();
            let pace = pace / u32::try_from(mine.len().max(1)).unwrap();
            let ledger = Arc::clone(ledger);
            traffic.spawn(move |stop| {
                let mut turns = mine.iter().cycle();
                while let (true, Some(name)) = (goes_on(&stop, pace), turns.next()) {
                    ledger.beat(addr, name);
                }
            });
        }
        traffic
    }

    fn spawn(&mut self, body: impl FnOnce(Receiver<()>) + Send + 'static) {
        let (stop, stopped) = channel();
        self.stops.push(stop);
        self.threads.push(std::thread::spawn(move || body(stopped)));
    }

    /// Ends all clients and waits for their last answers.
    pub(crate) fn end(mut self) {
        self.stops.clear();
        for thread in self.threads.drain(..) {
            thread.join().unwrap();
        }
    }
}

/// Lets time pass, where real time itself is the subject.
pub(crate) fn pass(time: Duration) {
    let (_open, silent) = channel::<()>();
    assert_eq!(silent.recv_timeout(time), Err(RecvTimeoutError::Timeout));
}

/// Waits for the time between two requests; false when the clients are to end.
fn goes_on(stop: &Receiver<()>, pace: Duration) -> bool {
    stop.recv_timeout(pace) == Err(RecvTimeoutError::Timeout)
}

/// One request on a connection of its own, which may fail.
pub(crate) fn try_ask(
    addr: SocketAddr,
    method: &str,
    path: &str,
    body: &str,
) -> io::Result<(u16, Value)> {
    let mut stream = TcpStream::connect(addr)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let length = body.len();
    let head =
        format!("{method} {path} HTTP/1.0\r\nHost: {addr}\r\nContent-Length: {length}\r\n\r\n");
    stream.write_all((head + body).as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let status = answer.split(' ').nth(1).and_then(|word| word.parse().ok());
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    let status = status.ok_or_else(|| io::Error::other(format!("no answer: {answer:?}")))?;
    Ok((status, serde_json::from_str(body).unwrap_or(Value::Null)))
}
