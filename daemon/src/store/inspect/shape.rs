//! Whether the tables of a file are those that its number of the schema stands for.

use std::collections::BTreeMap;

use rusqlite::{Connection, Result};

use crate::store::schema;

/// Which tables, indexes and views are there, and how were they made?
const OBJECTS: &str = "
    select type || ' ' || name, sql from sqlite_schema
    where sql is not null and name not like 'sqlite_%'";

/// What is missing or different. What an operator has added is nobody's business.
pub(super) fn differences(connection: &Connection, version: i64) -> Result<Vec<String>> {
    let steps = usize::try_from(version).unwrap_or(0);
    let migrations = schema::MIGRATIONS
        .get(..steps)
        .unwrap_or(schema::MIGRATIONS);
    let mut fresh = Connection::open_in_memory()?;
    schema::migrate(&mut fresh, 0, migrations)?;
    let found = objects(connection)?;
    let mut differences = Vec::new();
    for (name, sql) in objects(&fresh)? {
        match found.get(&name) {
            None => differences.push(format!("the {name} is missing")),
            Some(other) if *other != sql => {
                differences.push(format!(
                    "the {name} is another than that of schema {version}"
                ));
            }
            Some(_same) => {}
        }
    }
    Ok(differences)
}

fn objects(connection: &Connection) -> Result<BTreeMap<String, String>> {
    connection
        .prepare(OBJECTS)?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect()
}
