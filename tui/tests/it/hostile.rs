//! A daemon that says what it likes: nothing of it acts on the terminal or breaks a line.

use std::process::{Command, Stdio};

use lastbeat::text::{Charset, SafeText};
use lastbeat_proto::Status;
use lastbeat_proto::answer::{Event, Notice, NoticeLevel, Row, Tombstone};
use lastbeat_proto::status::EventKind;
use serde::Deserialize;

use crate::daemon::{Daemon, row};
use crate::pty::Terminal;
use crate::views::{visit_all, visit_row};

#[path = "../../../daemon/checks/src/hidden.rs"]
mod hidden;

/// Letters of two columns each, which are no mischief but break what counts letters.
const WIDE: &str = "健康検査-サービス一覧-健康検査-サービス一覧";
/// The texts, which the daemon's tests read too.
const PAYLOADS: &str = include_str!("../../../daemon/checks/payloads.json");

#[derive(Deserialize)]
struct Payload {
    text: String,
}

fn texts() -> Vec<String> {
    let payloads: Vec<Payload> = serde_json::from_str(PAYLOADS).unwrap();
    let texts = payloads.into_iter().map(|payload| payload.text);
    texts.chain([WIDE.to_owned()]).collect()
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
    let event = |(at, text): (u64, &String)| Event {
        revision: at,
        at: some.since,
        kind: EventKind::Down,
        id: Some(1),
        name: Some(text.clone()),
        instance: Some(text.clone()),
        reason: Some(text.clone()),
    };
    let mut state = daemon.state();
    state.events = (1..).zip(&texts()).map(event).collect();
    state.gone = texts().iter().map(gone).collect();
    state.notices = texts().iter().map(notice).collect();
    drop(state);
    daemon
}

/// How the terminal client writes a text.
fn written(text: &str) -> String {
    SafeText::new(text, Charset::Utf8).to_string()
}

/// Takes the sequences out that the client itself writes; what is left must be plain, and on one
/// line: the client addresses each.
fn assert_nothing_acts(bytes: &[u8]) {
    let text = std::str::from_utf8(bytes).unwrap();
    assert!(!text.contains(['\r', '\n']));
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
    let found = text.chars().find(|c| hidden::is_hidden(*c) && *c != '\n');
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

/// Columns and lines for all rows.
const LARGE: (u16, u16) = (200, 130);
/// For one row after the other.
const SMALL: (u16, u16) = (120, 30);

fn on_screen(daemon: &Daemon, size: (u16, u16), lang: &str) -> Terminal {
    let url = daemon.url();
    let arguments = ["--url", &url, "--interval", "250ms", "--sort", "name"];
    let terminal = Terminal::start(size, &arguments, &[("LANG", lang)]);
    // Stands below all rows, so they have been read when it has.
    terminal.wait_text(&format!(" 1/{} ", texts().len()));
    terminal
}

/// Ends the client; nothing that it wrote may act.
fn assert_nothing_acted(mut terminal: Terminal) {
    terminal.press("q");
    let (code, bytes) = terminal.end();
    assert_eq!(code, 0);
    assert_nothing_acts(&bytes);
}

#[test]
fn no_list_lets_a_text_act() {
    let daemon = hostile_daemon();
    let terminal = on_screen(&daemon, LARGE, "C.UTF-8");

    // The terminal of the tests gives a color of skin a cell of its own.
    let is_shown = |text: &&String| text.len() < 40 && !text.contains('\u{1f3fd}');
    for text in texts().iter().filter(is_shown) {
        terminal.wait_text(&written(text));
    }
    assert_nothing_acted(terminal);

    for lang in ["C", "C.UTF-8"] {
        let mut terminal = on_screen(&daemon, SMALL, lang);
        visit_all(&mut terminal);
        if lang == "C" {
            assert!(terminal.bytes().is_ascii());
        }
        assert_nothing_acted(terminal);
    }
}

#[test]
fn nothing_that_is_told_of_one_row_lets_its_text_act() {
    let daemon = hostile_daemon();
    let rows = texts().len();
    let mut terminal = on_screen(&daemon, SMALL, "C.UTF-8");

    // Those that are UP or DOWN, and below them what is GONE, whose question is another.
    for at in (1..=rows).chain(1..=rows) {
        terminal.wait_text(&format!(" {at}/{rows} "));
        visit_row(&mut terminal);
        terminal.press("j");
    }
    assert_nothing_acted(terminal);
}

#[test]
fn every_column_stays_straight() {
    let daemon = hostile_daemon();
    let terminal = on_screen(&daemon, LARGE, "C.UTF-8");

    let screen = terminal.screen();
    let lines: Vec<String> = screen.rows(0, 200).collect();
    let heading = lines.iter().position(|line| line.contains("AGE")).unwrap();
    let cell = |line: usize, column: usize| {
        let (line, column) = (u16::try_from(line).unwrap(), u16::try_from(column).unwrap());
        screen.cell(line, column).unwrap().contents().to_owned()
    };
    // The heading is ASCII, so its letters stand in as many columns.
    let age = lines[heading].find("AGE").unwrap() + 2;
    let since = lines[heading].find("SINCE").unwrap();
    let rows = heading + 1..heading + 1 + texts().len();
    for line in rows {
        assert_eq!(cell(line, 3), "▼", "{line}: {}", lines[line]);
        let before_and_at = [age - 1, age, age + 1, since - 1].map(|column| cell(line, column));
        let is_straight = matches!(
            before_and_at.each_ref().map(String::as_str),
            [
                "0" | "1" | "2" | "3" | "4" | "5" | "6" | "7" | "8" | "9",
                "s",
                " " | "",
                " " | ""
            ]
        );
        assert!(is_straight, "{before_and_at:?} in {}", lines[line]);
    }
    assert_nothing_acted(terminal);
}

#[test]
fn what_a_refusal_says_does_not_act_on_the_screen() {
    let daemon = Daemon::start(vec![row("auth", Status::Up, 1)]);
    let url = daemon.url();
    let arguments = ["--url", &url, "--interval", "250ms"];
    let mut terminal = Terminal::start(SMALL, &arguments, &[]);
    terminal.wait_text("UP 1");
    for (at, text) in texts().iter().enumerate() {
        let said = format!("case {at}: {text}");
        let problem =
            serde_json::json!({ "detail": said, "errors": [{ "field": text, "detail": text }] });
        daemon.state().change_refusal = Some((400, problem.to_string()));
        terminal.press("r");
        terminal.wait_text(&format!("case {at}: "));
    }
    // The same words as why nothing is known any more.
    for (at, text) in texts().iter().enumerate() {
        let problem = serde_json::json!({ "detail": format!("reason {at}: {text}") });
        daemon.state().refusal = Some((403, problem.to_string()));
        terminal.press("u");
        terminal.wait_text(&format!("reason {at}: "));
    }
    assert_nothing_acted(terminal);
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
