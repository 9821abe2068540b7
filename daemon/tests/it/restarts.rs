//! Absences of the real daemon, long and short, planned and not: nobody who goes on trying is
//! falsely DOWN, and nobody who is silent is kept alive.

mod client;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use lastbeat_proto::Timestamp;
use parking_lot::Mutex;
use rustix::process::Signal;

use self::client::{Client, EVERY, Whereabouts, wait_until};
use crate::program::{Program, clock, until};

/// The shortest ttl there is, and as short a grace.
const SETTINGS: [&str; 6] = [
    "--ttl",
    "2s",
    "--start-grace",
    "2s",
    "--remove-after",
    "60s",
];
const TTL: Duration = Duration::from_secs(2);
/// A crash counts as a second at least, so a silence across so many of them has used up the ttl
/// and one grace: the first begins the grace, and a microsecond may be missing at its end.
const CRASHES_OF_A_SILENCE: usize = 5;
/// Longer than a stall must last to be one, by a margin for the reading before it.
const FROZEN_LONG: Duration = Duration::from_secs(6);
/// Longer than the ttl, and no stall.
const FROZEN_SHORT: Duration = Duration::from_secs(3);

/// A daemon with `steady`, whose client tries on and on, and `silent`, which is never heard again.
struct Site<'dir> {
    dir: &'dir Path,
    program: Program,
    client: Client,
    addr: Whereabouts,
}

