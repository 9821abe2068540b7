//! Why a command that looks at, copies, writes out or builds a database cannot do it, told apart
//! by exit code.

use std::io;
use std::path::PathBuf;

use super::error::{StoreError, TroubleCause};

/// What stopped `verify`, `backup`, `export` or `import`.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The database cannot be read.
    #[error("cannot read {path}: {cause}; name a database that this user can read", path = path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system or `SQLite` said.
        #[source]
        cause: TroubleCause,
    },
    /// It is something else.
    #[error("cannot use {path}: {what}; name a database of lastbeatd", path = path.display())]
    NotOurs {
        /// The file.
        path: PathBuf,
        /// What it is.
        what: String,
    },
    /// Its schema is newer than this program.
    #[error(
        "cannot use {path}: a newer lastbeatd made it (schema {version}, this one knows {ours}); use that version",
        path = path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Number of its schema.
        version: i64,
        /// Number of ours.
        ours: i64,
    },
    /// It is damaged, and a copy of it would be so, too.
    #[error(
        "cannot copy {path}: it is damaged ({fault}); see everything that is wrong with: lastbeatd verify {path}",
        path = path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The first fault.
        fault: String,
    },
    /// Nothing may be written at this path.
    #[error("cannot write {path}: {cause}", path = path.display())]
    Target {
        /// The file that was to be written.
        path: PathBuf,
        /// What stands in the way, and what to do.
        #[source]
        cause: TargetFault,
    },
    /// The disk or the system refuses.
    #[error(
        "cannot write {path}: {cause}; choose a place with room that this user can write to",
        path = path.display()
    )]
    Unwritable {
        /// The file that was to be written.
        path: PathBuf,
        /// What the system or `SQLite` said.
        #[source]
        cause: TroubleCause,
    },
    /// A document cannot be imported.
    #[error(
        "cannot import {source_name}: {detail}; nothing was written: give it a whole document of \
         lastbeatd export"
    )]
    Document {
        /// Where it was read from.
        source_name: String,
        /// The place in it, and what is wrong there.
        detail: String,
    },
    /// The place of a new database cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why nothing may be written at a path.
#[derive(Debug, thiserror::Error)]
pub enum TargetFault {
    /// Something is there already.
    #[error("it exists already; choose another name, or move that one away")]
    Exists,
    /// It is the database itself, or belongs to it.
    #[error("it belongs to the database itself; choose another name")]
    Source,
    /// Under the name that it has while it is written lies the database, or what belongs to it.
    #[error("while it is written it would have a name of the database itself; choose another name")]
    WritingIsSource,
    /// Under the name that it has while it is written lies a symbolic link.
    #[error("{0}, its name while it is written, is a symbolic link; move that one away")]
    Link(String),
    /// A sibling of a file that was there before would be taken for the new file's own.
    #[error("{0} lies beside it and would be taken for its own; move that one away")]
    Leftover(String),
    /// It stands for standard output, and a copy is read again before it is trusted.
    #[error("a copy cannot go to standard output; choose a file name, or use lastbeatd export")]
    Stream,
    /// The path ends in no file name.
    #[error("the path names no file; choose a file name")]
    NoName,
    /// It is a directory, or would have to be one.
    #[error("it names a directory; add a file name to it")]
    Directory,
    /// The directory is missing.
    #[error("its directory does not exist; create it or choose another")]
    NoDirectory,
    /// Another run writes the same file.
    #[error("another lastbeatd is writing it; wait for that one")]
    Busy,
}

impl FileError {
    /// The system does not write to `path`.
    pub fn unwritable(path: &std::path::Path, cause: io::Error) -> Self {
        Self::Unwritable {
            path: path.to_path_buf(),
            cause: file(cause),
        }
    }
}

/// An error of `SQLite` or of the system as a cause.
pub(super) fn sqlite(cause: rusqlite::Error) -> TroubleCause {
    TroubleCause::Sqlite(cause)
}

/// The same for the system.
pub(super) fn file(cause: io::Error) -> TroubleCause {
    TroubleCause::File(cause)
}
