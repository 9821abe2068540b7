//! Where the database lies: its absolute path, the files beside it, and names for copies.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use lastbeat_proto::Timestamp;
use rustix::fs::{Access, access, statvfs};

use super::error::{Obstacle, StoreError};

/// Endings of the files that belong to a `SQLite` database.
pub(super) const SIBLINGS: [&str; 3] = ["-wal", "-shm", "-journal"];

/// Less is free: four times what the log grows to when it may.
const SHORT_OF_ROOM_BYTES: u64 = 16 << 20;

/// An empty database with its log and the log's index.
const NO_ROOM_BYTES: u64 = 256 << 10;

/// The absolute path of the database; symbolic links are followed.
#[derive(Debug, Clone)]
pub(super) struct Place {
    path: PathBuf,
    directory: PathBuf,
    /// The name that it was given by, where that is another.
    given: Option<Given>,
}

/// A name that leads to the database by symbolic links.
#[derive(Debug, Clone)]
struct Given {
    name: PathBuf,
    /// What the link says, where the name itself is one and not a folder on the way.
    target: Option<PathBuf>,
}

/// What became of the name that a database was given by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LinkFate {
    /// It leads to the database.
    Leads,
    /// It was deleted, and is there again.
    MadeAgain(PathBuf),
    /// It leads elsewhere, or nowhere.
    Elsewhere(PathBuf),
}

impl Given {
    fn of(path: &Path, resolved: &Path) -> Option<Self> {
        let name = std::path::absolute(path).ok()?;
        let target = fs::read_link(&name).ok();
        (name != resolved).then_some(Self { name, target })
    }
}

impl Place {
    /// Checks that a database can be at `path`, without creating anything.
    pub(super) fn find(path: &Path) -> Result<Self, StoreError> {
        let unusable = |cause| StoreError::Unusable {
            path: std::path::absolute(path).unwrap_or_else(|_no_cwd| path.to_path_buf()),
            cause,
        };
        let resolved = resolve(path).map_err(unusable)?;
        let directory = resolved
            .parent()
            .ok_or_else(|| unusable(Obstacle::NoName))?
            .to_path_buf();
        access(&directory, Access::WRITE_OK | Access::EXEC_OK)
            .map_err(|cause| unusable(Obstacle::Denied(cause.into())))?;
        if resolved.exists() {
            access(&resolved, Access::READ_OK | Access::WRITE_OK)
                .map_err(|cause| unusable(Obstacle::Denied(cause.into())))?;
        }
        Ok(Self {
            given: Given::of(path, &resolved),
            path: resolved,
            directory,
        })
    }

    /// Makes the link by which it was given again, where somebody has deleted it.
    pub(super) fn keep_link(&self) -> LinkFate {
        let Some(Given { name, target }) = &self.given else {
            return LinkFate::Leads;
        };
        if fs::canonicalize(name).is_ok_and(|found| found == self.path) {
            return LinkFate::Leads;
        }
        match target {
            Some(target)
                if fs::symlink_metadata(name).is_err() && symlink(target, name).is_ok() =>
            {
                LinkFate::MadeAgain(name.clone())
            }
            _ => LinkFate::Elsewhere(name.clone()),
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The file whose name is that of the database with `ending` behind it.
    pub(super) fn beside(&self, ending: &str) -> PathBuf {
        with_ending(&self.path, ending)
    }

    /// A name for a copy, `<file>.<what>-<UTC time>`, that neither it nor its siblings have yet.
    pub(super) fn free_name(&self, what: &str, now: Timestamp) -> PathBuf {
        let stamp = compact(now);
        let first = self.beside(&format!(".{what}-{stamp}"));
        let others = (2_u32..).map(|n| self.beside(&format!(".{what}-{stamp}-{n}")));
        std::iter::once(first.clone())
            .chain(others)
            .find(|name| {
                let siblings = SIBLINGS.iter().map(|ending| with_ending(name, ending));
                !std::iter::once(name.clone())
                    .chain(siblings)
                    .any(|file| fs::symlink_metadata(file).is_ok())
            })
            .unwrap_or(first)
    }

    /// Makes the names in the directory durable.
    pub(super) fn sync_directory(&self) -> io::Result<()> {
        File::open(&self.directory)?.sync_all()
    }

    /// Whether not even an empty database has room on its disk.
    pub(super) fn is_full(&self) -> bool {
        self.has_less_than(NO_ROOM_BYTES)
    }

    /// Whether so little is free on its disk that the log must not lie there for long.
    pub(super) fn is_short_of_room(&self) -> bool {
        self.has_less_than(SHORT_OF_ROOM_BYTES)
    }

    fn has_less_than(&self, bytes: u64) -> bool {
        statvfs(&self.directory)
            .is_ok_and(|disk| disk.f_bavail.saturating_mul(disk.f_frsize) < bytes)
    }

    pub(super) fn unusable(&self, cause: Obstacle) -> StoreError {
        StoreError::Unusable {
            path: self.path.clone(),
            cause,
        }
    }
}

/// `path` with `ending` behind its last letter.
pub(super) fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(ending);
    PathBuf::from(name)
}

/// Removes a file that may not be there.
pub(super) fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Renames a file that may not be there.
pub(super) fn rename_if_there(from: &Path, to: &Path) -> io::Result<()> {
    match fs::rename(from, to) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// A second name for the file, or a copy where the file system has no hard links.
pub(super) fn link_or_copy(from: &Path, to: &Path) -> io::Result<()> {
    if fs::hard_link(from, to).is_ok() {
        return Ok(());
    }
    fs::copy(from, to)?;
    File::open(to)?.sync_all()
}

fn resolve(path: &Path) -> Result<PathBuf, Obstacle> {
    let name = path.file_name().ok_or(Obstacle::NoName)?;
    match fs::canonicalize(path) {
        Ok(resolved) => {
            let kind = fs::metadata(&resolved)
                .map_err(Obstacle::Denied)?
                .file_type();
            if kind.is_dir() {
                return Err(Obstacle::Directory);
            }
            return if kind.is_file() {
                Ok(resolved)
            } else {
                Err(Obstacle::NotAFile)
            };
        }
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(Obstacle::Denied(error));
        }
        Err(_not_found) => {}
    }
    if fs::symlink_metadata(path).is_ok() {
        return Err(Obstacle::DanglingLink);
    }
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    match fs::canonicalize(directory) {
        Ok(directory) => Ok(directory.join(name)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(Obstacle::NoDirectory),
        Err(error) => Err(Obstacle::Denied(error)),
    }
}

/// `20261124T135807Z`.
fn compact(time: Timestamp) -> String {
    let text = time.to_string();
    let seconds = text.split('.').next().unwrap_or_default();
    let digits: String = seconds
        .chars()
        .filter(|c| !matches!(c, '-' | ':'))
        .collect();
    format!("{digits}Z")
}
