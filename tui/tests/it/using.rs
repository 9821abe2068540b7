//! A user's way through the monitor, against the fake daemon.

use lastbeat_proto::Status;

use crate::daemon::{Daemon, row};
use crate::pty::Terminal;

fn three() -> Daemon {
    let rows = vec![
        row("auth", Status::Up, 5_000),
        row("billing", Status::Down, 5_000),
        row("cache", Status::Up, 5_000),
    ];
    Daemon::start(rows)
}

#[test]
fn refresh_and_deregister_ask_the_daemon() {
    let daemon = three();
    let mut terminal = Terminal::start((80, 24), &["--url", &daemon.url()], &[]);
    terminal.wait_text("UP 2");

    terminal.press("r");
    terminal.wait_text("refreshed billing: still DOWN");
    terminal.press("R");
    terminal.wait_text("refreshed all services");
    terminal.press("d");
    terminal.wait_text("Take billing (10.0.0.7) out");
    terminal.press("y");
    terminal.wait_text("deregistered billing");
    terminal.wait_text("total 2");

    let lines: Vec<String> = daemon
        .state()
        .asked
        .iter()
        .map(|a| a.line.clone())
        .collect();
    for expected in [
        "POST /refresh/billing",
        "POST /refresh_all",
        "DELETE /services/billing?instance=10.0.0.7",
    ] {
        assert!(
            lines.iter().any(|line| line == expected),
            "{expected}: {lines:?}"
        );
    }
}

#[test]
fn after_the_first_answer_only_changes_are_asked_for() {
    let daemon = three();
    let arguments = ["--url", &daemon.url(), "--interval", "250ms"];
    let terminal = Terminal::start((80, 24), &arguments, &[]);
    terminal.wait_text("UP 2");

    daemon.set(row("auth", Status::Down, 5_000));
    terminal.wait_text("DOWN 2");

    let state = daemon.state();
    let whole = state
        .asked
        .iter()
        .filter(|asked| asked.line == "GET /services")
        .count();
    assert_eq!(whole, 1);
}

#[test]
fn a_sub_path_works_with_and_without_its_slash() {
    for slash in ["", "/"] {
        let daemon = three();
        let url = format!("{}/sub/path{slash}", daemon.url());
        let mut terminal = Terminal::start((80, 24), &["--url", &url], &[]);
        terminal.wait_text("UP 2");
        terminal.press("r");
        terminal.wait_text("refreshed billing");

        let is_inside = |line: &str| line.contains(" /sub/path/");
        assert!(
            daemon
                .state()
                .asked
                .iter()
                .all(|asked| is_inside(&asked.line))
        );
    }
}

#[test]
fn a_new_size_is_drawn_whole() {
    let daemon = three();
    let terminal = Terminal::start((80, 24), &["--url", &daemon.url()], &[]);
    terminal.wait_text("UP 2");

    terminal.resize((40, 10));
    terminal.wait("the footer at the new bottom", |screen| {
        screen
            .rows(0, 40)
            .nth(9)
            .is_some_and(|line| line.contains("j/k"))
    });

    terminal.resize((130, 30));
    terminal.wait("the wide table", |screen| {
        screen.contents().contains("SINCE")
    });
}

/// Over a slow line both come in one packet. crossterm's reader on mio, which reports an edge
/// once, forgets the one that it finds second until another of its kind comes.
#[test]
fn a_key_that_comes_with_a_new_size_is_heard_and_so_is_the_size() {
    let daemon = three();
    let mut terminal = Terminal::start((80, 24), &["--url", &daemon.url()], &[]);
    terminal.wait_text("1/3");

    for round in 0..200 {
        let (lines, key, place) = if round % 2 == 0 {
            (30, "j", "2/3")
        } else {
            (24, "k", "1/3")
        };
        terminal.resize((80, lines));
        terminal.press(key);
        terminal.wait(
            &format!("round {round}, {place} in {lines} lines"),
            |screen| {
                let bottom = screen.rows(0, 80).nth(usize::from(lines) - 1);
                screen.contents().contains(place) && bottom.is_some_and(|line| line.contains("j/k"))
            },
        );
    }
}

/// The same reader takes 1,024 bytes and leaves the others until another key comes.
#[test]
fn more_keys_than_one_read_takes_are_heard_to_the_last() {
    let daemon = three();
    let mut terminal = Terminal::start((80, 24), &["--url", &daemon.url()], &[]);
    terminal.wait_text("1/3");

    // Only the last of them leads to the last row.
    terminal.press(&format!("{}jj", "jk".repeat(1_500)));

    terminal.wait_text("3/3");
}
