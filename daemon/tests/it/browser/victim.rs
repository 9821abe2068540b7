//! A daemon that is attacked from a web page: what the page says, what the daemon answered, and
//! whether anything has changed.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;
use tempfile::TempDir;
use tokio::net::TcpSocket;

use super::stage::Stage;
use crate::keys::{Keys, bearer};
use crate::program::Program;
use crate::raw::{Raw, Reply, request};

/// What was asked, as "METHOD target", and the status it was answered with.
pub(super) type Answered = (String, u16);

/// How long the page may take for some four hundred tries, and what it sent to arrive.
const PATIENCE: Duration = Duration::from_secs(60);
/// The ways to write that the page tries; each has a service of this name to take away.
pub(super) const WRITES: [&str; 17] = [
    "form",
    "form-text",
    "form-parts",
    "form-bare",
    "form-bounced",
    "fetch-blind",
    "fetch-simple",
    "fetch-json",
    "fetch-delete",
    "fetch-boxed",
    "xhr",
    "form-window",
    "form-boxed",
    "form-opaque",
    "beacon",
    "ping",
    "report",
];
/// Where its owner asks from, which tells its requests from those of the browser.
const OWNER: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 9));
/// The requests of each way to write.
const TARGETS: usize = 7;
/// What the page says of its tries.
#[derive(Debug, Deserialize)]
pub(super) struct Outcome {
    /// "METHOD target" of each request that must have arrived.
    pub(super) sent: Vec<String>,
    /// How much was read, by "way path".
    pub(super) read: BTreeMap<String, u64>,
    /// The texts among it.
    pub(super) texts: BTreeMap<String, String>,
}

impl Outcome {
    /// What was read in any way.
    pub(super) fn leaks(&self) -> Vec<(&str, u64)> {
        let leaks = self.read.iter().filter(|(_, bytes)| 0 < **bytes);
        leaks.map(|(name, bytes)| (name.as_str(), *bytes)).collect()
    }
}

/// A real daemon with a service for each way to write.
pub(super) struct Victim {
    pub(super) program: Program,
    pub(super) keys: Option<Keys>,
    /// What it has said since the attack began.
    lines: Vec<String>,
    _dir: TempDir,
}

