//! From values to the file: one batch in one transaction.
//!
//! Writing the same batch twice changes nothing: a commit that failed may have reached the disk
//! all the same, and is then tried again.

use rusqlite::{Connection, Result, Statement, Transaction, TransactionBehavior, params};

use super::import::{Import, Refused};
use super::load::{KEPT_STRETCHES, life_word};
use crate::state::record::{Batch, EventRecord, Heartbeat, InstanceRecord, Stretch};

/// The instance has left for good.
const DELETE_INSTANCE: &str = "delete from instances where id = ?1";
/// And its heartbeat with it.
const DELETE_HEARTBEAT: &str = "delete from heartbeats where id = ?1";

/// What is known about this instance now?
const UPSERT_INSTANCE: &str = "
    insert into instances (id, name, instance, ip, port, ttl_us, tags, metadata, first_seen,
                           life, since, since_l, mass, changes, flapping)
    values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)
    on conflict (id) do update set
        name = excluded.name, instance = excluded.instance, ip = excluded.ip,
        port = excluded.port, ttl_us = excluded.ttl_us, tags = excluded.tags,
        metadata = excluded.metadata, first_seen = excluded.first_seen, life = excluded.life,
        since = excluded.since, since_l = excluded.since_l, mass = excluded.mass,
        changes = excluded.changes, flapping = excluded.flapping";
/// What became of this instance, of which everything else is stored? Its texts and their index stay as
/// they are: to write them again costs three times as much.
const TURN_INSTANCE: &str = "
    update instances
    set life = ?2, since = ?3, since_l = ?4, mass = ?5, changes = ?6, flapping = ?7
    where id = ?1";
/// When was this new or changed instance last heard?
const UPSERT_HEARTBEAT: &str = "
    insert into heartbeats (id, at, l) values (?1, ?2, ?3)
    on conflict (id) do update set at = excluded.at, l = excluded.l";
/// When was this known instance last heard? One that is not stored stays so.
const UPDATE_HEARTBEAT: &str = "update heartbeats set at = ?2, l = ?3 where id = ?1";

/// What happened?
const UPSERT_EVENT: &str = "
    insert into events (revision, at, l, kind, id, name, instance, reason)
    values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
    on conflict (revision) do update set
        at = excluded.at, l = excluded.l, kind = excluded.kind, id = excluded.id,
        name = excluded.name, instance = excluded.instance, reason = excluded.reason";

/// A new stretch of listening has begun.
const UPSERT_STRETCH: &str = "
    insert into stretches (began, start_l, last_l, start_wall, last_wall, clean)
    values (?1, ?2, ?3, ?4, ?5, ?6)
    on conflict (start_l) do update set
        began = excluded.began, last_l = excluded.last_l, start_wall = excluded.start_wall,
        last_wall = excluded.last_wall, clean = excluded.clean";
/// The oldest stretches, those behind the newest `?1`, matter to no silence any more. Which is
/// older is said by `start_l` alone, here and everywhere: after a rescue, row numbers have no order.
const FORGET_STRETCHES: &str = "
    delete from stretches where start_l <=
        (select start_l from stretches order by start_l desc limit 1 offset ?1)";
/// How far has the newest stretch come?
const ADVANCE_STRETCH: &str = "
    update stretches set last_l = ?1, last_wall = ?2
    where start_l = (select max(start_l) from stretches)";
/// The daemon has stopped with nothing missed.
const MARK_CLEAN: &str =
    "update stretches set clean = 1 where start_l = (select max(start_l) from stretches)";

/// Which row of an imported database could not be taken, and why?
const UPSERT_REFUSED: &str = "
    insert into refused_rows (id, name, ip, status, last_heartbeat, reason)
    values (?1, ?2, ?3, ?4, ?5, ?6)
    on conflict (id) do nothing";

/// Which row numbers were given by a file before this one? (`sqlite_sequence` knows the table
/// only after its first row.)
const RAISE_SEQUENCE: &str =
    "update sqlite_sequence set seq = max(seq, ?1) where name = 'instances'";
/// The same, for a table without rows.
const START_SEQUENCE: &str = "insert into sqlite_sequence (name, seq) values ('instances', ?1)";

/// Writes all of `batch`, or nothing.
pub(super) fn write(connection: &mut Connection, batch: &Batch) -> Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    put(&transaction, batch)?;
    transaction.commit()
}

/// Writes everything that another file had.
pub(super) fn import(connection: &mut Connection, import: &Import) -> Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    put(&transaction, &import.batch)?;
    {
        let mut refused = transaction.prepare(UPSERT_REFUSED)?;
        for Refused { row, reason } in &import.refused {
            refused.execute(params![
                row.id,
                row.name,
                row.ip,
                row.status,
                row.last_heartbeat,
                reason
            ])?;
        }
    }
    if 0 < import.sequence && transaction.execute(RAISE_SEQUENCE, [import.sequence])? == 0 {
        transaction.execute(START_SEQUENCE, [import.sequence])?;
    }
    transaction.commit()
}

/// Puts `batch` into an open transaction. The connection keeps its statements: to compile the six of a
/// registration costs as much as to write some twenty rows.
fn put(transaction: &Transaction<'_>, batch: &Batch) -> Result<()> {
    put_stretches(transaction, batch)?;
    delete(transaction, &batch.deleted)?;
    put_rows(transaction, &batch.rows)?;
    put_turned(transaction, &batch.turned)?;
    put_beats(transaction, batch)?;
    put_events(transaction, &batch.events)
}

