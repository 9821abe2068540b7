//! What is read from files of others, behind plain values, for the checks of `lastbeat-checks`
//! alone: nothing of the program calls this, and its form may change at any time.

use lastbeat_proto::Timestamp;
use rusqlite::types::Value;

use super::image;
use super::import::{self, OldRow};

pub use super::dump::rewritten;

/// What may stand in a column of the original's table.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// Nothing.
    Null,
    /// A whole number.
    Integer(i64),
    /// A number with a fraction.
    Real(f64),
    /// A text, in UTF-8 or not.
    Text(Vec<u8>),
    /// Bytes.
    Blob(Vec<u8>),
}

/// A row of the original's table: its number, and `name`, `ip`, `status`, `last_heartbeat`.
pub type Old = (i64, [Cell; 4]);

/// An instance that a row became.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    /// The row's number.
    pub id: i64,
    /// Name of the service.
    pub name: String,
    /// Its instance key.
    pub instance: String,
    /// Its address.
    pub address: String,
    /// Its port.
    pub port: Option<u16>,
    /// When it was last heard, as far as the row says so.
    pub heard: Timestamp,
}

/// What the rows became.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The instances, by their number.
    pub rows: Vec<Planned>,
    /// Numbers and texts of the rows that were merged into others.
    pub merged: Vec<(i64, String)>,
    /// Numbers of the refused rows, and why.
    pub refused: Vec<(i64, String)>,
    /// The highest number ever given.
    pub sequence: i64,
}

/// What an import at the moment `now` makes of these rows.
#[doc(hidden)]
pub fn plan(rows: Vec<Old>, sequence: i64, now: Timestamp) -> Outcome {
    let rows = rows.into_iter().map(old_row).collect();
    let import = import::plan(rows, sequence, now);
    let planned = import.batch.rows.iter().map(|row| Planned {
        id: row.id,
        name: row.name.to_string(),
        instance: row.instance.to_string(),
        address: row.address.to_string(),
        port: row.port,
        heard: row.heartbeat.at,
    });
    let merged = import.batch.events.iter().map(|event| {
        let id = event.subject.as_ref().map_or(0, |subject| subject.id);
        (id, event.reason.clone().unwrap_or_default())
    });
    Outcome {
        rows: planned.collect(),
        merged: merged.collect(),
        refused: import
            .refused
            .into_iter()
            .map(|refused| (refused.row.id, refused.reason))
            .collect(),
        sequence: import.sequence,
    }
}

fn old_row((id, [name, ip, status, last_heartbeat]): Old) -> OldRow {
    OldRow {
        id,
        name: value(name),
        ip: value(ip),
        status: value(status),
        last_heartbeat: value(last_heartbeat),
    }
}

fn value(cell: Cell) -> Value {
    match cell {
        Cell::Null => Value::Null,
        Cell::Integer(number) => Value::Integer(number),
        Cell::Real(number) => Value::Real(number),
        Cell::Text(bytes) => image::text(&bytes),
        Cell::Blob(bytes) => Value::Blob(bytes),
    }
}
