//! The store's loop with a clock that is turned by hand and a disk that refuses.

use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;

use lastbeat_proto::query::HistoryQuery;
use lastbeat_proto::register::Registration;
use lastbeat_proto::{Address, ServiceName};
use rusqlite::Connection;
use tempfile::TempDir;
use tokio::runtime::Builder;

use super::*;
use crate::clock::{Clock, ManualClock};
use crate::config::{Limits, Rules};
use crate::state::record::Loaded;
use crate::store::{History, Opening};

mod storm;

const WALL: Timestamp = Timestamp::from_micros(1_800_000_000_000_000);
const RULES: Rules = Rules::SAMPLE;
const FLUSH: Span = Span::from_secs(2);

/// A registry with its loop, and the clock that both read.
struct Stage {
    dir: TempDir,
    clock: Arc<ManualClock>,
    registry: Arc<Registry>,
    flush: Flush,
}

impl Stage {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::new(WALL));
        let (store, loaded, opening) = Store::open(&db(dir.path()), WALL, RULES.ttl).unwrap();
        assert_eq!(opening, Opening::Created);
        let limits = Limits {
            instances: 100_000,
            tombstones: 100_000,
        };
        let registry = Arc::new(Registry::new(
            State::load(loaded, RULES, limits, clock.now()),
            Arc::<ManualClock>::clone(&clock),
            History::new(store.path().to_path_buf()),
            limits.instances,
            FLUSH,
        ));
        let mut flush = Flush::new(Arc::clone(&registry), store, FLUSH);
        flush.pass().unwrap();
        registry.start_serving();
        Self {
            dir,
            clock,
            registry,
            flush,
        }
    }

    fn register(&self, name: &str) {
        let registration = Registration::bare(ServiceName::parse(name).unwrap());
        let caller = Address::from(std::net::IpAddr::from([10, 0, 0, 1]));
        self.registry
            .hold(|state, now| state.register(&registration, &caller, now))
            .unwrap();
    }

    fn waiting(&self, list: List) -> usize {
        self.registry.hold(|state, _| state.waiting(list))
    }

    /// Asks the loop to stop, on a thread of its own that ends with its answer.
    fn stop(self) -> (TempDir, Arc<ManualClock>, JoinHandle<bool>) {
        let flush = self.flush;
        let thread = std::thread::spawn(move || {
            let runtime = Builder::new_current_thread().build().unwrap();
            let (_stop, asked) = watch::channel(true);
            flush.run(runtime.handle(), asked).unwrap()
        });
        (self.dir, self.clock, thread)
    }
}

fn db(dir: &Path) -> std::path::PathBuf {
    dir.join("monitoring.db")
}

/// Another program holds the write lock.
fn hold_lock(dir: &Path) -> Connection {
    let connection = Connection::open(db(dir)).unwrap();
    connection.execute_batch("begin immediate").unwrap();
    connection
}

fn load(dir: &Path) -> Loaded {
    Store::open(&db(dir), WALL, RULES.ttl).unwrap().1
}

#[test]
fn a_stop_waits_for_a_disk_that_comes_back_and_is_clean() {
    let stage = Stage::new();
    stage.register("a");
    let lock = hold_lock(stage.dir.path());
    let (dir, clock, stopping) = stage.stop();
    // It has tried once and sleeps until its second try.
    while clock.sleepers() == 0 {
        assert!(!stopping.is_finished(), "it gave up at once");
        std::thread::yield_now();
    }

    drop(lock);
    clock.advance(RETRY);

    assert!(stopping.join().unwrap());
    let loaded = load(dir.path());
    assert_eq!(loaded.instances.len(), 1);
    assert!(loaded.stretches.last().unwrap().is_clean);
}

#[test]
fn a_stop_gives_up_after_five_tries_and_is_not_called_clean() {
    let stage = Stage::new();
    stage.register("a");
    let lock = hold_lock(stage.dir.path());
    let (dir, clock, stopping) = stage.stop();

    while !stopping.is_finished() {
        if 0 < clock.sleepers() {
            clock.advance(RETRY);
        }
        std::thread::yield_now();
    }

    assert!(!stopping.join().unwrap());
    drop(lock);
    let loaded = load(dir.path());
    assert!(loaded.instances.is_empty());
    assert!(!loaded.stretches.last().unwrap().is_clean);
    let passed_us = clock.now().mono.as_micros();
    assert_eq!(passed_us, 4 * RETRY.as_signed_micros(), "five tries");
}

