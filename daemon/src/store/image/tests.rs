//! What is read from the bytes is what `SQLite` reads, and no bytes are too odd to be looked at.

use std::sync::LazyLock;

use lastbeat_proto::{EventKind, InstanceId, NetworkEndpoint, ServiceName, Span, Timestamp};
use proptest::prelude::*;

use super::*;
use crate::clock::Listened;
use crate::instance::Life;
use crate::state::record::{
    Batch, Began, EventRecord, Heartbeat, InstanceRecord, Stretch, Subject,
};
use crate::store::import::{Import, OldRow, Refused};
use crate::store::{load, salvage, schema, write};

/// A row whose metadata is too long for one page.
fn record(id: i64) -> InstanceRecord {
    let time = Timestamp::from_micros(id);
    InstanceRecord {
        id,
        name: ServiceName::parse(&format!("service-{id}")).unwrap(),
        instance: InstanceId::parse("i").unwrap(),
        address: NetworkEndpoint::parse("2001:db8::7").unwrap().address,
        port: (id % 2 == 0).then_some(65_535),
        ttl: (id % 3 == 0).then_some(Span::from_micros(2_000_001)),
        tags: vec!["t".repeat(64)],
        metadata: (0..id % 33)
            .map(|n| (format!("key-{n}"), "v".repeat(256)))
            .collect(),
        first_seen: time,
        life: Life::Down,
        since: time,
        since_l: Listened::from_micros(id),
        is_mass: id % 5 == 0,
        changes: crate::instance::Changes::default(),
        is_flapping: false,
        heartbeat: Heartbeat {
            at: Timestamp::from_micros(-id),
            l: Listened::from_micros(1 << id.min(40)),
        },
    }
}

fn event(revision: u64) -> EventRecord {
    EventRecord {
        revision,
        at: Timestamp::from_micros(0),
        l: Listened::from_micros(1),
        kind: EventKind::Down,
        subject: (!revision.is_multiple_of(4)).then(|| Subject {
            id: 7,
            name: ServiceName::parse("a").unwrap(),
            instance: InstanceId::parse("i").unwrap(),
        }),
        reason: (!revision.is_multiple_of(3)).then(|| "because".to_owned()),
    }
}

fn everything() -> Import {
    let end = Listened::from_micros(1 << 41);
    Import {
        batch: Batch {
            rows: (1..=40).map(record).collect(),
            events: (1..=100).map(event).collect(),
            stretches: vec![Stretch {
                began: Began::Stall,
                start_l: Listened::from_micros(3),
                last_l: end,
                start_wall: Timestamp::from_micros(5),
                last_wall: Timestamp::from_micros(6),
                is_clean: true,
            }],
            ..Batch::default()
        },
        refused: vec![Refused {
            row: OldRow {
                id: 99,
                name: Value::Null,
                ip: Value::Integer(-300),
                status: Value::Real(1.5),
                last_heartbeat: Value::Blob(vec![0xff]),
            },
            reason: "name is missing".to_owned(),
        }],
        merged: 0,
        sequence: 1_000,
    }
}

/// The files of a database in the middle of its life: rows in the file, the last ones in the log,
/// pages that are free again.
fn files() -> (Vec<u8>, Vec<u8>) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("monitoring.db");
    let mut connection = schema::create(&path).unwrap();
    schema::migrate(&mut connection, 0, schema::MIGRATIONS).unwrap();
    let mut stale = everything();
    for row in &mut stale.batch.rows {
        row.id += 500;
        row.name = ServiceName::parse(&format!("stale-{}", row.id)).unwrap();
    }
    write::import(&mut connection, &stale).unwrap();
    let gone = Batch {
        deleted: stale.batch.rows.iter().map(|row| row.id).collect(),
        ..Batch::default()
    };
    write::write(&mut connection, &gone).unwrap();
    assert!(schema::complete(&connection).unwrap());
    write::import(&mut connection, &everything()).unwrap();
    let log = fs::read(with_ending(&path, "-wal")).unwrap();
    (fs::read(&path).unwrap(), log)
}

fn rescued(bytes: Vec<u8>, log: &[u8]) -> Import {
    let image = Image {
        bytes,
        overlay: Overlay::parse(log),
    };
    salvage::rescue(&image, Timestamp::from_micros(0), Span::from_secs(60))
}

fn assert_same(found: &Import, expected: &Import) {
    assert_eq!(found.batch, expected.batch);
    assert_eq!(found.refused, expected.refused);
    assert_eq!(found.sequence, expected.sequence);
}

#[test]
fn the_bytes_say_what_was_written_and_nothing_that_was_deleted() {
    let (bytes, log) = files();

    assert_same(&rescued(bytes, &log), &everything());
}

