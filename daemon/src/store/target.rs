//! A new file that nobody sees before it is whole: written under another name beside its place,
//! synced, and renamed where nothing is yet.

use std::fs::{self, File, OpenOptions, Permissions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, OFlags, RenameFlags, renameat_with};

use super::file_error::{FileError, TargetFault};
use super::place::{SIBLINGS, remove_if_there, with_ending};

/// Ending of the file while it is written. What an interrupted run leaves under this name is
/// written over by the next.
const WRITING: &str = ".writing";

/// The file while it is written; it is removed when it is dropped before its end.
#[derive(Debug)]
pub(super) struct Target {
    path: PathBuf,
    directory: PathBuf,
    writing: PathBuf,
    file: File,
    is_in_place: bool,
}

impl Target {
    /// Begins a file that is to have the name `to` and holds something of the database `source`.
    pub(super) fn begin(to: &Path, source: &Path) -> Result<Self, FileError> {
        // What ends in a slash is a directory that is there, or is to be.
        if to.as_os_str().as_encoded_bytes().ends_with(b"/") || to.is_dir() {
            return Err(FileError::Target {
                path: to.to_path_buf(),
                cause: TargetFault::Directory,
            });
        }
        let path = std::path::absolute(to).map_err(|cause| FileError::unwritable(to, cause))?;
        let refused = |cause| FileError::Target {
            path: path.clone(),
            cause,
        };
        let name = path
            .file_name()
            .ok_or_else(|| refused(TargetFault::NoName))?;
        let directory = path.parent().ok_or_else(|| refused(TargetFault::NoName))?;
        let directory = fs::canonicalize(directory).map_err(|cause| match cause.kind() {
            io::ErrorKind::NotFound => refused(TargetFault::NoDirectory),
            _ => FileError::unwritable(&path, cause),
        })?;
        // A link in the path must not hide that it leads to the database.
        let resolved = directory.join(name);
        check(&resolved, source).map_err(refused)?;
        let writing = with_ending(&resolved, WRITING);
        if belongs_to(&writing, source) {
            return Err(refused(TargetFault::WritingIsSource));
        }
        let file = open(&writing).map_err(|cause| match cause {
            TryLockError::WouldBlock => refused(TargetFault::Busy),
            TryLockError::Error(cause)
                if rustix::io::Errno::from_io_error(&cause) == Some(rustix::io::Errno::LOOP) =>
            {
                refused(TargetFault::Link(writing.display().to_string()))
            }
            TryLockError::Error(cause) => FileError::unwritable(&path, cause),
        })?;
        Ok(Self {
            path: resolved,
            directory,
            writing,
            file,
            is_in_place: false,
        })
    }

    /// Where it is going to be.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Where it is until then.
    pub(super) fn writing(&self) -> &Path {
        &self.writing
    }

    /// Makes what was written durable, with these permissions.
    pub(super) fn sync(&self, mode: u32) -> Result<(), FileError> {
        let synced = self
            .file
            .set_permissions(Permissions::from_mode(mode))
            .and_then(|()| self.file.sync_all());
        synced.map_err(|cause| FileError::unwritable(&self.path, cause))
    }

    /// Gives it its name, unless that is taken by now.
    pub(super) fn into_place(mut self) -> Result<(), FileError> {
        match renameat_with(CWD, &self.writing, CWD, &self.path, RenameFlags::NOREPLACE) {
            Ok(()) => {}
            Err(rustix::io::Errno::EXIST) => {
                return Err(FileError::Target {
                    path: self.path.clone(),
                    cause: TargetFault::Exists,
                });
            }
            // Some network file systems only know the plain one.
            Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS)
                if fs::symlink_metadata(&self.path).is_err() =>
            {
                fs::rename(&self.writing, &self.path)
                    .map_err(|cause| FileError::unwritable(&self.path, cause))?;
            }
            Err(cause) => return Err(FileError::unwritable(&self.path, cause.into())),
        }
        self.is_in_place = true;
        File::open(&self.directory)
            .and_then(|directory| directory.sync_all())
            .map_err(|cause| FileError::unwritable(&self.path, cause))
    }
}

impl Write for Target {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        if !self.is_in_place {
            // What cannot be removed is written over by the next run.
            remove_if_there(&self.writing).unwrap_or(());
        }
    }
}

/// Whether a file may be made at `path`.
fn check(path: &Path, source: &Path) -> Result<(), TargetFault> {
    if belongs_to(path, source) {
        return Err(TargetFault::Source);
    }
    if fs::symlink_metadata(path).is_ok() {
        return Err(TargetFault::Exists);
    }
    let is_there = |ending: &&str| fs::symlink_metadata(with_ending(path, ending)).is_ok();
    match SIBLINGS.into_iter().find(|ending| is_there(ending)) {
        Some(ending) => {
            let name = with_ending(path, ending);
            Err(TargetFault::Leftover(name.display().to_string()))
        }
        None => Ok(()),
    }
}

/// Whether `path` is the database or one of the files beside it, by name or as another name of
/// the same file.
fn belongs_to(path: &Path, source: &Path) -> bool {
    let identity = |path: &Path| {
        let metadata = fs::symlink_metadata(path).ok()?;
        Some((metadata.dev(), metadata.ino()))
    };
    let at_path = identity(path);
    let own = SIBLINGS.iter().chain(&["", ".lock"]);
    own.map(|ending| with_ending(source, ending))
        .any(|own| path == own || (at_path.is_some() && at_path == identity(&own)))
}

/// Opens the file that is written, empty, and keeps other runs away from it. A symbolic link of
/// that name is not followed: what it leads to is nothing that a run before has left.
fn open(writing: &Path) -> Result<File, TryLockError> {
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .read(true)
        .write(true)
        .mode(0o600)
        .custom_flags(OFlags::NOFOLLOW.bits().cast_signed())
        .open(writing)
        .map_err(TryLockError::Error)?;
    file.try_lock()?;
    // Another run may have ended in between: then this file bears its final name by now.
    let at_name = fs::symlink_metadata(writing).map(|metadata| (metadata.dev(), metadata.ino()));
    let opened = file.metadata().map_err(TryLockError::Error)?;
    match at_name {
        Ok(found) if found == (opened.dev(), opened.ino()) => {}
        Ok(_) | Err(_) => return Err(TryLockError::WouldBlock),
    }
    file.set_len(0).map_err(TryLockError::Error)?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_appears_meanwhile_is_not_overwritten() {
        let dir = tempfile::tempdir().unwrap();
        let (to, source) = (dir.path().join("copy"), dir.path().join("monitoring.db"));
        let mut target = Target::begin(&to, &source).unwrap();
        target.write_all(b"ours").unwrap();
        fs::write(&to, "theirs").unwrap();

        let error = target.into_place().unwrap_err();

        assert!(error.to_string().contains("it exists already"), "{error}");
        assert_eq!(fs::read(&to).unwrap(), b"theirs");
        assert!(!with_ending(&to, WRITING).exists());
    }
}
