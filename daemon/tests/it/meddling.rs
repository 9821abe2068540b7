//! Somebody meddles with the files of a running daemon: what is damage is noticed and mended from
//! memory, what is none is left alone, and nothing that was answered is lost either way.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use rusqlite::Connection;

use crate::program::{Program, within};
use crate::traffic::{Ledger, RECOVERY, Traffic, assert_never_down, assert_recovers, pass};

pub(crate) const FAST: [&str; 4] = ["--storage-wait", "1s", "--flush", "100ms"];

/// Instances that beat, each so often.
const BEATING: usize = 8;
const PACE: Duration = Duration::from_millis(500);

/// So long nothing may be noticed: four looks.
const LOOKS: Duration = Duration::from_secs(2);

/// How soon something is noticed: 1 s, and as much again where other tests run beside.
const NOTICED: Duration = Duration::from_secs(2);

/// What somebody does, and what it is called when the daemon takes it for damage.
struct Act {
    what: &'static str,
    does: fn(&Path),
    /// The word of the notice; none when it is no damage.
    notice: Option<&'static str>,
    /// Whether what is at the path is kept.
    keeps: bool,
}

fn db(dir: &Path) -> PathBuf {
    dir.join("monitoring.db")
}

fn beside(dir: &Path, ending: &str) -> PathBuf {
    dir.join(format!("monitoring.db{ending}"))
}

/// As a database browser does it, over a lock of the daemon that lasts for a moment.
fn execute(dir: &Path, sql: &str) -> rusqlite::Result<()> {
    let connection = Connection::open(db(dir))?;
    connection.busy_timeout(RECOVERY)?;
    connection.execute_batch(sql)
}

pub(crate) fn other_database(dir: &Path) -> PathBuf {
    let path = dir.join("other.db");
    let connection = Connection::open(&path).unwrap();
    connection
        .execute_batch("create table t (a); insert into t values (randomblob(30000))")
        .unwrap();
    path
}

const DAMAGE: [Act; 10] = [
    Act {
        what: "rm",
        does: |dir| fs::remove_file(db(dir)).unwrap(),
        notice: Some("was deleted or moved away"),
        keeps: false,
    },
    Act {
        what: "mv",
        does: |dir| fs::rename(db(dir), dir.join("elsewhere.db")).unwrap(),
        notice: Some("was deleted or moved away"),
        keeps: false,
    },
    Act {
        what: "mv of another file to the path",
        does: |dir| fs::rename(other_database(dir), db(dir)).unwrap(),
        notice: Some("was replaced by another file"),
        keeps: true,
    },
    Act {
        what: "cp of another file over it",
        does: |dir| {
            fs::copy(other_database(dir), db(dir)).unwrap();
        },
        notice: Some("was overwritten"),
        keeps: true,
    },
    Act {
        what: "truncate to nothing",
        does: |dir| drop(fs::File::create(db(dir)).unwrap()),
        notice: Some("was overwritten"),
        keeps: true,
    },
    Act {
        what: "a page of rubbish",
        does: |dir| {
            let mut bytes = fs::read(db(dir)).unwrap();
            bytes[4_096..8_192].fill(0x5a);
            fs::write(db(dir), bytes).unwrap();
        },
        notice: Some("was overwritten"),
        keeps: true,
    },
    Act {
        what: "rm of the log",
        does: |dir| fs::remove_file(beside(dir, "-wal")).unwrap(),
        notice: Some("lost its log"),
        keeps: true,
    },
    Act {
        what: "a trigger that stops every write",
        does: |dir| {
            let stop = |on| {
                format!(
                    "create trigger no_{on} before update on {on} begin select raise(abort, 'no'); end;"
                )
            };
            execute(dir, &(stop("heartbeats") + &stop("stretches"))).unwrap();
        },
        notice: Some("was altered by another program"),
        keeps: true,
    },
    Act {
        what: "drop of a table",
        does: |dir| execute(dir, "drop table heartbeats").unwrap(),
        notice: Some("was altered by another program"),
        keeps: true,
    },
    Act {
        what: "another directory in its place",
        does: |dir| {
            let away = dir.with_extension("away");
            fs::rename(dir, &away).unwrap();
            fs::create_dir(dir).unwrap();
        },
        notice: Some("was deleted or moved away"),
        keeps: false,
    },
];

const NO_DAMAGE: [Act; 7] = [
    Act {
        what: "mv and back",
        does: |dir| {
            fs::rename(db(dir), dir.join("elsewhere.db")).unwrap();
            fs::rename(dir.join("elsewhere.db"), db(dir)).unwrap();
        },
        notice: None,
        keeps: false,
    },
    Act {
        what: "rm of the log's index",
        does: |dir| fs::remove_file(beside(dir, "-shm")).unwrap(),
        notice: None,
        keeps: false,
    },
    Act {
        what: "chmod 000",
        does: |dir| {
            use std::os::unix::fs::PermissionsExt;
            fs::set_permissions(db(dir), fs::Permissions::from_mode(0o000)).unwrap();
        },
        notice: None,
        keeps: false,
    },
    Act {
        what: "vacuum",
        does: |dir| execute(dir, "vacuum").unwrap(),
        notice: None,
        keeps: false,
    },
    Act {
        what: "a checkpoint",
        does: |dir| execute(dir, "pragma wal_checkpoint(truncate)").unwrap(),
        notice: None,
        keeps: false,
    },
    Act {
        what: "another journal mode",
        // Refused, as long as the daemon has it open.
        does: |dir| assert!(execute(dir, "pragma journal_mode = delete").is_err()),
        notice: None,
        keeps: false,
    },
    Act {
        what: "an insert",
        does: |dir| {
            execute(
                dir,
                "create table notes (a); insert into notes values ('mine')",
            )
            .unwrap();
        },
        notice: None,
        keeps: false,
    },
];

