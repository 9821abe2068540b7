//! A copy never overwrites anything, and half of one never bears its name.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::program::{Program, command, until};
use crate::sample::names;
use crate::tool::{Ran, end, registry, run};

const DB: &str = "monitoring.db";

#[test]
fn a_place_where_no_copy_may_be_is_refused_in_one_sentence() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(registry(dir.path()).stop(), Some(0));
    fs::write(dir.path().join("there"), "mine").unwrap();
    fs::write(dir.path().join("old-wal"), "mine").unwrap();
    std::os::unix::fs::symlink("nowhere", dir.path().join("link")).unwrap();
    let before = contents_of_files(dir.path());
    for (to, why) in [
        (
            "there",
            "it exists already; choose another name, or move that one away",
        ),
        ("link", "it exists already"),
        (DB, "it belongs to the database itself; choose another name"),
        ("./monitoring.db-wal", "it belongs to the database itself"),
        ("monitoring.db.lock", "it belongs to the database itself"),
        (
            "old",
            "old-wal lies beside it and would be taken for its own; move that one away",
        ),
        (
            "missing/copy",
            "its directory does not exist; create it or choose another",
        ),
        ("/", "it names a directory; add a file name to it"),
        ("..", "it names a directory; add a file name to it"),
        ("bk/", "it names a directory; add a file name to it"),
        ("missing/..", "the path names no file; choose a file name"),
    ] {
        run(dir.path(), &["backup", to]).refused(2, &["cannot write ", why]);
        run(dir.path(), &["export", to]).refused(2, &["cannot write ", why]);
    }
    assert_eq!(before, contents_of_files(dir.path()));
}

#[test]
fn the_name_of_a_copy_while_it_is_written_is_never_that_of_a_database() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(registry(dir.path()).stop(), Some(0));
    let at = |name: &str| dir.path().join(name);
    fs::rename(at(DB), at("reg.db.writing")).unwrap();
    fs::hard_link(at("reg.db.writing"), at("hard.writing")).unwrap();
    std::os::unix::fs::symlink("reg.db.writing", at("soft.writing")).unwrap();
    std::os::unix::fs::symlink("nowhere", at("lost.writing")).unwrap();
    fs::write(at("reg.db.writing.lock"), "").unwrap();
    let before = contents_of_files(dir.path());
    let source = "while it is written it would have a name of the database itself; choose another";
    let link = "its name while it is written, is a symbolic link; move that one away";

    for (to, why) in [
        ("reg.db", source),
        ("hard", source),
        ("soft", link),
        ("lost", link),
    ] {
        for command in ["backup", "export"] {
            let arguments = [command, "--db", "reg.db.writing", to];
            run(dir.path(), &arguments).refused(2, &["cannot write ", why]);
        }
    }
    assert!(before == contents_of_files(dir.path()));
}

/// As `contents`, but for a link that leads nowhere.
fn contents_of_files(dir: &Path) -> Vec<(String, Option<Vec<u8>>)> {
    let read = |name: String| {
        let bytes = fs::read(dir.join(&name)).ok();
        (name, bytes)
    };
    names(dir).into_iter().map(read).collect()
}

#[test]
fn a_source_that_is_damaged_or_no_registry_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    run(dir.path(), &["backup", "copy"]).refused(3, &["cannot read ", "No such file"]);
    fs::write(dir.path().join(DB), "").unwrap();
    run(dir.path(), &["backup", "copy"]).refused(3, &["it is empty; name a database"]);
    fs::remove_file(dir.path().join(DB)).unwrap();
    crate::sample::original(&dir.path().join("old.db"))
        .close()
        .unwrap();
    run(dir.path(), &["export", "--db", "old.db", "copy"]).refused(
        3,
        &["it is a database of the original program, which a start of lastbeatd imports"],
    );
    assert_eq!(registry(dir.path()).stop(), Some(0));
    let mut bytes = fs::read(dir.path().join(DB)).unwrap();
    bytes[8_192..12_288].fill(0);
    fs::write(dir.path().join(DB), bytes).unwrap();
    for command in ["backup", "export"] {
        run(dir.path(), &[command, "copy"]).refused(
            1,
            &[
                "cannot copy ",
                ": it is damaged (",
                "lastbeatd verify monitoring.db",
            ],
        );
    }
    assert_eq!(names(dir.path()), [DB, "monitoring.db.lock", "old.db"]);
}

/// Runs `lastbeatd` where no file may become larger than 8 KiB, as on a full disk.
fn run_with_no_room(dir: &Path, arguments: &str) -> Ran {
    let mut shell = Command::new("/bin/sh");
    let script = format!("trap '' XFSZ; ulimit -f 16; exec \"$0\" {arguments}");
    shell
        .args(["-c", &script, env!("CARGO_BIN_EXE_lastbeatd")])
        .current_dir(dir)
        .stdin(Stdio::null());
    end(shell)
}

