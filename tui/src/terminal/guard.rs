//! Gives the terminal back as it was found, on every way out.

use std::fs::{File, OpenOptions};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::{Mutex, PoisonError};

use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};

use super::{TerminalError, write_all};

/// Alternate screen, no cursor, empty.
const ENTER: &[u8] = b"\x1b[?1049h\x1b[?25l\x1b[m\x1b[2J";
/// Default style, cursor, the screen of before.
const LEAVE: &[u8] = b"\x1b[m\x1b[?25h\x1b[?1049l";

/// Holds the modes of before. Dropping it restores them.
#[derive(Debug)]
pub struct Guard {
    tty: Option<File>,
    found: Termios,
    is_entered: Mutex<bool>,
}

impl Guard {
    /// Finds the terminal that keys come from (stdin, else `/dev/tty`) and notes its modes.
    ///
    /// # Errors
    /// When there is no terminal or its modes cannot be read.
    pub fn new() -> Result<Self, TerminalError> {
        let tty = if rustix::termios::isatty(rustix::stdio::stdin()) {
            None
        } else {
            let opened = OpenOptions::new().read(true).write(true).open("/dev/tty");
            Some(opened.map_err(TerminalError::NoTty)?)
        };
        let found = tcgetattr(fd(tty.as_ref())).map_err(|e| TerminalError::Modes(e.into()))?;
        Ok(Self {
            tty,
            found,
            is_entered: Mutex::new(false),
        })
    }

    /// The terminal that keys come from.
    pub fn fd(&self) -> BorrowedFd<'_> {
        fd(self.tty.as_ref())
    }

    /// Raw mode and alternate screen; again after a stop is fine.
    ///
    /// # Errors
    /// When the modes cannot be set or nothing can be written.
    pub fn enter(&self) -> Result<(), TerminalError> {
        let mut entered = self
            .is_entered
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let mut raw = self.found.clone();
        raw.make_raw();
        tcsetattr(self.fd(), OptionalActions::Now, &raw)
            .map_err(|error| TerminalError::Modes(error.into()))?;
        *entered = true;
        write_all(ENTER)
    }

    /// Modes and screen as they were. Never panics; on a terminal that went away there is nothing
    /// to restore and nobody to tell.
    pub fn restore(&self) {
        let mut entered = self
            .is_entered
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if std::mem::take(&mut *entered) {
            let _written_where_possible: Result<(), TerminalError> = write_all(LEAVE);
            self.restore_modes();
        }
    }

    /// Modes only, for a terminal that takes no more bytes.
    pub fn restore_modes(&self) {
        let _set_where_possible: rustix::io::Result<()> =
            tcsetattr(self.fd(), OptionalActions::Now, &self.found);
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.restore();
    }
}

fn fd(tty: Option<&File>) -> BorrowedFd<'_> {
    match tty {
        Some(tty) => tty.as_fd(),
        None => rustix::stdio::stdin(),
    }
}