#[test]
fn a_chunk_of_urgent_rows_that_fails_is_written_later_with_those_behind_it() {
    let mut stage = Stage::new();
    let count = 2 * URGENT_CHUNK + 1;
    for number in 0..count {
        stage.register(&format!("svc-{number}"));
    }
    let lock = hold_lock(stage.dir.path());

    stage.flush.pass().unwrap();
    assert_eq!(
        stage.waiting(List::Urgent),
        count,
        "all stand on their list again"
    );
    drop(lock);
    stage.flush.pass().unwrap();

    assert_eq!(stage.registry.hold(|state, _| state.waiting_to_store()), 0);
    let connection = Connection::open(db(stage.dir.path())).unwrap();
    let stored = connection.query_row("select count(*) from services", [], |row| {
        row.get::<_, u32>(0)
    });
    assert_eq!(stored.map(|rows| rows as usize), Ok(count));
}

#[test]
fn events_of_rows_that_somebody_waits_for_are_stored_with_them_and_not_before() {
    let mut stage = Stage::new();
    stage.register("a");

    stage.flush.write_lazy().unwrap();

    let unwritten = |stage: &Stage| stage.registry.hold(|state, _| state.unwritten_events());
    assert_eq!(unwritten(&stage), 1, "no transaction of its own");
    stage.flush.write_urgent().unwrap();
    assert_eq!(unwritten(&stage), 0);
}

#[test]
fn heartbeats_that_could_not_be_written_are_part_of_the_next_try() {
    let mut stage = Stage::new();
    let half = Span::from_micros(FLUSH.as_micros() / 2);
    stage.register("a");
    stage.flush.pass().unwrap();
    stage.clock.advance(half);
    // Listening time is stored with it, so that only heartbeats are due at the next flush.
    stage.register("b");
    stage.flush.pass().unwrap();
    stage.register("a");
    stage.clock.advance(half);
    let lock = hold_lock(stage.dir.path());

    for attempt in 1..=2 {
        stage.flush.pass().unwrap();
        assert!(stage.flush.trouble.is_some(), "try {attempt}");
    }

    drop(lock);
    stage.flush.pass().unwrap();
    assert!(stage.flush.trouble.is_none());
    assert_eq!(stage.waiting(List::Beats), 0);
}

#[test]
fn who_registers_does_not_wait_for_the_events_of_a_storm() {
    let mut stage = Stage::new();
    let silent = 2 * EVENTS_CHUNK;
    for number in 0..silent {
        stage.register(&format!("svc-{number}"));
    }
    stage.flush.pass().unwrap();
    let ttl_steps = 1 + 60 * 4;
    for _ in 0..ttl_steps {
        stage.clock.advance(Span::from_micros(250_000));
        while stage.registry.hold(State::sweep) {}
    }
    stage.register("new");
    let unwritten = |stage: &Stage| stage.registry.hold(|state, _| state.unwritten_events());
    assert_eq!(unwritten(&stage), silent + 1);

    stage.flush.write_urgent().unwrap();

    assert_eq!(unwritten(&stage), silent, "as many events as rows");
    assert_eq!(stage.waiting(List::Urgent), 0);
    stage.flush.pass().unwrap();
    assert_eq!(stage.registry.hold(|state, _| state.waiting_to_store()), 0);
}

#[test]
fn a_long_list_is_written_in_the_order_of_the_file_and_a_short_one_as_it_came() {
    let mut stage = Stage::new();
    let count = LAZY_CHUNK + 1;
    let names: Vec<_> = (0..count).map(|number| format!("svc-{number}")).collect();
    for name in &names {
        stage.register(name);
    }
    stage.flush.pass().unwrap();
    // After a stall nobody is confirmed, and who is heard again is written as soon as may be.
    stage.clock.advance(Span::from_secs(10));
    for name in names.iter().rev() {
        stage.register(name);
    }
    let taken = |stage: &Stage| {
        stage.registry.hold(|state, _| {
            let whole = state.take_whole(List::Lazy);
            state.put_in_order(List::Lazy, whole.clone());
            Vec::from(whole)
        })
    };
    assert!(taken(&stage).is_sorted_by(|a, b| a > b), "newest first");

    stage.flush.put_in_order(List::Lazy, count);
    assert!(taken(&stage).is_sorted_by(|a, b| a > b), "one chunk");
    stage.flush.put_in_order(List::Lazy, LAZY_CHUNK);

    let ordered = taken(&stage);
    assert_eq!(ordered.len(), count);
    assert!(ordered.is_sorted_by(|a, b| a < b));
    stage.flush.pass().unwrap();
    assert_eq!(stage.waiting(List::Lazy), 0);
}

