//! The file was deleted, replaced, overwritten or damaged while it was open: a new one takes its
//! place, with the history that can still be reached.

use std::fs;
use std::path::PathBuf;

use lastbeat_proto::{Span, Timestamp};

use super::error::{StoreError, TroubleCause, is_damage};
use super::image::Image;
use super::import::Import;
use super::opening::Ready;
use super::place::remove_if_there;
use super::witness::Standing;
use super::{Store, fresh, load, salvage, schema, write};

/// What became of a file that had to be replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reopened {
    /// What was the matter with it: `was deleted or moved away`.
    pub why: &'static str,
    /// Where what was at the path is now; absent when nothing was.
    pub moved_to: Option<PathBuf>,
}

impl Store {
    /// Opens a new file at the path, with everything that the old one still gives; what is at the
    /// path is set aside. The caller then writes all rows again, as memory is what is true.
    ///
    /// # Errors
    /// [`StoreError::Trouble`]: to be tried again later; any other is a bug.
    pub fn reopen(&mut self, now: Timestamp) -> Result<Reopened, StoreError> {
        let reopened = match self.placed.take() {
            Some(placed) => placed,
            None => self.replace(now)?,
        };
        self.open_placed(reopened)
    }

    /// Builds a new file and puts it in its place.
    fn replace(&mut self, now: Timestamp) -> Result<Reopened, StoreError> {
        let standing = self.witness.standing(&self.place);
        if self.connection.is_some() || !fresh::is_ready(&self.place) {
            let remains = self.remains(standing, now)?;
            fresh::build(&self.place, schema::MIGRATIONS, |connection| {
                Ok(write::import(connection, &remains)?)
            })?;
            fresh::make_ready(&self.place)?;
        }
        self.sever(standing, now)?;
        let resumed = fresh::resume(&self.place, now);
        let is_placed = !fresh::is_ready(&self.place);
        let reopened = Reopened {
            why: standing.word(),
            moved_to: resumed.as_ref().ok().cloned().flatten(),
        };
        if let Err(cause) = resumed {
            self.placed = is_placed.then_some(reopened);
            return Err(cause.into());
        }
        Ok(reopened)
    }

    /// Opens the file that was put in its place. Where the disk does not let us, the next try
    /// does only this: the old file is closed, and building once more would lose its history.
    fn open_placed(&mut self, mut reopened: Reopened) -> Result<Reopened, StoreError> {
        let named = self.place.sync_directory().map_err(StoreError::from);
        match named.and_then(|()| Ready::open(&self.place)) {
            Ok(ready) => {
                self.connection = Some(ready.connection);
                self.witness = ready.witness;
                self.is_damaged = false;
                reopened.moved_to = reopened.moved_to.filter(|path| path.exists());
                Ok(reopened)
            }
            Err(error) => {
                let is_of_disk = match &error {
                    StoreError::Trouble {
                        cause: TroubleCause::Sqlite(cause),
                    } => !is_damage(cause),
                    other => other.is_trouble(),
                };
                if is_of_disk && self.place.path().exists() {
                    self.placed = Some(reopened);
                }
                Err(error)
            }
        }
    }

    /// What the old file still gives. Of a file that somebody else wrote to only the log is ours.
    fn remains(&self, standing: Standing, now: Timestamp) -> Result<Import, StoreError> {
        let mut remains = match &self.connection {
            None => Import::default(),
            Some(_) if standing == Standing::Overwritten => self.rescue_log(now)?,
            Some(_) if self.is_damaged && standing == Standing::InPlace => {
                history_of(&Image::read(self.path())?, now)
            }
            Some(connection) => match load::everything(connection) {
                Ok(everything) => everything,
                Err(cause) if is_damage(&cause) => self.rescue_log(now)?,
                Err(cause) => return Err(cause.into()),
            },
        };
        remains.sequence = remains.sequence.max(self.highest_id);
        Ok(remains)
    }

    fn rescue_log(&self, now: Timestamp) -> Result<Import, StoreError> {
        if !self.witness.owns_log(&self.place) {
            return Ok(Import::default());
        }
        let image = Image::read_log(&self.place.beside("-wal"))?;
        Ok(history_of(&image, now))
    }

    /// Closes the old file, and touches nothing that is not ours.
    fn sever(&mut self, standing: Standing, now: Timestamp) -> Result<(), StoreError> {
        let Some(connection) = self.connection.take() else {
            return Ok(());
        };
        let log = self.place.beside("-wal");
        let owns_log = self.witness.owns_log(&self.place);
        schema::distrust(&connection)?;
        let is_ours = !matches!(standing, Standing::Overwritten | Standing::InPlace);
        // For whoever moved the file elsewhere. Everything is in the new one already, so an
        // error costs nothing but this, and then the log stays for them.
        let is_complete = is_ours && matches!(schema::complete(&connection), Ok(true));
        drop(connection);
        if is_complete && owns_log {
            remove_if_there(&log)?;
            remove_if_there(&self.place.beside("-shm"))?;
        }
        if standing == Standing::Overwritten && owns_log {
            // Beside a foreign file it would be taken for that file's own.
            fs::rename(&log, self.place.free_name("log", now))?;
        }
        Ok(())
    }
}

/// Everything but the instances: a stale page could hold one whose name is another's by now, and
/// the caller writes them all again anyway.
fn history_of(image: &Image, now: Timestamp) -> Import {
    let mut rescued = salvage::rescue(image, now, Span::default());
    rescued.batch.rows.clear();
    rescued
}
