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

#[test]
fn a_row_that_changes_costs_few_bytes() {
    let daemon = Daemon::start(vec![
        row("a", Status::Up, 5_000),
        row("b", Status::Up, 5_000),
    ]);
    let arguments = [
        "--url",
        &daemon.url(),
        "--interval",
        "250ms",
        "--sort",
        "name",
    ];
    let terminal = Terminal::start((80, 24), &arguments, &[]);
    terminal.wait_text("UP 2");
    let before = terminal.bytes().len();

    daemon.set(row("b", Status::Down, 5_000));
    terminal.wait_text("DOWN 1");

    let cost = terminal.bytes().len() - before;
    assert!(
        cost <= 160,
        "{cost} bytes for a row, the counts and perhaps an age"
    );
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
