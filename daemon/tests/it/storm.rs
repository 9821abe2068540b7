//! A hundred thousand instances that fall silent at once, and clients that beat exactly on the
//! edge: each change with its own stamp, in small holds of the lock.

use std::collections::BTreeMap;

use lastbeat_proto::register::Registration;
use lastbeat_proto::{Address, EventKind, InstanceId, ServiceName, Timestamp};
use lastbeatd::clock::{Moment, Mono};
use lastbeatd::config::Limits;
use lastbeatd::state::State;
use lastbeatd::state::dirty::{Copied, EVENTS_CHUNK, List, MAX_COPIED};
use lastbeatd::state::record::{EventRecord, Loaded};

use crate::world::RULES;

const SECOND_US: i64 = 1_000_000;
const COUNT: i64 = 100_000;
/// Between the registrations of two neighbors: everyone is there within a second.
const APART_US: i64 = 10;
/// Rows touched in one hold of the lock.
const HOLD: usize = 256;

/// A registry without a store, under a clock of its own.
struct Crowd {
    state: State,
    time_us: i64,
    events: Vec<EventRecord>,
}

impl Crowd {
    fn new() -> Self {
        let limits = Limits {
            instances: 200_000,
            tombstones: 200_000,
        };
        let mut state = State::load(Loaded::default(), RULES, limits, moment(0));
        state.listen(moment(0));
        Self {
            state,
            time_us: 0,
            events: Vec::new(),
        }
    }

    fn register(&mut self, number: i64) {
        let registration = Registration::bare(name(number));
        let now = moment(self.time_us);
        self.state.register(&registration, &caller(), now).unwrap();
    }

    fn beat(&mut self, number: i64) {
        let (key, now) = (
            InstanceId::of_address(&caller(), None),
            moment(self.time_us),
        );
        let heard = self
            .state
            .heartbeat(&name(number), Some(&key), &caller(), now);
        heard.unwrap();
    }

    /// One hold of the sweep; says whether more is due.
    fn hold(&mut self) -> bool {
        self.collect();
        let before = self.state.revision();
        let has_more = self.state.sweep(moment(self.time_us));
        let changed = self.state.revision() - before;
        assert!(changed <= HOLD as u64, "{changed} changes in one hold");
        // Also those that only get the mark of a mass loss are listed for the store.
        let touched = self.state.waiting(List::Lazy);
        assert!(touched <= HOLD, "{touched} rows touched in one hold");
        self.collect();
        has_more
    }

    /// Takes over what was recorded, as the store does.
    fn collect(&mut self) {
        loop {
            let mut copied = Copied::default();
            let places = self.state.take(List::Lazy, MAX_COPIED);
            self.state.copy(List::Lazy, &places, &mut copied);
            self.state.copy_history(EVENTS_CHUNK, &mut copied);
            if copied.batch.events.is_empty() && places.is_empty() {
                return;
            }
            self.state.written(&copied);
            self.events.append(&mut copied.batch.events);
        }
    }

    /// Time passes in steps of so many microseconds, with a sweep behind each.
    fn run_until(&mut self, until_us: i64, step_us: i64) {
        while self.time_us < until_us {
            self.time_us = until_us.min(self.time_us + step_us);
            while self.hold() {}
        }
    }

    /// What happened to each, in order: kind, and when on the wall.
    fn histories(&mut self) -> BTreeMap<String, Vec<(EventKind, i64)>> {
        self.collect();
        let mut histories: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for event in &self.events {
            if let Some(subject) = &event.subject {
                let of_one = histories.entry(subject.name.to_string()).or_default();
                of_one.push((event.kind, event.at.as_micros()));
            }
        }
        histories
    }

    fn assert_in_order(&self, kind: EventKind) {
        let of_kind = self.events.iter().filter(|event| event.kind == kind);
        let stamps: Vec<_> = of_kind.map(|event| event.l).collect();
        assert!(stamps.is_sorted(), "{kind:?} out of order");
    }
}

