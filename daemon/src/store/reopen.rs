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
use crate::state::record::Batch;

/// What became of a file that had to be replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reopened {
    /// What was the matter with it: `was deleted or moved away`.
    pub why: &'static str,
    /// Where what was at the path is now; absent when nothing was.
    pub moved_to: Option<PathBuf>,
}

impl Store {
    /// Opens a new file at the path, with all of `memory` and the older history that the old file
    /// still gives; what is at the path is set aside. The new file has all of it before it bears its
    /// name, so that a crash at any moment finds one or the other.
    ///
    /// `memory` is what is true: all rows, all stretches and the newest events. It is asked once
    /// or not at all.
    ///
    /// # Errors
    /// [`StoreError::Trouble`]: to be tried again later; any other is a bug.
    pub fn reopen(
        &mut self,
        now: Timestamp,
        memory: &mut dyn Iterator<Item = Batch>,
    ) -> Result<Reopened, StoreError> {
        let reopened = match self.begun.take() {
            Some(placed) if !fresh::is_ready(&self.place) => placed,
            begun => self.replace(begun, now, memory)?,
        };
        self.open_placed(reopened)
    }

    /// Builds a new file and puts it in its place. Where a try before has `begun`, what that one
    /// found is what happened: the file that is missing now, we have moved ourselves.
    fn replace(
        &mut self,
        begun: Option<Reopened>,
        now: Timestamp,
        memory: &mut dyn Iterator<Item = Batch>,
    ) -> Result<Reopened, StoreError> {
        let standing = self.witness.standing(&self.place);
        if self.connection.is_some() || !fresh::is_ready(&self.place) {
            let remains = self.remains(standing, now)?;
            self.highest_id = fresh::build(&self.place, schema::MIGRATIONS, |connection| {
                write::import(connection, &remains)?;
                let mut highest_id = remains.sequence;
                for batch in memory {
                    write::write(connection, &batch)?;
                    highest_id = batch
                        .rows
                        .iter()
                        .map(|row| row.id)
                        .fold(highest_id, i64::max);
                }
                Ok(highest_id)
            })?;
            fresh::make_ready(&self.place)?;
        }
        let reopened = begun.unwrap_or_else(|| Reopened {
            why: match self.wrong {
                Some(wrong) if standing == Standing::InPlace => wrong,
                _ => standing.word(),
            },
            moved_to: Some(self.place.free_name("corrupt", now)),
        });
        let moved_to = match &reopened.moved_to {
            Some(first) if !(first.exists() && self.place.path().exists()) => first.clone(),
            // Something is at the path again; what was there first stays where it is.
            _ => self.place.free_name("corrupt", now),
        };
        let finished = self
            .sever(standing, now)
            .and_then(|()| Ok(fresh::finish(&self.place, &moved_to)?));
        match finished {
            Ok(()) => Ok(reopened),
            Err(error) => {
                self.begun = Some(reopened);
                Err(error)
            }
        }
    }

    /// Opens the file that was put in its place. Where the disk does not let us, the next try
    /// does only this: the old file is closed, and building once more would lose its history.
    fn open_placed(&mut self, mut reopened: Reopened) -> Result<Reopened, StoreError> {
        let named = self.place.sync_directory().map_err(StoreError::from);
        match named.and_then(|()| Ready::open(&self.place)) {
            Ok(ready) => {
                self.connection = Some(ready.connection);
                self.witness = ready.witness;
                self.wrong = None;
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
                    self.begun = Some(reopened);
                }
                Err(error)
            }
        }
    }

    /// The history that the old file still gives. Of a file that somebody else wrote to only the
    /// log is ours.
    fn remains(&self, standing: Standing, now: Timestamp) -> Result<Import, StoreError> {
        let mut remains = match &self.connection {
            None => Import::default(),
            Some(_) if standing == Standing::Overwritten => self.rescue_log(now)?,
            Some(_) if self.wrong.is_some() && standing == Standing::InPlace => {
                history_of(&Image::read(self.path())?, now)
            }
            Some(connection) => match load::past(connection) {
                Ok(past) => past,
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

/// Events and refused rows. Instances and stretches are all in memory, and a stale page could hold
/// one that is another's by now.
fn history_of(image: &Image, now: Timestamp) -> Import {
    let rescued = salvage::rescue(image, now, Span::default());
    Import {
        batch: Batch {
            events: rescued.batch.events,
            ..Batch::default()
        },
        ..rescued
    }
}
