//! A new database file, built beside its place and renamed into it when it is whole.
//!
//! Whoever looks at the path finds the old file or the complete new one, also after a power cut.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use lastbeat_proto::Timestamp;
use rusqlite::Connection;

use super::error::StoreError;
use super::place::{Place, SIBLINGS, remove_if_there, rename_if_there, with_ending};
use super::schema;

/// Ending of the file while it is built.
const BUILDING: &str = ".new";
/// Ending of the file while the old one is moved away: its name is what says, after a crash in
/// between, that the move is to be ended.
const READY: &str = ".ready";

/// Builds a database with the newest schema, lets `fill` write into it, and syncs it under a name
/// of its own; [`into_place`] or [`replace`] ends the work.
pub(super) fn build<T>(
    place: &Place,
    migrations: &[&str],
    fill: impl FnOnce(&mut Connection) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    abandon(place)?;
    let building = place.beside(BUILDING);
    let mut connection = schema::create(&building)?;
    // Nobody reads this file before it is synced as a whole.
    connection.pragma_update(None, "synchronous", "off")?;
    schema::migrate(&mut connection, 0, migrations)?;
    let filled = fill(&mut connection)?;
    schema::complete(&connection)?;
    connection.close().map_err(|(_open, cause)| cause)?;
    File::open(&building)?.sync_all()?;
    Ok(filled)
}

/// Removes what a [`build`] that failed or was interrupted has left.
pub(super) fn abandon(place: &Place) -> io::Result<()> {
    let building = place.beside(BUILDING);
    for ending in SIBLINGS {
        remove_if_there(&with_ending(&building, ending))?;
    }
    remove_if_there(&building)
}

/// Gives the built file its name. Siblings of the file that it replaces are to be gone.
pub(super) fn into_place(place: &Place) -> io::Result<()> {
    fs::rename(place.beside(BUILDING), place.path())?;
    place.sync_directory()
}

/// Moves what is at the path out of the way, with its siblings, and gives the built file its
/// name. Answers where the old one is now.
pub(super) fn replace(place: &Place, now: Timestamp) -> io::Result<PathBuf> {
    make_ready(place)?;
    set_aside(place, now)
}

/// Ends a [`replace`] that a crash or an error interrupted; `None` when there was none.
pub(super) fn resume(place: &Place, now: Timestamp) -> io::Result<Option<PathBuf>> {
    if is_ready(place) {
        set_aside(place, now).map(Some)
    } else {
        Ok(None)
    }
}

/// From here on the built file will take its place, also after a crash.
pub(super) fn make_ready(place: &Place) -> io::Result<()> {
    fs::rename(place.beside(BUILDING), place.beside(READY))?;
    place.sync_directory()
}

/// Whether a built file waits for its place.
pub(super) fn is_ready(place: &Place) -> bool {
    place.beside(READY).exists()
}

fn set_aside(place: &Place, now: Timestamp) -> io::Result<PathBuf> {
    let moved_to = place.free_name("corrupt", now);
    finish(place, &moved_to)?;
    Ok(moved_to)
}

/// Moves what is at the path to `moved_to`, with its siblings, and gives the file that is ready
/// its name. After an error it can be called again, with the same `moved_to`.
pub(super) fn finish(place: &Place, moved_to: &Path) -> io::Result<()> {
    for ending in SIBLINGS {
        rename_if_there(&place.beside(ending), &with_ending(moved_to, ending))?;
    }
    rename_if_there(place.path(), moved_to)?;
    place.sync_directory()?;
    fs::rename(place.beside(READY), place.path())?;
    place.sync_directory()
}
