//! Rows of the original's database: every row is accounted for once, and what becomes an instance
//! obeys our rules.
//!
//! The bytes are lines of fields parted by `|`: number, name, ip, status, time. A field that
//! begins with `~n`, `~i`, `~r` or `~b` is null, a whole number, a number or bytes.

use std::collections::HashSet;

use lastbeat_proto::{NetworkEndpoint, ServiceName, Timestamp};
use lastbeatd::store::seam::{Cell, Old, plan};

use crate::name::broken_rule;
use crate::sentence::assert_plain;

/// The moment of the import.
const NOW: Timestamp = Timestamp::from_micros(1_795_528_687_000_000);
/// Largest number that is taken over.
const MAX_ID: i64 = 1 << 53;

/// Reads the bytes as rows.
pub fn check(bytes: &[u8]) {
    let mut lines = bytes.split(|byte| *byte == b'\n');
    let sequence = number(lines.next().unwrap_or_default());
    let mut seen = HashSet::new();
    let rows: Vec<Old> = lines
        .take(64)
        .map(row)
        .filter(|(id, _)| seen.insert(*id))
        .collect();
    let ids: HashSet<i64> = rows.iter().map(|(id, _)| *id).collect();

    let outcome = plan(rows.clone(), sequence, NOW);

    let accounted: Vec<i64> = (outcome.rows.iter().map(|row| row.id))
        .chain(outcome.merged.iter().map(|(id, _)| *id))
        .chain(outcome.refused.iter().map(|(id, _)| *id))
        .collect();
    assert_eq!(accounted.len(), rows.len(), "{outcome:?}");
    assert_eq!(accounted.iter().copied().collect::<HashSet<_>>(), ids);
    assert!((0..=MAX_ID).contains(&outcome.sequence));
    let mut keys = HashSet::new();
    for row in &outcome.rows {
        assert!((1..=outcome.sequence).contains(&row.id), "{row:?}");
        assert_eq!(ServiceName::parse(&row.name).unwrap().as_str(), row.name);
        assert_eq!(broken_rule(&row.name), None, "{row:?}");
        assert_eq!(broken_rule(&row.instance), None, "{row:?}");
        let endpoint = NetworkEndpoint::parse(&row.address).unwrap();
        assert_eq!(
            (endpoint.address.as_str(), endpoint.port),
            (row.address.as_str(), None)
        );
        assert_eq!(endpoint.address.with_port(row.port), row.instance);
        assert!(row.heard <= NOW, "{row:?}");
        assert!(keys.insert((&row.name, &row.instance)), "twice: {row:?}");
    }
    for (_, reason) in outcome.refused.iter().chain(&outcome.merged) {
        assert!(!reason.is_empty());
        assert_plain("a reason", reason);
    }
    assert_eq!(plan(rows, sequence, NOW), outcome, "not the same twice");
}

fn row(line: &[u8]) -> Old {
    let mut fields = line.split(|byte| *byte == b'|');
    let id = number(fields.next().unwrap_or_default());
    (
        id,
        std::array::from_fn(|_| cell(fields.next().unwrap_or_default())),
    )
}

fn cell(field: &[u8]) -> Cell {
    match field {
        [b'~', b'n', ..] => Cell::Null,
        [b'~', b'i', rest @ ..] => Cell::Integer(number(rest)),
        [b'~', b'r', rest @ ..] => {
            let text = String::from_utf8_lossy(rest);
            text.parse().map_or(Cell::Null, Cell::Real)
        }
        [b'~', b'b', rest @ ..] => Cell::Blob(rest.to_vec()),
        text => Cell::Text(text.to_vec()),
    }
}

fn number(text: &[u8]) -> i64 {
    String::from_utf8_lossy(text).parse().unwrap_or(1)
}
