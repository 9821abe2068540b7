//! What a file holds from the moment on at which it takes the place of one that somebody took away.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;

use lastbeatd::state::record::{Batch, InstanceRecord};
use lastbeatd::store::Store;
use rusqlite::Connection;

use crate::dice::{Dice, seed};
use crate::meddling::{FAST, other_database, rewritten};
use crate::program::{Program, until, within};
use crate::sample::{TTL, now, record, stretch};
use crate::tool::{run, verify};
use crate::traffic::{RECOVERY, pass};

const DB: &str = "monitoring.db";

/// So many stretches fill several pages: the log of a daemon holds only the newest.
const STRETCHES: i64 = 400;

/// A way to take the file away, and its name.
type Act = (&'static str, fn(&Path));

const ACTS: [Act; 4] = [
    ("cp of another over it", |dir| {
        fs::copy(other_database(dir), dir.join(DB)).unwrap();
    }),
    ("rm", |dir| fs::remove_file(dir.join(DB)).unwrap()),
    ("mv", |dir| {
        fs::rename(dir.join(DB), dir.join("elsewhere.db")).unwrap();
    }),
    ("mv of another to the path", |dir| {
        fs::rename(other_database(dir), dir.join(DB)).unwrap();
    }),
];

#[test]
fn many_stretches_keep_their_order_when_the_file_is_written_anew() {
    for (what, act) in ACTS {
        let dir = tempfile::tempdir().unwrap();
        let (mut store, _, _) = Store::open(&dir.path().join(DB), now(), TTL).unwrap();
        store
            .write(&Batch {
                rows: vec![record(1, "a"), record(2, "b")],
                stretches: (0..STRETCHES).map(|n| stretch(n * 2)).collect(),
                ..Batch::default()
            })
            .unwrap();
        store.close();
        let program = Program::start(dir.path(), &FAST);
        program.register(r#"{"name":"before","ip":"10.0.0.1"}"#);

        act(dir.path());

        within(RECOVERY, what, || rewritten(&program).is_some());
        program.register(r#"{"name":"after","ip":"10.0.0.1"}"#);
        assert_eq!(program.stop(), Some(0), "{what}");
        let said = verify(dir.path()).fine();
        assert!(said.contains("stretches: 401"), "{what}: {said}");
        assert!(said.contains("last stop: clean"), "{what}: {said}");
        run(dir.path(), &["backup", "--db", DB, "copy.db"]).fine();
        // A second stop finds the newest stretch again, and not one of the first.
        let program = Program::start(dir.path(), &FAST);
        assert_eq!(program.rows().len(), 4, "{what}");
        assert_eq!(program.stop(), Some(0), "{what}");
        let clean: i64 = Connection::open(dir.path().join(DB))
            .unwrap()
            .query_row("select sum(clean) from stretches", [], |row| row.get(0))
            .unwrap();
        assert_eq!(clean, 2, "{what}");
    }
}

/// Several transactions of rows.
const ROWS: i64 = 2_000;
/// Kills at a random moment.
const KILLS: usize = 4;
/// A rewriting is noticed within half a second, and building takes a part of one more.
const REWRITING_MS: usize = 900;

/// Rows that were stored by a daemon before.
fn stored(dir: &Path) -> BTreeSet<String> {
    let rows: Vec<InstanceRecord> = (1..=ROWS)
        .map(|id| record(id, &format!("svc-{id}")))
        .collect();
    let (mut store, _, _) = Store::open(&dir.join(DB), now(), TTL).unwrap();
    store
        .write(&Batch {
            rows,
            stretches: vec![stretch(0)],
            ..Batch::default()
        })
        .unwrap();
    store.close();
    (1..=ROWS).map(|id| format!("svc-{id}")).collect()
}

/// Whoever is known after a start.
fn known(dir: &Path) -> BTreeSet<String> {
    let program = Program::start(dir, &FAST);
    let name = |row: serde_json::Value| row["name"].as_str().unwrap().to_owned();
    program.rows().into_iter().map(name).collect()
}

#[test]
fn a_kill_right_behind_the_new_name_finds_every_row_in_the_new_file() {
    for (what, act) in [ACTS[0], ACTS[1]] {
        let dir = tempfile::tempdir().unwrap();
        let mut acknowledged = stored(dir.path());
        let program = Program::start(dir.path(), &FAST);
        // Who overwrites the file while the first transaction begins the log anew does so
        // unnoticed; an answer comes after that.
        program.register(r#"{"name":"before","ip":"10.0.0.1"}"#);
        acknowledged.insert("before".to_owned());
        let db = dir.path().join(DB);
        act(dir.path());
        let taken = fs::metadata(&db).ok().map(|at| at.ino());

        until("another file is at the path", || {
            fs::metadata(&db).is_ok_and(|at| Some(at.ino()) != taken)
        });
        program.kill();

        assert!(known(dir.path()) == acknowledged, "{what}");
    }
}

#[test]
fn a_kill_at_any_moment_of_a_rewriting_loses_nothing_that_was_acknowledged() {
    let mut dice = Dice::new(seed("rewriting"));
    for round in 0..KILLS {
        let dir = tempfile::tempdir().unwrap();
        let acknowledged = stored(dir.path());
        let program = Program::start(dir.path(), &FAST);
        // Replaced by a copy of itself: whoever deletes a file and kills its daemon before it looks
        // has deleted it.
        let (db, copy) = (dir.path().join(DB), dir.path().join("copy.db"));
        fs::copy(&db, &copy).unwrap();
        fs::rename(&copy, &db).unwrap();

        pass(Duration::from_millis(dice.below(REWRITING_MS) as u64));
        program.kill();

        assert!(known(dir.path()) == acknowledged, "round {round}");
    }
}
