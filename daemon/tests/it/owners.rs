//! One file has one owner: of two daemons that start on it at the same time one serves, and the
//! other says why it does not.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;

use crate::figure::figure;
use crate::program::{Program, ask, clock, command, until};

/// The longest that the one which does not get the file may take to say so.
const REFUSED_WITHIN: Duration = Duration::from_secs(1);

/// How one of the racers fared.
enum Outcome {
    Serves(Racer, SocketAddr),
    Refused {
        code: Option<i32>,
        said: String,
        took: Duration,
    },
}

/// A daemon that has just been started; it is killed when it is dropped.
struct Racer(Child);

impl Drop for Racer {
    fn drop(&mut self) {
        // Both fail only when it has ended already.
        self.0.kill().unwrap_or(());
        if let Err(error) = self.0.wait() {
            assert!(
                std::thread::panicking(),
                "cannot wait for lastbeatd: {error}"
            );
        }
    }
}

/// Starts a daemon on the file of this name and waits until it serves or ends.
fn enter(dir: &Path, db: &str) -> Outcome {
    let began = clock();
    let mut command = command(dir, &["--listen", "127.0.0.1:0", "--db", db]);
    let mut racer = Racer(command.stderr(Stdio::piped()).spawn().unwrap());
    let mut said = BufReader::new(racer.0.stderr.take().unwrap());
    let mut first = String::new();
    said.read_line(&mut first).unwrap();
    if let Some(addr) = first.trim().strip_prefix("listening on http://") {
        let addr = addr.parse().unwrap();
        // It is read to its end, so that it never waits for us.
        std::thread::spawn(move || said.lines().for_each(drop));
        return Outcome::Serves(racer, addr);
    }
    said.read_to_string(&mut first).unwrap();
    let code = racer.0.wait().unwrap().code();
    Outcome::Refused {
        code,
        said: first,
        took: began.elapsed(),
    }
}

/// Two at once; those that serve.
fn race(dir: &Path, names: [&'static str; 2]) -> Vec<(Racer, SocketAddr)> {
    let outcomes = std::thread::scope(|scope| {
        let racers = names.map(|db| scope.spawn(move || enter(dir, db)));
        racers.map(|racer| racer.join().unwrap())
    });
    let mut serving = Vec::new();
    for outcome in outcomes {
        match outcome {
            Outcome::Serves(racer, addr) => serving.push((racer, addr)),
            Outcome::Refused { code, said, took } => {
                assert_eq!(code, Some(4), "{said}");
                assert!(said.contains("another lastbeatd uses it"), "{said}");
                assert!(took <= REFUSED_WITHIN, "refused after {took:?}");
            }
        }
    }
    serving
}

#[test]
fn of_two_daemons_on_one_file_one_serves_and_the_other_says_why() {
    let dir = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink("monitoring.db", dir.path().join("link.db")).unwrap();
    let races = figure("owners", 20);
    for number in 0..races {
        let other = ["monitoring.db", "link.db"][number % 2];

        let serving = race(dir.path(), ["monitoring.db", other]);

        let [(_racer, addr)] = &serving[..] else {
            panic!("race {number}: {} serve", serving.len());
        };
        let body = format!(r#"{{"name":"svc-{number}","ip":"10.0.0.1"}}"#);
        assert_eq!(ask(*addr, "POST", "/register", &body).0, 200);
    }

    // Each was killed; what any of them has acknowledged is there.
    let program = Program::start(dir.path(), &[]);
    assert_eq!(program.rows().len(), races);
}

#[test]
fn while_the_owner_is_killed_at_most_one_of_two_takes_over() {
    let dir = tempfile::tempdir().unwrap();
    for number in 0..5 {
        let owner = Program::start(dir.path(), &[]);
        owner.register(&format!(r#"{{"name":"svc-{number}","ip":"10.0.0.1"}}"#));

        let serving = std::thread::scope(|scope| {
            let race = scope.spawn(|| race(dir.path(), ["monitoring.db"; 2]));
            owner.kill();
            race.join().unwrap()
        });

        assert!(serving.len() <= 1, "race {number}: {} serve", serving.len());
    }
    let program = Program::start(dir.path(), &[]);
    assert_eq!(program.rows().len(), 5);
}

/// Starts a second one that has to be refused; what it said.
fn refused(dir: &Path, db: &str) -> (Option<i32>, String) {
    match enter(dir, db) {
        Outcome::Serves(..) => panic!("two daemons serve {db}"),
        Outcome::Refused { code, said, .. } => (code, said),
    }
}

#[test]
fn without_its_lock_file_the_database_still_has_one_owner_and_the_file_comes_back() {
    let dir = tempfile::tempdir().unwrap();
    let program = Program::start(dir.path(), &[]);
    program.register(r#"{"name":"a","ip":"10.0.0.1"}"#);
    let lock = dir.path().join("monitoring.db.lock");
    std::fs::remove_file(&lock).unwrap();

    let (code, said) = refused(dir.path(), "monitoring.db");

    assert_eq!(code, Some(4), "{said}");
    assert!(said.contains("another lastbeatd uses it"), "{said}");
    let told = || {
        let (_, health) = program.ask("GET", "/healthz", "");
        let notices = health["notices"].as_array().unwrap().iter();
        let mut told = notices.filter(|notice| notice["kind"] == "lock-deleted");
        told.next().cloned()
    };
    until("the lock file is there again", || told().is_some());
    assert!(lock.exists());
    let notice = told().unwrap();
    let text = notice["text"].as_str().unwrap();
    assert!(text.contains("was deleted, and is there again"), "{text}");
    assert_eq!(refused(dir.path(), "monitoring.db").0, Some(4));
    program.register(r#"{"name":"b","ip":"10.0.0.1"}"#);
    assert_eq!(program.stop(), Some(0));
}

#[test]
fn a_second_daemon_does_not_come_in_through_a_hard_link() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    let program = Program::start(dir.path(), &[]);
    program.register(r#"{"name":"a","ip":"10.0.0.1"}"#);
    std::fs::hard_link(path("monitoring.db"), path("link.db")).unwrap();

    let (code, said) = refused(dir.path(), "link.db");

    assert_eq!(code, Some(4), "{said}");
    assert_eq!(program.stop(), Some(0));
    for name in ["link.db", "monitoring.db"] {
        let (code, said) = refused(dir.path(), name);
        assert_eq!(code, Some(3), "{said}");
        assert!(said.contains("it has 2 names (hard links)"), "{said}");
    }
    assert!(
        !path("link.db.lock").exists(),
        "a refused start leaves nothing"
    );
    std::fs::remove_file(path("link.db")).unwrap();
    assert_eq!(Program::start(dir.path(), &[]).rows().len(), 1);
}
