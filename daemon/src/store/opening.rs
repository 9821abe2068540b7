//! What is at the path when the daemon starts, and what becomes of it; what is done with a file
//! that cannot be used stands in [`aside`].

mod aside;

use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use lastbeat_proto::{Span, Timestamp};
use rusqlite::Connection;
use tracing::warn;

use self::aside::set_aside;
use super::error::{Obstacle, StoreError, is_damage};
use super::fresh;
use super::image::Image;
use super::import::{self, Unmarked};
use super::load;
use super::lock::{self, Lock};
use super::place::{Place, SIBLINGS, remove_if_there};
use super::schema;
use super::witness::Witness;
use crate::state::record::Loaded;

/// Where is a copy of this database to be, complete and in one file?
const COPY_TO: &str = "vacuum into ?1";

/// What was found at the path, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Opening {
    /// There was no database; a new one was made.
    Created,
    /// A database of ours with the newest schema.
    Existing,
    /// A database of ours with an older schema; it has the newest now.
    Migrated {
        /// The database as it was.
        copy: PathBuf,
    },
    /// A database of the original program; its rows are in a new one now.
    Imported {
        /// The original, bit by bit.
        copy: PathBuf,
        /// How many instances were taken over.
        rows: usize,
        /// How many rows stay in `refused_rows`.
        refused: usize,
    },
    /// A file that is damaged or somebody else's; a new one has its place.
    SetAside {
        /// Where the old file is now.
        moved_to: PathBuf,
        /// How many instances could be saved from it.
        salvaged: usize,
        /// What was wrong with it.
        why: String,
    },
}

/// How a database is to be opened.
pub(super) struct Terms<'a> {
    pub(super) place: &'a Place,
    pub(super) now: Timestamp,
    pub(super) default_ttl: Span,
    pub(super) migrations: &'a [&'a str],
    /// Whether no daemon has had a database at this path yet.
    pub(super) is_first: bool,
}

/// What the bytes at the path are.
enum Found {
    Nothing,
    Ours {
        version: i64,
        names: u64,
        log_fault: Option<String>,
    },
    Unmarked,
    Strange {
        why: String,
    },
}

/// An open database with all that is in it.
#[derive(Debug)]
pub(super) struct Ready {
    // Dropped in this order, see `Witness`.
    pub(super) connection: Connection,
    pub(super) witness: Witness,
    pub(super) loaded: Loaded,
}

impl Ready {
    /// Opens a database that is known to be good.
    pub(super) fn open(place: &Place) -> Result<Self, StoreError> {
        let mut witness = Witness::open(place)?;
        let connection = schema::connect(place.path())?;
        let loaded = load::load(&connection)?;
        witness.note_log(place)?;
        Ok(Self {
            connection,
            witness,
            loaded,
        })
    }
}

/// Opens what is at the path, after whatever has to be done for it to be a good database with the
/// newest schema.
pub(super) fn open(terms: &Terms<'_>) -> Result<(Ready, Opening), StoreError> {
    let ours = schema::version_of(terms.migrations);
    only_owner(terms.place)?;
    if let Some(moved_to) = fresh::resume(terms.place, terms.now)? {
        let ready = Ready::open(terms.place)?;
        let opening = Opening::SetAside {
            moved_to,
            salvaged: ready.loaded.instances.len(),
            why: "an earlier start was interrupted while it set the file aside".to_owned(),
        };
        return Ok((ready, opening));
    }
    let opening = match look(terms.place)? {
        Found::Nothing => create(terms)?,
        Found::Ours { version, .. } if ours < version => {
            return Err(StoreError::Newer {
                path: terms.place.path().to_path_buf(),
                version,
                ours,
            });
        }
        Found::Ours { names, .. } if 1 < names => {
            return Err(terms.place.unusable(Obstacle::Linked(names)));
        }
        Found::Ours {
            log_fault: Some(why),
            ..
        }
        | Found::Strange { why } => set_aside(terms, why)?,
        Found::Ours { version, .. } => match bring_up(terms, version) {
            Ok(opened) => return Ok(opened),
            Err(Fault::Damage(why)) => set_aside(terms, why)?,
            Err(Fault::Other(error)) => return Err(error),
        },
        Found::Unmarked => take_over(terms)?,
    };
    Ok((Ready::open(terms.place)?, opening))
}

