//! `lastbeatd export [--db FILE] [TO]`: the whole registry as one JSON document.

use std::error::Error as _;
use std::io::{self, ErrorKind};
use std::path::Path;

use super::CliError;
use super::console::{STDOUT, say, warn};
use super::database::{STREAM, now};
use super::verify::counts;
use crate::store::{FileError, export, export_to};

/// Writes `db` to the file `to` and says what is in it, or to standard output.
///
/// # Errors
/// [`CliError::File`].
pub(super) fn run(db: &Path, to: Option<&Path>) -> Result<(), CliError> {
    let Some(to) = to.filter(|to| *to != Path::new(STREAM)) else {
        return match export_to(db, &mut io::stdout().lock(), STDOUT, now()) {
            Err(error) if is_broken_pipe(&error) => Ok(()),
            Err(error) => Err(error.into()),
            Ok(warnings) => {
                warn(&warnings);
                Ok(())
            }
        };
    };
    let exported = export(db, to, now())?;
    warn(&exported.warnings);
    say(&format!(
        "exported to: {}\n{}",
        exported.path.display(),
        counts(&exported.content)
    ))
}

/// Whoever read the document has seen enough.
fn is_broken_pipe(error: &FileError) -> bool {
    let FileError::Unwritable { cause, .. } = error else {
        return false;
    };
    cause
        .source()
        .and_then(|cause| cause.downcast_ref::<io::Error>())
        .is_some_and(|cause| cause.kind() == ErrorKind::BrokenPipe)
}
