//! The rows of a table one by one, each as the value that it is or with the reason why it is none:
//! for whoever must not hold all of them, or must name the bad ones.

use rusqlite::{Connection, Error, Result, Row, Statement};

use super::{INSTANCES, REFUSED_ROWS, event, instance, refused, stretch};
use crate::state::record::{EventRecord, InstanceRecord, Stretch};
use crate::store::import::Refused;

/// What happened, from the first on?
const EVENTS: &str = "
    select revision, at, l, kind, id, name, instance, reason from events order by revision";

/// When did the daemon listen, from the first on?
const STRETCHES: &str = "
    select began, start_l, last_l, start_wall, last_wall, clean, id
    from stretches order by start_l";

/// A row's number, and the row or what is wrong with it.
type Numbered<T> = (i64, std::result::Result<T, String>);

/// Visits all instances and tombstones, by rising row number.
pub(in super::super) fn each_instance<E: From<Error>>(
    connection: &Connection,
    visit: impl FnMut(Numbered<InstanceRecord>) -> std::result::Result<(), E>,
) -> std::result::Result<(), E> {
    each(connection.prepare(INSTANCES)?, 0, instance, visit)
}

/// Visits all events, oldest first.
pub(in super::super) fn each_event<E: From<Error>>(
    connection: &Connection,
    visit: impl FnMut(Numbered<EventRecord>) -> std::result::Result<(), E>,
) -> std::result::Result<(), E> {
    each(connection.prepare(EVENTS)?, 0, event, visit)
}

/// Visits all stretches, oldest first.
pub(in super::super) fn each_stretch<E: From<Error>>(
    connection: &Connection,
    visit: impl FnMut(Numbered<Stretch>) -> std::result::Result<(), E>,
) -> std::result::Result<(), E> {
    each(connection.prepare(STRETCHES)?, 6, stretch, visit)
}

/// Visits all refused rows of an imported database.
pub(in super::super) fn each_refused<E: From<Error>>(
    connection: &Connection,
    visit: impl FnMut(Numbered<Refused>) -> std::result::Result<(), E>,
) -> std::result::Result<(), E> {
    each(connection.prepare(REFUSED_ROWS)?, 0, refused, visit)
}

fn each<T, E: From<Error>>(
    mut statement: Statement<'_>,
    number_column: usize,
    read: fn(&Row<'_>) -> Result<T>,
    mut visit: impl FnMut(Numbered<T>) -> std::result::Result<(), E>,
) -> std::result::Result<(), E> {
    let columns: Vec<String> = statement.column_names().map(str::to_owned).collect();
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let value = read(row).map_err(|error| fault(&error, &columns));
        visit((row.get(number_column)?, value))?;
    }
    Ok(())
}

/// What is wrong with a value, with the name of its column.
fn fault(error: &Error, columns: &[String]) -> String {
    let of = |column: &usize| columns.get(*column).map_or("a column", String::as_str);
    match error {
        Error::FromSqlConversionFailure(column, _, cause) => format!("{} {cause}", of(column)),
        Error::InvalidColumnType(column, _, kind) => {
            format!("{} holds a value of type {kind}", of(column))
        }
        Error::IntegralValueOutOfRange(column, value) => {
            format!("{} is {value}, which is out of range", of(column))
        }
        other => other.to_string(),
    }
}
