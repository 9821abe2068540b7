//! The real program: started, asked over real sockets, stopped and killed.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// How long a condition may take before a test gives up on it.
const PATIENCE: Duration = Duration::from_secs(20);

/// A running `lastbeatd`; it is killed when it is dropped.
pub(crate) struct Program {
    child: Child,
    pub(crate) addr: SocketAddr,
    /// Lines of its standard error that nobody has asked for yet.
    said: Mutex<Receiver<String>>,
}

/// `lastbeatd` with these arguments, in a folder of the test's own.
pub(crate) fn command(dir: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lastbeatd"));
    command
        .args(arguments)
        .current_dir(dir)
        .stdin(Stdio::null());
    command
}

impl Program {
    /// Starts it on a free port and waits until it listens.
    pub(crate) fn start(dir: &Path, arguments: &[&str]) -> Self {
        let mut command = command(dir, &["--listen", "127.0.0.1:0"]);
        command.args(arguments);
        Self::spawn(command)
    }

    /// Starts a prepared command and waits until it listens.
    pub(crate) fn spawn(command: Command) -> Self {
        Self::try_spawn(command)
            .unwrap_or_else(|(code, said)| panic!("it ended with {code:?} and said {said}"))
    }

    /// The same for a program that may end instead: its exit code, and what it said.
    pub(crate) fn try_spawn(mut command: Command) -> Result<Self, (Option<i32>, String)> {
        let mut child = command
            .stderr(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let (sender, said) = channel();
        std::thread::spawn(move || {
            for line in stderr.lines() {
                // Where nobody reads any more, the pipe is emptied all the same.
                sender.send(line.unwrap()).unwrap_or(());
            }
        });
        let mut before = String::new();
        loop {
            match said.recv_timeout(PATIENCE) {
                Ok(line) => match line
                    .strip_prefix("listening on ")
                    .and_then(|url| url.split_once("://"))
                {
                    Some((_scheme, addr)) => {
                        return Ok(Self {
                            child,
                            addr: addr.parse().unwrap(),
                            said: Mutex::new(said),
                        });
                    }
                    None => before += &(line + "\n"),
                },
                Err(RecvTimeoutError::Disconnected) => {
                    return Err((child.wait().unwrap().code(), before));
                }
                Err(RecvTimeoutError::Timeout) => panic!("never listens, said only {before}"),
            }
        }
    }

    /// What it said since it listens, or since this was asked last.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.said.lock().unwrap().try_iter().collect()
    }

    /// One request on a connection of its own: status and JSON.
    pub(crate) fn ask(&self, method: &str, path: &str, body: &str) -> (u16, Value) {
        ask(self.addr, method, path, body)
    }

    /// The rows of `GET /services`.
    pub(crate) fn rows(&self) -> Vec<Value> {
        let (status, list) = self.ask("GET", "/services", "");
        assert_eq!(status, 200, "{list}");
        list["services"].as_array().unwrap().clone()
    }

    /// The one row of a name.
    pub(crate) fn row(&self, name: &str) -> Option<Value> {
        self.rows().into_iter().find(|row| row["name"] == name)
    }

    /// Registers, which must succeed.
    pub(crate) fn register(&self, body: &str) -> Value {
        let (status, answer) = self.ask("POST", "/register", body);
        assert_eq!(status, 200, "{answer}");
        answer
    }

    /// SIGTERM, and the exit code.
    pub(crate) fn stop(self) -> Option<i32> {
        self.terminate();
        self.wait()
    }

    /// SIGTERM, and nothing more.
    pub(crate) fn terminate(&self) {
        self.signal(Signal::TERM);
    }

    /// Its exit code, once it has ended.
    pub(crate) fn wait(mut self) -> Option<i32> {
        self.child.wait().unwrap().code()
    }

    /// `kill -9`.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Sends a signal, such as the one that makes it stand still.
    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).unwrap();
    }

    /// How many files and sockets it has open.
    pub(crate) fn descriptors(&self) -> usize {
        let folder = format!("/proc/{}/fd", self.pid().as_raw_nonzero());
        std::fs::read_dir(folder).unwrap().count()
    }

    /// How much memory of the machine it takes, in bytes.
    pub(crate) fn memory(&self) -> u64 {
        self.kib_of("VmRSS:") << 10
    }

    /// The most that it took since it started, or since [`forget_peak`](Self::forget_peak).
    pub(crate) fn peak(&self) -> u64 {
        self.kib_of("VmHWM:") << 10
    }

    /// From here on the peak is counted anew (`man 5 proc_pid_clear_refs`).
    pub(crate) fn forget_peak(&self) {
        let file = format!("/proc/{}/clear_refs", self.pid().as_raw_nonzero());
        std::fs::write(file, "5").unwrap();
    }

    fn kib_of(&self, key: &str) -> u64 {
        let file = format!("/proc/{}/status", self.pid().as_raw_nonzero());
        let status = std::fs::read_to_string(file).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(key));
        let number = line.unwrap().trim().trim_end_matches(" kB");
        number.parse().unwrap()
    }

    pub(crate) fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended already, and been waited for.
        self.child.kill().unwrap_or(());
        if let Err(error) = self.child.wait() {
            assert!(
                std::thread::panicking(),
                "cannot wait for lastbeatd: {error}"
            );
        }
    }
}

/// One request on a connection of its own: status and JSON.
pub(crate) fn ask(addr: SocketAddr, method: &str, path: &str, body: &str) -> (u16, Value) {
    let (status, body) = exchange(addr, method, path, body);
    (status, serde_json::from_str(&body).unwrap_or(Value::Null))
}

/// The text at a path, which must be there.
pub(crate) fn ask_for_text(addr: SocketAddr, path: &str) -> String {
    let (status, text) = exchange(addr, "GET", path, "");
    assert_eq!(status, 200, "{text}");
    text
}

fn exchange(addr: SocketAddr, method: &str, path: &str, body: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(addr).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let head = format!(
        "{method} {path} HTTP/1.0\r\nHost: {addr}\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, body.to_owned())
}

/// Waits for a condition, and says what it waited for when it does not come.
pub(crate) fn until(what: &str, holds: impl FnMut() -> bool) {
    within(PATIENCE, what, holds);
}

/// The same for a condition that must come within `limit`; answers how long it took.
pub(crate) fn within(limit: Duration, what: &str, mut holds: impl FnMut() -> bool) -> Duration {
    let begin = clock();
    while !holds() {
        assert!(begin.elapsed() < limit, "not within {limit:?}: {what}");
        std::thread::yield_now();
    }
    begin.elapsed()
}

/// Runs a command to its end: exit code and standard error.
pub(crate) fn end(mut command: Command) -> (i32, String) {
    let Output { status, stderr, .. } = command.output().unwrap();
    (status.code().unwrap(), String::from_utf8(stderr).unwrap())
}

#[expect(clippy::disallowed_methods, reason = "real programs run on real time")]
pub(crate) fn clock() -> Instant {
    Instant::now()
}
