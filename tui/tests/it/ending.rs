//! Every way out gives the terminal back and tells how it ended.

use std::time::Duration;

use lastbeat_proto::Status;
use rustix::process::Signal;

use crate::daemon::{Daemon, row};
use crate::pty::{Control, Terminal, is_given_back};
use crate::tmux::until;

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
    for (signal, expected) in [
        (Signal::TERM, 143),
        (Signal::INT, 130),
        (Signal::HUP, 129),
        (Signal::QUIT, 131),
        (Signal::USR1, 138),
        (Signal::USR2, 140),
        (Signal::ALARM, 142),
        (Signal::VTALARM, 154),
        (Signal::PROF, 155),
        (Signal::IO, 157),
        (Signal::POWER, 158),
        (Signal::STKFLT, 144),
    ] {
        let daemon = Daemon::start(vec![row("auth", Status::Up, 1)]);
        let terminal = started(&daemon);

        terminal.signal(signal);

        let (code, bytes) = terminal.end();
        assert_eq!(code, expected, "{signal:?}");
        assert!(is_given_back(&bytes), "{signal:?}");
    }
}

#[test]
fn a_terminal_that_nobody_reads_keeps_no_signal_from_ending_it() {
    for (signal, expected) in [(Signal::TERM, 143), (Signal::HUP, 129), (Signal::USR1, 138)] {
        let daemon = Daemon::start(vec![row("auth", Status::Up, 1)]);
        let mut terminal = started(&daemon);
        assert!(!terminal.is_in_line_mode());
        terminal.stop_reading();
        // Each of them is a whole frame, until the terminal holds no more.
        until(|| {
            terminal.press("\x0c");
            let took_all = || "its terminal took everything".to_owned();
            terminal.is_writing().then_some(()).ok_or_else(took_all)
        });

        #[expect(clippy::disallowed_methods, reason = "how long it takes is the point")]
        let began = std::time::Instant::now();
        terminal.signal(signal);
        let status = terminal.child.wait().unwrap();

        assert!(began.elapsed() < SOON, "{signal:?}: {:?}", began.elapsed());
        assert_eq!(status.exit_code(), expected, "{signal:?}");
        assert!(terminal.is_in_line_mode(), "{signal:?}");
    }
}

/// How long it may take to end on a machine that has other things to do; the bar of the release
/// build is 200 ms and measured by `cargo xtask tui-bars`.
const SOON: Duration = Duration::from_secs(2);

#[test]
fn a_terminal_that_is_stopped_from_the_start_keeps_no_signal_from_ending_it() {
    let daemon = Daemon::start(vec![row("auth", Status::Up, 1)]);
    let url = daemon.url();
    let mut terminal = Terminal::start_in((80, 24), Control::Stopped, &["--url", &url], &[]);
    until(|| {
        let is_stuck = terminal.is_writing() && !terminal.is_in_line_mode();
        let wrote = || "its terminal takes bytes".to_owned();
        is_stuck.then_some(()).ok_or_else(wrote)
    });

    terminal.signal(Signal::TERM);

    assert_eq!(terminal.child.wait().unwrap().exit_code(), 143);
    assert!(terminal.is_in_line_mode());
}

#[test]
fn a_terminal_that_vanishes_ends_it_with_and_without_a_signal() {
    for control in [Control::Own, Control::Nobodys] {
        // Nothing on the screen moves: a frame that cannot be written would tell as well.
        let daemon = Daemon::start(vec![row("auth", Status::Up, 90_000_000)]);
        let url = daemon.url();
        let arguments = ["--url", &url, "--interval", "250ms"];
        let mut terminal = Terminal::start_in((80, 24), control, &arguments, &[]);
        terminal.wait_text("LIVE");
        terminal.press(" ");
        terminal.wait_text("PAUSED");

        #[expect(clippy::disallowed_methods, reason = "how long it takes is the point")]
        let began = std::time::Instant::now();
        assert_eq!(terminal.hang_up(), 129, "{control:?}");

        assert!(began.elapsed() < SOON, "{control:?}: {:?}", began.elapsed());
    }
}

#[test]
fn nobody_at_the_keys_costs_next_to_nothing() {
    let daemon = Daemon::start(vec![row("auth", Status::Up, 5_000)]);
    let url = daemon.url();
    let arguments = ["--url", &url, "--interval", "250ms"];
    let terminal = Terminal::start((80, 24), &arguments, &[]);
    terminal.wait_text("LIVE");
    daemon.wait_for_more(2, "GET /services?since=");
    let before = terminal.processor_time();

    daemon.wait_for_more(12, "GET /services?since=");

    // Three seconds: a loop that spins takes about as long as it runs.
    let took = terminal.processor_time().saturating_sub(before);
    assert!(took < Duration::from_millis(300), "{took:?}");
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