fn set_aside(dir: &Path) -> Vec<PathBuf> {
    fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.to_str().unwrap().contains(".corrupt-"))
        .collect()
}

/// The sentence of the notice that the file was written anew, if it stands.
pub(crate) fn rewritten(program: &Program) -> Option<String> {
    let (_, health) = program.ask("GET", "/healthz", "");
    let notices = health["notices"].as_array().unwrap();
    let notice = notices
        .iter()
        .find(|notice| notice["kind"] == "rewritten")?;
    Some(notice["text"].as_str().unwrap().to_owned())
}

fn is_borne(act: &Act) {
    let parent = tempfile::tempdir().unwrap();
    let dir = parent.path().join("data");
    fs::create_dir(&dir).unwrap();
    let what = act.what;
    let program = Program::start(&dir, &FAST);
    let ledger = Arc::new(Ledger::default());
    let traffic = Traffic::start(&program, &ledger, BEATING, PACE);
    ledger.flow(BEATING, 20);
    traffic.end();
    // Without registrations meanwhile: who overwrites the file while a checkpoint writes to it,
    // does so unnoticed.
    let traffic = Traffic::beating(&program, &ledger, BEATING, PACE);

    (act.does)(&dir);

    if let Some(word) = act.notice {
        within(RECOVERY, what, || {
            rewritten(&program).is_some_and(|text| text.contains(word))
        });
    } else {
        pass(LOOKS);
        assert_eq!(rewritten(&program), None, "{what}");
    }
    assert_recovers(&program, what);
    traffic.end();
    let traffic = Traffic::start(&program, &ledger, BEATING, PACE);
    ledger.flow(BEATING, 20);
    traffic.end();
    ledger.assert_right(what);
    assert_never_down(&program, BEATING, what);
    program.kill();
    assert_eq!(
        act.keeps,
        !set_aside(&dir).is_empty(),
        "{what}: {:?}",
        set_aside(&dir)
    );
    let program = Program::start(&dir, &FAST);
    ledger.assert_kept(&program, what);
}

/// Two at a time: each is mostly waiting.
fn are_borne(acts: &'static [Act]) {
    for pair in acts.chunks(2) {
        thread::scope(|scope| {
            for act in pair {
                scope.spawn(|| is_borne(act));
            }
        });
    }
}

#[test]
fn damage_to_the_open_file_is_noticed_and_mended_from_memory() {
    are_borne(&DAMAGE);
}

#[test]
fn what_is_no_damage_to_the_open_file_is_left_alone() {
    are_borne(&NO_DAMAGE);
}

/// Removes the database with all that belongs to it.
fn remove_all(dir: &Path) {
    for entry in fs::read_dir(dir).unwrap() {
        fs::remove_file(entry.unwrap().path()).unwrap();
    }
}

#[test]
fn what_is_registered_in_a_deleted_file_is_stored_before_it_is_answered() {
    for number in 0..5 {
        let dir = tempfile::tempdir().unwrap();
        let program = Program::start(dir.path(), &[]);
        program.register(r#"{"name":"before","ip":"10.0.0.1"}"#);
        remove_all(dir.path());

        program.register(r#"{"name":"after","ip":"10.0.0.2"}"#);
        program.kill();

        let program = Program::start(dir.path(), &[]);
        assert_eq!(program.rows().len(), 2, "{number}");
    }
}

#[test]
fn a_stop_writes_a_deleted_file_again_before_it_says_that_everything_is_stored() {
    let dir = tempfile::tempdir().unwrap();
    let program = Program::start(dir.path(), &[]);
    program.register(r#"{"name":"a","ip":"10.0.0.1"}"#);
    remove_all(dir.path());

    assert_eq!(program.stop(), Some(0));

    assert_eq!(Program::start(dir.path(), &[]).rows().len(), 1);
}

#[test]
fn a_link_to_the_database_that_is_deleted_or_turned_is_noticed() {
    let dir = tempfile::tempdir().unwrap();
    let link = dir.path().join("link.db");
    let turn = |to: &str| std::os::unix::fs::symlink(to, &link).unwrap();
    turn("monitoring.db");
    Program::start(dir.path(), &[]).kill();
    let told = |program: &Program| {
        let (_, health) = program.ask("GET", "/healthz", "");
        let notices = health["notices"].as_array().unwrap();
        let mut told = notices
            .iter()
            .filter(|notice| notice["kind"] == "link-changed");
        told.next()
            .map(|notice| notice["text"].as_str().unwrap().to_owned())
    };

    let program = Program::start(dir.path(), &["--db", "link.db"]);
    program.register(r#"{"name":"a","ip":"10.0.0.1"}"#);
    fs::remove_file(&link).unwrap();
    within(NOTICED, "rm", || {
        told(&program).is_some_and(|text| text.contains("is there again"))
    });
    assert_eq!(fs::read_link(&link).unwrap(), Path::new("monitoring.db"));
    program.kill();

    let program = Program::start(dir.path(), &["--db", "link.db"]);
    assert_eq!(program.rows().len(), 1);
    fs::remove_file(&link).unwrap();
    turn("elsewhere.db");
    within(NOTICED, "turned", || {
        told(&program).is_some_and(|text| text.contains("does not lead to the database"))
    });
    program.kill();
    assert_eq!(fs::read_link(&link).unwrap(), Path::new("elsewhere.db"));
}
