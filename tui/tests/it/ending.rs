//! Every way out gives the terminal back and tells how it ended.

use lastbeat_proto::Status;
use rustix::process::Signal;

use crate::daemon::{Daemon, row};
use crate::pty::{Terminal, is_given_back};

fn started(daemon: &Daemon) -> Terminal {
    let terminal = Terminal::start((80, 24), &["--url", &daemon.url()], &[]);
    terminal.wait_text("LIVE");
    terminal
}

#[test]
fn q_and_ctrl_c_quit_with_0() {
    for key in ["q", "\x03"] {
        let daemon = Daemon::start(vec![row("auth", Status::Up, 1)]);
        let mut terminal = started(&daemon);

        terminal.press(key);

        let (code, bytes) = terminal.end();
        assert_eq!(code, 0);
        assert!(is_given_back(&bytes));
    }
}

#[test]
fn a_signal_ends_it_with_128_and_its_number() {
    for (signal, expected) in [(Signal::TERM, 143), (Signal::INT, 130), (Signal::HUP, 129)] {
        let daemon = Daemon::start(vec![row("auth", Status::Up, 1)]);
        let terminal = started(&daemon);

        terminal.signal(signal);

        let (code, bytes) = terminal.end();
        assert_eq!(code, expected);
        assert!(is_given_back(&bytes), "{signal:?}");
    }
}

#[test]
fn a_terminal_that_vanishes_ends_it() {
    let daemon = Daemon::start(vec![row("auth", Status::Up, 1)]);
    let terminal = started(&daemon);

    assert_eq!(terminal.hang_up(), 129);
}

#[test]
fn a_lost_daemon_never_ends_it() {
    let mut daemon = Daemon::start(vec![row("auth", Status::Up, 1)]);
    let mut terminal = started(&daemon);

    daemon.stop();
    terminal.wait_text("STALE");
    assert!(terminal.screen().contents().contains("auth"));
    daemon.resume();
    terminal.press("u");
    terminal.wait_text("LIVE");

    terminal.press("q");
    assert_eq!(terminal.end().0, 0);
}

#[test]
fn ctrl_z_gives_the_terminal_back_and_comes_back_whole() {
    let daemon = Daemon::start(vec![row("auth", Status::Up, 1)]);
    let mut terminal = started(&daemon);

    // Without a shell above it the group cannot stop, so it comes back by itself.
    terminal.press("\x1a");
    let leave = b"\x1b[m\x1b[?25h\x1b[?1049l";
    terminal.wait("the shell's screen", |screen| !screen.alternate_screen());
    assert!(
        terminal
            .bytes()
            .windows(leave.len())
            .any(|window| window == leave)
    );
    terminal.signal(Signal::CONT);
    terminal.wait("the screen again", vt100::Screen::alternate_screen);
    terminal.wait_text("auth");

    terminal.press("q");
    assert_eq!(terminal.end().0, 0);
}
