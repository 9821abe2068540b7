//! A database that the original program made becomes one of ours.
//!
//! Its bytes are kept as they were under another name, and at every moment, also of a power cut,
//! the path leads to the old database or to the finished new one. What its rows mean is in
//! [`mod@plan`].

mod plan;
mod time;

use std::fs;
use std::path::{Path, PathBuf};

use lastbeat_proto::Timestamp;
use rusqlite::{Connection, OpenFlags};

pub(super) use self::plan::{Import, MAX_ID, OldRow, Refused};
use super::error::StoreError;
use super::fresh;
use super::opening::Opening;
use super::place::{Place, SIBLINGS, link_or_copy, remove_if_there, with_ending};
use super::schema;
use super::write;

/// Which columns has the original's table, if it is there?
const COLUMNS: &str = "select name from pragma_table_info('services')";
/// Is it a table? Ours has a view of that name.
const IS_TABLE: &str =
    "select count(*) from sqlite_schema where type = 'table' and name = 'services' collate nocase";
/// Is anything in this database at all?
const OBJECTS: &str = "select count(*) from sqlite_schema";
/// What does the original know?
const ROWS: &str = "select rowid, name, ip, status, last_heartbeat from services order by rowid";
/// Does the original remember row numbers of deleted rows?
const HAS_SEQUENCE: &str = "select count(*) from sqlite_schema where name = 'sqlite_sequence'";
/// Which row number was the highest that the original ever gave?
const SEQUENCE: &str = "select ifnull(max(seq), 0) from sqlite_sequence where name = 'services'";

/// The columns of the original's table.
const ORIGINAL: [&str; 5] = ["id", "name", "ip", "status", "last_heartbeat"];

/// Ending of the copy that is read, so that the original itself is never opened.
const READING: &str = ".reading";

/// What a database without our mark turned out to be.
#[derive(Debug)]
pub(super) enum Unmarked {
    /// The original's; its rows.
    Original { rows: Vec<OldRow>, sequence: i64 },
    /// It has no tables at all.
    Empty,
    /// Somebody else's, or damaged; why.
    Strange(String),
}

/// Looks into a database without our mark, by way of a copy in which a transaction that the
/// original left unfinished is rolled back. [`forget`] is to follow in any case.
pub(super) fn look(place: &Place) -> Result<Unmarked, StoreError> {
    forget(place)?;
    let reading = place.beside(READING);
    fs::copy(place.path(), &reading)?;
    for ending in ["-wal", "-journal"] {
        let sibling = place.beside(ending);
        if sibling.exists() {
            fs::copy(sibling, with_ending(&reading, ending))?;
        }
    }
    match read(&reading) {
        Ok(found) => Ok(found),
        Err(cause) if super::error::is_damage(&cause) => Ok(Unmarked::Strange(cause.to_string())),
        Err(cause) => Err(cause.into()),
    }
}

/// Removes the copy that [`look`] made.
pub(super) fn forget(place: &Place) -> Result<(), StoreError> {
    let reading = place.beside(READING);
    remove_if_there(&reading)?;
    for ending in SIBLINGS {
        remove_if_there(&with_ending(&reading, ending))?;
    }
    Ok(())
}

/// Builds our database from what [`look`] found and puts it in place of the original, whose bytes
/// stay under another name.
pub(super) fn take(
    place: &Place,
    import: &Import,
    migrations: &[&str],
    now: Timestamp,
) -> Result<Opening, StoreError> {
    fresh::build(place, migrations, |connection| {
        Ok(write::import(connection, import)?)
    })?;
    let copy = keep_original(place, now)?;
    fresh::into_place(place)?;
    Ok(Opening::Imported {
        copy,
        rows: import.batch.rows.len(),
        merged: import.merged,
        refused: import.refused.len(),
    })
}

/// Gives the original a second name and clears its journals away.
fn keep_original(place: &Place, now: Timestamp) -> Result<PathBuf, StoreError> {
    let copy = place.free_name("original", now);
    link_or_copy(place.path(), &copy)?;
    let siblings: Vec<_> = SIBLINGS
        .into_iter()
        .filter(|ending| place.beside(ending).exists())
        .collect();
    for ending in &siblings {
        link_or_copy(&place.beside(ending), &with_ending(&copy, ending))?;
    }
    place.sync_directory()?;
    if !siblings.is_empty() {
        // A journal beside the new file would be played back into it. It may go only once the
        // file at the path no longer needs it, which is true of the recovered copy; playing it
        // back into that one changes nothing.
        let reading = place.beside(READING);
        fs::File::open(&reading)?.sync_all()?;
        fs::rename(reading, place.path())?;
        place.sync_directory()?;
        for ending in siblings {
            remove_if_there(&place.beside(ending))?;
        }
        place.sync_directory()?;
    }
    Ok(copy)
}

fn read(path: &Path) -> rusqlite::Result<Unmarked> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.pragma_update(None, "mmap_size", 0)?;
    let found = read_from(&connection)?;
    connection.close().map_err(|(_open, cause)| cause)?;
    Ok(found)
}

/// Looks into a database without our mark.
pub(super) fn read_from(connection: &Connection) -> rusqlite::Result<Unmarked> {
    if let Some(fault) = schema::fault(connection)? {
        return Ok(Unmarked::Strange(fault));
    }
    if connection.query_row(OBJECTS, [], |row| row.get::<_, i64>(0))? == 0 {
        return Ok(Unmarked::Empty);
    }
    let columns = connection
        .prepare(COLUMNS)?
        .query_map([], |row| row.get::<_, String>(0))?
        .collect::<rusqlite::Result<Vec<_>>>()?;
    let has = |wanted: &str| {
        columns
            .iter()
            .any(|column| column.eq_ignore_ascii_case(wanted))
    };
    let is_table = connection.query_row(IS_TABLE, [], |row| row.get::<_, i64>(0))? != 0;
    if !is_table || !ORIGINAL.into_iter().all(has) {
        return Ok(Unmarked::Strange(
            "it is a database of another program".to_owned(),
        ));
    }
    let rows = connection
        .prepare(ROWS)?
        .query_map([], OldRow::read)?
        .collect::<rusqlite::Result<Vec<_>>>()?;
    let has_sequence = connection.query_row(HAS_SEQUENCE, [], |row| row.get::<_, i64>(0))? != 0;
    let sequence = if has_sequence {
        connection.query_row(SEQUENCE, [], |row| row.get(0))?
    } else {
        0
    };
    Ok(Unmarked::Original { rows, sequence })
}

/// What the rows become.
pub(super) fn plan(rows: Vec<OldRow>, sequence: i64, now: Timestamp) -> Import {
    plan::plan(rows, sequence, now)
}
