//! What goes to the terminal, and what never does.

use lastbeat_proto::Status;

use crate::daemon::{Daemon, row};
use crate::pty::Terminal;

fn count(bytes: &[u8], pattern: &[u8]) -> usize {
    bytes
        .windows(pattern.len())
        .filter(|window| *window == pattern)
        .count()
}

#[test]
fn a_poll_that_changes_nothing_writes_nothing() {
    let daemon = Daemon::start(Vec::new());
    let terminal = Terminal::start(
        (80, 24),
        &["--url", &daemon.url(), "--interval", "250ms"],
        &[],
    );
    terminal.wait_text("no services are registered");
    daemon.wait_for_more(2, "GET /services?since=");
    let before = terminal.bytes().len();

    daemon.wait_for_more(6, "GET /services?since=");

    assert_eq!(terminal.bytes().len(), before);
}

#[test]
fn an_age_that_grows_costs_a_few_bytes() {
    let rows = (0..50)
        .map(|n| row(&format!("s{n:02}"), Status::Up, 100))
        .collect();
    let daemon = Daemon::start(rows);
    let terminal = Terminal::start(
        (160, 60),
        &["--url", &daemon.url(), "--interval", "1h"],
        &[],
    );
    terminal.wait_text("101s");
    let before = terminal.bytes().len();

    terminal.wait_text("104s");

    let per_second = (terminal.bytes().len() - before) / 3;
    assert!(per_second <= 600, "{per_second} bytes a second");
}

/// Fifty rows, of which nothing that is shown changes within a minute.
fn fifty_still() -> Daemon {
    let rows = (0..50).map(|n| row(&format!("s{n:02}"), Status::Up, 5_000));
    Daemon::start(rows.collect())
}

/// How many of these bytes go to a line, by the addresses before them.
fn cost_of_line(bytes: &[u8], line: usize) -> usize {
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    let (mut cost, mut at) = (0, 0);
    for part in text.split('\x1b') {
        let address = part.strip_prefix('[').and_then(|part| part.split_once('H'));
        if let Some((row, _)) = address.and_then(|(address, _)| address.split_once(';')) {
            at = row.parse().unwrap_or(at);
        }
        if at == line {
            cost += 1 + part.len();
        }
    }
    cost
}

#[test]
fn fifty_rows_that_stand_still_cost_nothing() {
    let daemon = fifty_still();
    let arguments = ["--url", &daemon.url(), "--interval", "250ms"];
    let terminal = Terminal::start((160, 54), &arguments, &[]);
    terminal.wait_text("UP 50");
    daemon.wait_for_more(2, "GET /services?since=");
    let before = terminal.bytes().len();

    // The frozen clock of this daemon is taken over with each answer, so no age moves.
    daemon.wait_for_more(8, "GET /services?since=");

    assert_eq!(terminal.bytes().len(), before);
}

#[test]
fn a_heartbeat_costs_a_few_bytes_and_a_down_its_line() {
    let daemon = fifty_still();
    let url = daemon.url();
    let arguments = ["--url", &url, "--interval", "250ms", "--sort", "name"];
    let terminal = Terminal::start((160, 54), &arguments, &[]);
    terminal.wait_text("UP 50");
    daemon.wait_for_more(2, "GET /services?since=");
    let before = terminal.bytes().len();

    daemon.set(row("s07", Status::Up, 0));
    terminal.wait_text(" 0s ");
    let heartbeat = terminal.bytes().len() - before;
    daemon.set(row("s09", Status::Down, 5_000));
    terminal.wait_text("DOWN 1");
    let frame = terminal.bytes()[before + heartbeat..].to_vec();
    let down = cost_of_line(&frame, 13);

    assert!(heartbeat <= 40, "{heartbeat} bytes for a heartbeat");
    assert!((1..=120).contains(&down), "{down} bytes for a row");
    assert!(frame.len() <= 240, "{} bytes with the counts", frame.len());
}

#[test]
fn the_first_frame_is_small_and_comes_before_any_answer() {
    let daemon = Daemon::start(vec![row("a", Status::Up, 1)]);
    let hold = daemon.state();
    let terminal = Terminal::start((160, 54), &["--url", &daemon.url()], &[]);

    terminal.wait_text("CONNECTING");

    assert!(terminal.bytes().len() <= 8_192);
    drop(hold);
    terminal.wait_text("LIVE");
}

#[test]
fn a_copy_goes_out_as_osc_52() {
    let daemon = Daemon::start(vec![row("a", Status::Up, 1)]);
    let mut terminal = Terminal::start((80, 24), &["--url", &daemon.url()], &[]);
    terminal.wait_text("UP 1");

    terminal.press("y");
    terminal.wait_text("clipboard: 10.0.0.7:8080");

    assert_eq!(
        count(&terminal.bytes(), b"\x1b]52;c;MTAuMC4wLjc6ODA4MA==\x1b\\"),
        1
    );
}
