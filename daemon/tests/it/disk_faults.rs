//! A full or failing disk under a running daemon: it goes on, refuses what it cannot store, says
//! so, and catches up by itself; nothing is lost and nothing is set aside.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use lastbeatd::store::Store;

use crate::figure::figure;
use crate::meddling::{other_database, rewritten};
use crate::program::{Program, until, within};
use crate::sample::{TTL, event, events, now};
use crate::strace::{Fault, Strace};
use crate::traffic::{Ledger, RECOVERY, Traffic, assert_never_down, assert_recovers};

/// A registration waits for a second try, half a second after the first, and no longer: so one
/// that a short fault met is answered with success, and must be stored.
const FAST: [&str; 4] = ["--storage-wait", "1s", "--flush", "100ms"];

/// Events that were there before; memory holds 1,000.
const OLDER_EVENTS: u64 = 1_100;
/// Instances that beat, each so often.
const BEATING: usize = 12;
const PACE: Duration = Duration::from_millis(500);

/// What a disk says when it is full or broken.
const WRITING: [(&str, &str); 3] = [
    ("pwrite64", "ENOSPC"),
    ("pwrite64", "EIO"),
    ("fsync", "EIO"),
];

/// Episodes between two kills.
const EPISODES: usize = 10;

/// A daemon with its clients, killed and started again now and then.
struct Scene {
    dir: tempfile::TempDir,
    ledger: Arc<Ledger>,
    program: Program,
    traffic: Traffic,
}

impl Scene {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        // More than memory holds, so that a file that is written anew needs the old one's.
        let older = (1..=OLDER_EVENTS).map(|revision| event(revision, None));
        let (mut store, _, _) = Store::open(&dir.path().join("monitoring.db"), now(), TTL).unwrap();
        store.write(&events(older.collect())).unwrap();
        store.close();
        let ledger = Arc::new(Ledger::default());
        let program = Program::start(dir.path(), &FAST);
        let traffic = Traffic::start(&program, &ledger, BEATING, PACE);
        Self {
            dir,
            ledger,
            program,
            traffic,
        }
    }

    /// Nothing wrong was answered, nobody is DOWN, nothing was set aside.
    fn assert_well(&self, when: &str) {
        assert_recovers(&self.program, when);
        self.ledger.assert_right(when);
        assert_never_down(&self.program, BEATING, when);
        assert_eq!(set_aside(self.dir.path()), 0, "{when}");
    }

    /// What was answered with success is there after `kill -9`.
    fn killed(self, when: &str) -> Self {
        self.traffic.end();
        self.ledger.assert_right(when);
        self.program.kill();
        let program = Program::start(self.dir.path(), &FAST);
        self.ledger.assert_kept(&program, when);
        assert_history(&program, when);
        let traffic = Traffic::start(&program, &self.ledger, BEATING, PACE);
        Self {
            program,
            traffic,
            ..self
        }
    }

    /// One fault of the writing thread from its begin to its end.
    fn suffer(&self, fault: Fault) {
        let when = format!("{fault:?}");
        let refused = self.ledger.refused();
        let log = self.dir.path().join("strace.log");
        let strace = Strace::attach(self.program.pid(), fault, &log);
        until(&when, || 0 < strace.injected());
        if fault.lasts {
            until(&when, || refused < self.ledger.refused());
        }
        strace.detach();
        self.assert_well(&when);
    }
}

/// The first event of all is still there, though memory has forgotten it long ago.
fn assert_history(program: &Program, when: &str) {
    let (status, list) = program.ask("GET", "/events?before=3", "");
    assert_eq!(status, 200, "{when}: {list}");
    let first = list["events"].as_array().unwrap();
    assert_eq!(first.len(), 2, "{when}: {list}");
}

/// Databases that were set aside. A log without its database does not count: it is what is left of
/// a deleted one whose log could not be deleted in its turn.
fn set_aside(dir: &Path) -> usize {
    fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.contains(".corrupt-") && !name.ends_with("-wal"))
        .filter(|name| !name.ends_with("-shm"))
        .count()
}

#[test]
#[ignore = "needs strace"]
fn a_write_that_fails_costs_no_heartbeat_and_nothing_that_was_answered() {
    let mut scene = Scene::new();
    let mut episodes = 0;
    for nth in 1..=figure("diskfaults", 20) {
        let faults = WRITING.iter().map(|(call, error)| Fault {
            call,
            error,
            nth,
            lasts: false,
        });
        // Of the lasting ones, which take longer, one kind in turn.
        let lasting = faults.clone().nth(nth % WRITING.len()).unwrap();
        for fault in faults.chain([Fault {
            lasts: true,
            ..lasting
        }]) {
            scene.suffer(fault);
            episodes += 1;
            if episodes % EPISODES == 0 {
                scene = scene.killed(&format!("killed after {fault:?}"));
            }
        }
    }
    scene = scene.killed("at the end");

    assert!(0 < scene.ledger.refused(), "no disk was ever full");
    assert!(0 < scene.ledger.stored() && 0 < scene.ledger.beats());
    scene.traffic.end();
    assert_eq!(scene.program.stop(), Some(0));
}

