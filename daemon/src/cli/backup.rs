//! `lastbeatd backup [--db FILE] TO`: a copy of the database, also while a daemon writes to it.

use std::path::Path;

use super::CliError;
use super::console::{say, warn};
use super::database::{STREAM, now};
use super::verify::counts;
use crate::store::{FileError, TargetFault, backup};

/// Copies `db` to `to` and says what is in the copy.
///
/// # Errors
/// [`CliError::File`].
pub(super) fn run(db: &Path, to: &Path) -> Result<(), CliError> {
    if to == Path::new(STREAM) {
        return Err(CliError::File(FileError::Target {
            path: to.to_path_buf(),
            cause: TargetFault::Stream,
        }));
    }
    let copied = backup(db, to, now())?;
    warn(&copied.warnings);
    say(&format!(
        "copied to: {}\nsize: {} bytes\n{}",
        copied.path.display(),
        copied.bytes,
        counts(&copied.content)
    ))
}
