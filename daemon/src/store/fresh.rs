//! A new database file, built beside its place and renamed into it when it is whole.
//!
//! Whoever looks at the path finds the old file or the complete new one, also after a power cut.

use std::fs::{self, File};

use rusqlite::Connection;

use super::error::StoreError;
use super::place::{Place, SIBLINGS, remove_if_there, with_ending};
use super::schema;

/// Ending of the file while it is built.
const BUILDING: &str = ".new";

/// Everything is in the file itself, nothing in its journal.
const INTO_ONE_FILE: &str = "pragma wal_checkpoint(truncate)";

/// Builds a database with the newest schema, lets `fill` write into it, and syncs it under a name
/// of its own; [`into_place`] ends the work.
pub(super) fn build<T>(
    place: &Place,
    migrations: &[&str],
    fill: impl FnOnce(&mut Connection) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    let building = place.beside(BUILDING);
    remove_if_there(&building)?;
    for ending in SIBLINGS {
        remove_if_there(&with_ending(&building, ending))?;
    }
    let mut connection = schema::connect(&building)?;
    // Nobody reads this file before it is synced as a whole.
    connection.pragma_update(None, "synchronous", "off")?;
    schema::migrate(&mut connection, 0, migrations)?;
    let filled = fill(&mut connection)?;
    connection.query_row(INTO_ONE_FILE, [], |_row| Ok(()))?;
    connection.close().map_err(|(_open, cause)| cause)?;
    File::open(&building)?.sync_all()?;
    Ok(filled)
}

/// Gives the built file its name. Siblings of the file that it replaces are to be gone.
pub(super) fn into_place(place: &Place) -> Result<(), StoreError> {
    fs::rename(place.beside(BUILDING), place.path())?;
    place.sync_directory()?;
    Ok(())
}
