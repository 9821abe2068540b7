use std::collections::BTreeSet;

use lastbeat_proto::register::Registration;
use lastbeat_proto::{Address, EventKind};
use proptest::prelude::*;

use super::*;
use crate::clock::Mono;
use crate::config::{Limits, Rules};
use crate::state::record::{Began, Loaded, Subject};

const WALL_US: i64 = 1_800_000_000_000_000;
const SECOND_US: i64 = 1_000_000;
const RULES: Rules = Rules::SAMPLE;

fn at(seconds: i64) -> Moment {
    Moment {
        wall: Timestamp::from_micros(WALL_US + seconds * SECOND_US),
        mono: Mono::from_micros(seconds * SECOND_US),
    }
}

fn wall(seconds: i64) -> Timestamp {
    at(seconds).wall
}

fn name() -> ServiceName {
    ServiceName::parse("a").unwrap()
}

/// A state whose clock is turned as the sweep turns it.
struct Turned {
    state: State,
    second: i64,
}

impl Turned {
    fn new() -> Self {
        let limits = Limits {
            instances: 10,
            tombstones: 10,
        };
        let mut state = State::load(Loaded::default(), RULES, limits, at(0));
        state.listen(at(0));
        Self { state, second: 0 }
    }

    fn until(&mut self, second: i64) {
        while self.second < second {
            self.second += 1;
            while self.state.sweep(at(self.second)) {}
        }
    }

    /// Nobody runs until then.
    fn stall(&mut self, second: i64) {
        self.second = second;
        while self.state.sweep(at(second)) {}
    }