#[test]
fn events_that_wait_for_the_disk_are_listed_without_a_gap() {
    let mut stage = Stage::new();
    let count = 3 * EVENTS_CHUNK;
    let lock = hold_lock(stage.dir.path());
    for number in 0..count {
        stage.register(&format!("svc-{number}"));
    }
    stage.flush.pass().unwrap();
    let listed = |stage: &Stage| {
        let (events, goes_on) = stage
            .registry
            .hold(|state, now| state.events(None, u64::MAX, count, now));
        assert_eq!(goes_on, None);
        events
            .iter()
            .map(|event| event.revision)
            .collect::<Vec<_>>()
    };

    let newest_first = listed(&stage);

    assert_eq!(newest_first.len(), count);
    assert!(newest_first.windows(2).all(|pair| pair[0] == pair[1] + 1));
    drop(lock);
    stage.flush.pass().unwrap();
    let (in_memory, goes_on) = stage
        .registry
        .hold(|state, now| state.events(None, u64::MAX, count, now));
    assert_eq!(in_memory.len(), 1_000);
    assert_eq!(goes_on, in_memory.last().map(|event| event.revision));
}

#[test]
fn events_that_wait_for_the_disk_are_searched_in_short_holds() {
    let mut stage = Stage::new();
    let lock = hold_lock(stage.dir.path());
    stage.register("first");
    for number in 0..3 * EVENTS_CHUNK {
        stage.register(&format!("svc-{number}"));
    }
    stage.flush.pass().unwrap();
    let (newest, found) = stage.registry.hold(|state, now| {
        let found = state.events(Some("first"), u64::MAX, 10, now);
        (state.revision(), found)
    });

    // One hold looks at so many, and says where the next goes on.
    assert_eq!(found, (Vec::new(), Some(newest + 1 - EVENTS_CHUNK as u64)));
    let query = HistoryQuery {
        name: Some("first".to_owned()),
        before: None,
        limit: 10,
    };
    let answer = stage.registry.events(&query).unwrap();
    let names: Vec<_> = answer.events.iter().map(|event| &event.name).collect();
    assert_eq!(names, [&Some("first".to_owned())]);
    drop(lock);
}

#[test]
fn the_notice_says_what_is_wrong_since_when_and_what_to_do() {
    let mut stage = Stage::new();
    stage.register("a");
    let lock = hold_lock(stage.dir.path());
    stage.flush.pass().unwrap();
    stage.clock.advance(RETRY);
    stage.flush.pass().unwrap();
    let said = |stage: &Stage| {
        let notices = stage.registry.hold(|state, _| state.notices());
        notices
            .into_iter()
            .map(|notice| (notice.since, notice.text))
            .collect::<Vec<_>>()
    };

    let text = "changes are not stored since 08:00:00 UTC (database is locked): end the program \
                that holds the file, such as a backup or a database browser; until then known \
                instances go on in memory and registrations are answered with 503";
    assert_eq!(said(&stage), [(WALL, text.to_owned())]);
    drop(lock);
    stage.flush.pass().unwrap();
    assert_eq!(said(&stage), []);

    let path = db(stage.dir.path());
    std::fs::rename(&path, path.with_extension("moved")).unwrap();
    stage.clock.advance(file::CHECK);
    stage.flush.pass().unwrap();

    let text = "the database was deleted or moved away at 08:00:01 UTC and was written again from \
                memory; find out which program did that, and keep it away from the file";
    let since = WALL.plus_micros(1_000_000);
    assert_eq!(said(&stage), [(since, text.to_owned())]);
}
