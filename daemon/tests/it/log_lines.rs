//! One event is one line of the log, whatever the data says: in text and in JSON.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::mpsc::channel;
use std::thread::JoinHandle;

use lastbeat_proto::path::encode;
use rusqlite::Connection;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::payloads::{assert_plain, payloads};
use crate::program::command;

/// What the file of a stranger calls its table: a line of a log, and an escape.
const TABLE: &str =
    "x\n2026-11-24T00:00:00.000000Z  INFO service admin is DOWN\u{1b}[2J\u{9b}31m\u{202e}";

/// A daemon that logs everything, and all that it says.
struct Logging {
    child: Child,
    addr: SocketAddr,
    /// Reads what it says to its end, so that it never waits for its reader.
    reader: JoinHandle<Vec<String>>,
}

impl Logging {
    fn start(dir: &Path, format: &str) -> Self {
        let mut child = command(dir, &["--listen", "127.0.0.1:0", "--db", "monitoring.db"])
            .args(["--log-level", "debug", "--log-format", format])
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let (found, addr) = channel();
        let reader = std::thread::spawn(move || {
            let mut said = Vec::new();
            for line in stderr.lines() {
                let line = line.unwrap();
                if let Some((_, rest)) = line.split_once("listening on http://") {
                    let addr: SocketAddr = rest.split('"').next().unwrap().parse().unwrap();
                    // The second line that says so has no listener any more.
                    found.send(addr).unwrap_or(());
                }
                said.push(line);
            }
            said
        });
        let addr = addr.recv().expect("it listens");
        Self {
            child,
            addr,
            reader,
        }
    }

    /// Sends a request as it stands and waits for the end of its answer.
    fn send(&self, request: &[u8]) {
        let mut stream = TcpStream::connect(self.addr).unwrap();
        stream.write_all(request).unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
    }

    /// A request with this target, Host and body.
    fn ask(&self, method: &str, target: &str, lines: &str, body: &str) {
        let length = body.len();
        let head = format!("{method} {target} HTTP/1.1\r\n{lines}\r\nContent-Length: {length}\r\n");
        self.send(format!("{head}Connection: close\r\n\r\n{body}").as_bytes());
    }

    /// Stops it: every line that it said.
    fn end(mut self) -> Vec<String> {
        kill_process(Pid::from_child(&self.child), Signal::TERM).unwrap();
        assert!(self.child.wait().unwrap().success());
        self.reader.join().unwrap()
    }
}

/// Puts every payload wherever a client may put a text.
fn provoke(daemon: &Logging) {
    const HOST: &str = "Host: localhost";
    for payload in payloads() {
        let text = payload.text.as_str();
        for field in ["name", "instance", "ip"] {
            let mut body = json!({ "name": "web", "ip": "192.0.2.10" });
            body[field] = json!(text);
            daemon.ask("POST", "/register", HOST, &body.to_string());
            body["ip"] = json!("192.0.2.11");
            daemon.ask("POST", "/register", HOST, &body.to_string());
        }
        let body = json!({ "name": "web", "ip": "192.0.2.10", "tags": [text], "metadata": { text: text } });
        daemon.ask("POST", "/register", HOST, &body.to_string());
        let name = encode(text);
        for target in [
            format!("/refresh/{name}"),
            format!("/heartbeat/{name}?instance={name}"),
        ] {
            daemon.ask("POST", &target, HOST, "");
        }
        daemon.ask("GET", &format!("/services?q={name}&sort={name}"), HOST, "");
        daemon.ask("GET", "/", &format!("Host: {text}"), "");
        daemon.ask(
            "POST",
            "/refresh_all",
            &format!("{HOST}\r\nOrigin: http://{text}"),
            "",
        );
        daemon.ask("POST", &format!("/{text}"), HOST, "");
        daemon.ask("POST", &format!("/deregister/{name}"), HOST, "");
    }
}

/// A database of somebody else whose own words want to be a line of the log.
fn strange_database(path: &Path) {
    let connection = Connection::open(path).unwrap();
    connection
        .execute_batch("create table a(b); pragma writable_schema = on")
        .unwrap();
    connection
        .execute("update sqlite_schema set name = ?1, sql = ?1", [TABLE])
        .unwrap();
    connection.close().unwrap();
}

fn is_announced(line: &str) -> bool {
    [
        "listening on http://",
        "database /",
        "open http://",
        "(in a checkout",
    ]
    .iter()
    .any(|begin| line.starts_with(begin))
}

#[test]
fn a_line_of_text_is_one_event() {
    let dir = tempfile::tempdir().unwrap();
    strange_database(&dir.path().join("monitoring.db"));
    let daemon = Logging::start(dir.path(), "text");
    provoke(&daemon);

    let lines = daemon.end();

    assert!(400 < lines.len(), "{} lines", lines.len());
    for line in &lines {
        assert_plain("a line of the log", line);
        // The time of a forged line would be another year's.
        let mut words = line.split_whitespace();
        let time = words.next().unwrap_or_default();
        let is_time = time.len() == 27 && time.ends_with('Z');
        let level = words.next().unwrap_or_default();
        let is_level = ["DEBUG", "INFO", "WARN", "ERROR"].contains(&level);
        assert!(is_announced(line) || (is_time && is_level), "{line:?}");
        assert!(!line.starts_with("2026-11-24T00:00:00"), "{line:?}");
    }
    assert!(
        lines.iter().any(|line| line.contains("set aside")),
        "{lines:?}"
    );
}

#[test]
fn a_line_of_json_is_one_event() {
    let dir = tempfile::tempdir().unwrap();
    strange_database(&dir.path().join("monitoring.db"));
    let daemon = Logging::start(dir.path(), "json");
    provoke(&daemon);

    let lines = daemon.end();

    assert!(400 < lines.len(), "{} lines", lines.len());
    for line in &lines {
        assert_plain("a line of the log", line);
        let event: Value = serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line:?}"));
        assert!(
            event["timestamp"].is_string() && event["level"].is_string(),
            "{line}"
        );
    }
    let is_named = |line: &&String| line.contains("service.name");
    assert!(20 < lines.iter().filter(is_named).count());
}
