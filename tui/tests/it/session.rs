//! A whole session in tmux, here and through an sshd: everything a person does, on each kind of
//! terminal and with and without UTF-8.

use lastbeat_proto::Status;

use crate::daemon::{Daemon, row};
use crate::sshd::Sshd;
use crate::tmux::{Kind, PROMPT, Tmux};

const PROGRAM: &str = env!("CARGO_BIN_EXE_lastbeat");
const LOCALES: [&str; 2] = ["C", "C.UTF-8"];

fn four() -> Daemon {
    let mut second = row("cache", Status::Up, 5);
    second.instance = "10.0.0.8".to_owned();
    second.ip = second.instance.clone();
    Daemon::start(vec![
        row("auth", Status::Up, 5),
        row("billing", Status::Down, 99),
        row("cache", Status::Up, 5),
        second,
        row("database", Status::Up, 5),
    ])
}

/// A shell in tmux.
fn here(kind: Kind) -> Tmux {
    Tmux::start(kind, &["sh"])
}

/// A shell behind an sshd, in tmux; what the terminal is goes over the connection.
fn there(kind: Kind, sshd: &Sshd) -> Tmux {
    let client = sshd.client(&["-tt"]);
    let prompt = format!("PS1='{PROMPT} '");
    let shell = [
        "env",
        "-u",
        "ENV",
        "XDG_CONFIG_HOME=/nonexistent",
        &prompt,
        "sh",
    ];
    let words = client.iter().map(String::as_str).chain(shell);
    Tmux::start(kind, &words.collect::<Vec<_>>())
}

/// One session a locale, on this kind of terminal.
fn sessions(term: &'static str, open: impl Fn(Kind) -> Tmux) {
    for lang in LOCALES {
        let kind = Kind { term, lang };
        session(&open(kind), kind);
    }
}

fn over_ssh(term: &'static str) {
    let sshd = Sshd::start("");
    sessions(term, |kind| there(kind, &sshd));
}

fn session(tmux: &Tmux, kind: Kind) {
    let mut daemon = four();
    tmux.wait_prompt();
    tmux.enter("echo it is $TERM $LANG");
    tmux.wait_text(&format!("it is {} {}", kind.term, kind.lang));
    tmux.wait_prompt();
    let url = daemon.url();
    tmux.enter(&format!(
        "echo before; {PROGRAM} --url {url} --interval 250ms"
    ));

    looking(tmux, kind);
    panes(tmux);
    acting(tmux, &daemon);
    sizes(tmux);
    without_the_daemon(tmux, &mut daemon);
    leaving(tmux);
}

/// Start, move, filter, sort.
fn looking(tmux: &Tmux, kind: Kind) {
    let (down, up) = if kind.is_utf8() {
        ("▼", "▲")
    } else {
        ("v", "^")
    };
    tmux.wait("the table", |s| {
        s.contains("LIVE") && s.contains("database")
    });
    let worst = format!(">  {down} DOWN  billing");
    tmux.wait("the worst selected", |s| s.contains(&worst));
    assert!(tmux.screen().is_ascii() != kind.is_utf8());
    let is_reverse = |sequence: &str| {
        let numbers = sequence.split_once('m').map_or("", |(numbers, _)| numbers);
        numbers.split(';').any(|number| number == "7")
    };
    let styled = tmux.styled();
    let selected = styled
        .lines()
        .find(|line| line.contains("billing"))
        .unwrap();
    assert!(
        selected.split("\x1b[").skip(1).any(is_reverse),
        "{selected:?}"
    );

    tmux.press(&["j"]);
    let next = format!(">  {up} UP    auth");
    tmux.wait("the cursor moved", |s| s.contains(&next));
    tmux.press(&["G"]);
    tmux.wait_text("5/5");
    tmux.press(&["g"]);
    tmux.wait_text("1/5");

    tmux.press(&["/", "cach"]);
    tmux.wait("filtered", |s| {
        s.contains("cache") && !s.contains("database")
    });
    tmux.press(&["Enter"]);
    tmux.wait_text("filter: cach");
    tmux.press(&["Escape"]);
    tmux.wait("no filter", |s| {
        s.contains("filter: none") && s.contains("database")
    });

    tmux.press(&["s"]);
    tmux.wait_text("sort name");
    tmux.press(&["1"]);
    tmux.wait_text("sort state");
}

/// Services, detail, events, help.
fn panes(tmux: &Tmux) {
    tmux.press(&["v"]);
    tmux.wait("services", |s| {
        s.contains("INSTANCES") && s.contains("UP 2")
    });
    tmux.press(&["/", "cache", "Enter"]);
    tmux.wait("one service", |s| !s.contains("database"));
    tmux.press(&["Enter"]);
    tmux.wait("its instances", |s| {
        s.contains("  10.0.0.7") && s.contains("  10.0.0.8")
    });
    tmux.press(&["Escape"]);
    tmux.wait("folded", |s| !s.contains("  10.0.0.8"));
    tmux.press(&["Escape"]);
    tmux.wait_text("filter: none");
    tmux.press(&["v"]);
    tmux.wait("instances again", |s| {
        s.contains("ADDRESS") && s.contains("database")
    });

    tmux.press(&["g", "Enter"]);
    tmux.wait_text("recent events");
    tmux.press(&["Escape"]);
    tmux.wait("the table again", |s| !s.contains("recent events"));
    tmux.press(&["e"]);
    tmux.wait("events of all", |s| {
        s.contains("EVENTS") && s.contains("of all services")
    });
    tmux.press(&["e"]);
    tmux.wait_text("of billing");
    tmux.press(&["Escape"]);
    tmux.wait("the table again", |s| !s.contains("EVENTS"));
    tmux.press(&["?"]);
    tmux.wait_text("this help");
    tmux.press(&["Escape"]);
    tmux.wait("help closed", |s| !s.contains("this help"));
}

