//! From a document to a new database, or to the place in the document that is wrong.

use std::path::Path;

use lastbeat_proto::{Span, Timestamp};
use rusqlite::Connection;
use serde::Deserialize;

use super::line::{EventLine, InstanceLine, RefusedLine, StretchLine, TimeWord};
use super::{FORMAT, VERSION};
use crate::instance::Life;
use crate::state::record::{Batch, InstanceRecord};
use crate::store::error::StoreError;
use crate::store::file_error::{FileError, TargetFault};
use crate::store::import::Import;
use crate::store::lock::Lock;
use crate::store::place::{Place, SIBLINGS, remove_if_there};
use crate::store::soundness::Soundness;
use crate::store::{fresh, schema, write};

/// How far a time of an instance may be ahead of the clock here, since clocks of two machines differ.
const MAX_AHEAD: Span = Span::from_secs(86_400);

/// What every version of the format begins with.
#[derive(Deserialize)]
#[serde(expecting = "an object with format and version")]
struct Head {
    format: String,
    version: u32,
}

/// A whole document.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object with all of the registry")]
struct Document {
    #[serde(rename = "format")]
    _format: String,
    #[serde(rename = "version")]
    _version: u32,
    #[serde(rename = "exported_at")]
    _exported_at: TimeWord,
    last_id: i64,
    stretches: Vec<StretchLine>,
    instances: Vec<InstanceLine>,
    events: Vec<EventLine>,
    refused_rows: Vec<RefusedLine>,
}

/// What was taken in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taken {
    /// Instances that are UP or DOWN.
    pub instances: usize,
    /// What has left and is kept.
    pub tombstones: usize,
    /// Events.
    pub events: usize,
    /// Stretches.
    pub stretches: usize,
    /// Refused rows of a database of the original program.
    pub refused_rows: usize,
}

/// Builds the new database `db` from a document at `now`; `source_name` says where that comes from.
///
/// # Errors
/// [`FileError`]; then there is no database `db`, or the one that was there before.
pub fn import(
    db: &Path,
    document: &[u8],
    source_name: &str,
    now: Timestamp,
) -> Result<Taken, FileError> {
    let refused = |detail| FileError::Document {
        source_name: source_name.to_owned(),
        detail,
    };
    let import = parse(document).map_err(refused)?;
    check_times(&import, now).map_err(refused)?;
    let place = Place::find(db)?;
    check_free(&place)?;
    let _lock = Lock::take(&place)?;
    // Somebody may have been quicker.
    check_free(&place)?;
    build(&place, &import).map_err(|error| match error {
        StoreError::Trouble { cause } => FileError::Unwritable {
            path: place.path().to_path_buf(),
            cause,
        },
        other => FileError::Store(other),
    })?;
    let rows = &import.batch.rows;
    let is_living = |row: &&InstanceRecord| matches!(row.life, Life::Up | Life::Down);
    let instances = rows.iter().filter(is_living).count();
    Ok(Taken {
        instances,
        tombstones: rows.len() - instances,
        events: import.batch.events.len(),
        stretches: import.batch.stretches.len(),
        refused_rows: import.refused.len(),
    })
}

fn build(place: &Place, import: &Import) -> Result<(), StoreError> {
    let built = fresh::build(place, schema::MIGRATIONS, |connection: &mut Connection| {
        Ok(write::import(connection, import)?)
    });
    if let Err(error) = built {
        fresh::abandon(place)?;
        return Err(error);
    }
    for ending in SIBLINGS {
        remove_if_there(&place.beside(ending))?;
    }
    Ok(fresh::into_place(place)?)
}

/// Nothing of a database may be there: not even a log, which could hold the only truth.
fn check_free(place: &Place) -> Result<(), FileError> {
    let refused = |cause| FileError::Target {
        path: place.path().to_path_buf(),
        cause,
    };
    if place.path().exists() || fresh::is_ready(place) {
        return Err(refused(TargetFault::Exists));
    }
    let has_bytes =
        |ending: &str| std::fs::metadata(place.beside(ending)).is_ok_and(|file| 0 < file.len());
    match ["-wal", "-journal"]
        .into_iter()
        .find(|ending| has_bytes(ending))
    {
        None => Ok(()),
        Some(ending) => {
            let name = place.beside(ending).display().to_string();
            Err(refused(TargetFault::Leftover(name)))
        }
    }
}

/// Reads a document; the error names the place in it.
pub(super) fn parse(document: &[u8]) -> Result<Import, String> {
    // What some editors put in front.
    let document = document.strip_prefix(b"\xef\xbb\xbf").unwrap_or(document);
    let head: Head = serde_json::from_slice(document)
        .map_err(|error| format!("it is no export of a registry ({error})"))?;
    if head.format != FORMAT {
        return Err(format!(
            "its format is {:?} and not {FORMAT:?}",
            head.format
        ));
    }
    if head.version != VERSION {
        return Err(format!(
            "its format has version {}; this program reads version {VERSION}",
            head.version
        ));
    }
    let document: Document = serde_json::from_slice(document).map_err(|error| error.to_string())?;
    let import = Import {
        batch: Batch {
            stretches: document.stretches.into_iter().map(|line| line.0).collect(),
            rows: document.instances.into_iter().map(|line| line.0).collect(),
            events: document.events.into_iter().map(|line| line.0).collect(),
            ..Batch::default()
        },
        refused: document
            .refused_rows
            .into_iter()
            .map(|line| line.0)
            .collect(),
        merged: 0,
        sequence: document.last_id,
    };
    judge(&import)?;
    Ok(import)
}

/// No instance was heard in the future. Events and stretches are not asked: a wall clock that was
/// wrong for a while has left its times there, and nothing is judged by them.
fn check_times(import: &Import, now: Timestamp) -> Result<(), String> {
    let latest = now.plus_micros(MAX_AHEAD.as_signed_micros());
    for (index, row) in import.batch.rows.iter().enumerate() {
        let times = [
            ("first_seen", row.first_seen),
            ("since", row.since),
            ("heartbeat.at", row.heartbeat.at),
        ];
        if let Some((field, time)) = times.into_iter().find(|(_, time)| latest < *time) {
            return Err(format!(
                "instances[{index}]: its {field} {time} is more than {MAX_AHEAD} ahead of this \
                 machine's clock ({now}); correct whichever is wrong"
            ));
        }
    }
    Ok(())
}

/// What must hold between the records.
fn judge(import: &Import) -> Result<(), String> {
    let mut rows = Soundness::default();
    let batch = &import.batch;
    for (index, stretch) in batch.stretches.iter().enumerate() {
        rows.stretch(stretch)
            .map_err(|fault| format!("stretches[{index}]: {fault}"))?;
    }
    for (index, row) in batch.rows.iter().enumerate() {
        rows.instance(row)
            .map_err(|fault| format!("instances[{index}]: {fault}"))?;
    }
    for (index, event) in batch.events.iter().enumerate() {
        rows.event(event)
            .map_err(|fault| format!("events[{index}]: {fault}"))?;
    }
    let mut ids = std::collections::HashSet::new();
    for (index, refused) in import.refused.iter().enumerate() {
        if !ids.insert(refused.row.id) {
            return Err(format!(
                "refused_rows[{index}]: another has the id {}",
                refused.row.id
            ));
        }
    }
    rows.last_id(import.sequence)
}