fn moment(time_us: i64) -> Moment {
    Moment {
        wall: Timestamp::from_micros(time_us),
        mono: Mono::from_micros(time_us),
    }
}

fn name(number: i64) -> ServiceName {
    ServiceName::parse(&format!("svc-{number}")).unwrap()
}

fn caller() -> Address {
    Address::from(std::net::IpAddr::from([10, 0, 0, 1]))
}

#[test]
fn a_hundred_thousand_that_fall_silent_at_once_are_each_stamped_exactly() {
    use EventKind::{Down, Gone, Registered, Up};
    let mut crowd = Crowd::new();
    for number in 0..COUNT {
        crowd.time_us = number * APART_US;
        crowd.register(number);
    }
    crowd.run_until(60_250_000, 250_000);
    // In the middle of the storm one is heard whose turn has not come yet.
    let heard = 49_000;
    crowd.time_us = 60_500_000;
    assert!(crowd.hold(), "there is more than one hold to do");
    crowd.beat(heard);
    let heard_us = crowd.time_us;
    while crowd.hold() {}
    crowd.run_until(100 * SECOND_US, 250_000);
    assert_eq!(crowd.state.summary().down, 99_999);
    crowd.assert_in_order(Gone);
    let is_back = |number: i64| number % 2 == 0 && number != heard;
    for number in (0..COUNT).filter(|number| is_back(*number)) {
        crowd.time_us = 100 * SECOND_US + number * APART_US;
        crowd.beat(number);
    }

    // A mass loss: they are kept for a quarter of an hour.
    crowd.run_until(1_065 * SECOND_US, SECOND_US);

    assert_eq!(crowd.state.summary().total, 0);
    let histories = crowd.histories();
    for number in 0..COUNT {
        let born_us = number * APART_US;
        let down_us = born_us + 60 * SECOND_US;
        let mut expected = vec![(Registered, born_us), (Down, down_us)];
        let back_us = match number {
            _ if number == heard => Some(heard_us),
            _ if is_back(number) => Some(born_us + 100 * SECOND_US),
            _ => None,
        };
        if let Some(back_us) = back_us {
            expected.push((Up, back_us));
            expected.push((Down, back_us + 60 * SECOND_US));
        }
        let (_, last_us) = expected[expected.len() - 1];
        // The one that went on for a while was DOWN alone.
        let kept_s = if number == heard { 60 } else { 900 };
        expected.push((Gone, last_us + kept_s * SECOND_US));
        let seen = &histories[&format!("svc-{number}")];
        assert_eq!(*seen, expected, "{number}");
    }
}

#[test]
fn who_beats_on_the_edge_is_never_down_and_who_beats_behind_it_is_each_time() {
    const FLAPPING: i64 = 1_000;
    const ROUNDS: i64 = 10;
    let mut crowd = Crowd::new();
    for number in 0..FLAPPING {
        crowd.register(number);
    }
    // The even ones beat each 60 s, the odd ones a microsecond later each time.
    for round in 1..=ROUNDS {
        crowd.run_until(round * 60 * SECOND_US, 250_000);
        (0..FLAPPING)
            .step_by(2)
            .for_each(|number| crowd.beat(number));
        crowd.run_until(round * (60 * SECOND_US + 1), 250_000);
        (1..FLAPPING)
            .step_by(2)
            .for_each(|number| crowd.beat(number));
    }

    assert_eq!(crowd.state.summary().up, 1_000);
    assert!(crowd.state.notices().is_empty());
    for (name, history) in crowd.histories() {
        let number: i64 = name.trim_start_matches("svc-").parse().unwrap();
        let mut expected = vec![(EventKind::Registered, 0)];
        for round in (1..=ROUNDS).filter(|_| number % 2 == 1) {
            let heard_us = (round - 1) * (60 * SECOND_US + 1);
            expected.push((EventKind::Down, heard_us + 60 * SECOND_US));
            expected.push((EventKind::Up, heard_us + 60 * SECOND_US + 1));
        }
        assert_eq!(history, expected, "{name}");
    }
}