/// Refresh one and all, deregister, where No is what Enter chooses.
fn acting(tmux: &Tmux, daemon: &Daemon) {
    tmux.press(&["r"]);
    tmux.wait_text("refreshed billing: still DOWN");
    tmux.press(&["R"]);
    tmux.wait_text("refreshed all services");
    tmux.press(&["d"]);
    tmux.wait_text("Take billing (10.0.0.7) out");
    tmux.press(&["Enter"]);
    tmux.wait("the question closed", |s| !s.contains("Take billing"));
    let is_deletion = |line: &str| line.starts_with("DELETE ");
    assert!(
        !daemon
            .state()
            .asked
            .iter()
            .any(|asked| is_deletion(&asked.line))
    );
    tmux.press(&["d"]);
    tmux.wait_text("Take billing (10.0.0.7) out");
    tmux.press(&["y"]);
    tmux.wait("deregistered", |s| {
        s.contains("deregistered billing") && s.contains("total 4")
    });
}

fn sizes(tmux: &Tmux) {
    tmux.resize(40, 10);
    tmux.wait("the narrow table", |s| {
        s.lines().nth(9).is_some_and(|line| line.contains("j/k")) && !s.contains("ADDRESS")
    });
    tmux.resize(1, 1);
    tmux.resize(140, 30);
    tmux.wait("the wide table", |s| {
        s.contains("SINCE") && s.lines().nth(29).is_some_and(|line| line.contains("j/k"))
    });
    tmux.resize(100, 24);
    tmux.wait("the table as it was", |s| {
        s.lines().nth(23).is_some_and(|line| line.contains("j/k"))
    });
}

fn without_the_daemon(tmux: &Tmux, daemon: &mut Daemon) {
    daemon.stop();
    tmux.wait("stale with its rows", |s| {
        s.contains("STALE") && s.contains("database")
    });
    daemon.resume();
    tmux.press(&["u"]);
    tmux.wait_text("LIVE");
}

/// Suspended, resumed, quit: the shell finds everything as it was.
fn leaving(tmux: &Tmux) {
    let is_shell = |s: &str| s.contains("before") && !s.contains("LIVE");
    tmux.press(&["C-z"]);
    tmux.wait("the shell", |s| {
        is_shell(s) && s.trim_end().ends_with(PROMPT)
    });
    tmux.enter("fg");
    tmux.wait("the screen again", |s| {
        s.contains("LIVE") && s.contains("database")
    });
    tmux.press(&["q"]);
    tmux.wait("the shell as it was", |s| {
        is_shell(s) && s.trim_end().ends_with(PROMPT)
    });
    tmux.enter("echo after:$?; stty -a");
    tmux.wait("echo and line mode", |s| {
        s.contains("after:0") && s.contains(" icanon") && s.contains(" echo ")
    });
}

#[test]
#[ignore = "needs tmux"]
fn a_whole_session_on_xterm_256color() {
    sessions("xterm-256color", here);
}

#[test]
#[ignore = "needs tmux"]
fn a_whole_session_on_xterm_16color() {
    sessions("xterm-16color", here);
}

#[test]
#[ignore = "needs tmux"]
fn a_whole_session_on_screen() {
    sessions("screen", here);
}

#[test]
#[ignore = "needs tmux"]
fn a_whole_session_on_linux() {
    sessions("linux", here);
}

#[test]
#[ignore = "needs tmux and sshd"]
fn a_whole_session_over_ssh_on_xterm_256color() {
    over_ssh("xterm-256color");
}

#[test]
#[ignore = "needs tmux and sshd"]
fn a_whole_session_over_ssh_on_xterm_16color() {
    over_ssh("xterm-16color");
}

#[test]
#[ignore = "needs tmux and sshd"]
fn a_whole_session_over_ssh_on_screen() {
    over_ssh("screen");
}

#[test]
#[ignore = "needs tmux and sshd"]
fn a_whole_session_over_ssh_on_linux() {
    over_ssh("linux");
}

/// The listing, below what the shell said before.
fn listing(tmux: &Tmux, kind: Kind) {
    let daemon = four();
    tmux.wait_prompt();
    tmux.enter(&format!(
        "echo before; {PROGRAM} --url {}; echo code:$?",
        daemon.url()
    ));
    tmux.wait_text("code:0");
    let screen = tmux.screen();
    assert!(
        screen.contains("before") && screen.contains("billing"),
        "{kind:?}\n{screen}"
    );
    assert!(screen.is_ascii(), "{screen}");
}

#[test]
#[ignore = "needs tmux and sshd"]
fn a_dumb_terminal_gets_the_listing_here_and_over_ssh() {
    let sshd = Sshd::start("");
    for lang in LOCALES {
        let kind = Kind { term: "dumb", lang };
        listing(&here(kind), kind);
        listing(&there(kind, &sshd), kind);
    }
}
