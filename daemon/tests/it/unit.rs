//! The systemd unit: what systemd says of it, and the real daemon under the calls, the address
//! families and the memory rule that it allows. That systemd applies what stands there is its own
//! matter.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::program::{Program, command};
use crate::sample::{old_row, original};
use crate::tool;

/// The highest exposure that `systemd-analyze security` may find, in tenths: its "OK" ends at 4.9,
/// and the unit had 1.1 when this was written. Up to here a new release of systemd may ask for more.
const MAX_EXPOSURE: u32 = 20;
/// Debian's own, which has the module `seccomp`.
const PYTHON: &str = "/usr/bin/python3";
/// `SIGSYS`, by which a filter ends a program.
const SIGSYS: i32 = 31;
/// Calls that systemd allows whatever the filter says.
const ALWAYS: [&str; 2] = ["execve", "exit_group"];

fn unit_path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../packaging/lastbeatd.service")
}

fn unit() -> String {
    fs::read_to_string(unit_path()).unwrap()
}

/// Every value of a key, in the order of the file.
fn values<'a>(unit: &'a str, key: &str) -> Vec<&'a str> {
    unit.lines()
        .filter_map(|line| line.split_once('='))
        .filter(|(found, _)| *found == key)
        .map(|(_, value)| value)
        .collect()
}

/// The number in "→ Overall exposure level for lastbeatd.service: 1.1 OK", in tenths.
fn exposure(said: &str) -> Option<u32> {
    let line = said.lines().find(|line| line.contains("exposure level"))?;
    let (whole, tenth) = line
        .rsplit_once(": ")?
        .1
        .split(' ')
        .next()?
        .split_once('.')?;
    Some(10 * whole.parse::<u32>().ok()? + tenth.parse::<u32>().ok()?)
}

fn systemd_analyze(arguments: &[&str]) -> String {
    let Output { stdout, stderr, .. } = Command::new("systemd-analyze")
        .arg("--no-pager")
        .args(arguments)
        .output()
        .unwrap();
    String::from_utf8([stdout, stderr].concat()).unwrap()
}

/// The calls of a `SystemCallFilter=` word: a name, or a group and the groups in it.
fn calls_of(word: &str) -> BTreeSet<String> {
    let Some(_group) = word.strip_prefix('@') else {
        return BTreeSet::from([word.to_owned()]);
    };
    let said = systemd_analyze(&["syscall-filter", word]);
    let words = said.lines().skip(1).map(str::trim);
    let words = words.filter(|word| !word.is_empty() && !word.starts_with('#'));
    let calls: BTreeSet<String> = words.flat_map(calls_of).collect();
    assert!(!calls.is_empty(), "{word}: {said}");
    calls
}

/// What the filters of a unit leave, taken in their order.
fn allowed(unit: &str) -> BTreeSet<String> {
    let mut calls: BTreeSet<String> = ALWAYS.map(str::to_owned).into();
    for filter in values(unit, "SystemCallFilter") {
        let (denies, words) = match filter.strip_prefix('~') {
            Some(words) => (true, words),
            None => (false, filter),
        };
        for call in words.split(' ').flat_map(calls_of) {
            if denies && !ALWAYS.contains(&call.as_str()) {
                calls.remove(&call);
            } else {
                calls.insert(call);
            }
        }
    }
    calls
}

/// `program` under what the unit allows.
fn jailed(unit: &str, program: &Command) -> Command {
    let families = values(unit, "RestrictAddressFamilies").join(" ");
    let mut calls = allowed(unit);
    if rustix::process::geteuid().is_root() {
        // SQLite gives what it makes beside a database to the owner of the database, but only as
        // root, and the unit's user is another.
        calls.insert("fchown".to_owned());
    }
    let rules = serde_json::json!({
        "calls": calls,
        "families": families.split(' ').collect::<Vec<_>>(),
    });
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/unit/jail.py");
    let mut jailed = Command::new(PYTHON);
    jailed.arg(script).arg(rules.to_string());
    jailed.arg(program.get_program()).args(program.get_args());
    if let Some(folder) = program.get_current_dir() {
        jailed.current_dir(folder);
    }
    jailed
}

fn start_jailed(dir: &Path) -> Program {
    let daemon = command(
        dir,
        &["--listen", "127.0.0.1:0", "--ttl", "2s", "--flush", "10ms"],
    );
    Program::spawn(jailed(&unit(), &daemon))
}

#[test]
fn the_exposure_is_read_from_the_last_line() {
    let line = |rest: &str| format!("\n→ Overall exposure level for lastbeatd.service: {rest}\n");

    assert_eq!(exposure(&line("1.1 OK :-)")), Some(11));
    assert_eq!(exposure(&line("9.6 UNSAFE")), Some(96));
    assert_eq!(exposure("nothing of the kind"), None);
}

