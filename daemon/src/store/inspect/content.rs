//! What is in a registry, counted, and every row judged.

use lastbeat_proto::Timestamp;
use rusqlite::{Connection, Result};

use crate::clock::Listened;
use crate::instance::Life;
use crate::store::load::{
    each_event, each_instance, each_refused, each_stretch, first_recent_event, highest_id,
};
use crate::store::soundness::Soundness;

/// What `SQLite` finds wrong with the file, in full.
const CHECK: &str = "pragma integrity_check(100)";
/// Which instances have no heartbeat?
const SILENT: &str = "
    select i.id from instances as i left join heartbeats as h on h.id = i.id
    where h.id is null order by i.id";
/// Which heartbeats have no instance?
const ORPHANS: &str = "
    select h.id from heartbeats as h left join instances as i on i.id = h.id
    where i.id is null order by h.id";

/// So many rows of a list are told; a damaged page can make thousands.
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

/// Reads every row, counts it and adds what is wrong with it: to `faults` what a start could not
/// read, to `warnings` what it would take as it is.
pub(super) fn read(
    connection: &Connection,
    faults: &mut Vec<String>,
    warnings: &mut Vec<String>,
) -> Result<Content> {
    let mut content = Content::default();
    let mut rows = Soundness::default();
    let (mut unreadable, mut found) = (Told::default(), Told::default());
    each_stretch(connection, |(number, row)| {
        content.stretches += 1;
        match row {
            Err(fault) => unreadable.add("stretches", number, Err(fault)),
            Ok(row) => {
                content.is_clean = Some(row.is_clean);
                found.add("stretches", number, rows.stretch(&row));
            }
        }
        Ok::<_, rusqlite::Error>(())
    })?;
    let silent = numbers(connection, SILENT)?;
    each_instance(connection, |(number, row)| {
        match row {
            _ if silent.binary_search(&number).is_ok() => {
                let fault = "it has no heartbeat row".to_owned();
                unreadable.add("instances", number, Err(fault));
            }
            Err(fault) => unreadable.add("instances", number, Err(fault)),
            Ok(row) => {
                content.count(row.life);
                found.add("instances", number, rows.instance(&row));
            }
        }
        Ok::<_, rusqlite::Error>(())
    })?;
    for number in numbers(connection, ORPHANS)? {
        found.add("heartbeats", number, Err("it has no instance".to_owned()));
    }
    // Of the older ones a start reads none.
    let first_read = first_recent_event(connection)?;
    each_event(connection, |(number, row)| {
        content.events += 1;
        match row {
            Err(fault) if first_read <= number => unreadable.add("events", number, Err(fault)),
            Err(fault) => found.add("events", number, Err(fault)),
            Ok(row) => {
                let first = content.event_times.map_or(row.at, |(first, _)| first);
                content.event_times = Some((first, row.at));
                found.add("events", number, rows.event(&row));
            }
        }
        Ok::<_, rusqlite::Error>(())
    })?;
    each_refused(connection, |(number, row)| {
        content.refused_rows += 1;
        found.add("refused_rows", number, row.map(|_| ()));
        Ok::<_, rusqlite::Error>(())
    })?;
    content.listened = rows.listened();
    content.last_id = highest_id(connection)?;
    unreadable.tell(faults);
    found.tell(warnings);
    warnings.extend(rows.last_id(content.last_id).err());
    Ok(content)
}

/// Adds all faults that `SQLite` finds, up to a hundred, also those before it gives up.
pub(super) fn add_integrity_faults(
    connection: &Connection,
    faults: &mut Vec<String>,
) -> Result<()> {
    let mut statement = connection.prepare(CHECK)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let words: String = row.get(0)?;
        let lines = words.lines().filter(|line| *line != "ok");
        faults.extend(lines.map(str::to_owned));
    }
    Ok(())
}

impl Content {
    fn count(&mut self, life: Life) {
        match life {
            Life::Up => self.up += 1,
            Life::Down => self.down += 1,
            Life::TimedOut | Life::Dismissed | Life::Deregistered => self.tombstones += 1,
        }
    }
}

fn numbers(connection: &Connection, sql: &str) -> Result<Vec<i64>> {
    connection
        .prepare(sql)?
        .query_map([], |row| row.get(0))?
        .collect()
}

/// The first rows that are not as they should be, and how many there are.
#[derive(Debug, Default)]
struct Told {
    told: Vec<String>,
    more: usize,
}

impl Told {
    fn add(&mut self, table: &str, number: i64, judged: std::result::Result<(), String>) {
        match judged {
            Err(fault) if self.told.len() < MAX_FAULTS => {
                self.told.push(format!("{table} row {number}: {fault}"));
            }
            Err(_beyond) => self.more += 1,
            Ok(()) => {}
        }
    }

    fn tell(self, list: &mut Vec<String>) {
        list.extend(self.told);
        if 0 < self.more {
            list.push(format!("and {} more rows", self.more));
        }
    }
}
