//! A daemon that says what it likes: nothing of it acts on the terminal or breaks a line.

use std::process::{Command, Stdio};

use lastbeat::text::{Charset, SafeText};
use lastbeat_proto::Status;
use lastbeat_proto::answer::{Notice, NoticeLevel, Row, Tombstone};
use serde::Deserialize;

use crate::daemon::{Daemon, row};
use crate::pty::Terminal;

#[path = "../../../daemon/checks/src/hidden.rs"]
mod hidden;

/// The texts, which the daemon's tests read too.
const PAYLOADS: &str = include_str!("../../../daemon/checks/payloads.json");

#[derive(Deserialize)]
struct Payload {
    text: String,
}

fn texts() -> Vec<String> {
    let payloads: Vec<Payload> = serde_json::from_str(PAYLOADS).unwrap();
    payloads.into_iter().map(|payload| payload.text).collect()
}

/// A row that has the text in every field that holds one.
fn hostile_row(text: &str) -> Row {
    let mut row = row(text, Status::Down, 99);
    text.clone_into(&mut row.instance);
    text.clone_into(&mut row.ip);
    row.reason = Some(text.to_owned());
    row.tags = vec![text.to_owned()];
    row.metadata = [(text.to_owned(), text.to_owned())].into();
    row
}

/// A daemon all of whose texts are payloads.
fn hostile_daemon() -> Daemon {
    let daemon = Daemon::start(texts().iter().map(|text| hostile_row(text)).collect());
    let some = daemon.state().rows[0].clone();
    let gone = |text: &String| Tombstone {
        id: 1,
        name: text.clone(),
        instance: text.clone(),
        ip: text.clone(),
        port: None,
        status: Status::Gone,
        reason: text.clone(),
        deregistered: false,
        since: some.since,
        last_heartbeat: some.since,
        first_seen: some.since,
    };
    let notice = |text: &String| Notice {
        kind: text.clone(),
        level: NoticeLevel::Error,
        text: text.clone(),
        since: some.since,
    };
    let mut state = daemon.state();
    state.gone = texts().iter().map(gone).collect();
    state.notices = texts().iter().map(notice).collect();
    drop(state);
    daemon
}

/// How the terminal client writes a text.
fn written(text: &str) -> String {
    SafeText::new(text, Charset::Utf8).to_string()
}

/// Takes the sequences out that the client itself writes; what is left must be plain.
fn assert_nothing_acts(bytes: &[u8]) {
    let text = std::str::from_utf8(bytes).unwrap();
    let mut rest = text;
    while let Some((plain, sequence)) = rest.split_once('\x1b') {
        assert_plain(plain);
        let sequence = sequence
            .strip_prefix('[')
            .unwrap_or_else(|| panic!("no control sequence: {:?}", sequence.get(..20)));
        let end = sequence.find(|c: char| ('@'..='~').contains(&c)).unwrap();
        let (parameters, behind) = sequence.split_at(end);
        let is_known = |c: char| c.is_ascii_digit() || ";?".contains(c);
        assert!(parameters.chars().all(is_known), "{parameters:?}");
        rest = behind.split_at(1).1;
    }
    assert_plain(rest);
}

fn assert_plain(text: &str) {
    let found = text
        .chars()
        .find(|c| hidden::is_hidden(*c) && !"\r\n".contains(*c));
    assert_eq!(found, None, "{text:?}");
}

#[test]
fn a_list_has_a_line_for_each_row_whatever_it_is_called() {
    let daemon = hostile_daemon();
    let count = texts().len();

    for (format, lines) in [("table", 2 * count + 2), ("tsv", count + 1)] {
        let output = Command::new(env!("CARGO_BIN_EXE_lastbeat"))
            .args(["--once", "--url", &daemon.url(), "--format", format])
            .env_clear()
            .env("LANG", "C.UTF-8")
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();

        assert_eq!(text.lines().count(), lines, "{text}");
        assert_plain(&text.replace('\t', ""));
        for payload in texts() {
            assert!(text.contains(&written(&payload)), "{format}: {payload:?}");
        }
    }
}

#[test]
fn a_list_as_json_means_the_same_and_is_plain() {
    let daemon = hostile_daemon();

    let output = Command::new(env!("CARGO_BIN_EXE_lastbeat"))
        .args(["--once", "--url", &daemon.url(), "--format", "json"])
        .env_clear()
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();

    assert_plain(&text);
    let answer: serde_json::Value = serde_json::from_str(&text).unwrap();
    let rows = answer["services"].as_array().unwrap();
    for payload in texts() {
        let is_row = |row: &&serde_json::Value| row["name"] == *payload;
        let row = rows.iter().find(is_row).unwrap();
        assert_eq!(row["tags"][0], *payload);
        assert_eq!(row["metadata"][&payload], *payload);
    }
}

#[test]
fn no_screen_lets_a_text_act() {
    let daemon = hostile_daemon();
    let arguments = [
        "--url",
        &daemon.url(),
        "--interval",
        "250ms",
        "--sort",
        "name",
    ];
    let mut terminal = Terminal::start((200, 120), &arguments, &[]);

    terminal.wait_text(&written("title\u{1b}]0;owned\u{7}"));
    // The terminal of the tests gives a color of skin a cell of its own.
    let is_shown = |text: &&String| text.len() < 40 && !text.contains('\u{1f3fd}');
    for text in texts().iter().filter(is_shown) {
        terminal.wait_text(&written(text));
    }
    for (keys, text) in [
        ("\r", "metadata"),
        ("\x1b", "LIVE"),
        ("g", "title\\x1b]0;owned"),
    ] {
        terminal.press(keys);
        terminal.wait_text(text);
    }
    terminal.press("q");

    let (_, bytes) = terminal.end();
    assert_nothing_acts(&bytes);
}

#[test]
fn what_a_refusal_says_is_plain() {
    let daemon = Daemon::start(Vec::new());
    for text in texts() {
        let problem =
            serde_json::json!({ "detail": text, "errors": [{ "field": text, "detail": text }] });
        daemon.state().refusal = Some((400, problem.to_string()));

        let output = Command::new(env!("CARGO_BIN_EXE_lastbeat"))
            .args(["--once", "--url", &daemon.url()])
            .env_clear()
            .env("LANG", "C.UTF-8")
            .stdin(Stdio::null())
            .output()
            .unwrap();

        let said = String::from_utf8(output.stderr).unwrap();
        assert_plain(&said);
        assert_eq!(said.lines().count(), 1, "{said:?}");
        assert!(output.stdout.is_empty());
    }
}
