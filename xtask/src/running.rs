//! A program in the background that ends with its owner.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::process::{Child, Command};
use std::sync::mpsc;
use std::time::Duration;

use anyhow::{Context, Result};

/// Longest wait for a program to say that it serves.
const PATIENCE: Duration = Duration::from_secs(30);

/// Killed and waited for when dropped.
pub(crate) struct Running(Child);

impl Running {
    /// Starts a program whose `stream` (already piped by the caller) says a line that `find`
    /// recognizes, such as where it listens; the rest of what it says is read and dropped.
    ///
    /// # Errors
    /// When it cannot be started, or ends or stays silent before that line.
    pub(crate) fn start<S: Read + Send + 'static, T>(
        command: &mut Command,
        stream: fn(&mut Child) -> Option<S>,
        find: impl Fn(&str) -> Option<T>,
    ) -> Result<(Self, T)> {
        let program = command.get_program().to_string_lossy().into_owned();
        let mut child = command
            .spawn()
            .with_context(|| format!("cannot start {program}"))?;
        let said = stream(&mut child);
        let running = Self(child);
        let said = said.context("the stream is not piped")?;
        let (sender, lines) = mpsc::channel();
        std::thread::spawn(move || {
            for line in BufReader::new(said).lines().map_while(Result::ok) {
                // Nobody listens any more once the line was found.
                drop(sender.send(line));
            }
        });
        loop {
            let line = lines
                .recv_timeout(PATIENCE)
                .with_context(|| format!("{program} never said where it listens"))?;
            if let Some(found) = find(&line) {
                return Ok((running, found));
            }
        }
    }

    /// Its number.
    pub(crate) fn pid(&self) -> u32 {
        self.0.id()
    }

    /// The address in the daemon's line `listening on http://127.0.0.1:5001`.
    pub(crate) fn address_in(line: &str) -> Option<SocketAddr> {
        let (_, address) = line.split_once("listening on http://")?;
        address.trim().parse().ok()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Both fail only when it has ended already.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_daemons_address_is_read_from_its_first_line() {
        let found = Running::address_in("listening on http://[::1]:5001");

        assert_eq!(found, Some("[::1]:5001".parse().unwrap()));
        assert_eq!(Running::address_in("database monitoring.db"), None);
    }
}
