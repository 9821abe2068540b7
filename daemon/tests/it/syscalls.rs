//! How often the real program calls the kernel for a heartbeat, counted by strace.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use crate::program::Program;

/// Heartbeats that are counted.
const COUNTED: usize = 2_000;
/// Calls of one, times ten: measured on 2026-11-28 were 31 (a read, a write and a wait, and what the
/// program does by itself meanwhile); a tenth is added.
const MOST_OF_TEN: usize = 34;
const HEARTBEAT: &[u8] =
    b"POST /heartbeat/a HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 0\r\n\r\n";

/// Beats so often over one connection.
fn beat(stream: &mut BufReader<TcpStream>, times: usize) {
    for _ in 0..times {
        stream.get_mut().write_all(HEARTBEAT).unwrap();
        let (mut line, mut length) = (String::new(), 0);
        stream.read_line(&mut line).unwrap();
        assert!(line.starts_with("HTTP/1.1 200 "), "{line}");
        while line != "\r\n" {
            line.clear();
            stream.read_line(&mut line).unwrap();
            let lower = line.to_ascii_lowercase();
            if let Some(value) = lower.strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
        }
        let mut body = vec![0; length];
        stream.read_exact(&mut body).unwrap();
    }
}

/// The number in the line of strace's table that sums up.
fn calls_in(table: &str) -> usize {
    let total = table.lines().find(|line| line.ends_with(" total"));
    let total = total.unwrap_or_else(|| panic!("strace has no sum: {table}"));
    total.split_whitespace().nth(3).unwrap().parse().unwrap()
}

/// Calls of all threads of `daemon` while `act` is done.
fn count(daemon: Pid, log: &Path, act: impl FnOnce()) -> String {
    let mut strace = Command::new("strace")
        .args(["-c", "-f", "-o"])
        .arg(log)
        .args(["-p", &daemon.as_raw_nonzero().to_string()])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("strace is installed");
    let mut said = BufReader::new(strace.stderr.take().unwrap());
    let mut line = String::new();
    said.read_line(&mut line).unwrap();
    assert!(line.contains("attached"), "strace cannot attach: {line}");
    act();
    kill_process(Pid::from_child(&strace), Signal::INT).unwrap();
    std::io::copy(&mut said, &mut std::io::sink()).unwrap();
    strace.wait().unwrap();
    std::fs::read_to_string(log).unwrap()
}

#[test]
#[ignore = "needs strace"]
fn a_heartbeat_calls_the_kernel_a_few_times() {
    let dir = tempfile::tempdir().unwrap();
    let program = Program::start(dir.path(), &["--flush", "1h", "--ttl", "1h"]);
    program.register(r#"{"name": "a"}"#);
    let mut stream = BufReader::new(TcpStream::connect(program.addr).unwrap());
    beat(&mut stream, 10);

    let table = count(program.pid(), &dir.path().join("strace"), || {
        beat(&mut stream, COUNTED);
    });

    println!("{table}");
    let calls = calls_in(&table);
    println!("calls of {COUNTED} heartbeats: {calls}");
    assert!(2 * COUNTED <= calls, "{calls}: not even a read and a write");
    assert!(10 * calls <= MOST_OF_TEN * COUNTED, "{calls}\n{table}");
}
