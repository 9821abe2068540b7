//! Sequences that no terminal gets unless it knows them: on each kind of terminal, in every view
//! and theme.

use lastbeat_proto::Status;

use crate::daemon::{Daemon, row};
use crate::pty::Terminal;
use crate::views::{visit_all, visit_row};

/// What `TERM` may say. None of them announces 24-bit color, and `COLORTERM` is not set.
const TERMS: [&str; 7] = [
    "xterm-256color",
    "xterm-16color",
    "screen",
    "tmux-256color",
    "linux",
    "vt100",
    "",
];
const THEMES: [&str; 4] = ["mono", "contrast", "cb", "auto"];

/// All that was written in a walk through all views in all themes.
fn walk(variables: &[(&str, &str)]) -> Vec<u8> {
    let daemon = Daemon::start(vec![
        row("alpha", Status::Up, 1),
        row("beta", Status::Down, 99),
        row("gamma", Status::Up, 50),
    ]);
    let mut terminal = Terminal::start((120, 40), &["--url", &daemon.url()], variables);
    terminal.wait_text("DOWN 1");
    visit_all(&mut terminal);
    for theme in THEMES {
        terminal.press("t");
        terminal.wait_text(&format!("theme {theme}"));
        visit_row(&mut terminal);
        terminal.press("j");
    }
    terminal.press("1g");
    terminal.wait("the first row reversed", |screen| {
        // Under the heading of the table, behind its mark, shape and state.
        screen.cell(3, 11).is_some_and(vt100::Cell::inverse)
            && screen.cell(4, 11).is_some_and(|cell| !cell.inverse())
    });
    terminal.press("q");
    terminal.end().1
}

/// The numbers of all sequences that set colors and attributes (ECMA-48 §8.3.117).
fn attributes(bytes: &[u8]) -> Vec<u16> {
    let text = std::str::from_utf8(bytes).unwrap();
    let mut found = Vec::new();
    for sequence in text.split("\x1b[").skip(1) {
        let end = sequence.find(|c: char| !c.is_ascii_digit() && c != ';');
        let (numbers, rest) = sequence.split_at(end.unwrap_or(sequence.len()));
        if rest.starts_with('m') {
            let numbers = numbers.split(';').filter(|number| !number.is_empty());
            found.extend(numbers.map(|number| number.parse::<u16>().unwrap()));
        }
    }
    found
}

fn assert_none(bytes: &[u8], term: &str) {
    let text = std::str::from_utf8(bytes).unwrap();
    for forbidden in [
        "\x1b]", "\x07", "\x1bP", "?1000h", "?1002h", "?1003h", "?1006h", "?1015h",
    ] {
        assert!(!text.contains(forbidden), "{term}: {forbidden:?}");
    }
}

#[test]
fn each_terminal_gets_six_colors_at_most_on_its_own_background() {
    for term in TERMS {
        let bytes = walk(&[("TERM", term)]);
        let attributes = attributes(&bytes);

        assert_none(&bytes, term);
        // Bold, dim, underlined, reversed, and red to cyan: neither white nor black, no color of a
        // background, and none of 256 or 16 million (38, 48), whose numbers would follow.
        let is_known = |number: &u16| matches!(number, 1 | 2 | 4 | 7 | 31..=36);
        let unknown = attributes.iter().find(|number| !is_known(number));
        assert_eq!(unknown, None, "{term}");
        let has_color = attributes.iter().any(|number| 30 <= *number);
        assert_eq!(has_color, term != "vt100", "{term}");
    }
}

#[test]
fn no_color_leaves_the_selection_reversed_on_each_terminal() {
    for term in TERMS {
        let bytes = walk(&[("TERM", term), ("NO_COLOR", "1")]);
        let attributes = attributes(&bytes);

        assert_none(&bytes, term);
        assert!(attributes.contains(&7), "{term}");
        assert!(attributes.iter().all(|number| *number < 30), "{term}");
    }
}

#[test]
fn the_mouse_is_reported_where_wished_and_given_back() {
    let daemon = Daemon::start(vec![row("alpha", Status::Up, 1)]);
    let mut terminal = Terminal::start((80, 24), &["--url", &daemon.url()], &[]);
    terminal.wait_text("UP 1");
    assert_none(&terminal.bytes(), "before");

    terminal.press("m");
    terminal.wait_text("the mouse selects rows now");
    terminal.press("q");

    let (_, bytes) = terminal.end();
    let text = String::from_utf8(bytes).unwrap();
    let (_, from_on) = text.split_once("\x1b[?1000h").unwrap();
    assert!(from_on.contains("\x1b[?1000l"));
}
