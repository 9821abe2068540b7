//! The shape of the database file: its numbers, its settings, and how it got from one version of
//! the schema to the next.

mod objects;

use std::path::Path;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, TransactionBehavior};

pub(super) use self::objects::{differences, is_altered, make_again, triggers};

/// Marks a file as a database of lastbeatd: `LBEA` as a number.
pub(super) const APPLICATION_ID: i64 = 0x4c42_4541;

/// The steps from one version of the schema to the next, oldest first. A step never changes
/// after its release.
pub(super) const MIGRATIONS: &[&str] = &[
    include_str!("../../migrations/0001-first.sql"),
    include_str!("../../migrations/0002-flapping.sql"),
];

/// How the open file is to be used. WAL with a sync at every commit: an answered registration
/// survives a power cut (NORMAL was measured to lose some). `mmap_size` 0: a shrinking file must
/// be an error and not a SIGBUS. A journal is cut back to 4 MiB.
///
/// None of these writes to a file that has them already: it may be damaged, or the disk full.
const SETTINGS: &str = "
    pragma journal_mode = wal;
    pragma synchronous = full;
    pragma mmap_size = 0;
    pragma trusted_schema = off;
    pragma cache_size = -4096;
    pragma journal_size_limit = 4194304;
";

/// A lock of another program surfaces within this time: memory goes on meanwhile, and the writer
/// tries again by itself.
const BUSY_MS: u64 = 200;

/// That a file can give pages back without being written anew: heard while it is empty, or by the
/// next `vacuum`. It is written each time, so it is no setting.
const SHRINKING: &str = "pragma auto_vacuum = incremental";
/// Can the file give back pages that it does not need? 2 when it can, in small steps.
const AUTO_VACUUM: &str = "pragma auto_vacuum";
/// Could this file, written anew, give pages back?
const VACUUM: &str = "vacuum";

/// Is everything in the file itself, and nothing in its log? 0 when it is.
const COMPLETE: &str = "pragma wal_checkpoint(truncate)";

/// The connection has one owner, so it needs no lock of its own.
const READ_WRITE: OpenFlags =
    OpenFlags::SQLITE_OPEN_READ_WRITE.union(OpenFlags::SQLITE_OPEN_NO_MUTEX);

/// Does every page and every row make sense? `ok`, or the first fault.
const CHECK: &str = "pragma quick_check(1)";

/// The check takes what a `check (…)` of the schema asks of each row as given: that is more than half
/// of its time, and who reads the rows behind it asks the same of them.
const WITHOUT_CONSTRAINTS: &str = "pragma ignore_check_constraints = on";

/// How many tables are there, and how many of them are ours?
const TABLES: &str = "
    select count(*), coalesce(sum(name in ('instances', 'heartbeats')), 0)
    from sqlite_schema where type = 'table'";

/// Makes a file that can shrink, and settles how it is used.
pub(super) fn create(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(path, READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE)?;
    connection.execute_batch(SHRINKING)?;
    settle(&connection)?;
    Ok(connection)
}

/// Opens a file that is known to be good, and settles how it is used.
pub(super) fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(path, READ_WRITE)?;
    settle(&connection)?;
    Ok(connection)
}

fn settle(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(std::time::Duration::from_millis(BUSY_MS))?;
    connection.execute_batch(SETTINGS)
}

/// Opens a file that may be damaged: until it is trusted, closing it changes nothing in it.
pub(super) fn connect_guarded(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(path, READ_WRITE)?;
    distrust(&connection)?;
    settle(&connection)?;
    Ok(connection)
}

/// Moves everything from the log into the file; false when somebody still reads from the log.
pub(super) fn complete(connection: &Connection) -> rusqlite::Result<bool> {
    connection.query_row(COMPLETE, [], |row| Ok(row.get::<_, i64>(0)? == 0))
}

/// From now on closing the file leaves it and its journal as they are.
pub(super) fn distrust(connection: &Connection) -> rusqlite::Result<()> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    Ok(())
}

/// From now on closing the file moves its journal into it, as usual.
pub(super) fn trust(connection: &Connection) -> rusqlite::Result<()> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)?;
    Ok(())
}

/// Opens the file for reading only, next to a connection that writes.
pub(super) fn connect_read_only(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(std::time::Duration::from_millis(BUSY_MS))?;
    connection.pragma_update(None, "trusted_schema", false)?;
    Ok(connection)
}

/// Looks at a file as if nobody could change it: neither its log nor a lock is touched or made.
pub(super) fn connect_untouching(path: &Path) -> Option<Connection> {
    let path = utf8_percent_encode(path.to_str()?, NON_ALPHANUMERIC);
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_URI;
    let connection = Connection::open_with_flags(format!("file:{path}?immutable=1"), flags).ok()?;
    connection
        .pragma_update(None, "trusted_schema", false)
        .ok()?;
    Some(connection)
}

/// The version that `migrations` lead to.
pub(super) fn version_of(migrations: &[&str]) -> i64 {
    i64::try_from(migrations.len()).unwrap_or(i64::MAX)
}

/// Brings the schema from `version` to the newest, in one transaction.
pub(super) fn migrate(
    connection: &mut Connection,
    version: i64,
    migrations: &[&str],
) -> rusqlite::Result<()> {
    let done = usize::try_from(version).unwrap_or(0);
    let step = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for migration in migrations.iter().skip(done) {
        step.execute_batch(migration)?;
    }
    step.pragma_update(None, "application_id", APPLICATION_ID)?;
    step.pragma_update(None, "user_version", version_of(migrations))?;
    step.commit()
}

/// Sees to it that the file can shrink, by writing a file that cannot, one of the first schema,
/// anew; of any other only its mode is read.
pub(super) fn let_shrink(connection: &Connection) -> rusqlite::Result<()> {
    let mode: i64 = connection.query_row(AUTO_VACUUM, [], |row| row.get(0))?;
    if mode != 2 {
        connection.execute_batch(SHRINKING)?;
        connection.execute_batch(VACUUM)?;
    }
    Ok(())
}

/// The first fault of the file, if it has one.
pub(super) fn fault(connection: &Connection) -> rusqlite::Result<Option<String>> {
    let word: String = connection.query_row(CHECK, [], |row| row.get(0))?;
    Ok((word != "ok").then_some(word))
}

/// The same of a file whose rows are all read, through a connection of its own.
pub(super) fn fault_of_pages(path: &Path) -> rusqlite::Result<Option<String>> {
    let connection = connect_read_only(path)?;
    connection.execute_batch(WITHOUT_CONSTRAINTS)?;
    fault(&connection)
}

/// How many tables there are, and how many of them bear a name of ours.
pub(super) fn tables(connection: &Connection) -> rusqlite::Result<(i64, i64)> {
    connection.query_row(TABLES, [], |row| Ok((row.get(0)?, row.get(1)?)))
}
