//! Why the store cannot be opened or written, told apart by what the caller does about it.

use std::io;
use std::path::PathBuf;

use rusqlite::ErrorCode;

/// What went wrong with the store.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another daemon holds the lock file.
    #[error(
        "cannot open the database {path}: another lastbeatd uses it; stop that one or choose another file with --db",
        path = path.display()
    )]
    InUse {
        /// The database.
        path: PathBuf,
    },
    /// The schema is newer than this program; the file was not touched.
    #[error(
        "cannot open the database {path}: a newer lastbeatd made it (schema {version}, this one knows {ours}); run that version or choose another file with --db",
        path = path.display()
    )]
    Newer {
        /// The database.
        path: PathBuf,
        /// Number of its schema.
        version: i64,
        /// Number of ours.
        ours: i64,
    },
    /// There can be no database at this path.
    #[error("cannot open the database {path}: {cause}", path = path.display())]
    Unusable {
        /// The path as it was understood.
        path: PathBuf,
        /// What stands in the way, and what to do.
        #[source]
        cause: Obstacle,
    },
    /// The disk does not let the database be opened or made: nothing was changed.
    #[error("cannot open the database {path}: {cause}; {advice}, then start again", path = path.display())]
    Start {
        /// The database.
        path: PathBuf,
        /// What `SQLite` or the system said.
        #[source]
        cause: TroubleCause,
        /// What an operator can do about it.
        advice: &'static str,
    },
    /// The disk is full, locked, read-only or failing, or the file is damaged: nothing was
    /// written, and the same can be tried again later.
    #[error("cannot read or write the database: {cause}; the same is tried again later")]
    Trouble {
        /// What `SQLite` or the system said.
        #[source]
        cause: TroubleCause,
    },
    /// Anything else that `SQLite` refuses: a bug of ours.
    #[error("cannot use the database: {cause}; please report this as a bug")]
    Defect {
        /// What `SQLite` said.
        #[source]
        cause: rusqlite::Error,
    },
}

/// What stands in the way of a database file.
#[derive(Debug, thiserror::Error)]
pub enum Obstacle {
    /// A directory has its name.
    #[error("it is a directory; choose a file with --db")]
    Directory,
    /// A device, pipe or socket has its name.
    #[error("it is not a regular file; choose a file with --db")]
    NotAFile,
    /// The path ends in no file name.
    #[error("the path names no file; choose a file with --db")]
    NoName,
    /// The directory it should lie in is missing.
    #[error("its directory does not exist; create it or choose a file with --db")]
    NoDirectory,
    /// It is a sound database of another program; it was not touched.
    #[error("{0}; choose another file with --db")]
    Foreign(String),
    /// It has more than one name, and each would have a log of its own.
    #[error(
        "it has {0} names (hard links), and the log belongs to one of them; remove the others, or choose another file with --db"
    )]
    Linked(u64),
    /// It is a symbolic link to a file that is missing.
    #[error("it is a symbolic link to a file that does not exist; choose a file with --db")]
    DanglingLink,
    /// The system does not let us.
    #[error("{0}; let this user read and write it and its directory, or choose a file with --db")]
    Denied(#[source] io::Error),
}

/// What the system or `SQLite` said about an operation that may work later.
#[derive(Debug, thiserror::Error)]
pub enum TroubleCause {
    /// `SQLite`'s word.
    #[error("{0}")]
    Sqlite(#[source] rusqlite::Error),
    /// The system's word about one of our own file operations.
    #[error("{0}")]
    File(#[source] io::Error),
    /// The open file was written by somebody else.
    #[error("another program has overwritten the file")]
    Overwritten,
    /// Something that is not ours in the file keeps us from writing, or a table is missing.
    #[error("another program has altered it: {0}")]
    Altered(#[source] rusqlite::Error),
    /// Somebody has deleted our lock file, and another daemon has taken the path since.
    #[error("another lastbeatd has taken the database")]
    Taken,
}

impl TroubleCause {
    /// What an operator can do about it.
    pub fn advice(&self) -> &'static str {
        let code = match self {
            Self::Overwritten => return "keep other programs from writing to it",
            Self::Altered(_) => {
                return "it is written again from memory; keep other programs from altering it";
            }
            Self::Taken => return "stop one of the two, and never delete the .lock file",
            Self::File(error) => return advice_on_file(error),
            Self::Sqlite(error) => error.sqlite_error_code(),
        };
        match code {
            Some(ErrorCode::DiskFull) => FREE_SPACE,
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                "end the program that holds the file, such as a backup or a database browser"
            }
            Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
                LET_WRITE
            }
            _ => LOOK_AT_DISK,
        }
    }
}

/// What to do when a disk is full.
pub(super) const FREE_SPACE: &str = "free some space on its disk";
const LET_WRITE: &str = "let this user read and write the file and its directory";
const LOOK_AT_DISK: &str = "look at the disk and at the system's log";

fn advice_on_file(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => FREE_SPACE,
        io::ErrorKind::PermissionDenied
        | io::ErrorKind::ReadOnlyFilesystem
        | io::ErrorKind::NotFound => LET_WRITE,
        _ => LOOK_AT_DISK,
    }
}

impl StoreError {
    /// Whether the same operation may succeed later, without anything changed here.
    pub const fn is_trouble(&self) -> bool {
        matches!(self, Self::Trouble { .. })
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(cause: rusqlite::Error) -> Self {
        if is_trouble(&cause) || is_damage(&cause) {
            Self::Trouble {
                cause: TroubleCause::Sqlite(cause),
            }
        } else {
            Self::Defect { cause }
        }
    }
}

impl From<io::Error> for StoreError {
    fn from(cause: io::Error) -> Self {
        Self::Trouble {
            cause: TroubleCause::File(cause),
        }
    }
}

fn is_trouble(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(
            ErrorCode::SystemIoFailure
                | ErrorCode::DiskFull
                | ErrorCode::DatabaseBusy
                | ErrorCode::DatabaseLocked
                | ErrorCode::ReadOnly
                | ErrorCode::CannotOpen
                | ErrorCode::PermissionDenied
                | ErrorCode::FileLockingProtocolFailed
                | ErrorCode::OutOfMemory
        )
    )
}

/// Whether there was no room for more.
pub(super) fn is_full(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::DiskFull)
}

/// Whether the content of the file is at fault: a page that makes no sense, or a value in it that
/// none of our programs can have written.
pub(super) fn is_damage(error: &rusqlite::Error) -> bool {
    match error {
        rusqlite::Error::FromSqlConversionFailure(..)
        | rusqlite::Error::InvalidColumnType(..)
        | rusqlite::Error::IntegralValueOutOfRange(..)
        | rusqlite::Error::Utf8Error(..) => true,
        other => matches!(
            other.sqlite_error_code(),
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
        ),
    }
}
