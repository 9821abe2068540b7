//! A daemon's state and its real store under a clock that tests turn: no threads, no sockets.
//!
//! Transitions and registrations are stored at once, listening time and heartbeats each full
//! second after a start, as a daemon with `--flush 1s` does.

use std::path::PathBuf;

use lastbeat_proto::answer::{Event, Row, Summary, Tombstone};
use lastbeat_proto::register::{Patch, Registration};
use lastbeat_proto::{Address, InstanceId, ServiceName, Span, Timestamp};
use lastbeatd::clock::{Moment, Mono};
use lastbeatd::config::{Limits, Rules};
use lastbeatd::state::dirty::{Copied, EVENTS_CHUNK, List};
use lastbeatd::state::{Refusal, State};
use lastbeatd::store::{Store, StoreError};

/// Where the wall clock of every world begins.
pub(crate) const WALL_START_US: i64 = 1_800_000_000_000_000;
const SECOND_US: i64 = 1_000_000;
/// The sweep's longest sleep.
const TICK_US: i64 = 250_000;

pub(crate) const RULES: Rules = Rules {
    ttl: Span::from_secs(60),
    remove_after: Span::from_secs(60),
    start_grace: Span::from_secs(60),
    gone_for: Span::from_secs(86_400),
    tombstones_for: Span::from_secs(7 * 86_400),
};

/// What an instance looks like from outside.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Seen {
    Registered(Box<Row>),
    Gone(Box<Tombstone>),
    Nowhere,
}

