//! A daemon for tests: answers from a registry that the test holds, and remembers what it was
//! asked. Port 0, one thread a connection, ended when dropped.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use lastbeat_proto::answer::{
    DeregisterAnswer, Event, EventsAnswer, GoneAnswer, Notice, RefreshAnswer, RegisterAnswer,
    Removed, Row, ServicesAnswer, Summary, Tombstone,
};
use lastbeat_proto::problem::{Problem, Slug};
use lastbeat_proto::{Span, Status, Timestamp};
use serde::Serialize;

/// How long a test waits for what must happen.
pub(crate) const DEADLINE: Duration = Duration::from_secs(20);
pub(crate) const NOW: Timestamp = Timestamp::from_micros(1_732_456_687_000_000);
const UP_MS: i64 = 600_000;

/// A question as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) line: String,
    pub(crate) body: String,
    /// The value of `Authorization`.
    pub(crate) token: Option<String>,
}

/// What the daemon knows.
#[derive(Default)]
pub(crate) struct State {
    pub(crate) rows: Vec<Row>,
    pub(crate) gone: Vec<Tombstone>,
    pub(crate) notices: Vec<Notice>,
    pub(crate) events: Vec<Event>,
    pub(crate) asked: Vec<Asked>,
    /// Answer everything so, where given.
    pub(crate) refusal: Option<(u16, String)>,
    /// Answer whatever changes something so, where given.
    pub(crate) change_refusal: Option<(u16, String)>,
    /// Answer 401 to whoever does not send this token, where given.
    pub(crate) token: Option<String>,
    /// Answer them so instead, where given.
    pub(crate) token_refusal: Option<(u16, String)>,
    pub(crate) heartbeat_every: Span,
    removed: Vec<(u64, Removed)>,
    changes: Vec<(u64, String)>,
    change: u64,
    is_stopping: bool,
    connections: Vec<TcpStream>,
}

type Shared = Arc<(Mutex<State>, Condvar)>;

pub(crate) struct Daemon {
    address: SocketAddr,
    shared: Shared,
    accepting: Option<JoinHandle<()>>,
}

/// A row silent for so many seconds.
pub(crate) fn row(name: &str, status: Status, silent_s: i64) -> Row {
    let at = |seconds: i64| NOW.plus_micros(-seconds * 1_000_000);
    Row {
        id: 1,
        name: name.to_owned(),
        instance: "10.0.0.7".to_owned(),
        ip: "10.0.0.7".to_owned(),
        port: Some(8080),
        status,
        late: false,
        confirmed: true,
        flapping: false,
        reason: None,
        since: at(silent_s),
        last_heartbeat: at(silent_s),
        first_seen: at(90_000),
        ttl_s: Span::from_secs(60),
        tags: Vec::new(),
        metadata: std::collections::BTreeMap::new(),
        heard_ms: UP_MS - silent_s * 1_000,
        due_ms: UP_MS + 50_000,
    }
}

impl Daemon {
    pub(crate) fn start(rows: Vec<Row>) -> Self {
        let state = State {
            rows,
            heartbeat_every: Span::from_secs(20),
            ..State::default()
        };
        let shared = Arc::new((Mutex::new(state), Condvar::new()));
        Self::listen(SocketAddr::from(([127, 0, 0, 1], 0)), shared)
    }

