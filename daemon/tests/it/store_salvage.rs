//! A damaged or foreign file is set aside with its bytes as they are, and what is readable lives on.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use lastbeatd::clock::Listened;
use lastbeatd::state::record::{Batch, Loaded};
use lastbeatd::store::{Opening, Store, StoreError};
use rusqlite::Connection;

use crate::sample::{NOON_US, TTL, event, names, now, open_with_rows, record, stretch};

const ROWS: i64 = 500;
pub(crate) const PAGE: usize = 4_096;

/// A closed database with 500 instances, as many events and one stretch; its bytes.
pub(crate) fn intact(directory: &Path) -> Vec<u8> {
    let path = directory.join("intact.db");
    let (mut store, _, _) = Store::open(&path, now(), TTL).unwrap();
    let revisions = 1..=u64::try_from(ROWS).unwrap();
    store
        .write(&Batch {
            rows: (1..=ROWS)
                .map(|id| record(id, &format!("service-{id}")))
                .collect(),
            events: revisions.map(|n| event(n, Some("service-1"))).collect(),
            stretches: vec![stretch(0)],
            listened: Some((Listened::from_micros(1_000), now())),
            ..Batch::default()
        })
        .unwrap();
    store.close();
    fs::read(path).unwrap()
}

/// For each page the table it belongs to and how many rows it holds; pages of other kinds hold 0.
pub(crate) fn pages(directory: &Path) -> Vec<(String, usize)> {
    let connection = Connection::open(directory.join("intact.db")).unwrap();
    let known: HashMap<u16, (String, u16)> = connection
        .prepare("select pageno, name, iif(pagetype = 'leaf', ncell, 0) from dbstat")
        .unwrap()
        .query_map([], |row| Ok((row.get(0)?, (row.get(1)?, row.get(2)?))))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    let count: u16 = connection
        .pragma_query_value(None, "page_count", |row| row.get(0))
        .unwrap();
    // What dbstat does not list is the map that lets the file shrink.
    let map = ("pointer map".to_owned(), 0);
    (1..=count)
        .map(|page| known.get(&page).unwrap_or(&map))
        .map(|(table, rows)| (table.clone(), usize::from(*rows)))
        .collect()
}

/// Opens these bytes as a database of their own.
fn opened(bytes: &[u8]) -> (tempfile::TempDir, Loaded, Opening) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("monitoring.db");
    fs::write(&path, bytes).unwrap();
    let (store, loaded, opening) = Store::open(&path, now(), TTL).unwrap();
    store.close();
    assert_eq!(
        Store::open(&path, now(), TTL).unwrap().2,
        Opening::Existing,
        "what was made of it is whole"
    );
    (dir, loaded, opening)
}

/// Destroys one page after the other and looks at what is left.
fn every_page_damaged_by(damage: impl Fn(&mut [u8])) {
    let dir = tempfile::tempdir().unwrap();
    let intact = intact(dir.path());
    for ((table, rows), index) in pages(dir.path()).into_iter().zip(0..) {
        let mut bytes = intact.clone();
        damage(&mut bytes[index * PAGE..(index + 1) * PAGE]);
        let lost = |name: &str| if table == name { rows } else { 0 };

        let (_dir, loaded, opening) = opened(&bytes);

        let page = format!("page {} of {table}", index + 1);
        let all = usize::try_from(ROWS).unwrap();
        assert_eq!(loaded.instances.len(), all - lost("instances"), "{page}");
        assert_eq!(loaded.events.len(), all - lost("events"), "{page}");
        let heard = loaded
            .instances
            .iter()
            .filter(|row| row.heartbeat == record(row.id, "a").heartbeat)
            .count();
        assert!(
            all - lost("instances") - lost("heartbeats") <= heard,
            "{page}"
        );
        let last_l = loaded.stretches.last().unwrap().last_l;
        assert!(Listened::from_micros(500) <= last_l, "{page}: {last_l:?}");
        if table != "instances" {
            assert_eq!(loaded.next_id, ROWS + 1, "{page}");
        }
        match opening {
            Opening::SetAside {
                moved_to, salvaged, ..
            } => {
                assert_eq!(salvaged, loaded.instances.len(), "{page}");
                assert_eq!(fs::read(moved_to).unwrap(), bytes, "{page}");
            }
            other => assert_eq!(other, Opening::Existing, "{page}"),
        }
    }
}

