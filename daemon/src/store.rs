//! The durable echo of the registry: one `SQLite` file, owned by one thread of one daemon.
//!
//! It writes batches and loads everything; it decides nothing about liveness, and which batch is
//! written when is left to the loop that owns it.

mod copy;
mod dump;
mod error;
mod file_error;
mod fresh;
mod history;
mod image;
mod import;
mod inspect;
mod load;
mod lock;
mod opening;
mod place;
mod reopen;
mod salvage;
mod schema;
#[doc(hidden)]
pub mod seam;
mod snapshot;
mod soundness;
mod target;
mod witness;
mod write;

use std::path::Path;

use lastbeat_proto::{Span, Timestamp};
use rusqlite::Connection;

pub use self::copy::{Copied, backup};
pub use self::dump::{Exported, Taken, export, export_to, import};
pub use self::error::{Obstacle, StoreError, TroubleCause};
pub use self::file_error::{FileError, TargetFault};
pub use self::history::{History, Keep};
pub use self::inspect::{Content, Found, Report, inspect};
use self::lock::Lock;
pub use self::opening::Opening;
use self::opening::Terms;
pub use self::place::LinkFate;
use self::place::Place;
pub use self::reopen::Reopened;
use self::witness::{Standing, Witness};
use crate::clock::Listened;
use crate::state::record::{Batch, Loaded};

/// What of the log is in the file now, without waiting for anybody?
const MOVE_LOG: &str = "pragma wal_checkpoint(passive)";

/// What is wrong with a file in which something makes no sense, after *the database*.
const DAMAGED: &str = "was damaged";
/// What is wrong with a file to which our statements cannot be applied.
const ALTERED: &str = "was altered by another program so that nothing could be stored in it";

/// The open database. One owner, on the store's thread; whatever it does may wait for the disk.
#[derive(Debug)]
pub struct Store {
    // Fields are dropped in this order: see `Witness`, and the lock goes last.
    /// None only while [`reopen`](Self::reopen) has closed the old file and not opened the new.
    connection: Option<Connection>,
    witness: Witness,
    /// The highest row number ever given, also when its row is gone.
    highest_id: i64,
    /// What is wrong with what stands in the file, found by a write.
    wrong: Option<&'static str>,
    /// What a [`reopen`](Self::reopen) that the disk stopped had found, once it began to move files.
    begun: Option<Reopened>,
    place: Place,
    lock: Lock,
}

impl Store {
    /// Opens the database at `path`, or creates it, takes its lock file and loads everything.
    ///
    /// `now` names copies and is the time of imported rows that have none; `default_ttl` is what
    /// imported rows get.
    ///
    /// # Errors
    /// Any [`StoreError`] but [`StoreError::Trouble`]; [`StoreError::Start`] may pass by itself.
    pub fn open(
        path: &Path,
        now: Timestamp,
        default_ttl: Span,
    ) -> Result<(Self, Loaded, Opening), StoreError> {
        Self::open_with(path, now, default_ttl, schema::MIGRATIONS)
    }

    fn open_with(
        path: &Path,
        now: Timestamp,
        default_ttl: Span,
        migrations: &[&str],
    ) -> Result<(Self, Loaded, Opening), StoreError> {
        let place = Place::find(path)?;
        let lock = Lock::take(&place)?;
        let opened = opening::open(&Terms {
            place: &place,
            now,
            default_ttl,
            migrations,
            is_first: lock.is_first(),
        });
        let (ready, opening) = match opened {
            Ok(opened) => opened,
            Err(error) => {
                let error = opening::explain(&place, error);
                opening::clear_away(&place, lock, &error);
                return Err(error);
            }
        };
        let store = Self {
            connection: Some(ready.connection),
            witness: ready.witness,
            highest_id: ready.loaded.next_id.saturating_sub(1),
            wrong: None,
            begun: None,
            place,
            lock,
        };
        Ok((store, ready.loaded, opening))
    }

