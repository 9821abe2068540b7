//! End to end in tmux, a terminal that people use: its server, socket and session are the test's
//! own.

use std::process::Command;
use std::time::{Duration, Instant};

use lastbeat_proto::Status;

use crate::daemon::{DEADLINE, Daemon, row};

struct Tmux {
    socket: tempfile::TempDir,
}

impl Tmux {
    fn start() -> Self {
        let tmux = Self {
            socket: tempfile::tempdir().unwrap(),
        };
        tmux.run(&[
            "-f",
            "/dev/null",
            "new-session",
            "-d",
            "-x",
            "100",
            "-y",
            "24",
            "sh",
        ]);
        tmux
    }

    fn run(&self, arguments: &[&str]) -> String {
        let output = Command::new("tmux")
            .arg("-S")
            .arg(self.socket.path().join("socket"))
            .args(arguments)
            .env("LANG", "C.UTF-8")
            .output()
            .unwrap();
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    fn press(&self, keys: &[&str]) {
        self.run(&[&["send-keys"], keys].concat());
    }

    fn wait(&self, what: &str, is_met: impl Fn(&str) -> bool) {
        #[expect(clippy::disallowed_methods, reason = "a test's deadline is real time")]
        let began = Instant::now();
        loop {
            let screen = self.run(&["capture-pane", "-p"]);
            if is_met(&screen) {
                return;
            }
            assert!(began.elapsed() < DEADLINE, "never shown: {what}\n{screen}");
            // Asking tmux takes milliseconds by itself; there is nothing to be woken by.
            std::thread::park_timeout(Duration::from_millis(20));
        }
    }

    fn wait_text(&self, text: &str) {
        self.wait(text, |screen| screen.contains(text));
    }
}

impl Drop for Tmux {
    fn drop(&mut self) {
        self.run(&["kill-server"]);
    }
}

#[test]
#[ignore = "needs tmux"]
fn a_whole_session() {
    let rows = vec![
        row("auth", Status::Up, 5),
        row("billing", Status::Down, 99),
        row("cache", Status::Up, 5),
        row("database", Status::Up, 5),
    ];
    let mut daemon = Daemon::start(rows);
    let tmux = Tmux::start();

    tmux.wait("a prompt", |s| s.trim_end().ends_with(['#', '$']));
    let program = env!("CARGO_BIN_EXE_lastbeat");
    let line = format!(
        "echo before; {program} --url {} --interval 250ms",
        daemon.url()
    );
    tmux.press(&[&line, "Enter"]);
    tmux.wait("the table", |s| {
        s.contains("LIVE") && s.contains("database")
    });
    tmux.wait("the worst selected", |s| s.contains(">  ▼ DOWN  billing"));

    tmux.press(&["j"]);
    tmux.wait("the cursor moved", |s| s.contains(">  ▲ UP    auth"));
    tmux.press(&["/", "cach"]);
    tmux.wait("filtered", |s| {
        s.contains("cache") && !s.contains("database")
    });
    tmux.press(&["Enter", "Escape"]);
    tmux.wait_text("database");
    tmux.press(&["s"]);
    tmux.wait_text("sort name");
    tmux.press(&["Enter"]);
    tmux.wait_text("recent events");
    tmux.press(&["Escape", "r"]);
    tmux.wait_text("refreshed");
    tmux.press(&["?"]);
    tmux.wait_text("this help");
    tmux.press(&["Escape"]);
    tmux.wait("help closed", |s| !s.contains("this help"));

    daemon.stop();
    tmux.wait("stale with its rows", |s| {
        s.contains("STALE") && s.contains("database")
    });
    daemon.resume();
    tmux.press(&["u"]);
    tmux.wait_text("LIVE");

    tmux.press(&["C-z"]);
    tmux.wait("the shell", |s| s.contains("before") && !s.contains("LIVE"));
    tmux.press(&["fg", "Enter"]);
    tmux.wait_text("LIVE");
    tmux.press(&["q"]);
    tmux.wait("the shell as it was", |s| {
        s.contains("before") && !s.contains("LIVE")
    });
    tmux.press(&["echo after:$?; stty -a", "Enter"]);
    tmux.wait("echo and line mode", |s| {
        s.contains("after:0") && s.contains(" icanon") && s.contains(" echo ")
    });
}