/// Which call of a kind fails; to write a file anew takes fewer of most. The last opens the new file.
const CALLS_OF_A_REWRITING: [usize; 8] = [1, 2, 3, 4, 6, 9, 13, 15];

/// What a file is made with, when it has to be written anew.
const REWRITING: [(&str, &str); 5] = [
    ("pwrite64", "ENOSPC"),
    ("fsync", "EIO"),
    ("openat", "ENOSPC"),
    ("rename", "EIO"),
    ("unlink", "EIO"),
];

#[test]
#[ignore = "needs strace"]
fn a_deleted_file_is_written_whole_also_when_the_disk_fails_meanwhile() {
    thread::scope(|scope| {
        for lasts in [false, true] {
            scope.spawn(move || {
                for kind in REWRITING {
                    every_rewriting_survives(kind, lasts);
                }
            });
        }
    });
}

fn every_rewriting_survives((call, error): (&'static str, &'static str), lasts: bool) {
    let mut scene = Scene::new();
    for nth in CALLS_OF_A_REWRITING {
        let fault = Fault {
            call,
            error,
            nth,
            lasts,
        };
        let when = format!("{fault:?}");
        let db = scene.dir.path().join("monitoring.db");
        let log = scene.dir.path().join("strace.log");
        scene.ledger.flow(1, 5);
        let strace = Strace::attach(scene.program.pid(), fault, &log);
        fs::remove_file(&db).unwrap();
        // There may be fewer calls than that; then the file is simply there again.
        let mut is_met = false;
        until(&when, || {
            is_met = 0 < strace.injected();
            is_met || db.exists()
        });
        strace.detach();
        within(RECOVERY, &when, || db.exists());
        scene.assert_well(&when);
        scene = scene.killed(&when);
        if !is_met {
            break;
        }
    }
    scene.traffic.end();
}

/// Which call fails when another file is at the path: syncs and renames of a rewriting.
const CALLS_OF_A_MOVE: std::ops::RangeInclusive<usize> = 2..=6;

#[test]
#[ignore = "needs strace"]
fn a_rewriting_that_the_disk_interrupts_is_called_by_its_first_cause() {
    for call in ["fsync", "rename"] {
        for nth in CALLS_OF_A_MOVE {
            let fault = Fault {
                call,
                error: "EIO",
                nth,
                lasts: false,
            };
            let when = format!("{fault:?}");
            let dir = tempfile::tempdir().unwrap();
            let program = Program::start(dir.path(), &FAST);
            program.register(r#"{"name":"a","ip":"10.0.0.1"}"#);
            let other = other_database(dir.path());
            let log = dir.path().join("strace.log");
            let strace = Strace::attach(program.pid(), fault, &log);

            fs::rename(other, dir.path().join("monitoring.db")).unwrap();

            within(RECOVERY, &when, || rewritten(&program).is_some());
            strace.detach();
            let said = rewritten(&program).unwrap();
            assert!(
                said.contains("was replaced by another file"),
                "{when}: {said}"
            );
            let kept = said.split_once("is kept as ").expect(&said).1;
            let kept = kept.split_once("; find out").expect(&said).0;
            assert!(fs::exists(kept).unwrap(), "{when}: {said}");
        }
    }
}

#[test]
#[ignore = "needs strace"]
fn history_that_cannot_be_read_is_said_to_be_so_and_hurts_nobody() {
    let scene = Scene::new();
    // More than memory holds, so that the disk is asked.
    until("there is older history", || 1_500 < scene.ledger.stored());
    scene.assert_well("before");
    let older = || scene.program.ask("GET", "/events?before=300", "").0;

    let fault = Fault {
        call: "pread64",
        error: "EIO",
        nth: 1,
        lasts: true,
    };
    let log = scene.dir.path().join("strace.log");
    let strace = Strace::attach_to_all(scene.program.pid(), fault, &log);
    assert_eq!(older(), 503);
    assert!(0 < strace.injected());
    strace.detach();

    scene.assert_well("after");
    assert_eq!(older(), 200);
    scene.killed("at the end").traffic.end();
}