#[test]
fn every_exit_code_that_a_new_start_cannot_mend_ends_the_restarting() {
    let unit = unit();

    // Usage, busy database, newer database: the codes of `main`.
    assert_eq!(values(&unit, "RestartPreventExitStatus"), ["2 4 5"]);
    assert_eq!(values(&unit, "Restart"), ["on-failure"]);
    assert_eq!(values(&unit, "StartLimitIntervalSec"), ["0"]);
}

#[test]
fn a_reload_is_the_signal_that_ends_nothing() {
    let unit = unit();

    // What the daemon makes of it is tested with the real program.
    assert_eq!(values(&unit, "ExecReload"), ["/bin/kill -HUP $MAINPID"]);
}

#[test]
fn the_unit_waits_for_a_stop_longer_than_a_stop_takes() {
    let unit = unit();
    let seconds = values(&unit, "TimeoutStopSec")[0]
        .strip_suffix('s')
        .unwrap();

    // 6 s are promised, and tested in `stop`.
    assert!(6 < seconds.parse::<u32>().unwrap(), "{seconds}");
}

#[test]
#[ignore = "needs systemd"]
fn systemd_finds_the_unit_little_exposed() {
    let unit = unit_path();

    let said = systemd_analyze(&["security", "--offline=true", unit.to_str().unwrap()]);

    let found = exposure(&said).unwrap_or_else(|| panic!("{said}"));
    assert!(found <= MAX_EXPOSURE, "{found} tenths: {said}");
}

#[test]
#[ignore = "needs systemd"]
fn systemd_has_nothing_to_say_about_the_unit() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("lastbeatd.service");
    // The program need not be installed here.
    let here = unit().replace("/usr/bin/lastbeatd", env!("CARGO_BIN_EXE_lastbeatd"));
    fs::write(&path, here).unwrap();

    let said = systemd_analyze(&["verify", "--man=no", path.to_str().unwrap()]);

    assert_eq!(said, "");
}

#[test]
#[ignore = "needs python3-seccomp"]
fn a_program_that_does_what_the_unit_forbids_is_stopped() {
    use std::os::unix::process::ExitStatusExt;
    let python = |line: &str| {
        let mut program = Command::new(PYTHON);
        program.args(["-c", line]);
        jailed(&unit(), &program).output().unwrap()
    };

    let fine = python("import mmap, socket; mmap.mmap(-1, 9, prot=3); socket.socket()");
    assert!(fine.status.success(), "{fine:?}");
    for forbidden in [
        "import os; os.chown('.', 0, 0)",
        "import os; os.setuid(0)",
        "import os; os.nice(1)",
        "import mmap; mmap.mmap(-1, 9, prot=6)",
        "import socket; socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)",
    ] {
        let ended = python(forbidden);
        assert_eq!(
            ended.status.signal(),
            Some(SIGSYS),
            "{forbidden}: {ended:?}"
        );
    }
}

#[test]
#[ignore = "needs python3-seccomp"]
fn the_daemon_lives_and_mends_its_database_with_what_the_unit_allows() {
    let dir = tempfile::tempdir().unwrap();
    let db = dir.path().join("monitoring.db");

    let old = original(&db);
    old_row(&old, &[&"old", &"10.0.0.9", &"UP", &"2026-01-01 00:00:00"]);
    old.close().unwrap();
    let daemon = start_jailed(dir.path());
    daemon.register(r#"{"name":"kept","ip":"10.0.0.1","ttl_s":3600}"#);
    daemon.register(r#"{"name":"silent","ip":"10.0.0.2"}"#);
    assert_eq!(daemon.ask("POST", "/heartbeat/kept", "").0, 200);
    assert_eq!(daemon.ask("GET", "/", "").0, 200);
    crate::program::until("the silent one is DOWN", || {
        daemon
            .row("silent")
            .is_some_and(|row| row["status"] == "DOWN")
    });
    assert_eq!(daemon.ask("DELETE", "/services/silent", "").0, 200);
    daemon.kill();

    let daemon = start_jailed(dir.path());
    assert!(daemon.row("kept").is_some() && daemon.row("old").is_some());
    let backup = command(dir.path(), &["backup", "copy.db"]);
    tool::end(jailed(&unit(), &backup)).fine();
    assert_eq!(daemon.stop(), Some(0));

    // Damage: what is not zero in the second page becomes it.
    let mut bytes = fs::read(&db).unwrap();
    bytes[4096..8192].fill(0);
    fs::write(&db, bytes).unwrap();
    let daemon = start_jailed(dir.path());
    let aside = crate::sample::names(dir.path());
    assert!(
        aside.iter().any(|name| name.contains(".corrupt-")),
        "{aside:?}"
    );
    assert_eq!(daemon.stop(), Some(0));
}
