//! The terminal: entered and left by a guard of our own, read by a thread, watched by another,
//! written with one buffered write a frame.

mod guard;
mod input;
mod paint;

use std::os::fd::BorrowedFd;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use rustix::io::Errno;
use rustix::termios::tcgetwinsize;

pub use guard::Guard;
pub use input::{Input, read_keys, watch_for_hangup};
use paint::Painter;

/// What is drawn when the terminal does not know its size.
const UNKNOWN_SIZE: (u16, u16) = (80, 24);
/// Longest text for the clipboard, in bytes: xterm and tmux drop longer ones.
const MAX_COPY_BYTES: usize = 74_994;

/// Why the terminal cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TerminalError {
    /// No terminal to read keys from.
    #[error("cannot open /dev/tty to read keys: {0}; start it in a terminal, or use --once")]
    NoTty(#[source] std::io::Error),
    /// Its modes cannot be read or set.
    #[error("cannot set up the terminal: {0}; use --once")]
    Modes(#[source] std::io::Error),
    /// It went away, or nothing can be written to it.
    #[error("cannot write to the terminal: {0}")]
    Write(#[source] std::io::Error),
}

/// Columns and lines of the terminal on stdout.
pub fn size() -> (u16, u16) {
    match tcgetwinsize(rustix::stdio::stdout()) {
        Ok(size) if 0 < size.ws_col && 0 < size.ws_row => (size.ws_col, size.ws_row),
        _ => UNKNOWN_SIZE,
    }
}

/// The cells on screen and those of the next frame.
#[derive(Debug)]
pub struct Screen {
    shown: Buffer,
    next: Buffer,
    painter: Painter,
    must_clear: bool,
}

impl Screen {
    /// An empty screen.
    pub fn new(size: (u16, u16)) -> Self {
        let area = Rect::new(0, 0, size.0, size.1);
        Self {
            shown: Buffer::empty(area),
            next: Buffer::empty(area),
            painter: Painter::default(),
            must_clear: true,
        }
    }

    /// Forgets what is on screen, so that the next frame is drawn whole.
    pub const fn repaint(&mut self) {
        self.must_clear = true;
    }

    /// Draws a frame of `size` and writes what differs, with one write; nothing when nothing does.
    ///
    /// # Errors
    /// When the terminal takes no bytes.
    pub fn draw(
        &mut self,
        size: (u16, u16),
        draw: impl FnOnce(&mut Buffer),
    ) -> Result<(), TerminalError> {
        let area = Rect::new(0, 0, size.0, size.1);
        if self.shown.area != area {
            self.must_clear = true;
        }
        if self.must_clear {
            self.shown = Buffer::empty(area);
            self.painter.clear();
            self.must_clear = false;
        }
        if self.next.area == area {
            self.next.reset();
        } else {
            self.next = Buffer::empty(area);
        }
        draw(&mut self.next);
        self.painter.paint(&self.shown, &self.next);
        std::mem::swap(&mut self.shown, &mut self.next);
        write_all(&self.painter.take())
    }

    /// Asks the terminal to put `text` on its clipboard (OSC 52); not all terminals do.
    ///
    /// # Errors
    /// When the terminal takes no bytes.
    pub fn copy(&mut self, text: &str) -> Result<(), TerminalError> {
        let bytes = text.as_bytes();
        let bytes = bytes.get(..MAX_COPY_BYTES).unwrap_or(bytes);
        write_all(format!("\x1b]52;c;{}\x1b\\", paint::base64(bytes)).as_bytes())
    }
}

fn write_all(bytes: &[u8]) -> Result<(), TerminalError> {
    write_to(rustix::stdio::stdout(), bytes)
}

fn write_to(terminal: BorrowedFd<'_>, mut bytes: &[u8]) -> Result<(), TerminalError> {
    while !bytes.is_empty() {
        match rustix::io::write(terminal, bytes) {
            Ok(written) => bytes = bytes.get(written..).unwrap_or_default(),
            Err(Errno::INTR) => {}
            Err(error) => return Err(TerminalError::Write(error.into())),
        }
    }
    Ok(())
}

#[cfg(test)]
pub(crate) use guard::tests::Pty;
