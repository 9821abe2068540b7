//! A file that cannot be used: what can be read of it is saved into a new one, and it is moved out
//! of the way as it is, unless it is somebody else's.

use rusqlite::Connection;

use super::{Opening, Terms};
use crate::store::error::{Obstacle, StoreError};
use crate::store::image::Image;
use crate::store::place::Place;
use crate::store::{fresh, salvage, schema, write};

/// Saves what can be read of the file, and moves it out of the way.
pub(super) fn set_aside(terms: &Terms<'_>, why: String) -> Result<Opening, StoreError> {
    if is_somebody_elses(terms.place) {
        return Err(StoreError::Unusable {
            path: terms.place.path().to_path_buf(),
            cause: Obstacle::Foreign(why),
        });
    }
    let image = Image::read(terms.place.path())?;
    let rescued = salvage::rescue(&image, terms.now, terms.default_ttl);
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
