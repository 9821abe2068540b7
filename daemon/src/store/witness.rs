//! Whether the path still leads to the file that is open, and whether anybody else wrote to it.
//!
//! `SQLite` goes on writing into a file that was deleted, replaced or overwritten, and says nothing.
//! In WAL mode nobody but a checkpoint writes to the file itself, and of those only our own are
//! expected: so any other change of its size or time is somebody else's work.

use std::fs::{self, File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;

use super::place::Place;

/// Looks at the open file through a handle of its own.
///
/// To close any handle of a file takes away all locks that this process has on it
/// (sqlite.org/howtocorrupt.html §2.2), so it is opened before `SQLite` opens the file and is to be
/// dropped after it.
#[derive(Debug)]
pub(super) struct Witness {
    file: File,
    identity: Identity,
    seen: Stamp,
    /// The write-ahead log, which has a life of its own.
    log: Option<Identity>,
}

/// Where the file at the path stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// As it should be.
    InPlace,
    /// The log beside it is not the one that is written: what it holds would be lost by a crash.
    LogLost,
    /// Nothing is at the path.
    Gone,
    /// Another file is at the path.
    Replaced,
    /// The same file, but somebody else wrote to it.
    Overwritten,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Identity {
    device: u64,
    inode: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    bytes: u64,
    seconds: i64,
    nanoseconds: i64,
}

impl Witness {
    /// Before `SQLite` opens the file.
    pub(super) fn open(place: &Place) -> io::Result<Self> {
        let file = File::open(place.path())?;
        let metadata = file.metadata()?;
        Ok(Self {
            file,
            identity: Identity::of(&metadata),
            seen: Stamp::of(&metadata),
            log: None,
        })
    }

    /// After `SQLite` has opened the file and read from it.
    pub(super) fn note_log(&mut self, place: &Place) -> io::Result<()> {
        self.log = match fs::metadata(place.beside("-wal")) {
            Ok(metadata) => Some(Identity::of(&metadata)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        self.note_change()
    }

    /// After an operation of our own, which may have moved the log into the file.
    pub(super) fn note_change(&mut self) -> io::Result<()> {
        self.seen = Stamp::of(&self.file.metadata()?);
        Ok(())
    }

    /// Whether somebody else has written to the open file.
    pub(super) fn is_overwritten(&self) -> bool {
        self.file
            .metadata()
            .map_or(true, |metadata| Stamp::of(&metadata) != self.seen)
    }

    /// Looks at the path. Where it cannot be looked at, nothing is there.
    pub(super) fn standing(&self, place: &Place) -> Standing {
        match fs::metadata(place.path()) {
            Err(_unreachable) => Standing::Gone,
            Ok(metadata) if Identity::of(&metadata) != self.identity => Standing::Replaced,
            Ok(_same) if self.is_overwritten() => Standing::Overwritten,
            Ok(_same) if self.owns_log(place) => Standing::InPlace,
            Ok(_same) => Standing::LogLost,
        }
    }

    /// Whether the log beside the path is the one that is written.
    pub(super) fn owns_log(&self, place: &Place) -> bool {
        let at_path = fs::metadata(place.beside("-wal")).map(|metadata| Identity::of(&metadata));
        self.log == at_path.ok()
    }
}

impl Identity {
    fn of(metadata: &Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
        }
    }
}

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
        Self {
            bytes: metadata.len(),
            seconds: metadata.mtime(),
            nanoseconds: metadata.mtime_nsec(),
        }
    }
}
