//! `lastbeatd verify` finds every kind of fault, names it, and changes nothing.

use std::fs;
use std::path::Path;

use rusqlite::Connection;

use crate::program::Program;
use crate::tool::{has, registry, verify};

const DB: &str = "monitoring.db";
/// Size of a page of the file.
const PAGE: usize = 4_096;

type Damage = Box<dyn Fn(&mut Vec<u8>)>;

/// A statement that breaks a registry, and what is then found.
const FAULTS: [(&str, &str); 16] = [
    (
        "delete from heartbeats where id = 1",
        "fault: instances row 1: it has no heartbeat row",
    ),
    (
        "insert into heartbeats values (99, 0, 0)",
        "fault: heartbeats row 99: it has no instance",
    ),
    (
        "update instances set name = 'two' || char(10) || 'lines' where id = 2",
        "fault: instances row 2: name has U+000A at character 4",
    ),
    (
        "update instances set life = 'asleep' where id = 1",
        "fault: instances row 1: life is a word that this column does not know",
    ),
    (
        "update instances set tags = 'x' where id = 1",
        "fault: instances row 1: tags expected value",
    ),
    (
        r#"update instances set tags = '["\u001b[2J"]' where id = 1"#,
        "fault: instances row 1: a tag has U+001B at character 1",
    ),
    (
        "update instances set ttl_us = 1 where id = 1",
        "fault: instances row 1: its ttl of 1 us is not between 2s and 30d",
    ),
    (
        "update instances set since_l = 1000000000000 where id = 1",
        "fault: instances row 1: it is from listening time 1000000000000 us, but the daemon has \
         listened for ",
    ),
    (
        "update heartbeats set l = 9000000000000000000 where id = 1",
        "fault: instances row 1: listening time 9000000000000000000 us is not within 10,000 years",
    ),
    (
        "update events set kind = 'born' where revision = 2",
        "fault: events row 2: kind is a word that this column does not know",
    ),
    (
        "update events set revision = -7 where revision = 2",
        "fault: events row -7: revision is -7, which is out of range",
    ),
    (
        "insert into stretches values (9, 'stall', 1, 2, 0, 0, 0)",
        "fault: stretches row 9: it begins before the one before it ends",
    ),
    (
        "insert into stretches values (9, 'stall', 1000000000, 2, 0, 0, 0)",
        "fault: stretches row 9: it ends before it begins",
    ),
    (
        "drop index events_by_name",
        "fault: the index events_by_name is missing",
    ),
    (
        "drop view services; create view services as select 1",
        "fault: the view services is another than that of schema",
    ),
    (
        "pragma user_version = 0",
        "fault: its schema has the number 0, and the first is 1",
    ),
];

#[test]
fn every_kind_of_fault_is_found_and_named() {
    let sound = tempfile::tempdir().unwrap();
    assert_eq!(registry(sound.path()).stop(), Some(0));
    for (statement, fault) in FAULTS {
        let dir = tempfile::tempdir().unwrap();
        fs::copy(sound.path().join(DB), dir.path().join(DB)).unwrap();
        let connection = Connection::open(dir.path().join(DB)).unwrap();
        connection
            .execute_batch("pragma ignore_check_constraints = on; pragma journal_mode = delete")
            .unwrap();
        connection.execute_batch(statement).unwrap();
        connection.close().unwrap();

        let ran = verify(dir.path());

        has(&ran.out, &[fault, "readable in spite of that: "]);
        assert!(ran.out.lines().next().unwrap().ends_with(": damaged"));
        ran.refused(
            1,
            &["cannot trust ", "listed above; put a backup in its place"],
        );
    }
}

#[test]
fn bytes_that_went_bad_are_found() {
    let sound = tempfile::tempdir().unwrap();
    assert_eq!(registry(sound.path()).stop(), Some(0));
    let bytes = fs::read(sound.path().join(DB)).unwrap();
    let page = |number: usize, filling: u8| -> Damage {
        Box::new(move |b| b[number * PAGE..][..PAGE].fill(filling))
    };
    let pages = 1..bytes.len() / PAGE;
    assert!(8 < pages.len());
    for number in pages {
        for filling in [0, 0xa5] {
            check(&bytes, &page(number, filling), "fault: ");
        }
    }
    let damages: [(Damage, &str); 4] = [
        (Box::new(|b| b.truncate(b.len() - PAGE)), "fault: "),
        (
            Box::new(|b| b[..16].fill(0)),
            "fault: it does not begin as a database does",
        ),
        (
            Box::new(|b| b[60..72].fill(0)),
            "fault: its tables are those of lastbeatd, but its mark is 0",
        ),
        (
            Box::new(|b| b[68..72].fill(1)),
            "fault: its tables are those of lastbeatd, but its mark is 16843009",
        ),
    ];
    for (damage, fault) in damages {
        check(&bytes, &damage, fault);
    }
}

/// Verifies a copy that is damaged so.
fn check(sound: &[u8], damage: &dyn Fn(&mut Vec<u8>), fault: &str) {
    let dir = tempfile::tempdir().unwrap();
    let mut bytes = sound.to_vec();
    damage(&mut bytes);
    fs::write(dir.path().join(DB), bytes).unwrap();

    let ran = verify(dir.path());

    assert_eq!(ran.code, 1, "{ran:?}");
    has(&ran.out, &[fault]);
}

#[test]
fn a_log_that_was_left_behind_by_another_file_is_named() {
    let filled = |dir: &Path, count: usize| {
        let program = Program::start(dir, &[]);
        for number in 0..count {
            program.register(&format!(r#"{{"name":"svc-{number}","ip":"10.0.0.1"}}"#));
        }
        assert_eq!(program.stop(), Some(0));
    };
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path(), 100);
    // The log holds only what came after the stop: a few pages of many.
    let program = Program::start(dir.path(), &[]);
    program.register(r#"{"name":"late","ip":"10.0.0.1"}"#);
    program.kill();
    let log = fs::read(dir.path().join("monitoring.db-wal")).unwrap();
    let other = tempfile::tempdir().unwrap();
    filled(other.path(), 300);
    fs::write(other.path().join("monitoring.db-wal"), log).unwrap();
    // The pages of the log that the small file never wrote stay those of the large one.
    let ran = verify(other.path());

    has(
        &ran.out,
        &["fault: the -wal beside it is not of this file, which is sound without it"],
    );
    assert_eq!(ran.code, 1);
    fs::remove_file(other.path().join("monitoring.db-wal")).unwrap();
    fs::write(other.path().join("monitoring.db-journal"), "x").unwrap();
    let ran = verify(other.path());
    has(
        &ran.out,
        &["fault: a -journal of 1 bytes lies beside it, which lastbeatd never writes"],
    );
    fs::remove_file(other.path().join("monitoring.db-journal")).unwrap();
    has(
        &verify(other.path()).fine(),
        &["instances: 300 (300 UP, 0 DOWN)"],
    );
}