#[test]
fn every_row_on_an_undamaged_page_is_saved_when_one_is_zeroed() {
    every_page_damaged_by(|page| page.fill(0));
}

#[test]
fn every_row_on_an_undamaged_page_is_saved_when_one_is_garbled() {
    every_page_damaged_by(|page| {
        // A fixed sequence without pattern (Knuth's multiplier), so the test is the same each time.
        let mut state = 0x2545_f491_4f6c_dd1d_u64;
        for byte in page {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            *byte = state.to_be_bytes()[0];
        }
    });
}

#[test]
fn a_file_without_its_magic_is_set_aside_and_wholly_saved() {
    let dir = tempfile::tempdir().unwrap();
    let mut bytes = intact(dir.path());
    bytes[..100].fill(0);

    let (dir, loaded, opening) = opened(&bytes);

    assert_eq!(loaded.instances.len(), 500);
    assert_eq!(loaded.instances[0], record(1, "service-1"));
    let root = dir.path().canonicalize().unwrap();
    assert_eq!(
        opening,
        Opening::SetAside {
            moved_to: root.join("monitoring.db.corrupt-20261124T135807Z"),
            salvaged: 500,
            why: "it is not a database".to_owned(),
        }
    );
}

#[test]
fn a_truncated_file_gives_what_is_left_of_it() {
    let dir = tempfile::tempdir().unwrap();
    let bytes = intact(dir.path());
    let mut before = usize::MAX;
    for parts in [7, 5, 3, 1, 0] {
        let cut = bytes.len() * parts / 8 + 100;

        let (_dir, loaded, opening) = opened(&bytes[..cut]);

        assert!(matches!(opening, Opening::SetAside { .. }), "{opening:?}");
        assert!(loaded.instances.len() <= before);
        before = loaded.instances.len();
    }
    assert_eq!(before, 0);
}

#[test]
fn a_text_file_where_a_registry_was_is_set_aside() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("monitoring.db");
    fs::write(dir.path().join("monitoring.db.lock"), "").unwrap();
    fs::write(&path, b"not a database\n").unwrap();

    let (store, loaded, opening) = Store::open(&path, now(), TTL).unwrap();
    store.close();

    assert_eq!(loaded.next_id, 1);
    let Opening::SetAside {
        moved_to,
        salvaged: 0,
        ..
    } = opening
    else {
        panic!("{opening:?}")
    };
    assert_eq!(fs::read(moved_to).unwrap(), b"not a database\n");
    assert_eq!(
        names(dir.path()),
        [
            "monitoring.db",
            "monitoring.db.corrupt-20261124T135807Z",
            "monitoring.db.lock",
        ]
    );
}

#[test]
fn a_sound_database_of_another_program_is_refused_and_left_alone() {
    for (setup, why) in [
        (
            "pragma application_id = 77; create table t (a)",
            "it is a database of another program (application id 77, version 0)",
        ),
        (
            "pragma user_version = 3; create table services (id, name, ip, status, last_heartbeat)",
            "it is a database of another program (application id 0, version 3)",
        ),
        (
            "create table services (id integer primary key, name, url)",
            "it is a database of another program",
        ),
        ("create table t (a)", "it is a database of another program"),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("foreign.db");
        let connection = Connection::open(&path).unwrap();
        connection.execute_batch(setup).unwrap();
        connection.close().unwrap();
        let bytes = fs::read(&path).unwrap();

        let error = Store::open(&path, now(), TTL).unwrap_err();

        let said = error.to_string();
        assert!(matches!(error, StoreError::Unusable { .. }), "{said}");
        assert!(
            said.contains(why) && said.ends_with("choose another file with --db"),
            "{said}"
        );
        assert_eq!(fs::read(&path).unwrap(), bytes);
    }
}