#[test]
fn the_bytes_of_one_file_say_what_sqlite_says() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("monitoring.db");
    let (bytes, log) = files();
    fs::write(&path, bytes).unwrap();
    fs::write(with_ending(&path, "-wal"), log).unwrap();
    let connection = schema::connect(&path).unwrap();
    let mut by_sqlite = load::past(&connection).unwrap();
    let loaded = load::load(&connection).unwrap();
    by_sqlite.batch.rows = loaded.instances;
    by_sqlite.batch.stretches = loaded.stretches;
    assert!(schema::complete(&connection).unwrap());
    drop(connection);

    let image = Image::read(&path).unwrap();

    let header = Header {
        application_id: schema::APPLICATION_ID,
        user_version: 2,
    };
    assert_eq!(image.header(), Some(header));
    assert_same(
        &salvage::rescue(&image, Timestamp::from_micros(0), Span::from_secs(60)),
        &by_sqlite,
    );
}

#[test]
fn a_negative_version_stays_negative() {
    let mut bytes = b"SQLite format 3\0".to_vec();
    bytes.resize(100, 0);
    bytes[60..64].fill(0xff);
    let image = Image {
        bytes,
        overlay: Overlay::default(),
    };

    assert_eq!(image.header().unwrap().user_version, -1);
}

#[test]
fn a_log_counts_up_to_its_last_whole_transaction() {
    let (bytes, log) = files();
    let without = rescued(bytes.clone(), &[]).batch.rows;

    let cut = rescued(bytes.clone(), &log[..log.len() - 1]).batch.rows;
    let mut rotten = log;
    rotten[40] ^= 1;

    assert!(without.is_empty());
    assert_eq!(cut, without);
    assert_eq!(rescued(bytes, &rotten).batch.rows, without);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn flipped_bytes_are_never_a_panic(
        flips in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..200),
        headers in proptest::collection::vec((any::<prop::sample::Index>(), 0_usize..12, any::<u8>()), 0..50),
        cut in any::<prop::sample::Index>(),
    ) {
        let (mut bytes, mut log) = FILES.with(Clone::clone);
        for (place, value) in flips {
            let at = place.index(bytes.len());
            bytes[at] = value;
            let at = place.index(log.len());
            log[at] = value;
        }
        // The begins of pages, where each byte means much.
        for (page, offset, value) in headers {
            let at = page.index(bytes.len() / 4_096) * 4_096 + offset;
            bytes[at] = value;
        }
        bytes.truncate(cut.index(bytes.len()) + bytes.len() / 2);

        let found = rescued(bytes, &log);

        prop_assert!(found.batch.rows.len() <= 600);
    }

    #[test]
    fn any_bytes_are_no_more_than_no_rows(
        bytes in proptest::collection::vec(any::<u8>(), 0..20_000),
        log in proptest::collection::vec(any::<u8>(), 0..9_000),
    ) {
        let found = rescued(bytes, &log);

        prop_assert!(found.batch.rows.is_empty());
    }
}

thread_local! {
    static FILES: (Vec<u8>, Vec<u8>) = files();
}

/// A log with the frames of an older one behind its own, before and after its last transaction,
/// which changes many pages.
fn two_states_of_a_log() -> (Vec<u8>, Vec<u8>) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("monitoring.db");
    let mut connection = schema::create(&path).unwrap();
    schema::migrate(&mut connection, 0, schema::MIGRATIONS).unwrap();
    for _ in 0..3 {
        write::import(&mut connection, &everything()).unwrap();
        let gone = Batch {
            deleted: (1..=40).collect(),
            ..Batch::default()
        };
        write::write(&mut connection, &gone).unwrap();
        connection
            .execute_batch("delete from events; delete from stretches; delete from refused_rows")
            .unwrap();
    }
    let restarted = connection.query_row("pragma wal_checkpoint(restart)", [], |_row| Ok(()));
    restarted.unwrap();
    let log = || fs::read(with_ending(&path, "-wal")).unwrap();
    connection.execute_batch("pragma user_version = 7").unwrap();
    connection.execute_batch("pragma user_version = 2").unwrap();
    let before = log();
    write::import(&mut connection, &everything()).unwrap();
    (before, log())
}

proptest! {
    #[test]
    fn a_transaction_that_a_power_cut_has_torn_is_no_damage(
        kept in proptest::collection::vec(0..3_usize, 1..400),
    ) {
        static STATES: LazyLock<(Vec<u8>, Vec<u8>)> = LazyLock::new(two_states_of_a_log);
        let (mut torn, whole) = (STATES.0.clone(), &STATES.1);
        torn.resize(whole.len(), 0);
        let changed = (0..torn.len()).find(|at| torn[*at] != whole[*at]).unwrap();
        let first = changed / 512;
        for (sector, keep) in (first..torn.len().div_ceil(512)).zip(kept.iter().cycle()) {
            // Two of three are kept: so whole frames stand between torn ones.
            if *keep != 0 {
                let range = sector * 512..(sector * 512 + 512).min(whole.len());
                torn[range.clone()].copy_from_slice(&whole[range]);
            }
        }

        let overlay = Overlay::parse(&torn);
        prop_assert_eq!(overlay.fault(), None);
    }
}
