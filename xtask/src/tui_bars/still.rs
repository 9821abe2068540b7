//! A daemon that stands still: it answers with what the real one said, again and again, until a
//! row is changed. Only so is there a tick in which nothing changes, not even a clock.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::http;

/// How old every row is, in ms of the daemon: nothing that is shown of it changes within a minute.
const AGE_MS: i64 = 5_000_000;
/// Longest wait for a question.
const PATIENCE: Duration = Duration::from_secs(20);

/// What it answers with, and how often it was asked for changes.
struct State {
    whole: Value,
    delta: Value,
    gone: Value,
    ticks: usize,
}

type Shared = Arc<(Mutex<State>, Condvar)>;

/// The daemon; it serves as long as the command runs.
pub(super) struct Still {
    pub(super) address: SocketAddr,
    shared: Shared,
}

impl Still {
    /// Stands still as `daemon` is now, but with every row UP for more than an hour.
    ///
    /// # Errors
    /// When that daemon does not answer as it should.
    pub(super) fn of(daemon: SocketAddr) -> Result<Self> {
        let ask = |path| http::ask(daemon, "GET", path, &Value::Null);
        let mut whole = ask("/services")?;
        let up_ms = whole["up_ms"].as_i64().context("no up_ms in /services")?;
        let rows = whole["services"].as_array_mut().context("no services")?;
        for row in rows.iter_mut() {
            row["heard_ms"] = json!(up_ms - AGE_MS);
            row["due_ms"] = json!(up_ms + AGE_MS);
        }
        let mut delta = whole.clone();
        delta["services"] = json!([]);
        delta["full"] = json!(false);
        let state = State {
            whole,
            delta,
            gone: ask("/gone")?,
            ticks: 0,
        };
        let still = Self {
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            shared: Arc::new((Mutex::new(state), Condvar::new())),
        };
        still.serve()
    }

    fn serve(mut self) -> Result<Self> {
        let listener = TcpListener::bind(self.address)?;
        self.address = listener.local_addr()?;
        let shared = Arc::clone(&self.shared);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let shared = Arc::clone(&shared);
                thread::spawn(move || {
                    // The client closes its connection when it ends.
                    if let Err(error) = answer(stream, &shared)
                        && error.kind() != std::io::ErrorKind::ConnectionReset
                    {
                        eprintln!("   the daemon that stands still: {error}");
                    }
                });
            }
        });
        Ok(self)
    }

    /// Waits until it was asked so many times more.
    ///
    /// # Errors
    /// When nobody asks.
    pub(super) fn wait_for_ticks(&self, more: usize) -> Result<()> {
        let state = lock(&self.shared);
        let enough = state.ticks + more;
        let waited = self
            .shared
            .1
            .wait_timeout_while(state, PATIENCE, |state| state.ticks < enough);
        let (_state, waited) = waited.unwrap_or_else(PoisonError::into_inner);
        ensure!(!waited.timed_out(), "the client does not ask any more");
        Ok(())
    }

    /// Sets these fields of the row of this name, and of the counts, by the next tick.
    ///
    /// # Errors
    /// When there is no such row.
    pub(super) fn change(&self, name: &str, fields: &Value, counts: &Value) -> Result<()> {
        let mut state = lock(&self.shared);
        let rows = state.whole["services"].as_array();
        let row = rows.and_then(|rows| rows.iter().find(|row| row["name"] == name));
        let mut row = row.with_context(|| format!("no row {name}"))?.clone();
        merge(&mut row, fields);
        merge(&mut state.delta["summary"], counts);
        state.delta["services"] = json!([row]);
        Ok(())
    }

    /// The count of ms since the start that its answers name.
    pub(super) fn up_ms(&self) -> i64 {
        lock(&self.shared).whole["up_ms"].as_i64().unwrap_or(0)
    }

    /// The time that its answers name.
    pub(super) fn now(&self) -> Value {
        lock(&self.shared).whole["now"].clone()
    }
}

/// Puts the fields of `from` into `into`.
fn merge(into: &mut Value, from: &Value) {
    for (key, value) in from.as_object().into_iter().flatten() {
        into[key] = value.clone();
    }
}

fn lock(shared: &Shared) -> MutexGuard<'_, State> {
    shared.0.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Answers one connection until it ends.
fn answer(mut stream: TcpStream, shared: &Shared) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    loop {
        let mut first = String::new();
        if reader.read_line(&mut first)? == 0 {
            return Ok(());
        }
        let mut line = String::new();
        while reader.read_line(&mut line)? != 0 && !line.trim().is_empty() {
            line.clear();
        }
        let mut state = lock(shared);
        let body = if first.contains("since=") {
            state.ticks += 1;
            shared.1.notify_all();
            &state.delta
        } else if first.starts_with("GET /gone") {
            &state.gone
        } else {
            &state.whole
        };
        let body = body.to_string();
        drop(state);
        write!(
            stream,
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        )?;
    }
}
