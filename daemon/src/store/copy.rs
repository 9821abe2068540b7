//! A copy of the database as one complete file, taken while a daemon writes to it or while none
//! runs.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use lastbeat_proto::Timestamp;

use super::file_error::FileError;
use super::inspect::{self, Content, Sound};
use super::target::Target;

/// What was copied.
#[derive(Debug)]
pub struct Copied {
    /// The copy.
    pub path: PathBuf,
    /// Its size.
    pub bytes: u64,
    /// What is in it.
    pub content: Content,
    /// What is not as lastbeatd would have written it, in the copy as in the database.
    pub warnings: Vec<String>,
}

/// Copies the database `db` to the new file `to`.
///
/// # Errors
/// [`FileError`]; then there is no file `to`, unless only the sync of its folder failed: then it is
/// whole, and may be gone after a power cut.
pub fn backup(db: &Path, to: &Path, now: Timestamp) -> Result<Copied, FileError> {
    let Sound {
        snapshot,
        content,
        warnings,
    } = inspect::sound(db, now)?;
    let mut target = Target::begin(to, &snapshot.path)?;
    let bytes = snapshot.bytes();
    target
        .write_all(&bytes)
        .map_err(|cause| FileError::unwritable(target.path(), cause))?;
    target.sync(snapshot.mode)?;
    // What the disk gives back is what counts, before it bears the name of a backup.
    let unwritable = |cause| FileError::unwritable(target.path(), cause);
    let is_same = fs::read(target.writing()).map_err(unwritable)? == bytes;
    if !is_same || inspect::sound(target.writing(), now)?.content != content {
        let cause = "the disk gives back something else than was written";
        return Err(unwritable(io::Error::other(cause)));
    }
    let path = target.path().to_path_buf();
    target.into_place()?;
    Ok(Copied {
        path,
        bytes: u64::try_from(bytes.len()).unwrap_or(u64::MAX),
        content,
        warnings,
    })
}
