//! Many instances of one name.

use super::*;
use crate::state::{LEAST_ROW_BYTES, MAX_CHOICES, Portion};

/// A registry with room for a fleet.
fn roomy() -> State {
    let limits = Limits {
        instances: 5_000,
        tombstones: 5_000,
    };
    let mut state = State::load(Loaded::default(), RULES, limits, at(0));
    state.listen(at(0));
    state
}

fn fleet(count: usize) -> State {
    let mut state = roomy();
    for number in 0..count {
        let body = format!(r#"{{"name":"w","ip":"10.1.0.1","instance":"{number:05}"}}"#);
        register(&mut state, &body, at(0)).unwrap();
    }
    // Neighbors in the order of names.
    register(&mut state, r#"{"name":"v"}"#, at(0)).unwrap();
    register(&mut state, r#"{"name":"w2"}"#, at(0)).unwrap();
    state
}

/// The sizes of the portions in which all rows of a name are found; each row once, in order.
fn portions(state: &State, count: usize) -> Vec<usize> {
    let mut sizes = Vec::new();
    let mut keys = Vec::new();
    let mut behind = None;
    loop {
        let (places, next) = state.portion_of_name(&name("w"), behind.as_ref(), count);
        sizes.push(places.len());
        let rows = places.iter().map(|place| state.row(*place, at(1)).unwrap());
        keys.extend(rows.map(|row| row.instance));
        behind = next;
        if behind.is_none() {
            break;
        }
    }
    assert!(keys.is_sorted_by(|a, b| a < b), "{keys:?}");
    sizes
}

#[test]
fn a_fleet_is_walked_in_portions_and_nobody_else_with_it() {
    assert_eq!(portions(&fleet(0), 3), [0]);
    assert_eq!(portions(&fleet(2), 3), [2]);
    assert_eq!(portions(&fleet(3), 3), [3, 0]);
    assert_eq!(portions(&fleet(7), 3), [3, 3, 1]);
}

#[test]
fn a_heartbeat_without_an_instance_means_the_callers_own_or_the_only_one() {
    let mut state = state();
    for ip in ["10.0.0.1", "10.0.0.2"] {
        register(&mut state, &format!(r#"{{"name":"w","ip":"{ip}"}}"#), at(0)).unwrap();
    }
    let w = name("w");
    let heard = state.heartbeat(&w, None, &caller(2), at(1)).unwrap();
    assert_eq!(state.row(heard.place, at(1)).unwrap().ip, "10.0.0.2");

    let refusal = state.heartbeat(&w, None, &caller(9), at(1)).unwrap_err();
    let Refusal::Ambiguous(instances) = refusal else {
        panic!("{refusal:?}")
    };
    assert_eq!(instances.len(), 2);

    state
        .deregister(&w, Some(&InstanceId::parse("10.0.0.1").unwrap()), at(1))
        .unwrap();
    assert!(state.heartbeat(&w, None, &caller(9), at(1)).is_ok());
    assert_eq!(
        state.heartbeat(&name("x"), None, &caller(1), at(1)),
        Err(Refusal::Unknown)
    );
}

#[test]
fn a_heartbeat_without_an_instance_follows_one_that_moved() {
    let mut state = fleet(30);
    let w = name("w");
    let moving = |last| format!(r#"{{"name":"w","ip":"10.0.0.{last}","instance":"moving"}}"#);
    register(&mut state, &moving(7), at(0)).unwrap();
    assert!(state.heartbeat(&w, None, &caller(7), at(1)).is_ok());

    register(&mut state, &moving(8), at(1)).unwrap();

    let refusal = state.heartbeat(&w, None, &caller(7), at(2)).unwrap_err();
    assert!(matches!(refusal, Refusal::Ambiguous(_)), "{refusal:?}");
    let heard = state.heartbeat(&w, None, &caller(8), at(2)).unwrap();
    assert_eq!(state.row(heard.place, at(2)).unwrap().instance, "moving");

    register(&mut state, &moving(7), at(2)).unwrap();
    assert!(state.heartbeat(&w, None, &caller(7), at(2)).is_ok());

    let key = InstanceId::parse("moving").unwrap();
    state.deregister(&w, Some(&key), at(3)).unwrap();
    register(&mut state, &moving(9), at(4)).unwrap();

    assert!(state.heartbeat(&w, None, &caller(8), at(5)).is_err());
    let heard = state.heartbeat(&w, None, &caller(9), at(5)).unwrap();
    assert_eq!(state.row(heard.place, at(5)).unwrap().instance, "moving");
}

#[test]
fn a_place_that_is_taken_again_is_found_by_its_new_address_only() {
    let mut state = roomy();
    let w = name("w");
    let gone = register(&mut state, r#"{"name":"w","ip":"10.0.0.7"}"#, at(0)).unwrap();

    state.slab.remove(gone.place);
    let fresh = register(&mut state, r#"{"name":"w","ip":"10.0.0.8"}"#, at(1)).unwrap();

    assert_eq!(fresh.place.slot, gone.place.slot);
    let of = |last| state.slab.of_address(&w, &caller(last)).count();
    assert_eq!((of(7), of(8)), (0, 1));
}

#[test]
fn of_many_to_choose_from_not_all_are_named() {
    for (count, named) in [
        (MAX_CHOICES, MAX_CHOICES),
        (MAX_CHOICES + 1, MAX_CHOICES + 1),
        (MAX_CHOICES + 2, MAX_CHOICES + 1),
    ] {
        let mut state = fleet(count);

        let refusal = state.heartbeat(&name("w"), None, &caller(9), at(1));

        let Err(Refusal::Ambiguous(instances)) = refusal else {
            panic!("{refusal:?}")
        };
        assert_eq!(instances.len(), named, "{count}");
    }
}

#[test]
fn no_row_is_shorter_than_lists_reckon() {
    let mut state = roomy();
    register(
        &mut state,
        r#"{"name":"w","ip":"a","instance":"a","ttl_s":2}"#,
        at(0),
    )
    .unwrap();
    let mut row = Vec::new();

    state.write_rows(None, Portion { rows: 1, bytes: 1 }, at(0), &mut row);

    // A port of one digit and a deadline at hand would save some bytes more.
    let spare = row.len().checked_sub(LEAST_ROW_BYTES);
    assert!(
        spare.is_some_and(|bytes| (8..=16).contains(&bytes)),
        "{spare:?} {}",
        String::from_utf8_lossy(&row)
    );
}
