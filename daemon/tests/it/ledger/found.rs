//! What is found after a crash: by a daemon's answers, or in the file itself.

use std::net::SocketAddr;
use std::path::Path;

use lastbeat_proto::Timestamp;
use rusqlite::Connection;
use serde_json::Value;

use super::Identity;
use crate::program::ask;

/// One row, standing or tombstone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) name: String,
    pub(crate) stands: bool,
    /// `GET /gone` shows no metadata.
    pub(crate) version: Option<u64>,
    pub(crate) id: i64,
    pub(crate) first_seen_us: Option<i64>,
}

/// The most tombstones that `GET /gone` gives.
const MOST_GONE: usize = 1_000;

/// Who is registered, with which version?
const ROWS: &str = "
    select id, name, life in ('up', 'down'), json_extract(metadata, '$.v'), first_seen
    from instances";
/// Which rows were refused, or have lost their other half?
const MISFITS: &str = "
    select (select count(*) from refused_rows)
        + (select count(*) from instances where id not in (select id from heartbeats))";

/// What a running daemon shows.
pub(crate) fn of_daemon(addr: SocketAddr) -> Vec<Found> {
    let (status, list) = ask(addr, "GET", "/services", "");
    assert_eq!(status, 200, "{list}");
    let mut found: Vec<Found> = list["services"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| shown(row, true))
        .collect();
    let (status, list) = ask(addr, "GET", &format!("/gone?limit={MOST_GONE}"), "");
    assert_eq!(status, 200, "{list}");
    let gone = list["gone"].as_array().unwrap();
    assert!(
        gone.len() < MOST_GONE,
        "the list of tombstones may be cut off"
    );
    found.extend(gone.iter().map(|row| shown(row, false)));
    found
}

fn shown(row: &Value, stands: bool) -> Found {
    let Identity { id, first_seen_us } = Identity::of(row);
    Found {
        name: row["name"].as_str().unwrap().to_owned(),
        stands,
        // A row without a version, or with a strange one, is none of ours.
        version: stands.then(|| version_of(row).unwrap_or(0)),
        id,
        first_seen_us: Some(first_seen_us),
    }
}

/// The version in a row's metadata.
pub(super) fn version_of(row: &Value) -> Option<u64> {
    row["metadata"]["v"].as_str()?.parse().ok()
}

impl Identity {
    /// What a row of an answer says.
    pub(crate) fn of(row: &Value) -> Self {
        let first_seen = Timestamp::parse(row["first_seen"].as_str().unwrap());
        Self {
            id: row["id"].as_i64().unwrap(),
            first_seen_us: first_seen.unwrap().as_micros(),
        }
    }
}

/// What is in the file after a crash, or why it is no sound database.
pub(crate) fn of_file(path: &Path) -> Result<Vec<Found>, String> {
    if !path.exists() {
        return Ok(Vec::new());
    }
    let connection = Connection::open(path).map_err(|error| error.to_string())?;
    read(&connection).map_err(|error| error.to_string())?
}

fn read(connection: &Connection) -> rusqlite::Result<Result<Vec<Found>, String>> {
    let word: String = connection.query_row("pragma integrity_check", [], |row| row.get(0))?;
    if word != "ok" {
        return Ok(Err(word));
    }
    let misfits: i64 = connection.query_row(MISFITS, [], |row| row.get(0))?;
    if 0 < misfits {
        return Ok(Err(format!("{misfits} rows are refused, or halves")));
    }
    let mut rows = connection.prepare(ROWS)?;
    let rows = rows.query_map([], |row| {
        let version: Option<String> = row.get(3)?;
        Ok(Found {
            id: row.get(0)?,
            name: row.get(1)?,
            stands: row.get(2)?,
            version: Some(version.and_then(|text| text.parse().ok()).unwrap_or(0)),
            first_seen_us: row.get(4)?,
        })
    })?;
    Ok(Ok(rows.collect::<rusqlite::Result<_>>()?))
}
