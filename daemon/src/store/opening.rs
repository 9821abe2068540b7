//! What is at the path when the daemon starts, and what becomes of it; what is done with a file
//! of ours stands in [`ours`], with one that cannot be used in [`aside`].

mod aside;
mod ours;

use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use lastbeat_proto::{Span, Timestamp};
use rusqlite::Connection;

use self::aside::set_aside;
use self::ours::{Fault, bring_up};
use super::error::{FREE_SPACE, Obstacle, StoreError};
use super::fresh;
use super::image::Image;
use super::import::{self, Unmarked};
use super::load;
use super::lock::{self, Lock};
use super::place::{Place, SIBLINGS, remove_if_there};
use super::schema;
use super::witness::Witness;
use crate::state::record::Loaded;

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
        /// How many rows named the same as another and are one instance with it.
        merged: usize,
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
            moved_to: aside::there(moved_to),
            salvaged: aside::living(&ready.loaded.instances),
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

/// Trouble at a start is not tried again, but by whoever starts it. `SQLite` says of a full disk
/// now and then only that it cannot write.
pub(super) fn explain(place: &Place, error: StoreError) -> StoreError {
    match error {
        StoreError::Trouble { cause } => StoreError::Start {
            path: place.path().to_path_buf(),
            advice: if place.is_full() {
                FREE_SPACE
            } else {
                cause.advice()
            },
            cause,
        },
        error => error,
    }
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
