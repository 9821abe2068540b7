//! `lastbeat beat`: registers, beats, deregisters, and stays out of the command's way.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use lastbeat_proto::Span;
use rustix::process::{Pid, Signal, kill_process};

use crate::daemon::Daemon;

const DEREGISTERED: &str = "DELETE /services/worker?instance=10.0.0.7";

fn beat(daemon: &Daemon, arguments: &[&str]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_lastbeat"))
        .args(["beat", "worker", "--url", &daemon.url()])
        .args(arguments)
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

fn signal(child: &Child, signal: Signal) {
    kill_process(Pid::from_raw(child.id().cast_signed()).unwrap(), signal).unwrap();
}

fn count(daemon: &Daemon, line: &str) -> usize {
    daemon
        .state()
        .asked
        .iter()
        .filter(|asked| asked.line == line)
        .count()
}

#[test]
fn the_commands_code_is_passed_on_after_deregistering() {
    let daemon = Daemon::start(Vec::new());

    let status = beat(&daemon, &["--", "sh", "-c", "exit 7"]).wait().unwrap();

    assert_eq!(status.code(), Some(7));
    assert_eq!(count(&daemon, "POST /register"), 1);
    assert_eq!(count(&daemon, DEREGISTERED), 1);
}

#[test]
fn it_beats_until_stopped_and_deregisters() {
    let daemon = Daemon::start(Vec::new());
    let arguments = [
        "--every", "250ms", "--ip", "10.1.1.1", "--port", "80", "--ttl", "9s", "--tag", "a,b",
    ];

    let mut child = beat(&daemon, &arguments);
    daemon.wait_for_more(3, "POST /register");
    signal(&child, Signal::TERM);
    let status = child.wait().unwrap();

    assert_eq!(status.code(), Some(0));
    assert_eq!(count(&daemon, DEREGISTERED), 1);
    let body = daemon.state().asked[0].body.clone();
    assert_eq!(
        body,
        r#"{"name":"worker","ip":"10.1.1.1","port":80,"ttl_s":9,"tags":["a","b"]}"#
    );
}

#[test]
fn the_daemon_says_how_often_and_errors_make_it_no_rarer() {
    let daemon = Daemon::start(Vec::new());
    daemon.state().heartbeat_every = Span::from_micros(300_000);
    daemon.state().refusal = Some((503, "{\"detail\":\"not stored yet\"}".to_owned()));

    let mut child = beat(&daemon, &[]);
    daemon.wait_for_more(2, "POST /register");
    daemon.state().refusal = None;
    daemon.wait_for_more(3, "POST /register");
    signal(&child, Signal::INT);

    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert_eq!(count(&daemon, DEREGISTERED), 1);
}

#[test]
fn a_signal_is_passed_on_to_the_command() {
    let daemon = Daemon::start(Vec::new());
    for (number, name) in [
        (Signal::TERM, "TERM"),
        (Signal::USR1, "USR1"),
        (Signal::USR2, "USR2"),
    ] {
        let script = format!(
            "trap 'exit 9' {name}; echo ready; while :; do read -t 1 line; done < /dev/zero"
        );

        let mut child = beat(&daemon, &["--", "bash", "-c", &script]);
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        assert_eq!(lines.next().unwrap().unwrap(), "ready");
        signal(&child, number);

        assert_eq!(child.wait().unwrap().code(), Some(9), "{name}");
    }
}

#[test]
fn a_registration_that_is_never_taken_is_2() {
    let daemon = Daemon::start(Vec::new());
    let body = r#"{"type":"urn:lastbeat:problem:invalid-body","detail":"name is taken"}"#;
    daemon.state().refusal = Some((400, body.to_owned()));

    let output = beat(&daemon, &[]).wait_with_output().unwrap();

    assert_eq!(output.status.code(), Some(2));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(stderr, "lastbeat: cannot register worker: name is taken\n");
}

#[test]
fn a_refused_registration_leaves_the_command_alone() {
    let daemon = Daemon::start(Vec::new());
    let body = r#"{"type":"urn:lastbeat:problem:invalid-body","detail":"name is taken"}"#;
    daemon.state().refusal = Some((400, body.to_owned()));

    let output = beat(&daemon, &["--", "sh", "-c", "exit 5"])
        .wait_with_output()
        .unwrap();

    assert_eq!(output.status.code(), Some(5));
}

#[test]
fn a_command_that_does_not_exist_is_127() {
    let daemon = Daemon::start(Vec::new());

    let output = beat(&daemon, &["--", "/no/such/command"])
        .wait_with_output()
        .unwrap();

    assert_eq!(output.status.code(), Some(127));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.contains("cannot start /no/such/command"), "{stderr}");
}

#[test]
fn an_interval_longer_than_the_ttl_is_refused() {
    let daemon = Daemon::start(Vec::new());

    let output = beat(&daemon, &["--ttl", "10s", "--every", "5m"])
        .wait_with_output()
        .unwrap();

    assert_eq!(output.status.code(), Some(2));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(
        stderr.contains("--every") && stderr.contains("is longer than --ttl 10s"),
        "{stderr}"
    );
    assert_eq!(count(&daemon, "POST /register"), 0);
}
