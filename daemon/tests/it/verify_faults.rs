//! `lastbeatd verify` finds every kind of fault, names it, and changes nothing.

use std::fs;
use std::path::Path;

use rusqlite::Connection;

use crate::program::Program;
use crate::sample::names;
use crate::tool::{has, registry, run, verify};

const DB: &str = "monitoring.db";
/// Size of a page of the file.
const PAGE: usize = 4_096;

type Damage = Box<dyn Fn(&mut Vec<u8>)>;

/// A statement that breaks a registry, and what is then found.
const FAULTS: [(&str, &str); 8] = [
    (
        "delete from heartbeats where id = 1",
        "fault: instances row 1: it has no heartbeat row",
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
        "update events set kind = 'born' where revision = 2",
        "fault: events row 2: kind is a word that this column does not know",
    ),
    (
        "update events set revision = -7 where revision = 2",
        "fault: events row -7: revision is -7, which is out of range",
    ),
    (
        "pragma user_version = 0",
        "fault: its schema has the number 0, and the first is 1",
    ),
    (
        "drop table refused_rows",
        "fault: the table refused_rows is missing",
    ),
];

/// A statement that makes a registry odd, and what is then found.
const ODDITIES: [(&str, &str); 10] = [
    (
        "create trigger mine before insert on instances begin select raise(abort, 'no'); end",
        "warning: the trigger mine is not of lastbeatd, and may keep it from writing",
    ),
    (
        "insert into heartbeats values (99, 0, 0)",
        "warning: heartbeats row 99: it has no instance",
    ),
    (
        r#"update instances set tags = '["\u001b[2J"]' where id = 1"#,
        "warning: instances row 1: a tag has U+001B at character 1",
    ),
    (
        "update instances set ttl_us = 1 where id = 1",
        "warning: instances row 1: its ttl of 1 us is not between 2s and 30d",
    ),
    (
        "update instances set since_l = 1000000000000 where id = 1",
        "warning: instances row 1: it is from listening time 1000000000000 us, but the daemon has \
         listened for ",
    ),
    (
        "update heartbeats set l = 9000000000000000000 where id = 1",
        "warning: instances row 1: listening time 9000000000000000000 us is not within 10,000 years",
    ),
    (
        "insert into stretches values (9, 'stall', 1, 2, 0, 0, 0)",
        "warning: stretches row 9: it begins before the one before it ends",
    ),
    (
        "insert into stretches values (9, 'stall', 1000000000, 2, 0, 0, 0)",
        "warning: stretches row 9: it ends before it begins",
    ),
    (
        "drop index events_by_name",
        "warning: the index events_by_name is missing",
    ),
    (
        "drop view services; create view services as select 1",
        "warning: the view services is another than that of schema",
    ),
];

/// A registry after a clean stop, to which somebody has done this.
fn changed(sound: &Path, statement: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::copy(sound.join(DB), dir.path().join(DB)).unwrap();
    let connection = Connection::open(dir.path().join(DB)).unwrap();
    connection
        .execute_batch("pragma ignore_check_constraints = on; pragma journal_mode = delete")
        .unwrap();
    connection.execute_batch(statement).unwrap();
    connection.close().unwrap();
    dir
}

#[test]
fn every_kind_of_fault_is_found_and_named() {
    let sound = tempfile::tempdir().unwrap();
    assert_eq!(registry(sound.path()).stop(), Some(0));
    for (statement, fault) in FAULTS {
        let dir = changed(sound.path(), statement);

        let ran = verify(dir.path());

        has(&ran.out, &[fault, "readable in spite of that: "]);
        assert!(ran.out.lines().next().unwrap().ends_with(": damaged"));
        ran.refused(
            1,
            &["cannot trust ", "listed above; put a backup in its place"],
        );
        run(dir.path(), &["backup", "copy"]).refused(1, &["it is damaged ("]);
        // And a start does with each what the text says.
        assert_eq!(Program::start(dir.path(), &[]).stop(), Some(0));
        has(&verify(dir.path()).fine(), &["last stop: clean"]);
    }
}

#[test]
fn what_is_odd_is_told_and_stops_neither_a_copy_nor_a_start() {
    let sound = tempfile::tempdir().unwrap();
    assert_eq!(registry(sound.path()).stop(), Some(0));
    for (statement, warning) in ODDITIES {
        let dir = changed(sound.path(), statement);

        let said = verify(dir.path()).fine();

        has(&said, &[warning]);
        assert!(
            said.lines()
                .next()
                .unwrap()
                .ends_with(": sound, with warnings")
        );
        for arguments in [&["backup", "copy"][..], &["export", "document"]] {
            let ran = run(dir.path(), arguments);
            assert_eq!(ran.code, 0, "{ran:?}");
            has(&ran.err, &[&format!("lastbeatd: {warning}")]);
        }
        assert!(names(dir.path()).contains(&"copy".to_owned()));
        assert_eq!(Program::start(dir.path(), &[]).stop(), Some(0));
        assert!(
            !names(dir.path())
                .iter()
                .any(|name| name.contains(".corrupt-")),
            "{statement}"
        );
    }
}

#[test]
fn a_start_makes_an_index_and_a_view_again() {
    let sound = tempfile::tempdir().unwrap();
    assert_eq!(registry(sound.path()).stop(), Some(0));
    let dir = changed(
        sound.path(),
        "drop index events_by_name; drop view services",
    );
    let said = verify(dir.path()).fine();
    has(
        &said,
        &[
            "warning: the index events_by_name",
            "warning: the view services",
        ],
    );

    assert_eq!(Program::start(dir.path(), &[]).stop(), Some(0));

    let said = verify(dir.path()).fine();
    assert!(said.lines().next().unwrap().ends_with(": sound"), "{said}");
}

