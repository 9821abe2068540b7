//! A tmux for tests, a terminal that people use: its server, socket and home are the test's own.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::daemon::DEADLINE;

/// What the shells of tests ask with.
pub(crate) const PROMPT: &str = "ready$";

/// What the far side of a terminal is told about it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Kind {
    pub(crate) term: &'static str,
    pub(crate) lang: &'static str,
}

impl Kind {
    /// Whether shapes beyond ASCII may be shown.
    pub(crate) fn is_utf8(self) -> bool {
        self.lang == "C.UTF-8" && self.term != "linux"
    }
}

pub(crate) struct Tmux {
    folder: tempfile::TempDir,
}

impl Tmux {
    /// Starts a server with one window of 100 x 24 in which `words` run, with `kind` and nothing
    /// of our own environment.
    pub(crate) fn start(kind: Kind, words: &[&str]) -> Self {
        let tmux = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        let home = format!("HOME={}", tmux.home().display());
        let path = format!("PATH={}", env!("PATH"));
        let prompt = format!("PS1={PROMPT} ");
        let (term, lang) = (format!("TERM={}", kind.term), format!("LANG={}", kind.lang));
        let window = [
            "-f",
            "/dev/null",
            "new-session",
            "-d",
            "-x",
            "100",
            "-y",
            "24",
        ];
        let variables = ["env", "-i", &home, &path, &prompt, &term, &lang];
        tmux.run(&[&window[..], &variables[..], words].concat());
        tmux
    }

    /// The folder in which nobody's settings lie.
    pub(crate) fn home(&self) -> &Path {
        self.folder.path()
    }

    fn run(&self, arguments: &[&str]) -> String {
        let output = Command::new("tmux")
            .arg("-S")
            .arg(self.folder.path().join("socket"))
            .args(arguments)
            .env("LANG", "C.UTF-8")
            .output()
            .unwrap();
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Presses keys, by tmux's names.
    pub(crate) fn press(&self, keys: &[&str]) {
        self.run(&[&["send-keys"], keys].concat());
    }

    /// Types a line for the shell.
    pub(crate) fn enter(&self, line: &str) {
        self.run(&["send-keys", "-l", line]);
        self.press(&["Enter"]);
    }

    pub(crate) fn resize(&self, columns: u16, lines: u16) {
        let (columns, lines) = (columns.to_string(), lines.to_string());
        self.run(&["resize-window", "-x", &columns, "-y", &lines]);
    }

    /// The text on the screen.
    pub(crate) fn screen(&self) -> String {
        self.run(&["capture-pane", "-p"])
    }

    /// The text with the sequences of its attributes.
    pub(crate) fn styled(&self) -> String {
        self.run(&["capture-pane", "-p", "-e"])
    }

    /// Waits until the screen is so.
    pub(crate) fn wait(&self, what: &str, is_met: impl Fn(&str) -> bool) {
        until(|| {
            let screen = self.screen();
            if is_met(&screen) {
                Ok(())
            } else {
                Err(format!("never shown: {what}\n{screen}"))
            }
        });
    }

    pub(crate) fn wait_text(&self, text: &str) {
        self.wait(text, |screen| screen.contains(text));
    }

    /// Waits for the shell to ask.
    pub(crate) fn wait_prompt(&self) {
        self.wait("a prompt", |screen| screen.trim_end().ends_with(PROMPT));
    }
}

impl Drop for Tmux {
    fn drop(&mut self) {
        let ended = Command::new("tmux")
            .arg("-S")
            .arg(self.folder.path().join("socket"))
            .arg("kill-server")
            .output();
        // The server ends by itself when its only window has.
        drop(ended);
    }
}

/// Waits for what nothing wakes us: tmux and the processes of others are asked again and again.
pub(crate) fn until(mut is_met: impl FnMut() -> Result<(), String>) {
    #[expect(clippy::disallowed_methods, reason = "a test's deadline is real time")]
    let began = Instant::now();
    while let Err(what) = is_met() {
        assert!(began.elapsed() < DEADLINE, "{what}");
        std::thread::park_timeout(Duration::from_millis(20));
    }
}