fn put_stretches(transaction: &Transaction<'_>, batch: &Batch) -> Result<()> {
    if !batch.stretches.is_empty() {
        let mut upsert = transaction.prepare_cached(UPSERT_STRETCH)?;
        for stretch in &batch.stretches {
            let Stretch {
                began,
                start_l,
                last_l,
                start_wall,
                last_wall,
                is_clean,
            } = stretch;
            upsert.execute(params![
                began.word(),
                start_l.as_micros(),
                last_l.as_micros(),
                start_wall.as_micros(),
                last_wall.as_micros(),
                is_clean,
            ])?;
        }
        transaction
            .prepare_cached(FORGET_STRETCHES)?
            .execute([KEPT_STRETCHES])?;
    }
    if let Some((l, wall)) = batch.listened {
        transaction
            .prepare_cached(ADVANCE_STRETCH)?
            .execute([l.as_micros(), wall.as_micros()])?;
    }
    if batch.is_clean_stop {
        transaction.execute(MARK_CLEAN, [])?;
    }
    Ok(())
}

fn delete(transaction: &Transaction<'_>, ids: &[i64]) -> Result<()> {
    if ids.is_empty() {
        return Ok(());
    }
    let mut instance = transaction.prepare_cached(DELETE_INSTANCE)?;
    let mut heartbeat = transaction.prepare_cached(DELETE_HEARTBEAT)?;
    for id in ids {
        instance.execute([id])?;
        heartbeat.execute([id])?;
    }
    Ok(())
}

fn put_rows(transaction: &Transaction<'_>, rows: &[InstanceRecord]) -> Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let mut instance = transaction.prepare_cached(UPSERT_INSTANCE)?;
    let mut heartbeat = transaction.prepare_cached(UPSERT_HEARTBEAT)?;
    for row in rows {
        instance.execute(params![
            row.id,
            row.name.as_str(),
            row.instance.as_str(),
            row.address.as_str(),
            row.port,
            row.ttl.map(lastbeat_proto::Span::as_signed_micros),
            json(&row.tags)?,
            json(&row.metadata)?,
            row.first_seen.as_micros(),
            life_word(row.life),
            row.since.as_micros(),
            row.since_l.as_micros(),
            row.is_mass,
            json(&row.changes)?,
            row.is_flapping,
        ])?;
        put_heartbeat(&mut heartbeat, row)?;
    }
    Ok(())
}

fn put_turned(transaction: &Transaction<'_>, rows: &[InstanceRecord]) -> Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let mut instance = transaction.prepare_cached(TURN_INSTANCE)?;
    let mut heartbeat = transaction.prepare_cached(UPSERT_HEARTBEAT)?;
    for row in rows {
        let turned = instance.execute(params![
            row.id,
            life_word(row.life),
            row.since.as_micros(),
            row.since_l.as_micros(),
            row.is_mass,
            json(&row.changes)?,
            row.is_flapping,
        ])?;
        if turned == 0 {
            put_rows(transaction, std::slice::from_ref(row))?;
        } else {
            put_heartbeat(&mut heartbeat, row)?;
        }
    }
    Ok(())
}

fn put_heartbeat(upsert: &mut Statement<'_>, row: &InstanceRecord) -> Result<()> {
    let Heartbeat { at, l } = row.heartbeat;
    upsert.execute([row.id, at.as_micros(), l.as_micros()])?;
    Ok(())
}

fn put_beats(transaction: &Transaction<'_>, batch: &Batch) -> Result<()> {
    if batch.beats.is_empty() {
        return Ok(());
    }
    let mut update = transaction.prepare_cached(UPDATE_HEARTBEAT)?;
    for (id, heartbeat) in &batch.beats {
        update.execute([*id, heartbeat.at.as_micros(), heartbeat.l.as_micros()])?;
    }
    Ok(())
}

fn put_events(transaction: &Transaction<'_>, events: &[EventRecord]) -> Result<()> {
    if events.is_empty() {
        return Ok(());
    }
    let mut upsert = transaction.prepare_cached(UPSERT_EVENT)?;
    for event in events {
        let subject = event.subject.as_ref();
        upsert.execute(params![
            event.revision.cast_signed(),
            event.at.as_micros(),
            event.l.as_micros(),
            event.kind.word(),
            subject.map(|subject| subject.id),
            subject.map(|subject| subject.name.as_str()),
            subject.map(|subject| subject.instance.as_str()),
            event.reason.as_deref(),
        ])?;
    }
    Ok(())
}

fn json<T: serde::Serialize>(value: &T) -> Result<String> {
    serde_json::to_string(value)
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))
}

#[cfg(test)]
mod tests {
    use rusqlite::StatementStatus;

    use super::super::schema;
    use super::*;
    use crate::clock::Listened;
    use lastbeat_proto::{EventKind, Timestamp};

    #[test]
    fn statements_are_compiled_once_and_not_in_every_transaction() {
        let mut connection = Connection::open_in_memory().unwrap();
        schema::migrate(&mut connection, 0, schema::MIGRATIONS).unwrap();
        let event = |revision| EventRecord {
            revision,
            at: Timestamp::from_micros(1),
            l: Listened::from_micros(1),
            kind: EventKind::Start,
            subject: None,
            reason: None,
        };
        for revision in 1..=3 {
            let batch = Batch {
                events: vec![event(revision)],
                listened: Some((Listened::from_micros(1), Timestamp::from_micros(1))),
                ..Batch::default()
            };
            write(&mut connection, &batch).unwrap();
        }

        for statement in [UPSERT_EVENT, ADVANCE_STRETCH] {
            let kept = connection.prepare_cached(statement).unwrap();
            assert_eq!(kept.get_status(StatementStatus::Run), 3, "{statement}");
        }
    }
}
