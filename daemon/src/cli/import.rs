//! `lastbeatd import [--db FILE] FROM`: a new database from a document of `lastbeatd export`.

use std::io::{self, Read};
use std::path::Path;

use super::CliError;
use super::console::say;
use super::database::{STREAM, now};
use crate::store::{FileError, import};

/// Builds `db` from the document `from` and says how much of what it took.
///
/// # Errors
/// [`CliError::File`].
pub(super) fn run(db: &Path, from: &Path) -> Result<(), CliError> {
    let is_stream = from == Path::new(STREAM);
    let name = if is_stream {
        "standard input".to_owned()
    } else {
        from.display().to_string()
    };
    let document = read(from, is_stream).map_err(|cause| FileError::Document {
        source_name: name.clone(),
        detail: format!("it cannot be read: {cause}"),
    })?;
    let taken = import(db, &document, &name, now())?;
    let db = std::path::absolute(db).unwrap_or_else(|_no_directory| db.to_path_buf());
    say(&format!(
        "imported to: {}\ninstances: {}\ntombstones: {}\nevents: {}\nstretches: {}\nrefused rows of an imported database: {}",
        db.display(),
        taken.instances,
        taken.tombstones,
        taken.events,
        taken.stretches,
        taken.refused_rows
    ))
}

fn read(from: &Path, is_stream: bool) -> io::Result<Vec<u8>> {
    if !is_stream {
        return std::fs::read(from);
    }
    let mut document = Vec::new();
    io::stdin().lock().read_to_end(&mut document)?;
    Ok(document)
}
