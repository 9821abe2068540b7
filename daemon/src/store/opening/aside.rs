//! A file that cannot be used: what can be read of it is saved into a new one, and it is moved out
//! of the way as it is, unless it is somebody else's.

use std::path::PathBuf;

use rusqlite::Connection;

use super::{Opening, Terms};
use crate::instance::Life;
use crate::state::record::InstanceRecord;
use crate::store::error::{Obstacle, StoreError};
use crate::store::image::Image;
use crate::store::import::Import;
use crate::store::place::{Place, with_ending};
use crate::store::{fresh, salvage, schema, write};

/// Saves what can be read of the file, and moves it out of the way.
pub(super) fn set_aside(terms: &Terms<'_>, why: String) -> Result<Opening, StoreError> {
    if is_somebody_elses(terms.place) {
        return Err(terms.place.unusable(Obstacle::Foreign(why)));
    }
    let image = Image::read(terms.place.path())?;
    let rescued = salvage::rescue(&image, terms.now, terms.default_ttl);
    if terms.is_first && is_a_wrong_path(&image, &rescued) {
        return Err(terms.place.unusable(Obstacle::Foreign(format!(
            "{why}, and nothing of lastbeatd can be read in it"
        ))));
    }
    fresh::build(
        terms.place,
        terms.migrations,
        |connection: &mut Connection| Ok(write::import(connection, &rescued)?),
    )?;
    let moved_to = fresh::replace(terms.place, terms.now)?;
    Ok(Opening::SetAside {
        moved_to: there(moved_to),
        salvaged: living(&rescued.batch.rows),
        why,
    })
}

/// What was moved away, where that was the log alone.
pub(super) fn there(moved_to: PathBuf) -> PathBuf {
    let log = with_ending(&moved_to, "-wal");
    if !moved_to.exists() && log.exists() {
        return log;
    }
    moved_to
}

/// How many of these are in the registry; the others have left it.
pub(super) fn living(rows: &[InstanceRecord]) -> usize {
    let is_living = |row: &&InstanceRecord| matches!(row.life, Life::Up | Life::Down);
    rows.iter().filter(is_living).count()
}

/// Whether the file is a healthy database that has nothing of ours: then it is no damaged
/// registry but a wrong path, and is left alone. Whatever cannot be read says no.
fn is_somebody_elses(place: &Place) -> bool {
    let Some(connection) = schema::connect_untouching(place.path()) else {
        return false;
    };
    let is_sound = matches!(schema::fault(&connection), Ok(None));
    is_sound && matches!(schema::tables(&connection), Ok((1.., 0)))
}

/// Whether the file is rather a document of its user than a registry: it does not begin as a
/// database does, not a row can be read in it, and no log lies beside it. That no daemon ever had
/// its lock file there is for the caller to say: with one, it was a registry, all of which rotted.
fn is_a_wrong_path(image: &Image, rescued: &Import) -> bool {
    let batch = &rescued.batch;
    let is_nothing = batch.rows.is_empty()
        && batch.events.is_empty()
        && batch.stretches.is_empty()
        && rescued.refused.is_empty();
    image.header().is_none() && !image.is_empty() && !image.has_log() && is_nothing
}
