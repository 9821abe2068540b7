//! The terminal client in a tmux of its own, captured as text.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

/// Longest wait for the client to show what is waited for.
const PATIENCE: Duration = Duration::from_secs(10);

/// A tmux server with one window; ends with its owner.
pub(crate) struct Terminal {
    socket: PathBuf,
}

impl Terminal {
    /// Starts `words` in a window of this size, with `home` as its home.
    ///
    /// # Errors
    /// When tmux cannot be started.
    pub(crate) fn start(home: &Path, columns: u32, rows: u32, words: &[&str]) -> Result<Self> {
        let terminal = Self {
            socket: home.join(format!("tmux-{columns}x{rows}")),
        };
        let (columns, rows) = (columns.to_string(), rows.to_string());
        let mut arguments = vec!["-f", "/dev/null", "new-session", "-d", "-x", &columns];
        arguments.extend(["-y", &rows]);
        arguments.extend(words);
        let output = terminal
            .tmux()
            .args(arguments)
            .env("HOME", home)
            .env("XDG_CONFIG_HOME", home)
            .env("LC_ALL", "C.UTF-8")
            .env_remove("NO_COLOR")
            .env_remove("TMUX")
            .output()
            .context("cannot start tmux")?;
        ensure!(
            output.status.success(),
            "tmux ended with {}: {}",
            output.status,
            String::from_utf8_lossy(&output.stderr).trim()
        );
        Ok(terminal)
    }

    /// Presses keys, by tmux's names.
    ///
    /// # Errors
    /// When the window is gone.
    pub(crate) fn press(&self, keys: &[&str]) -> Result<()> {
        let status = self.tmux().arg("send-keys").args(keys).status()?;
        ensure!(status.success(), "the terminal window is gone");
        Ok(())
    }

    /// The window's text as soon as it contains `expected`, without blanks at line ends.
    ///
    /// # Errors
    /// When it never does.
    pub(crate) fn text_with(&self, expected: &str) -> Result<String> {
        let began = Instant::now();
        loop {
            let output = self.tmux().args(["capture-pane", "-p"]).output()?;
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            if text.contains(expected) {
                let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
                return Ok(lines.join("\n").trim_end().to_owned() + "\n");
            }
            if PATIENCE < began.elapsed() {
                bail!("the terminal never showed {expected:?}; it shows\n{text}");
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn tmux(&self) -> Command {
        let mut command = Command::new("tmux");
        command.arg("-S").arg(&self.socket);
        command
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // Fails only when the server has ended already.
        drop(self.tmux().arg("kill-server").output());
    }
}
