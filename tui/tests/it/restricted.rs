//! The line of `authorized_keys` that the documents give: whoever holds the key gets the screen,
//! and nothing else.

use std::fs;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use lastbeat_proto::Status;

use crate::daemon::{Daemon, row};
use crate::sshd::Sshd;
use crate::tmux::{Kind, Tmux, until};

const PROGRAM: &str = env!("CARGO_BIN_EXE_lastbeat");
/// Where the line stands.
const OPERATIONS: &str = include_str!("../../../docs/operations.md");
const KIND: Kind = Kind {
    term: "xterm-256color",
    lang: "C.UTF-8",
};

/// The documents' line with the program and daemon of the test.
fn restricted(daemon: &Daemon) -> Sshd {
    let mut lines = OPERATIONS.lines();
    let line = lines.find(|line| line.starts_with("restrict,")).unwrap();
    let (options, _key) = line.split_once(" ssh-ed25519 ").unwrap();
    let (before, behind) = options.split_once("lastbeat --read-only").unwrap();
    let url = daemon.url();
    Sshd::start(&format!(
        "{before}{PROGRAM} --read-only --url {url}{behind}"
    ))
}

fn two() -> Daemon {
    Daemon::start(vec![
        row("auth", Status::Up, 5),
        row("billing", Status::Down, 99),
    ])
}

/// A client that wants this, without a terminal, to its end.
fn run(sshd: &Sshd, options: &[&str], command: &[&str]) -> Output {
    let client = sshd.client(options);
    let (program, words) = client.split_first().unwrap();
    Command::new(program)
        .args(words)
        .args(command)
        .env("LANG", KIND.lang)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn open(sshd: &Sshd, command: &[&str]) -> Tmux {
    let client = sshd.client(&["-tt"]);
    let words: Vec<&str> = client.iter().map(String::as_str).collect();
    // When the client has ended the window still shows what it said.
    let line = format!(
        "{} {}; echo closed:$?; cat",
        words.join(" "),
        command.join(" ")
    );
    Tmux::start(KIND, &["sh", "-c", &line])
}

/// Nobody in the test may have left it behind.
struct Marker(tempfile::TempDir);

impl Marker {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("marker")
    }

    fn command(&self) -> [String; 2] {
        ["touch".to_owned(), self.path().display().to_string()]
    }
}

#[test]
#[ignore = "needs tmux and sshd"]
fn it_gives_the_screen_that_changes_nothing() {
    let daemon = two();
    let sshd = restricted(&daemon);
    let tmux = open(&sshd, &[]);

    tmux.wait("the screen", |s| {
        s.contains("LIVE") && s.contains("read-only") && s.contains("billing")
    });
    tmux.press(&["d"]);
    tmux.wait("a refusal", |s| s.contains("--read-only"));
    // There is no shell above it to come out at.
    tmux.press(&["C-z"]);
    tmux.press(&["j"]);
    tmux.wait("the screen again", |s| {
        s.contains("LIVE") && s.contains("2/2")
    });
    tmux.press(&["q"]);
    tmux.wait_text("closed:0");

    let is_change = |line: &str| !line.starts_with("GET ");
    assert!(
        !daemon
            .state()
            .asked
            .iter()
            .any(|asked| is_change(&asked.line))
    );
}

#[test]
#[ignore = "needs tmux and sshd"]
fn another_command_is_not_run() {
    let daemon = two();
    let sshd = restricted(&daemon);
    let marker = Marker::new();
    let [touch, path] = marker.command();

    let tmux = open(&sshd, &[&touch, &path]);
    tmux.wait_text("LIVE");
    tmux.press(&["q"]);
    tmux.wait_text("closed:0");
    let printed = run(&sshd, &[], &[&touch, &path]);
    let sftp = run(&sshd, &["-s"], &["sftp"]);

    for output in [printed, sftp] {
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(text.contains("billing"), "{text}\n{}", sshd.log());
        assert_eq!(output.status.code(), Some(0));
    }
    assert!(!marker.path().exists());
    // The same key without the line may do it.
    let free = run(&Sshd::start(""), &[], &[&touch, &path]);
    assert!(free.status.success() && marker.path().exists(), "{free:?}");
}

#[test]
#[ignore = "needs sshd"]
fn no_port_is_forwarded() {
    let daemon = two();
    let target = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    target.set_nonblocking(true).unwrap();
    let to = target.local_addr().unwrap().to_string();
    let restricted = restricted(&daemon);

    let there = run(&restricted, &["-W", &to], &[]);
    let back = format!("127.0.0.1:0:{to}");
    let refused = ["-N", "-o", "ExitOnForwardFailure=yes", "-R", &back];
    let from_there = run(&restricted, &refused, &[]);

    for output in [there, from_there] {
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(255), "{said}");
        assert!(said.contains("forward"), "{said}\n{}", restricted.log());
    }
    let nobody = target.accept().unwrap_err();
    assert_eq!(nobody.kind(), std::io::ErrorKind::WouldBlock);
    // The same key without the line may do it.
    let free = Sshd::start("");
    let client = free.client(&["-W", &to]);
    let (program, words) = client.split_first().unwrap();
    let mut child = Command::new(program)
        .args(words)
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    until(|| target.accept().map(drop).map_err(|error| error.to_string()));
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
#[ignore = "needs tmux and sshd"]
fn a_connection_that_breaks_leaves_nothing_behind() {
    let daemon = two();
    let sshd = Sshd::start("");
    let folder = tempfile::tempdir().unwrap();
    let id_file = folder.path().join("id");
    let url = daemon.url();
    let line = format!(
        "'echo $$ > {}; exec {PROGRAM} --url {url}'",
        id_file.display()
    );
    let tmux = open(&sshd, &[&line]);
    tmux.wait_text("LIVE");
    let id = fs::read_to_string(&id_file).unwrap();
    let status = format!("/proc/{}/status", id.trim());
    assert!(fs::read_to_string(&status).unwrap().contains("lastbeat"));

    drop(tmux);

    until(|| match fs::read_to_string(&status) {
        Ok(text) if text.contains("lastbeat") => Err(format!("it still runs\n{text}")),
        Ok(_) | Err(_) => Ok(()),
    });
}