    fn beat(&mut self, last: u8) {
        let registration = Registration::parse(br#"{"name":"a"}"#).unwrap();
        let caller = Address::from(std::net::IpAddr::from([10, 0, 0, last]));
        let moment = at(self.second);
        assert!(self.state.register(&registration, &caller, moment).is_ok());
    }

    fn told(&mut self) -> UptimeAnswer {
        let (events, _) = self.state.recorded(Some("a"), u64::MAX, 1_000);
        let (places, _) = self.state.portion_of_name(&name(), None, 64);
        let mut watched = Watched::new(&name());
        watched.add(&self.state, &places, at(self.second));
        watched.uptime(&events, 1_000)
    }
}

fn day(uptime: &Uptime) -> Vec<(Seen, Timestamp)> {
    uptime
        .day
        .iter()
        .map(|piece| (piece.seen, piece.from))
        .collect()
}

#[test]
fn down_begins_at_the_deadline_and_ends_with_the_heartbeat() {
    let mut turned = Turned::new();
    turned.until(10);
    turned.beat(1);
    turned.until(100);
    turned.beat(1);

    let told = turned.told();

    // What begins now has no length yet.
    assert_eq!(
        day(&told.service),
        [
            (Seen::Absent, wall(100 - 86_400)),
            (Seen::Up, wall(10)),
            (Seen::Down, wall(70)),
        ]
    );
    let first = told.service.windows[0];
    assert_eq!(first.hours, 24);
    assert_eq!(first.up_s, Span::from_secs(60));
    assert_eq!(first.down_s, Span::from_secs(30));
    assert_eq!(first.up_percent, Some(66.666));
    assert_eq!(told.instances.len(), 1);
    assert_eq!(told.instances[0].uptime, told.service);
}

#[test]
fn a_service_is_up_while_one_of_its_instances_is() {
    let mut turned = Turned::new();
    turned.beat(1);
    turned.until(30);
    turned.beat(2);
    turned.until(95);

    let told = turned.told();

    // The first fell at 60, the second at 90.
    assert_eq!(
        day(&told.service)[1..],
        [(Seen::Up, wall(0)), (Seen::Down, wall(90))]
    );
    let falls = |index: usize| *day(&told.instances[index].uptime).last().unwrap();
    assert_eq!(falls(0), (Seen::Down, wall(60)));
    assert_eq!(falls(1), (Seen::Down, wall(90)));
}

#[test]
fn who_was_removed_stays_down_until_it_is_back_and_who_said_goodbye_is_not_there() {
    let mut turned = Turned::new();
    turned.beat(1);
    turned.until(150);
    turned.beat(1);
    turned.until(160);
    let left = turned.state.deregister(&name(), None, at(160));
    assert!(left.is_ok());
    turned.until(170);

    let told = turned.told();

    assert_eq!(
        day(&told.service)[1..],
        [
            (Seen::Up, wall(0)),
            (Seen::Down, wall(60)),
            (Seen::Up, wall(150)),
            (Seen::Absent, wall(160)),
        ]
    );
    assert!(told.instances.is_empty());
}

#[test]
fn a_stall_is_time_of_which_nobody_knows() {
    let mut turned = Turned::new();
    turned.beat(1);
    turned.until(20);
    turned.stall(3_620);
    turned.until(3_630);

    let told = turned.told();

    assert_eq!(
        day(&told.service)[1..],
        [
            (Seen::Up, wall(0)),
            (Seen::Unknown, wall(21)),
            (Seen::Up, wall(3_620)),
        ]
    );
    assert_eq!(told.service.windows[0].up_percent, Some(100.0));
}

#[test]
fn a_second_down_in_a_day_is_not_rounded_away() {
    let pieces = [
        Piece {
            seen: Seen::Down,
            until: 0,
            from: SECOND_US / 10,
        },
        Piece {
            seen: Seen::Up,
            until: SECOND_US / 10,
            from: REACH_US,
        },
    ];

    assert_eq!(window(&pieces, 720).up_percent, Some(99.999));
}

/// A stretch of so many seconds of listening, on a scale where all begins at 0.
fn stretch(start_l: i64, last_l: i64, start: i64) -> Stretch {
    Stretch {
        began: Began::Start,
        start_l: Listened::from_micros(start_l * SECOND_US),
        last_l: Listened::from_micros(last_l * SECOND_US),
        start_wall: wall(start),
        last_wall: wall(start + last_l - start_l),
        is_clean: true,
    }
}

fn event(id: i64, l: i64, kind: EventKind) -> EventRecord {
    EventRecord {
        revision: 1,
        at: wall(0),
        l: Listened::from_micros(l * SECOND_US),
        kind,
        subject: Some(Subject {
            id,
            name: name(),
            instance: InstanceId::parse("x").unwrap(),
        }),
        reason: None,
    }
}

fn watched(stretches: &[Stretch], now: i64) -> Watched {
    Watched {
        name: name(),
        now: wall(now),
        l: stretches.last().unwrap().last_l,
        stretches: stretches.iter().rev().copied().collect(),
        instances: Vec::new(),
    }
}

#[test]
fn what_was_before_the_oldest_event_that_is_kept_nobody_knows() {
    let watched = watched(&[stretch(0, 100, 0)], 100);

    let told = watched.uptime(&[event(1, 40, EventKind::Up)], 1_000);

    assert_eq!(
        day(&told.service),
        [(Seen::Unknown, wall(100 - 86_400)), (Seen::Up, wall(40))]
    );
}

#[test]
fn of_events_that_are_cut_nothing_says_that_there_was_nothing_before() {
    let watched = watched(&[stretch(0, 100, 0)], 100);
    let before = |kind, limit| {
        let told = watched.uptime(&[event(1, 40, kind)], limit);
        told.service.day[0].seen
    };

    assert_eq!(before(EventKind::Registered, 2), Seen::Absent);
    assert_eq!(before(EventKind::Registered, 1), Seen::Unknown);
    assert_eq!(before(EventKind::Back, 2), Seen::Unknown);
}

#[test]
fn a_row_without_events_is_what_it_says_it_is() {
    let mut watched = watched(&[stretch(0, 100, 0)], 100);
    watched.instances.push(Registered {
        id: 1,
        instance: InstanceId::parse("x").unwrap(),
        life: Life::Down,
        since_l: Listened::from_micros(70 * SECOND_US),
    });

    let told = watched.uptime(&[], 1_000);

    assert_eq!(
        day(&told.service),
        [(Seen::Unknown, wall(100 - 86_400)), (Seen::Down, wall(70))]
    );
}

#[test]
fn an_absence_is_as_long_as_the_wall_clock_says_and_never_negative() {
    // Away from 100 to 1,100; then a clock set back by 5,000 s.
    let stretches = [
        stretch(0, 100, 0),
        stretch(101, 151, 1_100),
        stretch(152, 162, -3_850),
    ];
    let told = watched(&stretches, -3_840).uptime(&[event(1, 0, EventKind::Registered)], 1_000);

    let first = told.service.windows[0];
    assert_eq!(first.up_s, Span::from_secs(160));
    assert_eq!(first.unknown_s, Span::from_secs(1_000));
}

/// Kinds of events as they may follow each other in one life.
fn lives() -> impl Strategy<Value = Vec<(i64, i64, EventKind)>> {
    let kind = prop_oneof![
        Just(EventKind::Registered),
        Just(EventKind::Up),
        Just(EventKind::Down),
        Just(EventKind::Gone),
        Just(EventKind::Back),
        Just(EventKind::Changed),
    ];
    prop::collection::vec((1_i64..4, 0_i64..3_000_000, kind), 0..40)
}

/// How an instance was at listening time `l`, found by looking at each event.
fn simply(events: &[(i64, i64, EventKind)], id: i64, l: i64) -> Seen {
    let of = |kind| match kind {
        EventKind::Registered | EventKind::Up | EventKind::Back => Some(Seen::Up),
        EventKind::Down | EventKind::Gone => Some(Seen::Down),
        _ => None,
    };
    let own = || {
        events
            .iter()
            .filter(|event| event.0 == id && of(event.2).is_some())
    };
    match own().rfind(|event| event.1 <= l) {
        Some(event) => of(event.2).unwrap(),
        None => match own().next().map(|event| event.2) {
            Some(EventKind::Registered) => Seen::Absent,
            _ => Seen::Unknown,
        },
    }
}

proptest! {
    #[test]
    fn the_pieces_are_what_looking_at_each_moment_finds(
        mut lives in lives(),
        lengths in prop::collection::vec((1_i64..400_000, 0_i64..100_000), 1..12),
    ) {
        lives.sort_by_key(|life| life.1);
        let (mut l, mut second, mut stretches) = (0, 0, Vec::new());
        for (length, away) in lengths {
            stretches.push(stretch(l, l + length, second));
            l += length + 1;
            second += length + away;
        }
        let now = stretches.last().unwrap().last_wall;
        let now_s = (now.as_micros() - WALL_US) / SECOND_US;
        let watched = watched(&stretches, now_s);
        let events: Vec<EventRecord> = lives
            .iter()
            .rev()
            .map(|(id, l, kind)| event(*id, *l, *kind))
            .collect();
        let all: Vec<Vec<Piece>> = turns(&events, 1_000)
            .values()
            .map(|turns| pieces(&watched.listened(), turns))
            .collect();
        let mut together = Together::default();
        for pieces in &all {
            together.add(pieces);
        }
        let whole = together.pieces();

        let mut end = 0;
        for piece in &whole {
            prop_assert_eq!(piece.until, end);
            prop_assert!(piece.until < piece.from);
            end = piece.from;
        }
        prop_assert_eq!(end, REACH_US);
        for hours in WINDOWS {
            let told = window(&whole, hours);
            let sum = [told.up_s, told.down_s, told.unknown_s, told.absent_s];
            let sum: u64 = sum.iter().map(|span| span.as_micros()).sum();
            prop_assert_eq!(sum, Span::from_secs(u64::from(hours) * 3_600).as_micros());
        }
        // Each middle of a second that was listened to.
        let ids: BTreeSet<i64> = turns(&events, 1_000).into_keys().collect();
        for stretch in &stretches {
            let (from, until) = (stretch.start_l.as_micros(), stretch.last_l.as_micros());
            for step in 0..20 {
                let second = (from + (until - from) * step / 20) / SECOND_US;
                let l = second * SECOND_US + SECOND_US / 2;
                let ago = now.as_micros() - stretch.start_wall.as_micros() - (l - from);
                if until <= l || REACH_US <= ago {
                    continue;
                }
                let found = whole.iter().find(|piece| piece.until <= ago && ago < piece.from);
                let best = [Seen::Up, Seen::Unknown, Seen::Down, Seen::Absent]
                    .into_iter()
                    .find(|seen| ids.iter().any(|id| simply(&lives, *id, l / SECOND_US) == *seen));
                prop_assert_eq!(found.unwrap().seen, best.unwrap_or(Seen::Absent));
            }
        }
    }
}
