//! Whether the path still leads to the file that is open, and whether anybody else wrote to it.
//!
//! `SQLite` goes on writing into a file that was deleted, replaced or overwritten, and says nothing.
//! In WAL mode nobody but a checkpoint writes to the file itself, and every checkpoint, our own or
//! that of a backup tool, is entered in the log's index first. So a change of the file's size or
//! time that the index does not know of is no work of `SQLite`.

use std::fs::{self, File, Metadata};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};

use super::error::StoreError;
use super::lock;
use super::place::Place;

/// The longest time that one checkpoint writes to the file; the log that it brings there is 4 MiB,
/// or some hundred where a reader kept it from being cut.
const LONGEST_CHECKPOINT_S: i64 = 10;

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
    /// How far checkpoints had come when the file was seen.
    progress: Progress,
    /// The file's time in seconds when checkpoints had first come so far.
    progress_since_s: i64,
    /// The write-ahead log, which has a life of its own.
    log: Option<Identity>,
    /// The log's index, shared by all who have the database open.
    index: Option<File>,
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

/// How far checkpoints have come, as the log's index says (sqlite.org/walformat.html §2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Progress {
    /// Changes whenever the log begins anew.
    salt: [u32; 2],
    /// Frames that are in the file.
    done: u32,
    /// Frames that the newest checkpoint set out to bring there.
    attempted: u32,
}

impl Standing {
    /// What it says about the file, after *the database*.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::InPlace => "was damaged",
            Self::LogLost => "lost its log",
            Self::Gone => "was deleted or moved away",
            Self::Replaced => "was replaced by another file",
            Self::Overwritten => "was overwritten",
        }
    }
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
    /// Before `SQLite` opens the file; nobody else may own it.
    pub(super) fn open(place: &Place) -> Result<Self, StoreError> {
        let file = File::open(place.path())?;
        lock::own(&file, place)?;
        let metadata = file.metadata()?;
        Ok(Self {
            file,
            identity: Identity::of(&metadata),
            seen: Stamp::of(&metadata),
            progress: Progress::default(),
            progress_since_s: 0,
            log: None,
            index: None,
        })
    }

    /// After `SQLite` has opened the file and read from it.
    pub(super) fn note_log(&mut self, place: &Place) -> io::Result<()> {
        self.log = if_there(fs::metadata(place.beside("-wal")))?.map(|log| Identity::of(&log));
        self.index = if_there(File::open(place.beside("-shm")))?;
        self.progress = self.progress_now();
        self.seen = Stamp::of(&self.file.metadata()?);
        self.progress_since_s = self.seen.seconds;
        Ok(())
    }

    /// After an operation of our own, which may have moved the log into the file. Where it has
    /// not, a file that changed meanwhile was overwritten, and stays to be noticed.
    pub(super) fn note_change(&mut self) -> io::Result<()> {
        // The index is read first: a checkpoint that goes on in between shows as progress later.
        let progress = self.progress_now();
        // One of our own that finds no room writes, too, and comes no further each time.
        if progress != self.progress || progress.is_unfinished() {
            let stamp = Stamp::of(&self.file.metadata()?);
            self.note(progress, stamp);
        }
        Ok(())
    }

    /// Whether somebody has written to the open file, other than by a checkpoint.
    pub(super) fn is_overwritten(&mut self) -> bool {
        let before = self.progress_now();
        let Ok(metadata) = self.file.metadata() else {
            return true;
        };
        let stamp = Stamp::of(&metadata);
        if stamp == self.seen {
            return false;
        }
        // A checkpoint says what it sets out to do before it writes, and what it did afterwards.
        let after = self.progress_now();
        let is_checkpoint = after != self.progress || self.is_still_written(after, stamp);
        if is_checkpoint {
            self.note(before, stamp);
        }
        !is_checkpoint
    }

    /// Whether the checkpoint that had begun when the file was seen may still be at work. One that
    /// failed, for want of room, looks the same for ever, and must not excuse whoever writes later.
    fn is_still_written(&self, progress: Progress, stamp: Stamp) -> bool {
        let since_s = stamp.seconds - self.progress_since_s;
        progress.is_unfinished() && (0..LONGEST_CHECKPOINT_S).contains(&since_s)
    }

    fn note(&mut self, progress: Progress, stamp: Stamp) {
        if progress != self.progress {
            self.progress_since_s = stamp.seconds;
        }
        self.progress = progress;
        self.seen = stamp;
    }

    fn progress_now(&self) -> Progress {
        self.index
            .as_ref()
            .and_then(Progress::read)
            .unwrap_or_default()
    }

    /// Looks at the path. Where it cannot be looked at, nothing is there.
    pub(super) fn standing(&mut self, place: &Place) -> Standing {
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

impl Progress {
    /// Whether the newest checkpoint is at work, or has failed.
    const fn is_unfinished(self) -> bool {
        self.done < self.attempted
    }

    /// Reads the index of an open log; `None` when it cannot be read.
    fn read(index: &File) -> Option<Self> {
        let word = |at: u64| {
            let mut bytes = [0; 4];
            index.read_exact_at(&mut bytes, at).ok()?;
            Some(u32::from_ne_bytes(bytes))
        };
        Some(Self {
            salt: [word(32)?, word(36)?],
            done: word(96)?,
            attempted: word(128)?,
        })
    }
}

/// A file that may be missing.
fn if_there<T>(found: io::Result<T>) -> io::Result<Option<T>> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
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