impl<'dir> Site<'dir> {
    fn open(dir: &'dir Path) -> Self {
        let program = Program::start(dir, &SETTINGS);
        let addr = Arc::new(Mutex::new(program.addr));
        for name in ["steady", "silent"] {
            program.register(&format!(r#"{{"name":"{name}","ip":"10.0.0.1"}}"#));
        }
        let client = Client::start("steady", &addr);
        Self {
            dir,
            program,
            client,
            addr,
        }
    }

    /// Ends the daemon and starts it again after `off`.
    fn restart(self, end: fn(Program), off: Duration) -> Self {
        let Self {
            dir,
            program,
            client,
            addr,
        } = self;
        end(program);
        wait_until(clock() + off);
        let program = Program::start(dir, &SETTINGS);
        *addr.lock() = program.addr;
        Self {
            dir,
            program,
            client,
            addr,
        }
    }

    /// Lets the daemon run for so long, and until the client has tried at least once.
    fn run(&self, up: Duration) {
        let (enough, before) = (clock() + up, self.client.tries());
        // The try that is under way may have been meant for the daemon before this one.
        until("the client tries", || before + 2 <= self.client.tries());
        wait_until(enough);
    }

    fn status(&self, name: &str) -> String {
        let row = self.program.row(name).unwrap();
        row["status"].as_str().unwrap().to_owned()
    }

    /// When the newest event of a kind was due.
    fn at(&self, kind: &str, query: &str) -> i64 {
        let path = format!("/events?limit=1000{query}");
        let (_, answer) = self.program.ask("GET", &path, "");
        let events = answer["events"].as_array().unwrap();
        let event = events.iter().find(|event| event["kind"] == kind).unwrap();
        let at = Timestamp::parse(event["at"].as_str().unwrap()).unwrap();
        at.as_micros()
    }

    fn kinds(&self, query: &str) -> Vec<String> {
        let (_, answer) = self
            .program
            .ask("GET", &format!("/events?limit=1000{query}"), "");
        let events = answer["events"].as_array().unwrap();
        let kind = |event: &serde_json::Value| event["kind"].as_str().unwrap().to_owned();
        events.iter().map(kind).collect()
    }

    fn assert_steady_was_never_down(&self, context: &str) {
        assert_eq!(self.kinds("&name=steady"), ["registered"], "{context}");
    }
}

fn stop(program: Program) {
    assert_eq!(program.stop(), Some(0));
}

#[test]
fn an_absence_makes_nobody_falsely_down_and_gives_the_silent_one_grace() {
    let absences = [
        (stop as fn(Program), Duration::from_millis(200)),
        (stop, Duration::from_millis(4_500)),
        (Program::kill, Duration::from_millis(200)),
        (Program::kill, Duration::from_millis(4_500)),
    ];
    std::thread::scope(|scope| {
        for (number, (end, off)) in absences.into_iter().enumerate() {
            scope.spawn(move || {
                let dir = tempfile::tempdir().unwrap();
                let context = format!("absence {number}, {off:?}");
                let site = Site::open(dir.path());
                site.run(EVERY);

                let site = site.restart(end, off);

                let row = site.program.row("silent").unwrap();
                assert_eq!(row["status"], "UP", "{context}: {row}");
                assert_eq!(row["confirmed"], false, "{context}: {row}");
                until("the silent one is DOWN", || site.status("silent") == "DOWN");
                let grace_us = site.at("down", "&name=silent") - site.at("start", "");
                // The grace begins when the daemon listens, a moment after it has started.
                assert!(
                    (2_000_000..3_000_000).contains(&grace_us),
                    "{context}: DOWN {grace_us} us after the start"
                );
                site.run(TTL);
                site.assert_steady_was_never_down(&context);
            });
        }
    });
}

#[test]
fn a_crash_loop_makes_nobody_falsely_down_and_keeps_nobody_alive() {
    std::thread::scope(|scope| {
        for up_ms in [100, 500, 1_000, 1_900, 2_100] {
            scope.spawn(move || {
                let dir = tempfile::tempdir().unwrap();
                let up = Duration::from_millis(up_ms);
                let is_long_enough = EVERY <= up;
                let mut site = Site::open(dir.path());
                let mut crashes = 0;
                while crashes < CRASHES_OF_A_SILENCE {
                    if is_long_enough {
                        site.run(up);
                    } else {
                        wait_until(clock() + up);
                    }
                    site = site.restart(Program::kill, Duration::ZERO);
                    crashes += 1;
                }

                assert_eq!(site.status("silent"), "DOWN", "{up:?}");
                if is_long_enough {
                    site.assert_steady_was_never_down(&format!("{up:?}"));
                }
            });
        }
    });
}

/// Freezes the daemon for so long, with a client that goes on trying.
fn freeze(dir: &Path, frozen: Duration) -> Site<'_> {
    let site = Site::open(dir);
    site.run(Duration::ZERO);
    site.program.signal(Signal::STOP);
    wait_until(clock() + frozen);
    site.program.signal(Signal::CONT);
    site
}

#[test]
fn a_daemon_that_stood_still_says_so_and_takes_nobody_for_silent() {
    let dir = tempfile::tempdir().unwrap();

    let site = freeze(dir.path(), FROZEN_LONG);

    let (_, health) = site.program.ask("GET", "/healthz", "");
    let notices = health["notices"].as_array().unwrap();
    let notice = notices
        .iter()
        .find(|notice| notice["kind"] == "start-grace");
    let text = notice.unwrap()["text"].as_str().unwrap();
    assert!(text.starts_with("the registry was away from "), "{text}");
    assert_eq!(site.status("silent"), "UP");
    assert_eq!(
        site.kinds("")
            .iter()
            .filter(|kind| *kind == "stall")
            .count(),
        1
    );
    site.run(TTL);
    site.assert_steady_was_never_down("after a stall");
    until("the silent one is DOWN", || site.status("silent") == "DOWN");
}

#[test]
fn a_daemon_that_was_slow_for_longer_than_a_ttl_counts_a_second() {
    let dir = tempfile::tempdir().unwrap();

    let site = freeze(dir.path(), FROZEN_SHORT);

    site.run(TTL);
    assert_eq!(
        site.kinds("")
            .iter()
            .filter(|kind| *kind == "stall")
            .count(),
        0
    );
    site.assert_steady_was_never_down("after three seconds");
    until("the silent one is DOWN", || site.status("silent") == "DOWN");
}
