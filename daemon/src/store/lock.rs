//! The lock file beside the database, and the lock on the database itself: one daemon owns one
//! file.
//!
//! A lock of the system and not the existence of the file says who owns it, so a killed daemon
//! leaves nothing behind that would have to be cleaned up. The lock file guards the path, also
//! while no database is there; the other one guards the database when somebody has deleted the
//! lock file, or comes by another name of the same database.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::fs::fstatfs;

use super::error::{Obstacle, StoreError, TroubleCause};
use super::place::{Place, remove_if_there};

/// How often a lock file is opened anew that was deleted between opening and locking.
const ATTEMPTS: usize = 10;
/// File systems that turn a lock of the whole file into one that `SQLite` would meet: NFS, SMB,
/// CIFS and SMB2 (`linux/magic.h`).
const SHARED_DISKS: [u32; 4] = [0x6969, 0x517b, 0xff53_4d42, 0xfe53_4d42];

/// Held for as long as the database is ours.
#[derive(Debug)]
pub(super) struct Lock {
    file: File,
    /// Whether no lock file was there before: no daemon has ever had a database at this path.
    is_first: bool,
}

impl Lock {
    /// Takes the lock of the database at `place`, without waiting.
    pub(super) fn take(place: &Place) -> Result<Self, StoreError> {
        let path = place.beside(".lock");
        let unusable = |cause| place.unusable(Obstacle::Denied(cause));
        for _ in 0..ATTEMPTS {
            let is_first = !path.exists();
            let file = OpenOptions::new()
                .create(true)
                .truncate(false)
                .write(true)
                .open(&path)
                .map_err(unusable)?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => break,
                Err(TryLockError::Error(cause)) => return Err(unusable(cause)),
            }
            // Whoever had it may have removed it meanwhile: then this one guards nothing.
            if is_at(&file, &path).map_err(unusable)? {
                return Ok(Self { file, is_first });
            }
        }
        Err(in_use(place))
    }

    /// Whether this start has made the lock file.
    pub(super) const fn is_first(&self) -> bool {
        self.is_first
    }

    /// Makes the lock file again where somebody has removed it, and says whether that was so.
    pub(super) fn keep(&mut self, place: &Place) -> Result<bool, StoreError> {
        if is_at(&self.file, &place.beside(".lock"))? {
            return Ok(false);
        }
        match Self::take(place) {
            Ok(lock) => {
                self.file = lock.file;
                Ok(true)
            }
            Err(StoreError::InUse { .. }) => Err(StoreError::Trouble {
                cause: TroubleCause::Taken,
            }),
            Err(StoreError::Unusable {
                cause: Obstacle::Denied(cause),
                ..
            }) => Err(cause.into()),
            Err(error) => Err(error),
        }
    }

    /// Leaves nothing behind of a start that came to nothing.
    pub(super) fn abandon(self, place: &Place) -> io::Result<()> {
        if self.is_first {
            // While it is still locked, so that nobody takes it for theirs.
            remove_if_there(&place.beside(".lock"))?;
        }
        Ok(())
    }
}

/// Locks the open database itself for as long as `file` is open, so that it has one owner under
/// whatever name. `SQLite` has locks of another kind and meets this one only on disks of other
/// machines, where it is not taken.
pub(super) fn own(file: &File, place: &Place) -> Result<(), StoreError> {
    if !cfg!(target_os = "linux") {
        // Elsewhere there is only one kind of lock.
        return Ok(());
    }
    let disk = fstatfs(file).map_err(io::Error::from)?;
    if SHARED_DISKS
        .into_iter()
        .any(|kind| i128::from(kind) == i128::from(disk.f_type))
    {
        return Ok(());
    }
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => Err(in_use(place)),
        // A disk that knows no such lock has the lock file all the same.
        Ok(()) | Err(TryLockError::Error(_)) => Ok(()),
    }
}

/// Whether the path leads to this open file.
fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    let open = file.metadata()?;
    match fs::metadata(path) {
        Ok(found) => Ok((found.dev(), found.ino()) == (open.dev(), open.ino())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

fn in_use(place: &Place) -> StoreError {
    StoreError::InUse {
        path: place.path().to_path_buf(),
    }
}
