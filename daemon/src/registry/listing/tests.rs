//! Pages against what sorting everything gives.

use std::net::IpAddr;
use std::path::PathBuf;

use lastbeat_proto::register::Registration;
use lastbeat_proto::{Address, Span, Timestamp};
use proptest::prelude::*;

use super::*;
use crate::clock::{Clock, ManualClock};
use crate::config::{Limits, Rules};
use crate::state::State;
use crate::state::record::Loaded;
use crate::store::History;

const WALL: Timestamp = Timestamp::from_micros(1_800_000_000_000_000);
const RULES: Rules = Rules {
    remove_after: Span::from_secs(3_600),
    ..Rules::SAMPLE
};
const LIMITS: Limits = Limits {
    instances: 10_000,
    tombstones: 10_000,
};

/// What became of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Well,
    Late,
    Down,
    /// DOWN, and heard again.
    Back,
    Left,
    /// Left, and registered anew.
    Renewed,
}

/// A registry with rows of these fates, in no order of their names.
fn registry(fates: &[Fate]) -> Arc<Registry> {
    let clock = Arc::new(ManualClock::new(WALL));
    let registry = Arc::new(Registry::new(
        State::load(Loaded::default(), RULES, LIMITS, clock.now()),
        Arc::<ManualClock>::clone(&clock),
        History::new(PathBuf::new()),
        LIMITS.instances,
        Span::from_secs(2),
    ));
    registry.start_serving();
    // By an odd factor every number of a range becomes another one.
    let name = |number: usize| format!("s{:05}", number * 4_099 % 16_384);
    let hear = |fate, is_to_leave| {
        for (number, _) in fates.iter().enumerate().filter(|(_, one)| **one == fate) {
            let name = ServiceName::parse(&name(number)).unwrap();
            let registration = Registration::bare(name.clone());
            let caller = Address::from(IpAddr::from([10, 0, 0, 1]));
            registry.hold(|state, now| {
                state.register(&registration, &caller, now).unwrap();
                if is_to_leave {
                    state.deregister(&name, None, now).unwrap();
                }
            });
        }
    };
    let pass = |seconds| {
        for _ in 0..seconds {
            clock.advance(Span::from_secs(1));
            while registry.hold(State::sweep) {}
        }
    };
    for fate in [Fate::Down, Fate::Back] {
        hear(fate, false);
    }
    for fate in [Fate::Left, Fate::Renewed] {
        hear(fate, true);
    }
    pass(12);
    hear(Fate::Late, false);
    pass(50);
    for fate in [Fate::Well, Fate::Back, Fate::Renewed] {
        hear(fate, false);
    }
    let count = |fate| fates.iter().filter(|one| **one == fate).count();
    let summary = registry.look().summary;
    assert_eq!(
        (summary.down, summary.late, summary.up),
        (
            count(Fate::Down),
            count(Fate::Late),
            fates.len() - count(Fate::Down) - count(Fate::Left)
        )
    );
    registry
}

/// The rows of a page as keys, and how many rows there are on all pages.
fn page(registry: &Arc<Registry>, query: &ListQuery) -> (Vec<String>, usize) {
    let answer = registry.page(query);
    let names = answer.services.into_iter().map(|row| row.name);
    (names.collect(), answer.matching)
}

fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![
        6 => Just(Fate::Well),
        1 => Just(Fate::Late),
        1 => Just(Fate::Down),
        1 => Just(Fate::Back),
        1 => Just(Fate::Left),
        1 => Just(Fate::Renewed),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_page_worst_first_is_what_sorting_all_gives(
        fates in prop::collection::vec(fate(), 0..2_500),
        status in prop::option::of(prop_oneof![
            Just(StatusFilter::Up), Just(StatusFilter::Late), Just(StatusFilter::Down),
        ]),
        page_number in 1_usize..40,
        size in prop_oneof![1_usize..5, 50_usize..200],
    ) {
        let registry = registry(&fates);
        let chosen = ListQuery {
            status,
            page: Some(page_number),
            size: Some(size),
            ..ListQuery::default()
        };
        let sorted = ListQuery {
            sort: Some(Sort { key: SortKey::Status, is_reversed: false }),
            ..chosen.clone()
        };

        prop_assert!(is_of_all_worst_first(&chosen) && !is_of_all_worst_first(&sorted));
        prop_assert_eq!(page(&registry, &chosen), page(&registry, &sorted));
    }
}

#[test]
fn a_page_is_found_in_more_rows_than_one_hold_looks_at() {
    let mut fates = vec![Fate::Well; 9_000];
    for fate in fates.iter_mut().step_by(900) {
        *fate = Fate::Down;
    }
    let registry = registry(&fates);
    for (page_number, size) in [(1, 100), (1, 3), (89, 100), (90, 100), (91, 100)] {
        let chosen = ListQuery {
            page: Some(page_number),
            size: Some(size),
            ..ListQuery::default()
        };
        let sorted = ListQuery {
            sort: Some(Sort {
                key: SortKey::Status,
                is_reversed: false,
            }),
            ..chosen.clone()
        };

        assert_eq!(page(&registry, &chosen), page(&registry, &sorted));
    }
}

#[test]
fn a_name_means_its_own_rows_and_no_others() {
    let registry = registry(&[Fate::Well; 3]);
    for (name, rows) in [("s00000", 1), ("s0000", 0), ("s000001", 0), ("", 0)] {
        let query = ListQuery {
            name: Some(name.to_owned()),
            ..ListQuery::default()
        };

        assert_eq!(page(&registry, &query).0.len(), rows, "{name:?}");
    }
}
