//! From a database to a document, a record at a time.

use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use lastbeat_proto::Timestamp;
use serde::Serialize;

use super::line::{EventLine, InstanceLine, RefusedLine, StretchLine};
use super::{FORMAT, VERSION};
use crate::store::file_error::{self, FileError};
use crate::store::inspect::{self, Content, Sound};
use crate::store::load::{each_event, each_instance, each_refused, each_stretch};
use crate::store::schema;
use crate::store::snapshot::Snapshot;
use crate::store::target::Target;

/// What was written out.
#[derive(Debug)]
pub struct Exported {
    /// The document.
    pub path: PathBuf,
    /// What is in it.
    pub content: Content,
    /// What is not as lastbeatd would have written it; rows that cannot be read are left out.
    pub warnings: Vec<String>,
}

/// Writes the registry `db` as a document to the new file `to`.
///
/// # Errors
/// [`FileError`]; then there is no file `to`, unless only the sync of its folder failed: then it is
/// whole, and may be gone after a power cut.
pub fn export(db: &Path, to: &Path, now: Timestamp) -> Result<Exported, FileError> {
    let Sound {
        snapshot,
        content,
        warnings,
    } = inspect::sound(db, now)?;
    let target = Target::begin(to, &snapshot.path)?;
    let path = target.path().to_path_buf();
    let mut writer = BufWriter::new(target);
    write_out(&snapshot, &content, now, &mut writer).map_err(|stop| stop.tell(db, &path))?;
    let target = writer
        .into_inner()
        .map_err(|error| FileError::unwritable(&path, error.into_error()))?;
    target.sync(snapshot.mode)?;
    target.into_place()?;
    Ok(Exported {
        path,
        content,
        warnings,
    })
}

/// Writes the registry `db` as a document to a stream, and answers as [`Exported::warnings`].
///
/// # Errors
/// [`FileError`]; [`FileError::Unwritable`] also when nobody reads the stream any more.
pub fn export_to(
    db: &Path,
    stream: &mut dyn Write,
    name: &str,
    now: Timestamp,
) -> Result<Vec<String>, FileError> {
    let Sound {
        snapshot,
        content,
        warnings,
    } = inspect::sound(db, now)?;
    let mut writer = BufWriter::new(stream);
    write_out(&snapshot, &content, now, &mut writer)
        .and_then(|()| Ok(writer.flush()?))
        .map_err(|stop| stop.tell(db, Path::new(name)))?;
    Ok(warnings)
}

/// Why the writing of a document stopped.
enum Stop {
    Read(rusqlite::Error),
    Write(io::Error),
}

impl From<rusqlite::Error> for Stop {
    fn from(cause: rusqlite::Error) -> Self {
        Self::Read(cause)
    }
}

impl From<io::Error> for Stop {
    fn from(cause: io::Error) -> Self {
        Self::Write(cause)
    }
}

impl Stop {
    fn tell(self, db: &Path, target: &Path) -> FileError {
        match self {
            Self::Read(cause) => FileError::Unreadable {
                path: db.to_path_buf(),
                cause: file_error::sqlite(cause),
            },
            Self::Write(cause) => FileError::unwritable(target, cause),
        }
    }
}

/// Writes a document, a record at a time.
fn write_out(
    snapshot: &Snapshot,
    content: &Content,
    now: Timestamp,
    to: &mut dyn Write,
) -> Result<(), Stop> {
    let mut connection = snapshot.open()?;
    let version = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    schema::migrate(&mut connection, version, schema::MIGRATIONS)?;
    let mut list = Lines { to, has_any: false };
    write!(
        list.to,
        "{{\"format\":\"{FORMAT}\",\"version\":{VERSION},\"exported_at\":\"{now}\",\n\"last_id\":{}",
        content.last_id
    )?;
    list.begin("stretches")?;
    each_stretch(&connection, |(_, row)| list.add(row.map(StretchLine)))?;
    list.end()?;
    list.begin("instances")?;
    each_instance(&connection, |(_, row)| list.add(row.map(InstanceLine)))?;
    list.end()?;
    list.begin("events")?;
    each_event(&connection, |(_, row)| list.add(row.map(EventLine)))?;
    list.end()?;
    list.begin("refused_rows")?;
    each_refused(&connection, |(_, row)| list.add(row.map(RefusedLine)))?;
    list.end()?;
    Ok(list.to.write_all(b"}\n")?)
}

/// Writes lists with a record a line.
struct Lines<'a> {
    to: &'a mut dyn Write,
    has_any: bool,
}

impl Lines<'_> {
    fn begin(&mut self, key: &str) -> io::Result<()> {
        self.has_any = false;
        write!(self.to, ",\n\"{key}\":[")
    }

    fn add<T: Serialize>(&mut self, line: Result<T, String>) -> Result<(), Stop> {
        // Every row was judged before: one that cannot be read here is one of the warnings.
        let Ok(line) = line else { return Ok(()) };
        let separator: &[u8] = if self.has_any { b",\n" } else { b"\n" };
        self.to.write_all(separator)?;
        self.has_any = true;
        serde_json::to_writer(&mut *self.to, &line).map_err(|error| Stop::Write(error.into()))
    }

    fn end(&mut self) -> io::Result<()> {
        self.to.write_all(if self.has_any { b"\n]" } else { b"]" })
    }
}
