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
fn only_the_sixteen_colors_and_no_mouse_and_no_title() {
    let daemon = Daemon::start(vec![row("a", Status::Up, 1), row("b", Status::Down, 99)]);
    let mut terminal = Terminal::start((80, 24), &["--url", &daemon.url()], &[]);
    terminal.wait_text("DOWN 1");
    terminal.press("?\x1bj");
    terminal.wait_text("2/2");
    terminal.press("q");

    let (_, bytes) = terminal.end();

    for forbidden in [
        "8;2;", "8;5;", "\x1b]", "\x07", "?1000h", "?1002h", "?1003h", "?1006h",
    ] {
        assert_eq!(count(&bytes, forbidden.as_bytes()), 0, "{forbidden:?}");
    }
    assert!(0 < count(&bytes, b";31"), "DOWN has a color");
}

#[test]
fn no_color_keeps_the_selection_reversed() {
    let daemon = Daemon::start(vec![
        row("alpha", Status::Up, 1),
        row("beta", Status::Up, 1),
    ]);
    let variables = [("NO_COLOR", "1")];
    let mut terminal = Terminal::start((80, 24), &["--url", &daemon.url()], &variables);
    terminal.wait_text("beta");
    terminal.press("j");
    terminal.wait("the second row reversed", |screen| {
        screen.cell(4, 11).is_some_and(vt100::Cell::inverse)
    });
    terminal.press("q");

    let (_, bytes) = terminal.end();
    let text = String::from_utf8(bytes).unwrap();
    for sequence in text.split("\x1b[").skip(1) {
        let numbers = sequence.split_once('m').map_or("", |(numbers, _)| numbers);
        let is_sgr = numbers.chars().all(|c| c.is_ascii_digit() || c == ';');
        let is_color = |n: &str| matches!(n.parse::<u8>(), Ok(30..=49 | 90..=107));
        assert!(!is_sgr || !numbers.split(';').any(is_color), "{sequence:?}");
    }
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
fn hostile_text_is_shown_and_does_nothing() {
    let mut hostile = row("title\u{1b}]0;owned\u{7}", Status::Down, 99);
    hostile.ip = "10.0.0.1\u{9b}31m".to_owned();
    let daemon = Daemon::start(vec![hostile]);
    let mut terminal = Terminal::start((120, 24), &["--url", &daemon.url()], &[]);
    terminal.wait_text("title\\x1b]0;owned\\x07");
    terminal.press("\r");
    terminal.wait_text("10.0.0.1\\x9b31m");
    terminal.press("q");

    let (_, bytes) = terminal.end();

    assert_eq!(count(&bytes, b"\x1b]"), 0);
    assert_eq!(count(&bytes, b"\x07"), 0);
    assert_eq!(count(&bytes, "\u{9b}".as_bytes()), 0);
}

#[test]
fn a_copy_goes_out_as_osc_52() {
    let daemon = Daemon::start(vec![row("a", Status::Up, 1)]);
    let mut terminal = Terminal::start((80, 24), &["--url", &daemon.url()], &[]);
    terminal.wait_text("UP 1");

    terminal.press("y");
    terminal.wait_text("copied 10.0.0.7:8080");

    assert_eq!(
        count(&terminal.bytes(), b"\x1b]52;c;MTAuMC4wLjc6ODA4MA==\x1b\\"),
        1
    );
}
