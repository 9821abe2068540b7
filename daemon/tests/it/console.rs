//! Nobody takes what the program says: the terminal was closed, the pipe has no reader, the disk
//! behind it is full.

use std::fs::OpenOptions;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use crate::program::{ask, command};

/// A daemon whose words were read until it listened; it is killed when it is dropped.
struct Unread(Child);

impl Drop for Unread {
    fn drop(&mut self) {
        // It has ended where all went well.
        self.0.kill().unwrap_or(());
        self.0.wait().unwrap();
    }
}

#[test]
fn a_daemon_goes_on_when_nobody_takes_what_it_says() {
    let dir = tempfile::tempdir().unwrap();
    let child = command(dir.path(), &["--listen", "127.0.0.1:0"])
        .args(["--log-level", "debug"])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut daemon = Unread(child);
    let mut lines = BufReader::new(daemon.0.stderr.take().unwrap()).lines();
    let addr = lines
        .find_map(|line| {
            line.unwrap()
                .strip_prefix("listening on http://")?
                .parse()
                .ok()
        })
        .unwrap();
    drop(lines);

    for name in ["a", "b"] {
        let body = format!(r#"{{"name": "{name}", "ip": "192.0.2.10"}}"#);
        let (status, answer) = ask(addr, "POST", "/register", &body);
        assert_eq!(status, 200, "{answer}");
    }
    kill_process(Pid::from_child(&daemon.0), Signal::HUP).unwrap();
    let (status, list) = ask(addr, "GET", "/services", "");
    assert_eq!((status, &list["summary"]["total"]), (200, &2.into()));

    kill_process(Pid::from_child(&daemon.0), Signal::TERM).unwrap();
    assert_eq!(daemon.0.wait().unwrap().code(), Some(0));
}

/// How a command ends whose standard error, and standard output where that is asked, go to a full
/// disk.
fn ends(dir: &Path, arguments: &[&str], has_output: bool) -> (Option<i32>, String) {
    let full = || OpenOptions::new().write(true).open("/dev/full").unwrap();
    let mut command = command(dir, arguments);
    command.stderr(full());
    if !has_output {
        command.stdout(full());
    }
    let output = command.output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    (output.status.code(), said)
}

#[test]
fn commands_end_as_they_should_when_nobody_takes_what_they_say() {
    let dir = tempfile::tempdir().unwrap();
    let add = ["token", "add", "--scope", "read", "--tokens", "keys"];

    for (arguments, code) in [
        (&["bogus"][..], 2),
        (&["--ttl", "soon"], 2),
        (&["ping", "--listen", "127.0.0.1:1"], 1),
        (&["verify", "nothing.db"], 3),
    ] {
        assert_eq!(
            ends(dir.path(), arguments, true).0,
            Some(code),
            "{arguments:?}"
        );
    }
    let (code, token) = ends(dir.path(), &add, true);
    assert_eq!(code, Some(0));
    assert!(token.starts_with("lastbeat_"), "{token}");
    for arguments in [&["--help"][..], &["token", "list", "--tokens", "keys"]] {
        assert_eq!(
            ends(dir.path(), arguments, false).0,
            Some(1),
            "{arguments:?}"
        );
    }
}
