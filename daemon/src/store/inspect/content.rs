//! What is in a registry, counted, and every row judged.

use lastbeat_proto::Timestamp;
use rusqlite::{Connection, Result};

use crate::clock::Listened;
use crate::instance::Life;
use crate::store::load::{each_event, each_instance, each_refused, each_stretch, highest_id};
use crate::store::soundness::Soundness;

/// Which instances have no heartbeat?
const SILENT: &str = "
    select i.id from instances as i left join heartbeats as h on h.id = i.id
    where h.id is null order by i.id";
/// Which heartbeats have no instance?
const ORPHANS: &str = "
    select h.id from heartbeats as h left join instances as i on i.id = h.id
    where i.id is null order by h.id";

/// So many faults of rows are told; a damaged page can make thousands.
const MAX_FAULTS: usize = 20;

/// What is in a registry.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Content {
    /// Instances that are UP.
    pub up: usize,
    /// Instances that are DOWN.
    pub down: usize,
    /// What has left and is kept.
    pub tombstones: usize,
    /// Recorded events.
    pub events: usize,
    /// When the first and the last of them were due.
    pub event_times: Option<(Timestamp, Timestamp)>,
    /// How long the daemon has listened.
    pub listened: Listened,
    /// In how many stretches.
    pub stretches: usize,
    /// Whether the newest stretch ended with a clean stop; absent before the first start.
    pub is_clean: Option<bool>,
    /// Rows of an imported database that were refused.
    pub refused_rows: usize,
    /// The highest row number that was ever given.
    pub last_id: i64,
}

/// Reads every row, counts it and adds what is wrong with it to `faults`.
pub(super) fn read(connection: &Connection, faults: &mut Vec<String>) -> Result<Content> {
    let mut content = Content::default();
    let mut rows = Soundness::default();
    let mut found = Faults::default();
    each_stretch(connection, |(number, row)| {
        content.stretches += 1;
        let judged = row.and_then(|row| {
            content.is_clean = Some(row.is_clean);
            rows.stretch(&row)
        });
        found.add("stretches", number, judged);
        Ok::<_, rusqlite::Error>(())
    })?;
    let silent = numbers(connection, SILENT)?;
    each_instance(connection, |(number, row)| {
        let judged = match row {
            _ if silent.binary_search(&number).is_ok() => Err("it has no heartbeat row".to_owned()),
            Err(fault) => Err(fault),
            Ok(row) => {
                match row.life {
                    Life::Up => content.up += 1,
                    Life::Down => content.down += 1,
                    Life::TimedOut | Life::Dismissed | Life::Deregistered => {
                        content.tombstones += 1;
                    }
                }
                rows.instance(&row)
            }
        };
        found.add("instances", number, judged);
        Ok::<_, rusqlite::Error>(())
    })?;
    for number in numbers(connection, ORPHANS)? {
        found.add("heartbeats", number, Err("it has no instance".to_owned()));
    }
    each_event(connection, |(number, row)| {
        content.events += 1;
        let judged = row.and_then(|row| {
            let first = content.event_times.map_or(row.at, |(first, _)| first);
            content.event_times = Some((first, row.at));
            rows.event(&row)
        });
        found.add("events", number, judged);
        Ok::<_, rusqlite::Error>(())
    })?;
    each_refused(connection, |(number, row)| {
        content.refused_rows += 1;
        found.add("refused_rows", number, row.map(|_| ()));
        Ok::<_, rusqlite::Error>(())
    })?;
    content.listened = rows.listened();
    content.last_id = highest_id(connection)?;
    found.tell(faults);
    faults.extend(rows.last_id(content.last_id).err());
    Ok(content)
}

fn numbers(connection: &Connection, sql: &str) -> Result<Vec<i64>> {
    connection
        .prepare(sql)?
        .query_map([], |row| row.get(0))?
        .collect()
}

/// The first faults of rows, and how many there are.
#[derive(Debug, Default)]
struct Faults {
    told: Vec<String>,
    more: usize,
}

impl Faults {
    fn add(&mut self, table: &str, number: i64, judged: std::result::Result<(), String>) {
        match judged {
            Err(fault) if self.told.len() < MAX_FAULTS => {
                self.told.push(format!("{table} row {number}: {fault}"));
            }
            Err(_beyond) => self.more += 1,
            Ok(()) => {}
        }
    }

    fn tell(self, faults: &mut Vec<String>) {
        faults.extend(self.told);
        if 0 < self.more {
            faults.push(format!("and {} more rows", self.more));
        }
    }
}
