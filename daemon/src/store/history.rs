//! The events that are too old for memory: reading them, and keeping their number bounded.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use lastbeat_proto::Span;
use rusqlite::{Connection, OptionalExtension, Result, TransactionBehavior, params};

use super::error::StoreError;
use super::load::event;
use super::schema;
use crate::clock::Listened;
use crate::state::record::EventRecord;

/// What happened before this revision?
const OLDER: &str = "
    select revision, at, l, kind, id, name, instance, reason
    from events where revision < ?1 order by revision desc limit ?2";

/// What happened to this service before this revision?
const OLDER_OF_NAME: &str = "
    select revision, at, l, kind, id, name, instance, reason
    from events where name = ?3 and revision < ?1 order by revision desc limit ?2";

/// Which events are the first and the last?
const ENDS: &str = "
    select (select revision from events order by revision limit 1),
           (select revision from events order by revision desc limit 1)";

/// Which is the newest event beyond the limit of count?
const LAST_BEYOND_COUNT: &str =
    "select revision from events order by revision desc limit 1 offset ?1";

/// Which of the oldest events are beyond a limit? Only the oldest are looked at, so that it costs no
/// scan of the whole table.
const BEYOND: &str = "
    select revision from (select revision, l from events order by revision limit ?1)
    where (revision <= ?2 or l < ?3) and revision < ?4";

/// This event is beyond a limit.
const DELETE: &str = "delete from events where revision = ?1";

/// How much history is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keep {
    /// So many events, the newest.
    pub events: usize,
    /// Events of so much listening time: a wall clock gone astray must not cost the history.
    pub events_for: Span,
    /// Events deleted in one transaction.
    pub step: usize,
}

impl Keep {
    /// What the daemon keeps: 100,000 events of 90 days, some 25 MB.
    pub const LIMITS: Self = Self {
        events: 100_000,
        events_for: Span::from_secs(90 * 86_400),
        step: 1_000,
    };
}

/// Pages given back in one transaction: 1 MiB.
const SHRINK_CHUNK: i64 = 256;

/// Which free pages does the file give back? A row is one of them; how many at most stands in
/// brackets behind it, because a pragma takes no parameters.
const GIVE_BACK: &str = "pragma incremental_vacuum";

/// How many pages does the file hold for later use?
const FREE_PAGES: &str = "pragma freelist_count";
/// Free pages that the file keeps, so that it does not shrink and grow again all day: 4 MiB.
const SPARE_PAGES: i64 = 1_024;

/// Reads old events from any thread, by a connection of its own for each question.
#[derive(Debug, Clone)]
pub struct History {
    path: PathBuf,
    /// Whether the last question failed: told when it begins and when it is over, and not each time.
    is_failing: Arc<AtomicBool>,
}

impl History {
    /// Will read the database at `path`.
    pub fn new(path: PathBuf) -> Self {
        Self {
            path,
            is_failing: Arc::default(),
        }
    }

    /// At most `limit` events with a revision below `before`, newest first; of one service where
    /// `name` is given.
    ///
    /// # Errors
    /// [`StoreError::Trouble`] when the file cannot be read now.
    pub fn older_events(
        &self,
        name: Option<&str>,
        before: u64,
        limit: usize,
    ) -> std::result::Result<Vec<EventRecord>, StoreError> {
        let read = self.read(name, before, limit);
        self.tell(read.as_ref().err());
        read
    }

    fn tell(&self, error: Option<&StoreError>) {
        let was_failing = self.is_failing.swap(error.is_some(), Ordering::Relaxed);
        match error {
            Some(error) if !was_failing => tracing::warn!(
                error = error as &dyn std::error::Error,
                "older events cannot be read from the database; who asks for them gets 503"
            ),
            None if was_failing => tracing::info!("older events can be read again"),
            _ => {}
        }
    }

