//! What a database file is, whether it is sound, and what is in it; nothing in or beside it
//! changes.

mod content;

use std::path::{Path, PathBuf};

use lastbeat_proto::{Span, Timestamp};
use rusqlite::Connection;

pub use self::content::Content;
use super::error::is_damage;
use super::file_error::{self, FileError};
use super::image::{Header, Image};
use super::import::{self, Unmarked};
use super::snapshot::Snapshot;
use super::{salvage, schema};

/// What was found.
#[derive(Debug)]
pub struct Report {
    /// The file, with symbolic links resolved.
    pub path: PathBuf,
    /// Size of the file itself.
    pub file_bytes: u64,
    /// Size of the log beside it.
    pub log_bytes: u64,
    /// Whether another program has it open.
    pub is_live: bool,
    /// Whose file it is.
    pub found: Found,
    /// What is damaged: what `SQLite` finds, and what a start could not read. Nothing when it is
    /// sound.
    pub faults: Vec<String>,
    /// What is not as lastbeatd would have written it, and hurts neither a start nor a copy.
    pub warnings: Vec<String>,
    /// How many instances of a damaged file a start would save.
    pub saveable: Option<usize>,
}

/// Whose file it is.
#[derive(Debug)]
pub enum Found {
    /// A registry of lastbeatd.
    Ours {
        /// Number of its schema.
        version: i64,
        /// What is in it, where that can be read.
        content: Option<Content>,
    },
    /// A database of the original program.
    Original {
        /// How many rows it has.
        rows: usize,
        /// How many instances a start would make of them.
        taken: usize,
        /// How many rows a start would merge into another.
        merged: usize,
        /// How many rows our rules refuse.
        refused: usize,
    },
}

/// Looks at the file at `path`; `now` is the time that imported rows without one would get.
///
/// # Errors
/// [`FileError`] when it cannot be read, is somebody else's or from a newer version.
pub fn inspect(path: &Path, now: Timestamp) -> Result<Report, FileError> {
    examine(&Snapshot::take(path)?, now)
}

/// A file of ours that can be copied.
#[derive(Debug)]
pub(super) struct Sound {
    pub(super) snapshot: Snapshot,
    pub(super) content: Content,
    /// As [`Report::warnings`].
    pub(super) warnings: Vec<String>,
}

/// Looks at a file of ours that has to be sound, for a copy of what is in it.
pub(super) fn sound(path: &Path, now: Timestamp) -> Result<Sound, FileError> {
    let snapshot = Snapshot::take(path)?;
    let report = examine(&snapshot, now)?;
    if let Some(fault) = report.faults.into_iter().next() {
        return Err(FileError::Damaged {
            path: path.to_path_buf(),
            fault,
        });
    }
    match report.found {
        Found::Ours {
            content: Some(content),
            ..
        } => Ok(Sound {
            snapshot,
            content,
            warnings: report.warnings,
        }),
        Found::Ours { content: None, .. } | Found::Original { .. } => Err(FileError::NotOurs {
            path: path.to_path_buf(),
            what: "it is a database of the original program, which a start of lastbeatd imports"
                .to_owned(),
        }),
    }
}

/// Judges a state of a file.
pub(super) fn examine(snapshot: &Snapshot, now: Timestamp) -> Result<Report, FileError> {
    let image = &snapshot.image;
    let not_ours = |what: String| FileError::NotOurs {
        path: snapshot.path.clone(),
        what,
    };
    if image.is_empty() {
        return match snapshot.log_bytes {
            0 => Err(not_ours("it is empty".to_owned())),
            _ => Ok(broken(
                snapshot,
                "it is empty, but its -wal is not".to_owned(),
                now,
            )),
        };
    }
    let newest = schema::version_of(schema::MIGRATIONS);
    match image.header() {
        None if saveable(image, now) == 0 => Err(not_ours("it is not a database".to_owned())),
        None => {
            let fault = "it does not begin as a database does".to_owned();
            Ok(broken(snapshot, fault, now))
        }
        Some(header) if header.application_id == schema::APPLICATION_ID => {
            if newest < header.user_version {
                return Err(FileError::Newer {
                    path: snapshot.path.clone(),
                    version: header.user_version,
                    ours: newest,
                });
            }
            examine_ours(snapshot, header.user_version, now)
        }
        Some(header) => examine_unmarked(snapshot, header, now),
    }
}

