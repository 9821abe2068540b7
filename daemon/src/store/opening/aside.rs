//! A file that cannot be used: what can be read of it is saved into a new one, and it is moved out
//! of the way as it is, unless it is somebody else's.

use rusqlite::Connection;

use super::{Opening, Terms};
use crate::store::error::{Obstacle, StoreError};
use crate::store::image::Image;
use crate::store::import::Import;
use crate::store::place::Place;
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
    Ok(Opening::SetAside {
        moved_to: fresh::replace(terms.place, terms.now)?,
        salvaged: rescued.batch.rows.len(),
        why,
    })
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