/// A start that came to nothing leaves nothing behind: what it has built and copied fills a disk
/// that may be full, and what belongs to another daemon is not touched.
pub(super) fn clear_away(place: &Place, lock: Lock, error: &StoreError) {
    // What cannot be removed is made again by the next start; the error of this one counts.
    if !matches!(error, StoreError::InUse { .. }) {
        fresh::abandon(place).unwrap_or(());
        import::forget(place).unwrap_or(());
    }
    lock.abandon(place).unwrap_or(());
}

/// Whoever has the file open under another name, or since before its lock file was deleted, owns
/// it; it is left alone then, also when it looks damaged.
fn only_owner(place: &Place) -> Result<(), StoreError> {
    match File::open(place.path()) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        opened => lock::own(&opened?, place),
    }
}

fn look(place: &Place) -> Result<Found, StoreError> {
    let image = Image::read_head(place.path())?;
    if image.is_empty() {
        let has_bytes = |ending: &&str| {
            fs::metadata(place.beside(ending)).is_ok_and(|metadata| 0 < metadata.len())
        };
        return Ok(match ["-wal", "-journal"].into_iter().find(has_bytes) {
            None => Found::Nothing,
            Some(ending) => Found::Strange {
                why: format!("it is empty, but its {ending} file is not"),
            },
        });
    }
    let found = match image.header() {
        None => Found::Strange {
            why: "it is not a database".to_owned(),
        },
        // Of the original an import leaves two names when it is interrupted.
        Some(header) if header.application_id == schema::APPLICATION_ID => Found::Ours {
            names: fs::metadata(place.path())?.nlink(),
            version: header.user_version,
            log_fault: image.log_fault().map(str::to_owned),
        },
        Some(header) if header.application_id == 0 && header.user_version == 0 => Found::Unmarked,
        Some(header) => Found::Strange {
            why: header.foreign(),
        },
    };
    Ok(found)
}

fn create(terms: &Terms<'_>) -> Result<Opening, StoreError> {
    fresh::build(terms.place, terms.migrations, |_connection| Ok(()))?;
    for ending in SIBLINGS {
        remove_if_there(&terms.place.beside(ending))?;
    }
    fresh::into_place(terms.place)?;
    Ok(Opening::Created)
}

/// Why a database of ours could not be brought up.
enum Fault {
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
fn bring_up(terms: &Terms<'_>, version: i64) -> Result<(Ready, Opening), Fault> {
    let mut witness = Witness::open(terms.place)?;
    let mut connection = schema::connect_guarded(terms.place.path())?;
    if version < 1 {
        return Err(Fault::Damage(format!(
            "its schema has the number {version}"
        )));
    }
    if let Some(fault) = schema::fault(&connection)? {
        return Err(Fault::Damage(fault));
    }
    let differences = schema::differences(&connection, version, terms.migrations)?;
    if let Some(table) = differences.iter().find(|object| object.is_damage()) {
        return Err(Fault::Damage(table.fact(version)));
    }
    let opening = if version == schema::version_of(terms.migrations) {
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
    let loaded = load::load(&connection)?;
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

/// A database without our mark: the original's, an empty one, or somebody else's.
fn take_over(terms: &Terms<'_>) -> Result<Opening, StoreError> {
    let opening = match import::look(terms.place)? {
        Unmarked::Empty => create(terms)?,
        Unmarked::Strange(why) => set_aside(terms, why)?,
        Unmarked::Original { rows, sequence } => {
            let import = import::plan(rows, sequence, terms.now);
            import::take(terms.place, &import, terms.migrations, terms.now)?
        }
    };
    import::forget(terms.place)?;
    Ok(opening)
}