/// A file with our mark.
fn examine_ours(snapshot: &Snapshot, version: i64, now: Timestamp) -> Result<Report, FileError> {
    if version < 1 {
        let fault = format!("its schema has the number {version}, and the first is 1");
        return Ok(broken(snapshot, fault, now));
    }
    let unreadable = |cause| FileError::Unreadable {
        path: snapshot.path.clone(),
        cause: file_error::sqlite(cause),
    };
    let (mut faults, mut warnings) = (Vec::new(), Vec::new());
    let read = snapshot.open().and_then(|mut connection| {
        content::add_integrity_faults(&connection, &mut faults)?;
        for object in schema::differences(&connection, version, schema::MIGRATIONS)? {
            let list = if object.is_damage() {
                &mut faults
            } else {
                &mut warnings
            };
            list.push(object.fact(version));
        }
        for name in schema::triggers(&connection)? {
            warnings.push(format!(
                "the trigger {name} is not of lastbeatd, and may keep it from writing"
            ));
        }
        schema::migrate(&mut connection, version, schema::MIGRATIONS)?;
        content::read(&connection, &mut faults, &mut warnings)
    });
    let content = match read {
        Ok(content) => Some(content),
        Err(cause) if is_damage(&cause) || !faults.is_empty() => {
            faults.push(format!("it cannot be read to its end: {cause}"));
            None
        }
        Err(cause) => return Err(unreadable(cause)),
    };
    if 0 < snapshot.journal_bytes {
        let bytes = snapshot.journal_bytes;
        warnings.push(format!(
            "a -journal of {bytes} bytes lies beside it, which lastbeatd never writes"
        ));
    }
    if !faults.is_empty() && is_sound_without_log(snapshot) {
        faults.insert(
            0,
            "the -wal beside it is not of this file, which is sound without it".to_owned(),
        );
    }
    if let Some(fault) = snapshot.image.log_fault() {
        faults.insert(0, fault.to_owned());
    }
    let found = Found::Ours { version, content };
    Ok(Report {
        warnings,
        ..report(snapshot, found, faults, now)
    })
}

fn is_sound_without_log(snapshot: &Snapshot) -> bool {
    let sound = |connection: Connection| schema::fault(&connection);
    snapshot.image.has_log() && matches!(snapshot.open_without_log().and_then(sound), Ok(None))
}

/// A file without our mark, or with that of another program.
fn examine_unmarked(
    snapshot: &Snapshot,
    header: Header,
    now: Timestamp,
) -> Result<Report, FileError> {
    let not_ours = |what: String| FileError::NotOurs {
        path: snapshot.path.clone(),
        what,
    };
    let Header {
        application_id,
        user_version,
    } = header;
    let looked = snapshot.open().and_then(|connection| {
        Ok((
            schema::tables(&connection)?,
            import::read_from(&connection)?,
        ))
    });
    let wrong_mark = || {
        format!(
            "its tables are those of lastbeatd, but its mark is {application_id}, version {user_version}"
        )
    };
    match looked {
        Ok(((_, 1_i64..), _)) => Ok(broken(snapshot, wrong_mark(), now)),
        Ok(((0_i64, _), Unmarked::Empty)) => {
            Err(not_ours("it is a database without any table".to_owned()))
        }
        Ok((_, Unmarked::Original { rows, sequence })) if application_id == 0 => {
            let count = rows.len();
            let import = import::plan(rows, sequence, now);
            let found = Found::Original {
                rows: count,
                taken: import.batch.rows.len(),
                merged: import.merged,
                refused: import.refused.len(),
            };
            Ok(report(snapshot, found, Vec::new(), now))
        }
        Ok((_, Unmarked::Strange(why))) if saveable(&snapshot.image, now) != 0 => {
            Ok(broken(snapshot, why, now))
        }
        Err(cause) if saveable(&snapshot.image, now) != 0 => {
            Ok(broken(snapshot, cause.to_string(), now))
        }
        Ok(_) => Err(not_ours(header.foreign())),
        Err(cause) if is_damage(&cause) => Err(not_ours(format!(
            "it is damaged ({cause}), and nothing of lastbeatd can be read in it"
        ))),
        Err(cause) => Err(FileError::Unreadable {
            path: snapshot.path.clone(),
            cause: file_error::sqlite(cause),
        }),
    }
}

/// The report on a file of ours that cannot be read as a database.
fn broken(snapshot: &Snapshot, fault: String, now: Timestamp) -> Report {
    let version = snapshot.image.header().map_or(0, |head| head.user_version);
    let found = Found::Ours {
        version,
        content: None,
    };
    report(snapshot, found, vec![fault], now)
}

fn report(snapshot: &Snapshot, found: Found, faults: Vec<String>, now: Timestamp) -> Report {
    let saveable = (!faults.is_empty()).then(|| saveable(&snapshot.image, now));
    Report {
        path: snapshot.path.clone(),
        file_bytes: snapshot.file_bytes,
        log_bytes: snapshot.log_bytes,
        is_live: snapshot.is_live,
        found,
        faults,
        warnings: Vec::new(),
        saveable,
    }
}

/// How many instances the salvage of a start finds.
fn saveable(image: &Image, now: Timestamp) -> usize {
    let rescued = salvage::rescue(image, now, Span::default());
    rescued.batch.rows.len()
}
