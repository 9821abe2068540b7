//! What a command says on standard output, and what it tells beside that on standard error.
//!
//! The terminal may be closed, the pipe have no reader and the disk behind it be full. What nobody
//! takes from standard error is no reason to end, and there is no other place to tell of it.

use std::io::{ErrorKind, Write};
use std::path::Path;

use super::CliError;
use crate::store::FileError;

/// How messages call standard output.
pub(super) const STDOUT: &str = "standard output";

/// Prints what a command has to say. Whoever does not read on has seen enough.
///
/// # Errors
/// [`CliError::File`] when standard output does not take it.
pub(super) fn say(text: &str) -> Result<(), CliError> {
    let mut stdout = std::io::stdout().lock();
    match writeln!(stdout, "{text}").and_then(|()| stdout.flush()) {
        Err(cause) if cause.kind() != ErrorKind::BrokenPipe => Err(CliError::File(
            FileError::unwritable(Path::new(STDOUT), cause),
        )),
        _ => Ok(()),
    }
}

/// Tells `text` on standard error, as far as that takes it.
pub fn tell(text: &str) {
    let mut stderr = std::io::stderr().lock();
    stderr
        .write_all(text.as_bytes())
        .and_then(|()| stderr.flush())
        .unwrap_or(());
}

/// Tells what is odd about a database that was copied all the same.
pub(super) fn warn(warnings: &[String]) {
    for warning in warnings {
        tell(&format!("lastbeatd: warning: {warning}\n"));
    }
}
