//! Services come and go for a long time, as containers with a new name each do: the file and its
//! log stay bounded, history and tombstones too, and the file shrinks when it is quiet again.

use std::fs;
use std::path::{Path, PathBuf};

use lastbeat_proto::register::Registration;
use lastbeat_proto::{Address, ServiceName, Timestamp};
use lastbeatd::clock::{Moment, Mono};
use lastbeatd::config::Limits;
use lastbeatd::state::State;
use lastbeatd::state::dirty::{Copied, EVENTS_CHUNK, List};
use lastbeatd::store::{Keep, Store};
use rusqlite::Connection;
use tempfile::TempDir;

use crate::figure::figure;
use crate::world::{RULES, WALL_START_US, scratch};

const HOUR_S: i64 = 3_600;
const DAY_S: i64 = 24 * HOUR_S;
/// New names in an hour, none of which is ever heard again: 50,400 tombstones in a week.
const NEW_AN_HOUR: i64 = 300;
/// Bound of the file: 100,000 events with their index, 51,000 rows with theirs, and 4 MiB of spare
/// pages were 18 MiB when this was written.
const MAX_FILE_BYTES: u64 = 24 << 20;
/// Bound of the log: a checkpoint every 4 MiB, and the largest transaction on top of it.
const MAX_LOG_BYTES: u64 = 8 << 20;
/// What is left when everybody is forgotten: 100,000 events and the spare pages were 14 MiB.
const MAX_QUIET_BYTES: u64 = 16 << 20;

/// Rows of one transaction.
const TRANSACTION: usize = 1_024;

/// A daemon's state and store, its day an iteration of a loop.
struct Town {
    _dir: TempDir,
    path: PathBuf,
    state: State,
    store: Store,
    second: i64,
    born: i64,
    largest_log: u64,
}

impl Town {
    fn new() -> Self {
        let dir = scratch();
        let path = dir.path().join("monitoring.db");
        let (store, loaded, _) = Store::open(&path, moment(0).wall, RULES.ttl).unwrap();
        let limits = Limits {
            instances: 100_000,
            tombstones: 100_000,
        };
        let mut state = State::load(loaded, RULES, limits, moment(0));
        state.listen(moment(0));
        Self {
            _dir: dir,
            path,
            state,
            store,
            second: 0,
            born: 0,
            largest_log: 0,
        }
    }

    /// One day; so many register at the begin of each hour.
    fn pass_day(&mut self, born_an_hour: i64) {
        for second in self.second + 1..=self.second + DAY_S {
            let now = moment(second);
            self.second = second;
            if second % HOUR_S == 0 {
                for _ in 0..born_an_hour {
                    self.bear(now);
                }
            }
            while self.state.sweep(now) {}
            if self.state.wants_store() {
                self.write();
            }
            if second % 60 == 0 {
                self.tidy();
            }
        }
    }

    fn bear(&mut self, now: Moment) {
        self.born += 1;
        let name = ServiceName::parse(&format!("job-{}", self.born)).unwrap();
        let caller = Address::from(std::net::IpAddr::from([10, 0, 0, 1]));
        self.state
            .register(&Registration::bare(name), &caller, now)
            .unwrap();
    }

    fn write(&mut self) {
        let (number, urgent) = self.state.take_urgent();
        self.write_list(List::Urgent, &urgent);
        self.state.publish(number);
        let lazy = self.state.take(List::Lazy, usize::MAX);
        self.write_list(List::Lazy, &lazy);
        while 0 < self.state.waiting_to_store() {
            self.write_list(List::Lazy, &[]);
        }
    }

    fn write_list(&mut self, list: List, places: &[lastbeatd::state::Place]) {
        // An empty chunk writes events alone.
        for chunk in places.chunks(TRANSACTION).chain([&[][..]]) {
            let mut copied = Copied::default();
            self.state.copy(list, chunk, &mut copied);
            self.state.copy_history(EVENTS_CHUNK, &mut copied);
            self.store.write(&copied.batch).unwrap();
            self.state.written(&copied);
            self.largest_log = self.largest_log.max(bytes(&self.beside("-wal")));
        }
    }

    /// As the daemon does each minute, and again after each flush while there is more.
    fn tidy(&mut self) {
        while self
            .store
            .tidy(&Keep::LIMITS, self.state.listened())
            .unwrap()
        {
            self.largest_log = self.largest_log.max(bytes(&self.beside("-wal")));
        }
    }

    fn beside(&self, ending: &str) -> PathBuf {
        PathBuf::from(format!("{}{ending}", self.path.display()))
    }

    fn count(&self, what: &str) -> i64 {
        Connection::open(&self.path)
            .unwrap()
            .query_row(&format!("select count(*) from {what}"), [], |row| {
                row.get(0)
            })
            .unwrap()
    }
}

fn moment(second: i64) -> Moment {
    Moment {
        wall: Timestamp::from_micros(WALL_START_US + second * 1_000_000),
        mono: Mono::from_micros(second * 1_000_000),
    }
}

fn bytes(path: &Path) -> u64 {
    fs::metadata(path).unwrap().len()
}

#[test]
fn the_file_stays_bounded_and_shrinks_when_it_is_quiet() {
    let days = i64::try_from(figure("churn", 9)).unwrap();
    let mut town = Town::new();
    let mut largest = 0;

    for _ in 0..days {
        town.pass_day(NEW_AN_HOUR);
        largest = largest.max(bytes(&town.path));
        assert!(bytes(&town.path) < MAX_FILE_BYTES, "{largest} bytes");
    }

    assert!(
        town.largest_log < MAX_LOG_BYTES,
        "{} bytes",
        town.largest_log
    );
    // Those of the last moment have not left yet.
    assert_eq!(town.count("instances"), (7 * 24 + 1) * NEW_AN_HOUR);
    assert_eq!(town.count("events"), 100_000);
    for _ in 0..8 {
        town.pass_day(0);
    }
    assert_eq!((town.count("instances"), town.count("heartbeats")), (0, 0));
    let quiet = bytes(&town.path);
    assert!(
        quiet < MAX_QUIET_BYTES && quiet < largest,
        "{quiet} of {largest} bytes"
    );
    let integrity: String = Connection::open(&town.path)
        .unwrap()
        .pragma_query_value(None, "integrity_check", |row| row.get(0))
        .unwrap();
    assert_eq!(integrity, "ok");
    println!(
        "{} services in {days} days: file at most {} KiB, log {} KiB, when quiet again {} KiB",
        town.born,
        largest >> 10,
        town.largest_log >> 10,
        quiet >> 10
    );
}
