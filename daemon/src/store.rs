//! The durable echo of the registry: one `SQLite` file, owned by one thread of one daemon.
//!
//! It writes batches and loads everything; it decides nothing about liveness, and which batch is
//! written when is left to the loop that owns it.

mod error;
mod fresh;
mod header;
mod history;
mod load;
mod lock;
mod place;
mod schema;
mod write;

use std::path::Path;

use lastbeat_proto::{Span, Timestamp};
use rusqlite::Connection;

pub use self::error::{Obstacle, StoreError, TroubleCause};
use self::header::Header;
pub use self::history::History;
use self::lock::Lock;
use self::place::Place;
use crate::state::record::{Batch, Loaded};

/// The open database. One owner, on the store's thread; whatever it does may wait for the disk.
#[derive(Debug)]
pub struct Store {
    // Fields are dropped in this order: the lock goes last.
    connection: Connection,
    place: Place,
    _lock: Lock,
}

/// What was found at the path, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Opening {
    /// There was no database; a new one was made.
    Created,
    /// A database of ours.
    Existing,
}

impl Store {
    /// Opens the database at `path`, or creates it, takes its lock file and loads everything.
    ///
    /// # Errors
    /// Any [`StoreError`]; only [`StoreError::Trouble`] may pass by itself.
    pub fn open(
        path: &Path,
        _now: Timestamp,
        _default_ttl: Span,
    ) -> Result<(Self, Loaded, Opening), StoreError> {
        let place = Place::find(path)?;
        let lock = Lock::take(&place)?;
        let opening = if is_empty(&place)? {
            fresh::build(&place, schema::MIGRATIONS, |_connection| Ok(()))?;
            fresh::into_place(&place)?;
            Opening::Created
        } else {
            Opening::Existing
        };
        let ours = schema::version_of(schema::MIGRATIONS);
        if let Some(header) = Header::read(place.path())?
            && header.application_id == schema::APPLICATION_ID
            && ours < header.user_version
        {
            return Err(StoreError::Newer {
                path: place.path().to_path_buf(),
                version: header.user_version,
                ours,
            });
        }
        let connection = schema::connect(place.path())?;
        let loaded = load::load(&connection)?;
        let store = Self {
            connection,
            place,
            _lock: lock,
        };
        Ok((store, loaded, opening))
    }

    /// Writes all of `batch` in one synced transaction, or nothing of it.
    ///
    /// # Errors
    /// [`StoreError::Trouble`]: the same batch can be written later; any other is a bug.
    pub fn write(&mut self, batch: &Batch) -> Result<(), StoreError> {
        write::write(&mut self.connection, batch)?;
        Ok(())
    }

    /// Deletes at most `at_most` of the oldest events that are older than `older_than` or beyond
    /// the newest `keep`; the newest of all stays. True when there is more to delete.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    pub fn prune(
        &mut self,
        keep: usize,
        older_than: Timestamp,
        at_most: usize,
    ) -> Result<bool, StoreError> {
        Ok(history::prune(
            &mut self.connection,
            keep,
            older_than,
            at_most,
        )?)
    }

    /// The absolute path of the file.
    pub fn path(&self) -> &Path {
        self.place.path()
    }

    /// Moves everything from the journal into the file and gives it free for another daemon.
    pub fn close(self) {
        drop(self);
    }
}

fn is_empty(place: &Place) -> Result<bool, StoreError> {
    match std::fs::metadata(place.path()) {
        Ok(metadata) => Ok(metadata.len() == 0),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(true),
        Err(error) => Err(error.into()),
    }
}