    fn read(
        &self,
        name: Option<&str>,
        before: u64,
        limit: usize,
    ) -> std::result::Result<Vec<EventRecord>, StoreError> {
        let connection = schema::connect_read_only(&self.path)?;
        let before = i64::try_from(before).unwrap_or(i64::MAX);
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let events = match name {
            None => connection
                .prepare(OLDER)?
                .query_map([before, limit], event)?
                .collect::<Result<Vec<_>>>()?,
            Some(name) => connection
                .prepare(OLDER_OF_NAME)?
                .query_map(params![before, limit, name], event)?
                .collect::<Result<Vec<_>>>()?,
        };
        Ok(events)
    }
}

/// One small step towards a file that holds no more than it should.
pub(super) fn tidy(connection: &mut Connection, keep: &Keep, listened: Listened) -> Result<bool> {
    let kept_us = keep.events_for.as_signed_micros();
    let older_than = Listened::from_micros(listened.as_micros().saturating_sub(kept_us));
    Ok(prune(connection, keep.events, older_than, keep.step)? || shrink(connection, SHRINK_CHUNK)?)
}

/// Deletes at most `at_most` of the oldest events that are older than `older_than` or beyond the
/// newest `keep`; the newest event of all always stays, as its number must never come again.
/// True when there is more to delete.
fn prune(
    connection: &mut Connection,
    keep: usize,
    older_than: Listened,
    at_most: usize,
) -> Result<bool> {
    let ends: (Option<i64>, Option<i64>) =
        connection.query_row(ENDS, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let (Some(first), Some(last)) = ends else {
        return Ok(false);
    };
    let keep = i64::try_from(keep).unwrap_or(i64::MAX);
    // Revisions never repeat, so fewer numbers than `keep` are fewer events, without counting.
    let beyond_count = if last.saturating_sub(first) < keep {
        None
    } else {
        connection
            .query_row(LAST_BEYOND_COUNT, [keep], |row| row.get(0))
            .optional()?
    };
    let window = i64::try_from(at_most).unwrap_or(i64::MAX).saturating_add(1);
    let doomed = connection
        .prepare(BEYOND)?
        .query_map(
            params![
                window,
                beyond_count.unwrap_or(first.saturating_sub(1)),
                older_than.as_micros(),
                last
            ],
            |row| row.get::<_, i64>(0),
        )?
        .collect::<Result<Vec<_>>>()?;
    if doomed.is_empty() {
        return Ok(false);
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    {
        let mut delete = transaction.prepare(DELETE)?;
        for revision in doomed.iter().take(at_most) {
            delete.execute([revision])?;
        }
    }
    transaction.commit()?;
    Ok(at_most < doomed.len())
}

/// Gives at most `at_most` pages back to the system, beyond those that are kept for later. True
/// when there are more.
fn shrink(connection: &Connection, at_most: i64) -> Result<bool> {
    let free: i64 = connection.query_row(FREE_PAGES, [], |row| row.get(0))?;
    let surplus = free - SPARE_PAGES;
    if surplus <= 0 {
        return Ok(false);
    }
    let pages = surplus.min(at_most);
    let mut statement = connection.prepare(&format!("{GIVE_BACK}({pages})"))?;
    // Each row is a page that was given back.
    let mut pages = statement.query([])?;
    while pages.next()?.is_some() {}
    Ok(at_most < surplus)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_history_of_a_service_is_found_by_index() {
        let mut connection = Connection::open_in_memory().unwrap();
        schema::migrate(&mut connection, 0, schema::MIGRATIONS).unwrap();
        let plan = |sql: &str, values: &[&dyn rusqlite::ToSql]| -> Vec<String> {
            connection
                .prepare(&format!("explain query plan {sql}"))
                .unwrap()
                .query_map(values, |row| row.get(3))
                .unwrap()
                .map(std::result::Result::unwrap)
                .collect()
        };

        assert_eq!(
            plan(OLDER_OF_NAME, &[&9, &9, &"a"]),
            ["SEARCH events USING INDEX events_by_name (name=? AND rowid<?)"]
        );
        assert_eq!(
            plan(OLDER, &[&9, &9]),
            ["SEARCH events USING INTEGER PRIMARY KEY (rowid<?)"]
        );
    }
}
