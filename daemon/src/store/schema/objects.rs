//! Whether the tables, indexes and views of a file are those that its number of the schema stands
//! for, and how those that hold no data are made again.

use std::collections::BTreeMap;

use rusqlite::{Connection, Result};

/// Which tables, indexes and views are there, and how were they made?
const OBJECTS: &str = "
    select type || ' ' || name, sql from sqlite_schema
    where sql is not null and name not like 'sqlite_%'";

/// How much is there that the schema does not have and that can refuse a row? Its own unique keys
/// have no statement of their own.
const FOREIGN: &str = "
    select count(*) from sqlite_schema
    where type = 'trigger' or (type = 'index' and sql like '%unique%')";
/// Which triggers are there?
const TRIGGERS: &str = "select name from sqlite_schema where type = 'trigger' order by name";

/// What is not as the schema has it.
#[derive(Debug)]
pub(in super::super) struct Difference {
    /// Its kind and its name: `index events_by_name`.
    name: String,
    /// How the schema makes it.
    sql: String,
    is_missing: bool,
}

impl Difference {
    /// Whether a start cannot do with it: rows are missing with their table.
    pub(in super::super) fn is_damage(&self) -> bool {
        self.is_missing && self.name.starts_with("table ")
    }

    /// What is the matter, as a fact of a file of schema `version`.
    pub(in super::super) fn fact(&self, version: i64) -> String {
        let name = &self.name;
        if self.is_missing {
            format!("the {name} is missing")
        } else {
            format!("the {name} is another than that of schema {version}")
        }
    }
}

/// What is missing or different. What an operator has added is nobody's business.
pub(in super::super) fn differences(
    connection: &Connection,
    version: i64,
    migrations: &[&str],
) -> Result<Vec<Difference>> {
    let steps = usize::try_from(version).unwrap_or(0);
    let migrations = migrations.get(..steps).unwrap_or(migrations);
    let mut fresh = Connection::open_in_memory()?;
    super::migrate(&mut fresh, 0, migrations)?;
    let found = objects(connection)?;
    let differs = |(name, sql): (String, String)| match found.get(&name) {
        Some(other) if *other == sql => None,
        other => Some(Difference {
            is_missing: other.is_none(),
            name,
            sql,
        }),
    };
    Ok(objects(&fresh)?.into_iter().filter_map(differs).collect())
}

/// Makes an index or a view again that somebody has dropped, and does nothing where none is
/// missing.
pub(in super::super) fn make_again(
    connection: &Connection,
    differences: &[Difference],
) -> Result<()> {
    let missing = differences.iter().filter(|object| object.is_missing);
    for object in missing.filter(|object| !object.is_damage()) {
        connection.execute_batch(&object.sql)?;
    }
    Ok(())
}

/// Whether anything in an open file, which has the newest schema, can make our statements fail.
pub(in super::super) fn is_altered(connection: &Connection) -> Result<bool> {
    let version = super::version_of(super::MIGRATIONS);
    let foreign: i64 = connection.query_row(FOREIGN, [], |row| row.get(0))?;
    Ok(0 < foreign || !differences(connection, version, super::MIGRATIONS)?.is_empty())
}

/// The triggers in the file. The schema has none, and one of another program may stop a write.
pub(in super::super) fn triggers(connection: &Connection) -> Result<Vec<String>> {
    connection
        .prepare(TRIGGERS)?
        .query_map([], |row| row.get(0))?
        .collect()
}

fn objects(connection: &Connection) -> Result<BTreeMap<String, String>> {
    connection
        .prepare(OBJECTS)?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect()
}
