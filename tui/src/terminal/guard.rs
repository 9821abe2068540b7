//! Gives the terminal back as it was found, on every way out.

use std::fs::{File, OpenOptions};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};

use super::{TerminalError, write_all, write_to};

/// Alternate screen, no cursor, pasted text marked as such, empty.
const ENTER: &[u8] = b"\x1b[?1049h\x1b[?25l\x1b[?2004h\x1b[m\x1b[2J";
/// No marks around pasted text, default style, cursor, the screen of before.
const LEAVE: &[u8] = b"\x1b[?2004l\x1b[m\x1b[?25h\x1b[?1049l";
/// Presses and the wheel, with places beyond column 223 (xterm's 1000 and 1006); no motion.
const MOUSE_ON: &[u8] = b"\x1b[?1000h\x1b[?1006h";
/// The mouse is the terminal's again.
const MOUSE_OFF: &[u8] = b"\x1b[?1006l\x1b[?1000l";

/// Holds the modes of before. Dropping it restores them.
#[derive(Debug)]
pub struct Guard {
    tty: Option<File>,
    /// Where to write instead of stdout.
    out: Option<File>,
    found: Termios,
    held: Mutex<Held>,
}

/// What has to be given back.
#[derive(Debug, Default, Clone, Copy)]
struct Held {
    is_entered: bool,
    is_mouse_wanted: bool,
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
        Self::of(tty, None)
    }

    fn of(tty: Option<File>, out: Option<File>) -> Result<Self, TerminalError> {
        let found = tcgetattr(fd(tty.as_ref())).map_err(|e| TerminalError::Modes(e.into()))?;
        Ok(Self {
            tty,
            out,
            found,
            held: Mutex::default(),
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
        let mut held = self.held();
        let mut raw = self.found.clone();
        raw.make_raw();
        tcsetattr(self.fd(), OptionalActions::Now, &raw)
            .map_err(|error| TerminalError::Modes(error.into()))?;
        held.is_entered = true;
        self.write(ENTER)?;
        if held.is_mouse_wanted {
            self.write(MOUSE_ON)?;
        }
        Ok(())
    }

    /// Has the mouse reported, or not; after a stop again as before it.
    ///
    /// # Errors
    /// When nothing can be written.
    pub fn set_mouse(&self, is_wanted: bool) -> Result<(), TerminalError> {
        let mut held = self.held();
        held.is_mouse_wanted = is_wanted;
        match (held.is_entered, is_wanted) {
            (false, _) => Ok(()),
            (true, true) => self.write(MOUSE_ON),
            (true, false) => self.write(MOUSE_OFF),
        }
    }

    /// Modes and screen as they were. Never panics; on a terminal that went away there is nothing
    /// to restore and nobody to tell.
    pub fn restore(&self) {
        let mut held = self.held();
        if std::mem::take(&mut held.is_entered) {
            if held.is_mouse_wanted {
                let _written_where_possible: Result<(), TerminalError> = self.write(MOUSE_OFF);
            }
            let _written_where_possible: Result<(), TerminalError> = self.write(LEAVE);
            self.restore_modes();
        }
    }

    /// Modes only, for a terminal that takes no more bytes.
    pub fn restore_modes(&self) {
        let _set_where_possible: rustix::io::Result<()> =
            tcsetattr(self.fd(), OptionalActions::Now, &self.found);
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, bytes: &[u8]) -> Result<(), TerminalError> {
        match &self.out {
            Some(file) => write_to(file.as_fd(), bytes),
            None => write_all(bytes),
        }
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

/// A guard on a terminal of its own, and what is written to that.
#[cfg(test)]
pub(crate) mod tests {
    use std::io::Read as _;
    use std::sync::Arc;

    use portable_pty::{MasterPty, PtySize, native_pty_system};
    use rustix::termios::LocalModes;

    use super::*;

    /// Both sides of a terminal.
    pub(crate) struct Pty {
        master: Box<dyn MasterPty + Send>,
        tty: File,
        pub(crate) guard: Arc<Guard>,
    }

    impl Pty {
        pub(crate) fn open() -> Self {
            let pair = native_pty_system().openpty(PtySize::default()).unwrap();
            let name = pair.master.tty_name().unwrap();
            let open = || {
                OpenOptions::new()
                    .read(true)
                    .write(true)
                    .open(&name)
                    .unwrap()
            };
            Self {
                guard: Arc::new(Guard::of(Some(open()), Some(open())).unwrap()),
                tty: open(),
                master: pair.master,
            }
        }

        pub(crate) fn is_raw(&self) -> bool {
            let modes = tcgetattr(&self.tty).unwrap();
            !modes.local_modes.contains(LocalModes::ICANON)
        }

        /// Everything that was written, until nobody holds the terminal any more.
        pub(crate) fn written(self) -> Vec<u8> {
            let mut reader = self.master.try_clone_reader().unwrap();
            drop((self.guard, self.tty));
            let (mut bytes, mut part) = (Vec::new(), [0; 4_096]);
            // Linux ends it with EIO, others with nothing.
            while let Ok(count @ 1..) = reader.read(&mut part) {
                bytes.extend_from_slice(&part[..count]);
            }
            bytes
        }
    }

    #[test]
    fn what_was_taken_is_given_back_once() {
        let pty = Pty::open();
        pty.guard.enter().unwrap();
        assert!(pty.is_raw());

        pty.guard.restore();
        pty.guard.restore();

        assert!(!pty.is_raw());
        assert_eq!(pty.written(), [ENTER, LEAVE].concat());
    }

    #[test]
    fn a_mouse_that_was_taken_is_given_back_and_taken_again_after_a_stop() {
        let pty = Pty::open();
        pty.guard.set_mouse(true).unwrap();
        pty.guard.enter().unwrap();

        pty.guard.restore();
        pty.guard.enter().unwrap();
        pty.guard.set_mouse(false).unwrap();
        pty.guard.restore();

        let expected = [
            ENTER, MOUSE_ON, MOUSE_OFF, LEAVE, ENTER, MOUSE_ON, MOUSE_OFF, LEAVE,
        ];
        assert_eq!(pty.written(), expected.concat());
    }

    #[test]
    fn nothing_is_given_back_that_was_not_taken() {
        let pty = Pty::open();
        let mut reader = pty.master.try_clone_reader().unwrap();

        drop(pty.guard);
        rustix::io::write(&pty.tty, b"next").unwrap();

        let mut bytes = [0; 16];
        let count = reader.read(&mut bytes).unwrap();
        assert_eq!(&bytes[..count], b"next");
    }
}
