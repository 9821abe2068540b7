//! One value of a row, as the type that it must be. What a start's check leaves out of the
//! schema's constraints is asked for here.

use lastbeat_proto::{Address, NetworkEndpoint, Timestamp};
use rusqlite::types::Type;
use rusqlite::{Result, Row};
use serde::de::DeserializeOwned;

use crate::clock::Listened;

/// A list or map as JSON. Most are empty, which is seen without a parser.
pub(super) fn labels<T: Default + DeserializeOwned>(
    row: &Row<'_>,
    column: usize,
    empty: &str,
) -> Result<T> {
    checked(row, column, |text| {
        if text == empty {
            Ok(T::default())
        } else {
            serde_json::from_str(text)
        }
    })
}

pub(super) fn address(row: &Row<'_>, column: usize) -> Result<Address> {
    checked(row, column, NetworkEndpoint::parse).map(|endpoint| endpoint.address)
}

pub(super) fn port(row: &Row<'_>, column: usize) -> Result<Option<u16>> {
    match row.get(column)? {
        Some(0) => Err(rusqlite::Error::IntegralValueOutOfRange(column, 0)),
        port => Ok(port),
    }
}

pub(super) fn flag(row: &Row<'_>, column: usize) -> Result<bool> {
    match row.get(column)? {
        0 => Ok(false),
        1 => Ok(true),
        other => Err(rusqlite::Error::IntegralValueOutOfRange(column, other)),
    }
}

pub(super) fn time(row: &Row<'_>, column: usize) -> Result<Timestamp> {
    row.get(column).map(Timestamp::from_micros)
}

pub(super) fn listened(row: &Row<'_>, column: usize) -> Result<Listened> {
    row.get(column).map(Listened::from_micros)
}

pub(super) fn unsigned<T: TryFrom<i64>>(row: &Row<'_>, column: usize) -> Result<T> {
    let number: i64 = row.get(column)?;
    T::try_from(number)
        .map_err(|_out_of_range| rusqlite::Error::IntegralValueOutOfRange(column, number))
}

pub(super) fn checked<T, E>(
    row: &Row<'_>,
    column: usize,
    parse: impl FnOnce(&str) -> std::result::Result<T, E>,
) -> Result<T>
where
    E: std::error::Error + Send + Sync + 'static,
{
    let text = row.get_ref(column)?.as_str()?;
    parse(text).map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(column, Type::Text, Box::new(error))
    })
}
