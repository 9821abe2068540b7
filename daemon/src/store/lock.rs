//! The lock file beside the database: one daemon owns one file.
//!
//! A lock of the system and not the existence of the file says who owns it, so a killed daemon
//! leaves nothing behind that would have to be cleaned up. The file itself stays: removing it
//! could let two daemons lock two files of one name.

use std::fs::{File, OpenOptions, TryLockError};

use super::error::{Obstacle, StoreError};
use super::place::Place;

/// Held for as long as the database is ours.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock of the database at `place`, without waiting.
    pub(super) fn take(place: &Place) -> Result<Self, StoreError> {
        let unusable = |cause| place.unusable(Obstacle::Denied(cause));
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(place.beside(".lock"))
            .map_err(unusable)?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(StoreError::InUse {
                path: place.path().to_path_buf(),
            }),
            Err(TryLockError::Error(cause)) => Err(unusable(cause)),
        }
    }
}