#[test]
fn files_that_were_set_aside_before_are_not_overwritten() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("monitoring.db");
    Store::open(&path, now(), TTL).unwrap().0.close();
    for n in 1..=3 {
        fs::write(&path, format!("bad {n}")).unwrap();
        Store::open(&path, now(), TTL).unwrap().0.close();
    }

    let aside = "monitoring.db.corrupt-20261124T135807Z";
    for (name, content) in [("", "bad 1"), ("-2", "bad 2"), ("-3", "bad 3")] {
        let file = dir.path().join(format!("{aside}{name}"));
        assert_eq!(fs::read_to_string(file).unwrap(), content);
    }
}

#[test]
fn a_row_that_no_program_of_ours_wrote_is_damage() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("monitoring.db");
    open_with_rows(&path).close();
    let connection = Connection::open(&path).unwrap();
    connection
        .execute("update instances set name = '' where id = 2", [])
        .unwrap();
    connection.close().unwrap();

    let (_store, loaded, opening) = Store::open(&path, now(), TTL).unwrap();

    let Opening::SetAside { why, .. } = opening else {
        panic!("{opening:?}")
    };
    assert_eq!(
        why,
        "Conversion error from type Text at index: 1, is empty; give 1 to 128 bytes of text"
    );
    assert_eq!(loaded.instances, [record(1, "a")]);
}

#[test]
fn an_instance_that_lost_its_heartbeat_was_heard_when_the_file_was_last_written() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("monitoring.db");
    open_with_rows(&path).close();
    let connection = Connection::open(&path).unwrap();
    connection
        .execute("delete from heartbeats where id = 2", [])
        .unwrap();
    connection.close().unwrap();

    let (_store, loaded, _) = Store::open(&path, now(), TTL).unwrap();

    assert_eq!(loaded.instances[0].heartbeat, record(1, "a").heartbeat);
    assert_eq!(loaded.instances[1].heartbeat.at.as_micros(), NOON_US);
    assert_eq!(loaded.instances[1].heartbeat.l, Listened::from_micros(50));
}

#[test]
fn a_start_ends_what_an_interrupted_one_began() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("monitoring.db");
    let ready = dir.path().join("monitoring.db.ready");
    open_with_rows(&path).close();
    fs::rename(&path, &ready).unwrap();
    fs::write(&path, b"bad").unwrap();

    let (_store, loaded, opening) = Store::open(&path, now(), TTL).unwrap();

    let Opening::SetAside {
        moved_to,
        salvaged: 2,
        why,
    } = opening
    else {
        panic!("{opening:?}")
    };
    assert_eq!(
        why,
        "an earlier start was interrupted while it set the file aside"
    );
    assert_eq!(fs::read(moved_to).unwrap(), b"bad");
    assert_eq!(loaded.instances.len(), 2);
}

#[test]
fn a_value_that_the_schema_forbids_is_found_by_a_start() {
    let dir = tempfile::tempdir().unwrap();
    let bytes = intact(dir.path());
    for change in [
        "instances set port = 0",
        "instances set port = 65536",
        "instances set life = 'gone'",
        "instances set mass = 2",
        "instances set flapping = -1",
        "stretches set began = 'stop'",
        "stretches set clean = 2",
    ] {
        let path = dir.path().join("changed.db");
        fs::write(&path, &bytes).unwrap();
        let connection = Connection::open(&path).unwrap();
        connection
            .execute_batch(&format!(
                "pragma ignore_check_constraints = on; update {change}"
            ))
            .unwrap();
        connection.close().unwrap();

        let (store, _, opening) = Store::open(&path, now(), TTL).unwrap();

        assert!(
            matches!(opening, Opening::SetAside { .. }),
            "{change}: {opening:?}"
        );
        store.close();
    }
}
