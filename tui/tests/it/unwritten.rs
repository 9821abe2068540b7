//! What is printed and cannot be written.

use std::process::{Command, Stdio};

use lastbeat_proto::Status;

use crate::daemon::{Daemon, row};

#[test]
fn a_closed_pipe_is_no_error() {
    let rows = (0..5_000)
        .map(|n| row(&format!("service-{n}"), Status::Up, 5))
        .collect();
    let daemon = Daemon::start(rows);
    let mut child = Command::new(env!("CARGO_BIN_EXE_lastbeat"))
        .args(["--url", &daemon.url()])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();

    drop(child.stdout.take());

    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(output.stderr.is_empty(), "{output:?}");
}

#[test]
fn a_list_that_cannot_be_written_has_a_code_of_its_own() {
    let daemon = Daemon::start(vec![row("auth", Status::Down, 99)]);
    let url = daemon.url();
    let full = |arguments: &[&str]| {
        let disk = std::fs::File::options().write(true).open("/dev/full");
        Command::new(env!("CARGO_BIN_EXE_lastbeat"))
            .args(["--url", &url])
            .args(arguments)
            .env_clear()
            .stdout(disk.unwrap())
            .output()
            .unwrap()
    };

    for (arguments, code, said) in [
        (&["--once"][..], 74, "cannot print the list: No space left"),
        (
            &["--once", "--format=json"],
            74,
            "cannot print the list: No",
        ),
        (
            &["--format", "nagios"],
            3,
            "cannot print the list: No space",
        ),
        (&["--format", "nagios", "--sort=x"], 3, "cannot use --sort"),
        (&["--help"], 74, "cannot print the help: No space left"),
    ] {
        let output = full(arguments);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}");
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(stderr.starts_with(&format!("lastbeat: {said}")), "{stderr}");
        assert_eq!(stderr.lines().count(), 1, "{stderr}");
    }
}