#[test]
fn an_old_event_that_no_start_reads_stops_no_copy_and_is_left_out_of_a_document() {
    let sound = tempfile::tempdir().unwrap();
    assert_eq!(registry(sound.path()).stop(), Some(0));
    let more = "with recursive n(i) as (select 1 union all select i + 1 from n where i < 1100)
        insert into events select 1000 + i, 0, 0, 'stall', null, null, null, null from n;
        update events set kind = 'born' where revision = ";
    let warning = "warning: events row 1001: kind is a word that this column does not know";
    let dir = changed(sound.path(), &format!("{more} 1001"));

    has(&verify(dir.path()).fine(), &[warning]);
    for arguments in [&["backup", "copy"][..], &["export", "document"]] {
        let ran = run(dir.path(), arguments);
        assert_eq!((ran.code, ran.err), (0, format!("lastbeatd: {warning}\n")));
    }
    let document = fs::read_to_string(dir.path().join("document")).unwrap();
    assert!(document.contains("\"revision\":1002,") && !document.contains("born"));

    let dir = changed(sound.path(), &format!("{more} 2100"));
    let fault = "fault: events row 2100: kind is a word that this column does not know";
    has(&verify(dir.path()).out, &[fault]);
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
    has(
        &verify(other.path()).fine(),
        &["warning: a -journal of 1 bytes lies beside it, which lastbeatd never writes"],
    );
    fs::remove_file(other.path().join("monitoring.db-journal")).unwrap();
    has(
        &verify(other.path()).fine(),
        &["instances: 300 (300 UP, 0 DOWN)"],
    );
}

#[test]
fn what_went_bad_in_a_file_that_is_open_is_found_too() {
    let damages: [(&str, Damage); 3] = [
        ("no header", Box::new(|b| b[..16].fill(0))),
        ("no schema", Box::new(|b| b[100..108].fill(0xa5))),
        ("a page", Box::new(|b| b[PAGE..2 * PAGE].fill(0xa5))),
    ];
    for (what, damage) in damages {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(registry(dir.path()).stop(), Some(0));
        // A program that has it open and does not mind, unlike a daemon.
        let open = Connection::open(dir.path().join(DB)).unwrap();
        open.query_row("select count(*) from services", [], |_row| Ok(()))
            .unwrap();
        let mut bytes = fs::read(dir.path().join(DB)).unwrap();
        damage(&mut bytes);
        fs::write(dir.path().join(DB), bytes).unwrap();

        // Not by `verify`, which reads the files and so takes the locks of this process away.
        let ran = run(dir.path(), &["verify", DB]);

        assert_eq!(ran.code, 1, "{what}: {ran:?}");
        has(&ran.out, &["fault: ", "in use by a running program: yes"]);
    }
}

#[test]
fn damage_is_not_called_a_database_of_another_program() {
    let dir = tempfile::tempdir().unwrap();
    let other = Connection::open(dir.path().join(DB)).unwrap();
    other
        .execute_batch("create table t (a); insert into t values (7)")
        .unwrap();
    other.close().unwrap();
    run(dir.path(), &["verify", DB]).refused(3, &["it is a database of another program ("]);
    let mut bytes = fs::read(dir.path().join(DB)).unwrap();
    bytes[100..108].fill(0xa5);
    fs::write(dir.path().join(DB), bytes).unwrap();

    let ran = run(dir.path(), &["verify", DB]);

    assert!(!ran.err.contains("another program"), "{ran:?}");
    ran.refused(
        3,
        &[
            "it is damaged (",
            "and nothing of lastbeatd can be read in it",
        ],
    );
}

#[test]
fn a_log_that_rotted_is_a_fault_is_not_copied_and_a_start_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let program = Program::start(dir.path(), &[]);
    for n in 0..20 {
        program.register(&format!(r#"{{"name":"svc-{n}","ip":"10.0.0.{n}"}}"#));
    }
    program.kill();
    let log = dir.path().join("monitoring.db-wal");
    let mut bytes = fs::read(&log).unwrap();
    bytes[..8].fill(0x5a);
    fs::write(&log, &bytes).unwrap();

    let ran = verify(dir.path());
    let said = "does not begin as a log does";
    assert!(ran.out.contains(said), "{ran:?}");
    has(
        &ran.out,
        &[
            "fault: the -wal beside it, of ",
            "readable in spite of that: 20",
        ],
    );
    ran.refused(1, &["1 fault"]);
    for command in [&["backup", "copy.db"][..], &["export", "copy.json"]] {
        run(dir.path(), command).refused(1, &["it is damaged", said]);
    }
    let program = Program::start(dir.path(), &[]);

    assert_eq!(program.rows().len(), 20);
    let (_, health) = program.ask("GET", "/healthz", "");
    let notice = &health["notices"][0];
    assert_eq!(notice["kind"], "set-aside");
    assert!(notice["text"].as_str().unwrap().contains(said), "{notice}");
    let kept = names(dir.path())
        .into_iter()
        .find(|name| name.contains(".corrupt-") && name.ends_with("-wal"));
    assert_eq!(fs::read(dir.path().join(kept.unwrap())).unwrap(), bytes);
}
