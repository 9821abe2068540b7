//! One committed state of a database file, read into memory without changing anything: neither
//! the file nor what lies beside it.
//!
//! A file that a running program has open is read through `SQLite`, in one short read transaction
//! that no slow disk of a copy prolongs. Any other is read as bytes with its log laid over them,
//! because `SQLite` itself would write to the directory to do that. The size of a registry's file
//! is bounded, as the registry is.
//!
//! To be used in a process that has the file not open otherwise: closing it here takes away the
//! locks of this process on it (sqlite.org/howtocorrupt.html §2.2).

use std::fs::{self, File, Metadata};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rusqlite::{Connection, MAIN_DB};
use rustix::process::{Flock, FlockOffsetType, FlockType, fcntl_getlk};

use super::error::{TroubleCause, is_damage};
use super::file_error::{self, FileError};
use super::image::Image;
use super::place::with_ending;
use super::schema;

/// The byte of the `-shm` file on which every open connection has a lock (`UNIX_SHM_DMS` in
/// `SQLite`'s `os_unix.c`: 120 and 8 locks).
const OPEN_LOCK_BYTE: u64 = 128;
/// How often a file that changes while it is read is read again.
const ATTEMPTS: usize = 10;
/// Where the header says how the file is written and read (sqlite.org/fileformat2.html §1.3.3).
const JOURNAL_VERSIONS: std::ops::Range<usize> = 18..20;

/// From here on this connection sees one state.
const BEGIN: &str = "begin";
/// Is this a database that can be read now?
const FIRST_READ: &str = "select count(*) from sqlite_schema";

/// The state.
#[derive(Debug)]
pub(super) struct Snapshot {
    pub(super) path: PathBuf,
    /// Whether another program has the file open.
    pub(super) is_live: bool,
    /// Size of the file itself.
    pub(super) file_bytes: u64,
    /// Size of the log beside it.
    pub(super) log_bytes: u64,
    /// Size of a rollback journal beside it.
    pub(super) journal_bytes: u64,
    /// Its permissions.
    pub(super) mode: u32,
    /// File and log.
    pub(super) image: Image,
}

/// What changes when somebody writes.
#[derive(Debug, PartialEq, Eq)]
struct Stamp(Vec<Option<(u64, u64, i64, i64)>>);

impl Snapshot {
    /// Reads the file at `path`.
    pub(super) fn take(path: &Path) -> Result<Self, FileError> {
        let unreadable = |cause| FileError::Unreadable {
            path: path.to_path_buf(),
            cause,
        };
        let metadata = fs::metadata(path).map_err(|cause| unreadable(file_error::file(cause)))?;
        if !metadata.is_file() {
            return Err(FileError::NotOurs {
                path: path.to_path_buf(),
                what: "it is not a regular file".to_owned(),
            });
        }
        // Its other name would hide what lies beside it.
        let path = fs::canonicalize(path).map_err(|cause| unreadable(file_error::file(cause)))?;
        let (is_live, image) = read(&path).map_err(unreadable)?;
        Ok(Self {
            is_live,
            image,
            file_bytes: metadata.len(),
            log_bytes: bytes_of(&with_ending(&path, "-wal")),
            journal_bytes: bytes_of(&with_ending(&path, "-journal")),
            mode: metadata.permissions().mode() & 0o777,
            path,
        })
    }

    /// The whole database as one file, without a log.
    pub(super) fn bytes(&self) -> Vec<u8> {
        settled(self.image.merged())
    }

    /// The state as a database in memory. Whatever is done to it stays there.
    pub(super) fn open(&self) -> rusqlite::Result<Connection> {
        open(&self.bytes())
    }

    /// The file without its log.
    pub(super) fn open_without_log(&self) -> rusqlite::Result<Connection> {
        open(&settled(self.image.without_log().to_vec()))
    }
}

/// In memory there is no log, and in a file of its own there is none yet.
fn settled(mut bytes: Vec<u8>) -> Vec<u8> {
    if let Some(versions) = bytes.get_mut(JOURNAL_VERSIONS) {
        versions.fill(1);
    }
    bytes
}

fn open(bytes: &[u8]) -> rusqlite::Result<Connection> {
    let mut connection = Connection::open_in_memory()?;
    connection.deserialize_read_exact(MAIN_DB, bytes, bytes.len(), false)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    Ok(connection)
}

fn read(path: &Path) -> Result<(bool, Image), TroubleCause> {
    for _ in 0..ATTEMPTS {
        if is_open_elsewhere(path).map_err(file_error::file)? {
            match read_live(path) {
                Ok(image) => return Ok((true, image)),
                // It is looked at as it is, then.
                Err(cause) if is_damage(&cause) => {
                    return Ok((true, Image::read(path).map_err(file_error::file)?));
                }
                Err(cause) => return Err(file_error::sqlite(cause)),
            }
        }
        let before = Stamp::of(path);
        let image = Image::read(path).map_err(file_error::file)?;
        if Stamp::of(path) == before && !is_open_elsewhere(path).map_err(file_error::file)? {
            return Ok((false, image));
        }
    }
    Err(file_error::file(io::Error::other(
        "another program keeps writing to it",
    )))
}

/// The last committed state of a file that another program writes.
fn read_live(path: &Path) -> rusqlite::Result<Image> {
    let mut connection = schema::connect_read_only(path)?;
    connection.execute_batch(BEGIN)?;
    // Of whatever stops it, the copying itself says no more than that memory is short.
    connection.query_row(FIRST_READ, [], |row| row.get::<_, i64>(0))?;
    let bytes = connection.serialize(MAIN_DB)?.to_vec();
    Ok(Image::of(bytes))
}

/// Whether any program has the database open in WAL mode. Asking takes no lock.
fn is_open_elsewhere(path: &Path) -> io::Result<bool> {
    let memory = match File::open(with_ending(path, "-shm")) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        opened => opened?,
    };
    let whole_lock = Flock {
        start: OPEN_LOCK_BYTE,
        length: 1,
        pid: None,
        typ: FlockType::WriteLock,
        offset_type: FlockOffsetType::Set,
    };
    Ok(fcntl_getlk(&memory, &whole_lock)?.is_some())
}

impl Stamp {
    fn of(path: &Path) -> Self {
        let of = |metadata: Metadata| {
            (
                metadata.ino(),
                metadata.len(),
                metadata.mtime(),
                metadata.mtime_nsec(),
            )
        };
        let files = [path.to_path_buf(), with_ending(path, "-wal")];
        Self(
            files
                .iter()
                .map(|file| fs::metadata(file).ok().map(of))
                .collect(),
        )
    }
}

/// Size of a file that may not be there.
fn bytes_of(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |metadata| metadata.len())
}