#[test]
fn a_disk_that_is_full_leaves_nothing_behind() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(registry(dir.path()).stop(), Some(0));
    let program = Program::start(dir.path(), &[]);
    for number in 0..200 {
        program.register(&format!(r#"{{"name":"svc-{number}","ip":"10.0.0.1"}}"#));
    }
    assert_eq!(program.stop(), Some(0));
    run(dir.path(), &["export", "document"]).fine();
    let before = names(dir.path());
    let advice =
        "File too large (os error 27); choose a place with room that this user can write to";

    run_with_no_room(dir.path(), "backup copy").refused(1, &["copy: ", advice]);
    run_with_no_room(dir.path(), "export copy").refused(1, &["copy: ", advice]);
    assert_eq!(names(dir.path()), before);
    run_with_no_room(dir.path(), "import --db new.db document").refused(1, &["new.db: "]);
    let mut with_lock = before;
    with_lock.push("new.db.lock".to_owned());
    with_lock.sort();
    assert_eq!(names(dir.path()), with_lock);

    let mut shell = Command::new("/bin/sh");
    shell
        .args([
            "-c",
            "exec \"$0\" export > /dev/full",
            env!("CARGO_BIN_EXE_lastbeatd"),
        ])
        .current_dir(dir.path());
    end(shell).refused(
        1,
        &["cannot write standard output: No space left on device"],
    );
}

#[test]
fn a_backup_that_is_killed_leaves_no_half_copy_and_the_next_one_succeeds() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(registry(dir.path()).stop(), Some(0));
    let (copy, writing) = (dir.path().join("copy"), dir.path().join("copy.writing"));
    let mut killed_in_the_middle = 0;
    for _ in 0..20 {
        let mut child = command(dir.path(), &["backup", "copy"])
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        until("it writes or has ended", || {
            writing.exists() || child.try_wait().unwrap().is_some()
        });
        child.kill().unwrap_or(());
        child.wait().unwrap();

        killed_in_the_middle += usize::from(writing.exists());
        if copy.exists() {
            run(dir.path(), &["verify", "copy"]).fine();
            fs::remove_file(&copy).unwrap();
        }
    }
    println!("killed in the middle: {killed_in_the_middle} of 20");
    fs::write(
        &writing,
        "half a copy, longer than the whole one\n".repeat(99_999),
    )
    .unwrap();

    run(dir.path(), &["backup", "copy"]).fine();

    run(dir.path(), &["verify", "copy"]).fine();
    assert!(!writing.exists());
}

#[test]
fn of_several_backups_to_one_name_one_succeeds() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(registry(dir.path()).stop(), Some(0));

    let codes: Vec<i32> = std::thread::scope(|scope| {
        let runs: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| run(dir.path(), &["backup", "copy"]).code))
            .collect();
        runs.into_iter().map(|run| run.join().unwrap()).collect()
    });

    assert_eq!(
        codes.iter().filter(|code| **code == 0).count(),
        1,
        "{codes:?}"
    );
    assert!(codes.iter().all(|code| matches!(code, 0 | 2)), "{codes:?}");
    run(dir.path(), &["verify", "copy"]).fine();
    let held = File::create(dir.path().join("other.writing")).unwrap();
    held.lock().unwrap();
    run(dir.path(), &["backup", "other"])
        .refused(2, &["another lastbeatd is writing it; wait for that one"]);
}

#[test]
#[ignore = "needs strace"]
fn a_disk_that_gives_back_something_else_makes_no_backup() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(registry(dir.path()).stop(), Some(0));
    let bytes = fs::metadata(dir.path().join(DB)).unwrap().len();
    let before = names(dir.path());
    // The write to this one file says that all is well and writes nothing.
    let mut strace = Command::new("strace");
    strace
        .args(["-f", "-qq", "-o", "/dev/null", "-P"])
        .arg(dir.path().join("copy.writing"))
        .arg("-e")
        .arg(format!("inject=write:retval={bytes}"))
        .args([env!("CARGO_BIN_EXE_lastbeatd"), "backup", "copy"])
        .current_dir(dir.path());

    end(strace).refused(
        1,
        &["copy: the disk gives back something else than was written; choose a place "],
    );

    assert_eq!(names(dir.path()), before);
}

#[test]
#[ignore = "needs strace"]
fn a_disk_that_gives_back_one_other_byte_makes_no_backup() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(registry(dir.path()).stop(), Some(0));
    let mut head = fs::read(dir.path().join(DB)).unwrap();
    // Up to the number of the SQLite that wrote last, which no check looks at: only the bytes
    // themselves tell. In a copy there is no log yet. Only the first read is long enough for it.
    head.truncate(97);
    head[18..20].fill(1);
    head[96] ^= 0xff;
    let hex: Vec<String> = head.iter().map(|byte| format!("{byte:02x}")).collect();
    let hex = hex.concat();
    let before = names(dir.path());
    let mut strace = Command::new("strace");
    strace
        .args(["-f", "-qq", "-o", "/dev/null", "-P"])
        .arg(dir.path().join("copy.writing"))
        .arg("-e")
        .arg(format!("inject=read:poke_exit=@arg2={hex}:when=1"))
        .args([env!("CARGO_BIN_EXE_lastbeatd"), "backup", "copy"])
        .current_dir(dir.path());

    end(strace).refused(
        1,
        &["copy: the disk gives back something else than was written; choose a place "],
    );

    assert_eq!(names(dir.path()), before);
}