    /// Writes all of `batch` in one synced transaction, or nothing of it.
    ///
    /// # Errors
    /// [`StoreError::Trouble`]: the same batch can be written later; any other is a bug.
    pub fn write(&mut self, batch: &Batch) -> Result<(), StoreError> {
        self.change(|connection| write::write(connection, batch))?;
        let ids = batch.rows.iter().map(|row| row.id);
        self.highest_id = ids.fold(self.highest_id, i64::max);
        Ok(())
    }

    /// Deletes some of the events that are not to be kept at this listening time, or gives
    /// some pages of the file back to the system; small steps, so that a registration behind it
    /// waits little. True when there is more to do.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    pub fn tidy(&mut self, keep: &Keep, listened: Listened) -> Result<bool, StoreError> {
        self.change(|connection| history::tidy(connection, keep, listened))
    }

    /// Whether the path still leads to the file that is open, and nobody has written to it but
    /// `SQLite`.
    /// Where not, only [`reopen`](Self::reopen) helps.
    pub fn is_in_place(&mut self) -> bool {
        self.connection.is_some()
            && self.wrong.is_none()
            && self.witness.standing(&self.place) == Standing::InPlace
    }

    /// Whether somebody had removed the lock file, which is there again now.
    ///
    /// # Errors
    /// [`StoreError::Trouble`]: another daemon may have the path by now.
    pub fn keep_lock(&mut self) -> Result<bool, StoreError> {
        self.lock.keep(&self.place)
    }

    /// Sees to the link by which the database was given.
    pub fn keep_link(&self) -> LinkFate {
        self.place.keep_link()
    }

    /// The absolute path of the file.
    pub fn path(&self) -> &Path {
        self.place.path()
    }

    /// Moves everything from the journal into the file and gives it free for another daemon.
    pub fn close(self) {
        drop(self);
    }

    /// Does something to the file, unless it is somebody else's by now.
    fn change<T>(
        &mut self,
        act: impl FnOnce(&mut Connection) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        let overwritten = || StoreError::Trouble {
            cause: TroubleCause::Overwritten,
        };
        let connection = self.connection.as_mut().ok_or_else(overwritten)?;
        if self.witness.is_overwritten() {
            return Err(overwritten());
        }
        let done = act(connection);
        match &done {
            Ok(_) if self.place.is_short_of_room() => give_log_back(connection),
            Err(cause) if error::is_full(cause) => move_log(connection),
            _ => {}
        }
        self.witness.note_change()?;
        done.map_err(|cause| self.judge(cause))
    }

    /// Whether the file has another schema than ours. Where that cannot be read, nobody knows.
    fn is_altered(&self) -> bool {
        let look = |connection| schema::is_altered(connection).unwrap_or(false);
        self.connection.as_ref().is_some_and(look)
    }

    /// Whether a write that failed can be tried again, in this file or in a new one.
    fn judge(&mut self, cause: rusqlite::Error) -> StoreError {
        if error::is_damage(&cause) {
            self.wrong = Some(DAMAGED);
        }
        match StoreError::from(cause) {
            // Our own statements work in a file of ours. In one that others have altered that
            // proves nothing; in any other it is a bug of ours.
            StoreError::Defect { cause } if self.is_altered() => {
                self.wrong = Some(ALTERED);
                StoreError::Trouble {
                    cause: TroubleCause::Altered(cause),
                }
            }
            error => error,
        }
    }
}

/// While the disk is almost full, the log has no room of its own: `SQLite` would let it grow to
/// 4 MiB first, and where those are not to be had, to the end of the disk and stay there.
fn give_log_back(connection: &Connection) {
    // The transaction is stored, whether this works or not.
    let given = schema::complete(connection);
    drop(given);
}

/// On a full disk the next transaction is written over the log, if what is in the log finds its
/// place in the file.
fn move_log(connection: &Connection) {
    // The transaction has failed and is tried again, whether this works or not.
    let moved = connection.query_row(MOVE_LOG, [], |_row| Ok(()));
    drop(moved);
}

#[cfg(test)]
mod tests;