pub(crate) struct World {
    _dir: tempfile::TempDir,
    db: PathBuf,
    rules: Rules,
    /// Real time since the begin, in microseconds.
    pub(crate) time_us: i64,
    /// All steps of the wall clock so far.
    pub(crate) wall_steps_us: i64,
    started_us: i64,
    /// Whether heartbeats are stored each full second; else only before the daemon ends.
    pub(crate) flushes: bool,
    running: Option<(State, Store)>,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(RULES)
    }

    pub(crate) fn with(rules: Rules) -> Self {
        let dir = scratch();
        let db = dir.path().join("monitoring.db");
        Self {
            _dir: dir,
            db,
            rules,
            time_us: 0,
            wall_steps_us: 0,
            started_us: 0,
            flushes: true,
            running: None,
        }
    }

    pub(crate) fn now(&self) -> Moment {
        Moment {
            wall: Timestamp::from_micros(WALL_START_US + self.time_us + self.wall_steps_us),
            mono: Mono::from_micros(self.time_us),
        }
    }

    pub(crate) fn is_running(&self) -> bool {
        self.running.is_some()
    }

    pub(crate) fn state(&mut self) -> &mut State {
        &mut self.running.as_mut().expect("the daemon runs").0
    }

    pub(crate) fn start(&mut self) {
        let now = self.now();
        // A program that another test starts in this moment holds our files until it runs.
        let (store, loaded, _) = loop {
            match Store::open(&self.db, now.wall, self.rules.ttl) {
                Err(StoreError::InUse { .. }) => std::thread::yield_now(),
                opened => break opened.unwrap(),
            }
        };
        let limits = Limits {
            instances: 1_000,
            tombstones: 1_000,
        };
        self.running = Some((State::load(loaded, self.rules, limits, now), store));
        self.started_us = self.time_us;
        self.flush();
        self.state().listen(now);
        self.sweep();
    }

    /// SIGTERM: everything is stored, and the stretch is marked as clean.
    pub(crate) fn stop(&mut self) {
        self.sweep();
        self.store(true);
        let (_, store) = self.running.take().unwrap();
        store.close();
    }

    /// `kill -9`: what is not stored is lost.
    pub(crate) fn kill(&mut self) {
        self.running = None;
    }

    /// Lets real time pass up to `until_us`, sweeping at least every 250 ms while the daemon runs.
    pub(crate) fn run_until(&mut self, until_us: i64) {
        if !self.is_running() {
            self.time_us = self.time_us.max(until_us);
            return;
        }
        while self.time_us < until_us {
            self.tick(until_us);
        }
        self.sweep();
    }

    /// Lets real time pass up to the next sweep, or up to `until_us`.
    pub(crate) fn tick(&mut self, until_us: i64) {
        let since_start = self.time_us - self.started_us;
        let full_second = self.time_us - since_start % SECOND_US + SECOND_US;
        self.time_us = until_us.min(self.time_us + TICK_US).min(full_second);
        self.sweep();
        if self.flushes && self.time_us == full_second {
            self.flush();
        }
    }

    /// The daemon stands still for so long, and then reads the clock again.
    pub(crate) fn stall(&mut self, for_us: i64) {
        self.time_us += for_us;
        self.sweep();
    }

    pub(crate) fn register(&mut self, name: &str, ttl: Option<Span>) -> Result<(), Refusal> {
        let mut registration = Registration::bare(ServiceName::parse(name).unwrap());
        registration.ttl = ttl.map_or(Patch::Keep, Patch::Set);
        let now = self.now();
        let heard = self
            .state()
            .register(&registration, &caller(), now)
            .map(|_| ());
        self.store_if_wanted();
        heard
    }

    pub(crate) fn heartbeat(&mut self, name: &str) -> Result<(), Refusal> {
        let now = self.now();
        let name = ServiceName::parse(name).unwrap();
        let heard = self
            .state()
            .heartbeat(&name, Some(&key()), &caller(), now)
            .map(|_| ());
        self.store_if_wanted();
        heard
    }

    pub(crate) fn deregister(&mut self, name: &str) -> Result<(), Refusal> {
        let now = self.now();
        let name = ServiceName::parse(name).unwrap();
        let done = self.state().deregister(&name, None, now).map(|_| ());
        self.store_if_wanted();
        done
    }

    pub(crate) fn see(&mut self, name: &str) -> Seen {
        let now = self.now();
        self.sweep();
        let parsed = ServiceName::parse(name).unwrap();
        let state = self.state();
        let swept = state.summary();
        let (places, _) = state.portion_of_name(&parsed, None, 64);
        let places = state.judged(&places, now);
        // Whoever asks must not be the one who finds out.
        assert_eq!(state.summary(), swept, "the sweep passed {name} over");
        if let Some(row) = places.first().and_then(|place| state.row(*place, now)) {
            return Seen::Registered(Box::new(row));
        }
        match state.gone(Some(name), 10, now).pop() {
            Some(tombstone) => Seen::Gone(Box::new(tombstone)),
            None => Seen::Nowhere,
        }
    }

    /// How many rows are how, as the sweep has left them.
    pub(crate) fn summary(&mut self) -> Summary {
        self.sweep();
        self.state().summary()
    }

    /// All events in memory, oldest first.
    pub(crate) fn events(&mut self) -> Vec<Event> {
        let now = self.now();
        let (mut events, _) = self.state().events(None, u64::MAX, 1_000, now);
        events.reverse();
        events
    }

    /// The whole history of an instance, oldest first: words and wall times.
    pub(crate) fn history(&mut self, name: &str) -> Vec<(String, i64)> {
        let mut events = self.events();
        events.retain(|event| event.name.as_deref() == Some(name));
        let word = |event: &Event| {
            (
                event.kind.word().to_owned(),
                event.at.as_micros() - WALL_START_US,
            )
        };
        events.iter().map(word).collect()
    }

    fn sweep(&mut self) {
        let now = self.now();
        while self.state().sweep(now) {}
        self.store_if_wanted();
    }

    fn store_if_wanted(&mut self) {
        if self.state().wants_store() {
            self.write(&[List::Urgent, List::Lazy], false);
        }
    }

    /// Stores everything, heartbeats too.
    pub(crate) fn flush(&mut self) {
        self.store(false);
    }

    fn store(&mut self, is_clean_stop: bool) {
        self.write(&[List::Urgent, List::Lazy, List::Beats], is_clean_stop);
    }

    fn write(&mut self, lists: &[List], is_clean_stop: bool) {
        let (state, store) = self.running.as_mut().expect("the daemon runs");
        for list in lists {
            let places = if *list == List::Urgent {
                let (number, places) = state.take_urgent();
                state.publish(number);
                places
            } else {
                state.take(*list, usize::MAX)
            };
            let mut copied = Copied::default();
            state.copy(*list, &places, &mut copied);
            state.copy_history(EVENTS_CHUNK, &mut copied);
            copied.batch.is_clean_stop = is_clean_stop;
            store.write(&copied.batch).unwrap();
            state.written(&copied);
        }
    }
}

/// A folder in memory where there is some: no power is cut here, and thousands of syncs take
/// minutes.
pub(crate) fn scratch() -> tempfile::TempDir {
    let memory = std::path::Path::new("/dev/shm");
    if memory.is_dir() {
        tempfile::tempdir_in(memory).unwrap()
    } else {
        tempfile::tempdir().unwrap()
    }
}

fn caller() -> Address {
    Address::from(std::net::IpAddr::from([10, 0, 0, 1]))
}

fn key() -> InstanceId {
    InstanceId::of_address(&caller(), None)
}
