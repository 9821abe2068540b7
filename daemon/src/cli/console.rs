//! What is told on standard error to whoever started the program.
//!
//! The terminal may be closed, the pipe have no reader and the disk behind it be full. That is no
//! reason to end, and there is no other place to tell of it.

use std::io::Write;

/// Tells `text` on standard error, as far as that takes it.
pub fn tell(text: &str) {
    let mut stderr = std::io::stderr().lock();
    stderr
        .write_all(text.as_bytes())
        .and_then(|()| stderr.flush())
        .unwrap_or(());
}
