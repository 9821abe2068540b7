//! The shape of the database file: its numbers, its settings, and how it got from one version of
//! the schema to the next.

use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use std::path::Path;

/// Marks a file as a database of lastbeatd: `LBEA` as a number.
pub(super) const APPLICATION_ID: i64 = 0x4c42_4541;

/// The steps from one version of the schema to the next, oldest first. A step never changes
/// after its release.
pub(super) const MIGRATIONS: &[&str] = &[include_str!("../../migrations/0001-first.sql")];

/// How the open file is to be used. WAL with a sync at every commit: an answered registration
/// survives a power cut (NORMAL was measured to lose some). `mmap_size` 0: a shrinking file must
/// be an error and not a SIGBUS. A journal is cut back to 4 MiB.
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

/// Opens the file read-write and settles how it is used.
pub(super) fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(std::time::Duration::from_millis(BUSY_MS))?;
    connection.execute_batch(SETTINGS)?;
    Ok(connection)
}

/// Opens the file for reading only, next to a connection that writes.
pub(super) fn connect_read_only(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(std::time::Duration::from_millis(BUSY_MS))?;
    connection.pragma_update(None, "trusted_schema", false)?;
    Ok(connection)
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
