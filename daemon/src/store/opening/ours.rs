//! A database of ours: checked, copied and brought up to date where its schema is older, and opened.

use std::fs::File;
use std::panic::resume_unwind;
use std::path::Path;
use std::thread;

use rusqlite::Connection;
use tracing::warn;

use super::{Opening, Ready, Terms};
use crate::state::record::Loaded;
use crate::store::error::{StoreError, is_damage};
use crate::store::place::Place;
use crate::store::witness::Witness;
use crate::store::{load, schema};

/// Where is a copy of this database to be, complete and in one file?
const COPY_TO: &str = "vacuum into ?1";

/// Why a database of ours could not be brought up.
pub(super) enum Fault {
    Damage(String),
    Other(StoreError),
}

impl From<rusqlite::Error> for Fault {
    fn from(cause: rusqlite::Error) -> Self {
        if is_damage(&cause) {
            Self::Damage(cause.to_string())
        } else {
            Self::Other(cause.into())
        }
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        Self::Other(error)
    }
}

impl From<std::io::Error> for Fault {
    fn from(cause: std::io::Error) -> Self {
        Self::Other(cause.into())
    }
}

/// Checks a database of ours and brings its schema up to date, after a copy was made.
pub(super) fn bring_up(terms: &Terms<'_>, version: i64) -> Result<(Ready, Opening), Fault> {
    let mut witness = Witness::open(terms.place)?;
    let mut connection = schema::connect_guarded(terms.place.path())?;
    if version < 1 {
        return Err(Fault::Damage(format!(
            "its schema has the number {version}"
        )));
    }
    let differences = schema::differences(&connection, version, terms.migrations);
    let is_newest = version == schema::version_of(terms.migrations);
    let loaded = if is_newest {
        Some(load_while_checking(&connection, terms.place.path())?)
    } else {
        // Rows can be read behind the migration only, and that must not begin in a damaged file.
        schema::fault(&connection)?.map_or(Ok(()), contradiction)?;
        None
    };
    let differences = differences?;
    if let Some(table) = differences.iter().find(|object| object.is_damage()) {
        return Err(Fault::Damage(table.fact(version)));
    }
    let opening = if is_newest {
        Opening::Existing
    } else {
        let copy = terms
            .place
            .free_name(&format!("schema-{version}"), terms.now);
        connection.execute(COPY_TO, [copy.to_string_lossy()])?;
        schema::migrate(&mut connection, version, terms.migrations)?;
        Opening::Migrated { copy }
    };
    // A row that our own types refuse is damage, too.
    let loaded = loaded.unwrap_or_else(|| load::load(&connection))?;
    schema::trust(&connection)?;
    let path = terms.place.path();
    let made = schema::make_again(&connection, &differences);
    go_on(
        made,
        path,
        "has an index or a view less, so some questions are slower",
    )?;
    // At every start, because the one that migrated the file may have had no room or been killed.
    let shrinks = schema::let_shrink(&connection);
    go_on(
        shrinks,
        path,
        "does not give back what it does not need any more",
    )?;
    witness.note_log(terms.place)?;
    sync_log(terms.place)?;
    let ready = Ready {
        connection,
        witness,
        loaded,
    };
    Ok((ready, opening))
}

/// Reads everything while another thread looks at the pages: what was read counts only where they
/// make sense, which a start would else spend a third of its time to wait for.
fn load_while_checking(
    connection: &Connection,
    path: &Path,
) -> Result<rusqlite::Result<Loaded>, Fault> {
    let reading = connection.get_interrupt_handle();
    let check = || {
        let fault = schema::fault_of_pages(path);
        if !matches!(fault, Ok(None)) {
            // Pages that contradict each other can be read for ever.
            reading.interrupt();
        }
        fault
    };
    let (checked, loaded) = thread::scope(|scope| {
        let named = thread::Builder::new().name("check".to_owned());
        let checking = named.spawn_scoped(scope, check)?;
        let loaded = load::load(connection);
        Ok::<_, std::io::Error>((checking.join(), loaded))
    })?;
    let fault = checked.unwrap_or_else(|panic| resume_unwind(panic))?;
    fault.map_or(Ok(loaded), contradiction)
}

/// What `SQLite` says of a fault is for its developers, and `verify` tells it.
fn contradiction<T>(_of_sqlite: String) -> Result<T, Fault> {
    Err(Fault::Damage("its pages contradict each other".to_owned()))
}

/// What a daemon that was killed has committed may not be on the disk yet. It has to be before
/// anything follows it: only the last transaction of a log is ever torn by a power cut.
fn sync_log(place: &Place) -> Result<(), std::io::Error> {
    match File::open(place.beside("-wal")) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        opened => opened?.sync_all(),
    }
}

/// What a start would like to mend is no reason not to serve: trouble with it is only told.
fn go_on(done: rusqlite::Result<()>, path: &Path, until_then: &str) -> Result<(), Fault> {
    match done.map_err(Fault::from) {
        Err(Fault::Other(error)) if error.is_trouble() => {
            let path = path.display();
            warn!(
                error = %error,
                "the database {path} {until_then} ({error}); the next start tries again"
            );
            Ok(())
        }
        done => done,
    }
}
