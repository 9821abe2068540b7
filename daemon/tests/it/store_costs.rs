//! What a heartbeat and a registration cost on the disk, counted exactly: bytes of the journal.
//!
//! The figures were taken on 2026-11-28; a bound is a tenth above its figure. A checkpoint writes
//! each page of the journal once more, the newest one of each only.

use std::path::{Path, PathBuf};

use lastbeat_proto::register::Registration;
use lastbeat_proto::{Address, InstanceId, ServiceName, Timestamp};
use lastbeatd::clock::{Moment, Mono};
use lastbeatd::config::Limits;
use lastbeatd::state::State;
use lastbeatd::state::dirty::{Copied, EVENTS_CHUNK, List, MAX_COPIED};
use lastbeatd::state::record::Loaded;
use lastbeatd::store::Store;

use crate::world::{RULES, WALL_START_US};

/// Registered instances; each beats every 10 s.
const COUNT: usize = 10_000;
/// Where the journal is written from its beginning again: 1,000 pages (sqlite.org/wal.html).
const BEGINS_ANEW: usize = 1_000 * (4_096 + 24);
/// Those that beat between two flushes, 2 s apart.
const BEATING: usize = 2_000;
/// Those that register in one commit: what 256 connections make of it.
const REGISTERING: usize = 256;
/// Neighbors in time lie so far apart on the disk: a prime.
const STRIDE: usize = 7_919;

fn moment(time_us: i64) -> Moment {
    Moment {
        wall: Timestamp::from_micros(WALL_START_US + time_us),
        mono: Mono::from_micros(time_us),
    }
}

fn caller() -> Address {
    Address::from(std::net::IpAddr::from([10, 0, 0, 1]))
}

fn name(number: usize) -> ServiceName {
    ServiceName::parse(&format!("service-{number:07}")).unwrap()
}

/// A registry with its file, which the daemon's own loop would write in the same way.
struct Disk {
    path: PathBuf,
    state: State,
    store: Store,
}

impl Disk {
    fn open(path: &Path) -> Self {
        let now = moment(0);
        let (store, loaded, _) = Store::open(path, now.wall, RULES.ttl).unwrap();
        Self {
            path: path.to_owned(),
            state: Self::state(loaded),
            store,
        }
    }

    fn state(loaded: Loaded) -> State {
        let limits = Limits {
            instances: 200_000,
            tombstones: 200_000,
        };
        let mut state = State::load(loaded, RULES, limits, moment(0));
        state.listen(moment(0));
        state
    }

    fn register(&mut self, numbers: std::ops::Range<usize>) {
        for number in numbers {
            let registration = Registration::bare(name(number));
            let registered = self.state.register(&registration, &caller(), moment(0));
            registered.unwrap();
        }
    }

    /// `at_us` differs from the last time: what stands there already costs nothing.
    fn beat(&mut self, numbers: impl Iterator<Item = usize>, at_us: i64) {
        let key = InstanceId::of_address(&caller(), None);
        for number in numbers {
            let heard =
                { &mut self.state }.heartbeat(&name(number), Some(&key), &caller(), moment(at_us));
            heard.unwrap();
        }
    }

    /// Writes what stands on a list, in one transaction.
    fn write(&mut self, list: List) {
        let (number, places) = match list {
            List::Urgent => self.state.take_urgent(),
            List::Lazy | List::Beats => (0, self.state.take(list, COUNT)),
        };
        let mut copied = Copied::default();
        for chunk in places.chunks(MAX_COPIED) {
            self.state.copy(list, chunk, &mut copied);
        }
        self.state.copy_history(EVENTS_CHUNK, &mut copied);
        self.store.write(&copied.batch).unwrap();
        self.state.written(&copied);
        if list == List::Urgent {
            self.state.publish(number);
        }
    }

    /// Bytes of the journal so far; it grows by what is written.
    fn journal(&self) -> usize {
        let mut path = self.path.clone().into_os_string();
        path.push("-wal");
        let length = std::fs::metadata(path).unwrap().len();
        usize::try_from(length).unwrap()
    }
}

/// A file with all instances and an empty journal.
fn filled(dir: &Path) -> Disk {
    let path = dir.join("monitoring.db");
    let mut disk = Disk::open(&path);
    disk.write(List::Urgent);
    disk.register(0..COUNT);
    disk.write(List::Urgent);
    while 0 < disk.state.waiting_to_store() {
        disk.write(List::Lazy);
    }
    disk.store.close();
    let mut disk = Disk::open(&path);
    assert_eq!(disk.state.summary().total, COUNT);
    disk.write(List::Urgent);
    // The first heartbeat after a start is another one: it confirms.
    disk.beat(0..COUNT, 1);
    while 0 < disk.state.waiting_to_store() {
        disk.write(List::Lazy);
    }
    assert!(disk.journal() < BEGINS_ANEW, "nothing grows any more");
    disk
}

#[test]
fn a_heartbeat_costs_few_bytes_of_the_journal() {
    /// Measured: 112 B; what a flush of 2 s makes of it, before the checkpoint.
    const MOST: usize = 123;
    let dir = tempfile::tempdir().unwrap();
    let mut disk = filled(dir.path());
    disk.beat((0..BEATING).map(|turn| turn * STRIDE % COUNT), 2);
    assert_eq!(disk.state.waiting(List::Beats), BEATING);
    let before = disk.journal();

    disk.write(List::Beats);

    let each = (disk.journal() - before).div_ceil(BEATING);
    println!("journal of a heartbeat: {each} B");
    assert_eq!(disk.state.waiting(List::Beats), 0);
    assert!((1..=MOST).contains(&each), "{each} B");
}

#[test]
fn a_registration_costs_few_bytes_of_the_journal() {
    /// Measured: 548 B.
    const MOST: usize = 603;
    let dir = tempfile::tempdir().unwrap();
    let mut disk = filled(dir.path());
    disk.register(COUNT..COUNT + REGISTERING);
    let before = disk.journal();

    disk.write(List::Urgent);

    let each = (disk.journal() - before).div_ceil(REGISTERING);
    println!("journal of a registration: {each} B");
    assert!((1..=MOST).contains(&each), "{each} B");
}