impl Victim {
    pub(super) async fn new(keys: Option<Keys>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut arguments = vec!["--log-level", "debug", "--ttl", "1d"];
        let file = keys.as_ref().map(|keys| keys.path.display().to_string());
        if let Some(file) = &file {
            arguments.extend(["--tokens", file]);
        }
        let program = Program::start(dir.path(), &arguments);
        let victim = Self {
            program,
            keys,
            lines: Vec::new(),
            _dir: dir,
        };
        for name in WRITES {
            let body = format!(r#"{{"name":"{name}","ip":"10.0.0.1"}}"#);
            let reply = victim.ask("POST", "/register", &body).await;
            assert_eq!(reply.status, 200, "{}", reply.text());
        }
        victim
    }

    /// Its address, as a browser that calls it `host` writes it.
    pub(super) fn at(&self, host: &str) -> String {
        format!("http://{host}:{}", self.program.addr.port())
    }

    /// Asks as its owner.
    async fn ask(&self, method: &str, target: &str, body: &str) -> Reply {
        let token = self.keys.as_ref().map(|keys| bearer(&keys.admin));
        let headers: Vec<&str> = token.iter().map(String::as_str).collect();
        let asked = request(method, target, &headers, body.as_bytes());
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(SocketAddr::new(OWNER, 0)).unwrap();
        let stream = socket.connect(self.program.addr).await.unwrap();
        Raw::over(stream).ask(&asked).await
    }

    /// All that a change or a heartbeat would move: rows, revision, cursor, history.
    async fn state(&self) -> Value {
        let mut state = self.ask("GET", "/services", "").await.json();
        for clock in ["now", "up_ms"] {
            assert!(state.as_object_mut().unwrap().remove(clock).is_some());
        }
        for row in state["services"].as_array_mut().unwrap() {
            // Counted from the clock at each answer, so it may differ by a millisecond.
            assert!(row.as_object_mut().unwrap().remove("due_ms").is_some());
        }
        state["events"] = self.ask("GET", "/events", "").await.json()["events"].take();
        state["gone"] = self.ask("GET", "/gone", "").await.json()["gone"].take();
        // Their registrations and the start.
        let events = state["events"].as_array().unwrap().len();
        assert_eq!(events, WRITES.len() + 1);
        state
    }

    /// What it has answered to others than its owner since the attack began: "METHOD target" and
    /// the status. It may say so of an answer after that has been read.
    pub(super) fn answered(&mut self) -> Vec<Answered> {
        self.lines.extend(self.program.lines());
        answers(&self.lines)
    }

    /// Lets the page at `from` attack it by the name in `at`: what the page says, and what was
    /// answered. Nothing must have changed.
    pub(super) async fn suffers(
        &mut self,
        stage: &Stage,
        from: &str,
        at: &str,
    ) -> (Outcome, Vec<Answered>) {
        let before = self.state().await;
        let token = self.keys.as_ref().map_or(String::new(), |k| k.read.clone());
        drop(self.program.lines());
        self.lines.clear();

        let outcome = attack(stage, from, (at, &token), || {
            self.answered()
                .into_iter()
                .map(|(asked, _)| asked)
                .collect()
        })
        .await;

        assert_eq!(self.state().await, before, "{from} {at}");
        (outcome, self.answered())
    }

    /// Waits until the window that the page has opened is alive, and so would be its frames.
    pub(super) async fn is_shown_in_the_window(&mut self) -> Vec<Answered> {
        self.is_live("GET /rows?q=window").await;
        self.answered()
    }

    /// Waits until a page has asked for its live part, which is `asked`, and got it.
    pub(super) async fn is_live(&mut self, asked: &str) {
        let alive = (asked.to_owned(), 200);
        let shown = async {
            while !self.answered().contains(&alive) {
                tokio::task::yield_now().await;
            }
        };
        let in_time = tokio::time::timeout(PATIENCE, shown).await;
        assert!(in_time.is_ok(), "{asked}: {:?}", self.answered());
    }
}

/// The answers to others than its owner in what a daemon says that logs at debug.
pub(super) fn answers(lines: &[String]) -> Vec<Answered> {
    let of = |line: &str, key: &str| {
        let (_, rest) = line.split_once(&format!(" {key}="))?;
        rest.split(' ').next().map(str::to_owned)
    };
    let owner = OWNER.to_string();
    let answer = |line: &String| {
        if of(line, "peer.ip")? == owner {
            return None;
        }
        let (method, target) = (of(line, "http.method")?, of(line, "http.target")?);
        let status = of(line, "http.status")?.parse().unwrap();
        Some((format!("{method} {target}"), status))
    };
    lines.iter().filter_map(answer).collect()
}

/// Lets the page at `from` attack `at`, waits until all it sent has arrived, as `asked` says, and
/// returns what it says then.
pub(super) async fn attack(
    stage: &Stage,
    from: &str,
    (at, token): (&str, &str),
    mut asked: impl FnMut() -> Vec<String>,
) -> Outcome {
    let page = format!("{from}/?at={at}&token={token}");
    stage.browser.goto(&page).await.unwrap();
    let script = "return window.outcome.done ? window.look() : null";
    let mut missing = Vec::new();
    let attacking = async {
        loop {
            let found = stage.browser.execute(script, Vec::new()).await.unwrap();
            let Some(outcome) = serde_json::from_value::<Option<Outcome>>(found).unwrap() else {
                continue;
            };
            missing.clone_from(&outcome.sent);
            for line in asked() {
                if let Some(place) = missing.iter().position(|sent| *sent == line) {
                    missing.swap_remove(place);
                }
            }
            if missing.is_empty() {
                return outcome;
            }
        }
    };
    let Ok(outcome) = tokio::time::timeout(PATIENCE, attacking).await else {
        let so_far = "return JSON.stringify(window.outcome)";
        let so_far = stage.browser.execute(so_far, Vec::new()).await;
        panic!("never arrived: {missing:?}; {so_far:?}");
    };
    let writes = outcome.sent.iter().filter(|sent| is_write(sent));
    assert_eq!(writes.count(), WRITES.len() * TARGETS);
    outcome
}

/// Whether this "METHOD target" asks for a change, or may.
pub(super) fn is_write(asked: &str) -> bool {
    !asked.starts_with("GET ")
}