    fn listen(address: SocketAddr, shared: Shared) -> Self {
        let listener = TcpListener::bind(address).unwrap();
        let address = listener.local_addr().unwrap();
        let for_thread = Arc::clone(&shared);
        let accepting = thread::spawn(move || {
            for stream in listener.incoming() {
                let shared = Arc::clone(&for_thread);
                let mut state = shared.0.lock().unwrap();
                if state.is_stopping {
                    return;
                }
                let stream = stream.unwrap();
                state.connections.push(stream.try_clone().unwrap());
                drop(state);
                thread::spawn(move || serve(stream, &shared));
            }
        });
        Self {
            address,
            shared,
            accepting: Some(accepting),
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.shared.0.lock().unwrap()
    }

    /// Closes everything; what it knows is kept for [`Self::resume`].
    pub(crate) fn stop(&mut self) {
        let mut state = self.state();
        state.is_stopping = true;
        for connection in state.connections.drain(..) {
            // The other side may have closed it already.
            drop(connection.shutdown(Shutdown::Both));
        }
        drop(state);
        // Wakes the accepting thread.
        drop(TcpStream::connect(self.address));
        if let Some(accepting) = self.accepting.take() {
            accepting.join().unwrap();
        }
    }

    /// Listens again at the same address.
    pub(crate) fn resume(&mut self) {
        self.state().is_stopping = false;
        let again = Self::listen(self.address, Arc::clone(&self.shared));
        drop(std::mem::replace(self, again));
    }

    /// Changes a row, which the next delta lists.
    pub(crate) fn set(&self, row: Row) {
        let mut state = self.state();
        state.change += 1;
        let change = state.change;
        state.changes.push((change, row.name.clone()));
        state.rows.retain(|old| old.name != row.name);
        state.rows.push(row);
    }

    /// Waits until what was asked satisfies `is_met`.
    pub(crate) fn wait_for(&self, what: &str, is_met: impl Fn(&[Asked]) -> bool) {
        let (state, waited) = self
            .shared
            .1
            .wait_timeout_while(self.state(), DEADLINE, |state| !is_met(&state.asked))
            .unwrap();
        assert!(
            !waited.timed_out(),
            "never asked: {what}; asked: {:?}",
            state.asked
        );
    }

    /// Waits until one more question whose line begins so has come than there were before.
    pub(crate) fn wait_for_more(&self, times: usize, line: &str) {
        let count = |asked: &[Asked]| asked.iter().filter(|a| a.line.starts_with(line)).count();
        let before = count(&self.state().asked);
        self.wait_for(line, |asked| before + times <= count(asked));
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if self.accepting.is_some() {
            self.stop();
        }
    }
}

/// Serves one connection until it ends.
fn serve(stream: TcpStream, shared: &Shared) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut writer = stream;
    while let Some(asked) = read(&mut reader) {
        let mut state = shared.0.lock().unwrap();
        let (status, body) = answer(&mut state, &asked);
        state.asked.push(asked);
        shared.1.notify_all();
        drop(state);
        let head = format!(
            "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        if writer
            .write_all(format!("{head}{body}").as_bytes())
            .is_err()
        {
            return;
        }
    }
}

fn read(reader: &mut BufReader<TcpStream>) -> Option<Asked> {
    let mut first = String::new();
    if reader.read_line(&mut first).ok()? == 0 {
        return None;
    }
    let mut length = 0;
    let mut token = None;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        if line.trim().is_empty() {
            break;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("authorization")
        {
            token = Some(value.trim().to_owned());
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let line = first.trim_end().trim_end_matches(" HTTP/1.1").to_owned();
    Some(Asked {
        line,
        body: String::from_utf8(body).unwrap(),
        token,
    })
}

fn json(value: &impl Serialize) -> (u16, String) {
    (200, serde_json::to_string(value).unwrap())
}

fn answer(state: &mut State, asked: &Asked) -> (u16, String) {
    if let Some((status, body)) = &state.refusal {
        return (*status, body.clone());
    }
    if let Some(token) = &state.token
        && asked.token.as_deref() != Some(&format!("Bearer {token}"))
    {
        let refusal = state.token_refusal.clone();
        return refusal.unwrap_or((401, String::new()));
    }
    if let Some((status, body)) = &state.change_refusal
        && !asked.line.starts_with("GET ")
    {
        return (*status, body.clone());
    }
    let line = asked.line.replace(" /sub/path/", " /");
    match line.split_once(' ').unwrap() {
        ("GET", path) if path.starts_with("/services") => json(&services(
            state,
            path.split_once("since=").map(|(_, cursor)| cursor),
        )),
        ("GET", path) if path.starts_with("/gone") => json(&GoneAnswer {
            gone: state.gone.clone(),
            now: NOW,
        }),
        ("GET", path) if path.starts_with("/events") => json(&EventsAnswer {
            events: state.events.clone(),
            now: NOW,
            before: None,
        }),
        ("POST", "/register") => json(&register(state, &asked.body)),
        ("POST", "/refresh_all") => json(&services(state, None)),
        ("POST", path) if path.starts_with("/refresh/") => json(&refresh(state, path)),
        ("DELETE", path) => json(&deregister(state, path)),
        (_, path) => {
            let problem = Problem::new(Slug::NotFound, format!("no such path: {path}"));
            (404, serde_json::to_string(&problem).unwrap())
        }
    }
}

fn services(state: &State, since: Option<&str>) -> ServicesAnswer {
    let since: Option<u64> = since.map(|cursor| cursor.parse().unwrap());
    let is_new = |name: &str| {
        let changes = state.changes.iter().filter(|(_, changed)| changed == name);
        changes.map(|(change, _)| *change).max() > since
    };
    let rows = state
        .rows
        .iter()
        .filter(|row| since.is_none() || is_new(&row.name));
    let removed = state
        .removed
        .iter()
        .filter(|(change, _)| since.is_some_and(|s| s < *change));
    let down = state
        .rows
        .iter()
        .filter(|row| row.status == Status::Down)
        .count();
    ServicesAnswer {
        services: rows.cloned().collect(),
        removed: removed.map(|(_, removed)| removed.clone()).collect(),
        full: since.is_none(),
        summary: Summary {
            total: state.rows.len(),
            up: state.rows.len() - down,
            late: 0,
            down,
            gone: state.gone.len(),
        },
        matching: state.rows.len(),
        now: NOW,
        up_ms: UP_MS,
        revision: 1,
        cursor: state.change.to_string(),
        notices: state.notices.clone(),
    }
}

fn refresh(state: &State, path: &str) -> RefreshAnswer {
    let name = decoded(path.trim_start_matches("/refresh/"));
    let instances: Vec<Row> = state
        .rows
        .iter()
        .filter(|row| row.name == name)
        .cloned()
        .collect();
    RefreshAnswer {
        name,
        status: instances.first().map_or(Status::Down, |row| row.status),
        last_heartbeat: NOW,
        instances,
        now: NOW,
        up_ms: UP_MS,
    }
}

/// A name as it was before it became part of a path (RFC 3986 §2.1).
fn decoded(path: &str) -> String {
    let mut parts = path.split('%');
    let mut bytes = parts.next().unwrap().as_bytes().to_vec();
    for part in parts {
        let (code, plain) = part.split_at(2);
        bytes.push(u8::from_str_radix(code, 16).unwrap());
        bytes.extend_from_slice(plain.as_bytes());
    }
    String::from_utf8(bytes).unwrap()
}

fn register(state: &State, body: &str) -> RegisterAnswer {
    let body: serde_json::Value = serde_json::from_str(body).unwrap();
    RegisterAnswer {
        message: "registered".to_owned(),
        service: row(body["name"].as_str().unwrap(), Status::Up, 0),
        created: false,
        ttl_s: Span::from_secs(60),
        heartbeat_every_s: state.heartbeat_every,
    }
}

fn deregister(state: &mut State, path: &str) -> DeregisterAnswer {
    let (name, instance) = path
        .trim_start_matches("/services/")
        .split_once("?instance=")
        .unwrap();
    let (name, instance) = (&decoded(name), &decoded(instance));
    let removed = Removed {
        id: 1,
        name: name.clone(),
        instance: instance.clone(),
    };
    state.change += 1;
    state.rows.retain(|row| row.name != *name);
    let change = state.change;
    state.removed.push((change, removed.clone()));
    DeregisterAnswer {
        message: format!("deregistered {name}"),
        removed: vec![removed],
    }
}
