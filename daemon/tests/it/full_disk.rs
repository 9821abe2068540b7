//! A disk that is full for a while: heartbeats go on, registrations that find no room are refused,
//! and everything that was answered is there afterwards.

use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use crate::figure::figure;
use crate::program::{Program, command, until};
use crate::sample::{names, old_row, original};
use crate::traffic::{Ledger, Traffic, assert_never_down, assert_recovers};

const FAST: [&str; 6] = [
    "--listen",
    "127.0.0.1:0",
    "--storage-wait",
    "300ms",
    "--flush",
    "100ms",
];

/// Instances that beat, each so often.
const BEATING: usize = 12;
const PACE: Duration = Duration::from_millis(500);

/// Episodes on one disk: events are kept, and fill it in the end.
const EPISODES_A_DISK: usize = 5;

/// Less than the 4 MiB at which `SQLite` moves its log into the database by itself.
const SIZE: &str = "size=2m";

/// A disk in memory; it is unmounted when it is dropped.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    fn mount() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let status = Command::new("mount")
            .args(["-t", "tmpfs", "-o", SIZE, "lastbeat-test"])
            .arg(dir.path())
            .status()
            .unwrap();
        assert!(status.success(), "mount ended with {status}");
        Self(dir)
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// Leaves not one byte free.
    fn fill(&self) {
        let mut filler = File::create(self.path().join("filler")).unwrap();
        for chunk in [&[1_u8; 4_096][..], &[1]] {
            let error = loop {
                if let Err(error) = filler.write_all(chunk) {
                    break error;
                }
            };
            assert_eq!(error.kind(), ErrorKind::StorageFull, "{error}");
        }
    }

    fn free(&self) {
        fs::remove_file(self.path().join("filler")).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: after a failed test somebody may still be in it.
        let status = Command::new("umount").arg("-l").arg(self.0.path()).status();
        assert!(
            std::thread::panicking() || status.is_ok_and(|status| status.success()),
            "the small disk cannot be unmounted"
        );
    }
}

/// One time of a full disk, with a kill while it is full in every second one.
fn episode(disk: &SmallDisk, ledger: &Arc<Ledger>, number: usize) {
    let when = format!("episode {number}");
    let program = Program::spawn(command(disk.path(), &FAST));
    ledger.assert_kept(&program, &when);
    let traffic = Traffic::start(&program, ledger, BEATING, PACE);
    ledger.flow(BEATING, 20);
    let refused = ledger.refused();

    disk.fill();
    until("a registration is refused", || refused < ledger.refused());
    ledger.flow(2 * BEATING, 2);
    let (status, health) = program.ask("GET", "/healthz", "");
    assert_eq!(status, 200, "{when}: {health}");
    if number.is_multiple_of(2) {
        traffic.end();
        program.kill();
        let program = Program::spawn(command(disk.path(), &FAST));
        ledger.assert_kept(&program, &format!("{when}, started while full"));
        program.kill();
        disk.free();
    } else {
        disk.free();
        assert_recovers(&program, &when);
        ledger.flow(1, 1);
        traffic.end();
        assert_never_down(&program, BEATING, &when);
        program.kill();
    }

    ledger.assert_right(&when);
    let program = Program::spawn(command(disk.path(), &FAST));
    ledger.assert_kept(&program, &when);
    let aside = fs::read_dir(disk.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .find(|name| name.contains(".corrupt-"));
    assert_eq!(aside, None, "{when}");
    assert_eq!(program.stop(), Some(0), "{when}");
}

#[test]
#[ignore = "needs root, for a small disk"]
fn a_full_disk_costs_no_heartbeat_and_nothing_that_was_answered() {
    let episodes: Vec<usize> = (1..=figure("fulldisk", 3)).collect();
    for numbers in episodes.chunks(EPISODES_A_DISK) {
        let disk = SmallDisk::mount();
        let ledger = Arc::new(Ledger::default());
        for number in numbers {
            episode(&disk, &ledger, *number);
        }
        assert!(0 < ledger.stored() && 0 < ledger.refused());
    }
}

#[test]
#[ignore = "needs root, for a small disk"]
fn a_start_on_a_full_disk_says_what_to_do_and_leaves_nothing_behind() {
    let disk = SmallDisk::mount();
    // An empty log and its index are `SQLite`'s own, and say nothing.
    let is_ours = |name: &String| !name.ends_with("-shm") && !name.ends_with(".db-wal");
    let here = || -> Vec<String> { names(disk.path()).into_iter().filter(is_ours).collect() };
    let start = |what: &str| {
        let before = here();
        let (code, said) = Program::try_spawn(command(disk.path(), &FAST))
            .err()
            .unwrap();
        assert_eq!(code, Some(1), "{what}: {said}");
        assert!(
            said.contains("cannot open the database /"),
            "{what}: {said}"
        );
        let advice = "; free some space on its disk, then start again";
        assert!(said.trim_end().ends_with(advice), "{what}: {said}");
        assert_eq!(here(), before, "{what}");
        let log = fs::metadata(disk.path().join("monitoring.db-wal"));
        assert!(
            log.is_ok_and(|log| log.len() == 0) || what != "damaged",
            "{what}"
        );
    };
    let db = disk.path().join("monitoring.db");

    disk.fill();
    start("new");
    disk.free();
    let connection = original(&db);
    old_row(
        &connection,
        &[&"a", &"10.0.0.1", &"UP", &"2026-11-24 11:00:00"],
    );
    connection.close().unwrap();
    disk.fill();
    start("of the original");
    disk.free();
    Program::spawn(command(disk.path(), &FAST)).stop();
    let mut bytes = fs::read(&db).unwrap();
    bytes[4_096..].fill(0x5a);
    fs::write(&db, bytes).unwrap();
    disk.fill();
    start("damaged");
    disk.free();
    Program::spawn(command(disk.path(), &FAST)).stop();
}
