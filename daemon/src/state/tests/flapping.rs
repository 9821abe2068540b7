//! Flapping: six changes of status within ten ttl, until five ttl are quiet.

use super::*;
use crate::state::record::InstanceRecord;

/// A ttl of 60 s, heard every 90 s: DOWN for half a minute each time.
fn flap(state: &mut State, times: i64) -> (Place, i64) {
    let place = register(state, r#"{"name":"f"}"#, at(0)).unwrap().place;
    for round in 0..times {
        pass(state, 90 * round, 90 * (round + 1));
        state
            .heartbeat(&name("f"), None, &caller(1), at(90 * (round + 1)))
            .unwrap();
    }
    (place, 90 * times)
}

fn row(state: &State, place: Place, seconds: i64) -> Row {
    state.row(place, at(seconds)).unwrap()
}

/// Beats twice a ttl and sweeps each second: nothing happens.
fn stay_up(state: &mut State, from: i64, to: i64) {
    for second in from..=to {
        if second % 30 == 0 {
            state
                .heartbeat(&name("f"), None, &caller(1), at(second))
                .unwrap();
        }
        while state.sweep(at(second)) {}
    }
}

fn stored(state: &mut State) -> InstanceRecord {
    let copied = write_all(state);
    copied.batch.rows.last().unwrap().clone()
}

#[test]
fn the_sixth_change_within_ten_ttl_makes_it_flap() {
    let mut state = state();

    let (place, end) = flap(&mut state, 3);

    assert!(
        row(&state, place, end).flapping,
        "DOWN three times and back"
    );
    assert_eq!(row(&state, place, end).status, Status::Up);
    let cursor = Cursor::parse(&state.cursor().text()).unwrap();
    stay_up(&mut state, end, end + 300);
    assert!(
        row(&state, place, end + 300).flapping,
        "five ttl are not over"
    );
    stay_up(&mut state, end + 301, end + 301);
    assert!(!row(&state, place, end + 301).flapping);
    assert!(
        state.changed_since(&cursor).0.contains(&place),
        "readers of deltas are told"
    );
}

#[test]
fn five_changes_are_no_flapping_yet() {
    let mut state = state();

    let (place, end) = flap(&mut state, 2);
    pass(&mut state, end, end + 61);

    assert_eq!(row(&state, place, end + 61).status, Status::Down);
    assert!(!row(&state, place, end + 61).flapping);
}

#[test]
fn one_that_goes_on_changing_slowly_goes_on_flapping() {
    let mut state = state();
    let (place, end) = flap(&mut state, 3);

    // One change in four ttl is too slow to begin with, but never quiet for five.
    stay_up(&mut state, end, end + 180);
    pass(&mut state, end + 181, end + 250);
    assert_eq!(row(&state, place, end + 250).status, Status::Down);
    state
        .heartbeat(&name("f"), None, &caller(1), at(end + 260))
        .unwrap();
    stay_up(&mut state, end + 261, end + 540);

    assert!(row(&state, place, end + 540).flapping);
    stay_up(&mut state, end + 541, end + 561);
    assert!(!row(&state, place, end + 561).flapping);
}

#[test]
fn a_restart_forgets_neither_the_mark_nor_the_changes_before_it() {
    for rounds in [2, 3] {
        let mut state = state();
        let (_, end) = flap(&mut state, rounds);
        let instances = vec![stored(&mut state)];
        assert_eq!(instances[0].is_flapping, rounds == 3);
        let loaded = Loaded {
            instances,
            next_id: 2,
            stretches: state.listening.stretches().to_vec(),
            ..Loaded::default()
        };

        let mut state = State::load(loaded, RULES, LIMITS, at(end + 5));
        state.listen(at(end + 5));
        if rounds == 2 {
            // One grace for the restart, and the third time DOWN and back.
            pass(&mut state, end + 5, end + 75);
            state
                .heartbeat(&name("f"), None, &caller(1), at(end + 75))
                .unwrap();
        }

        let heard = state
            .heartbeat(&name("f"), None, &caller(1), at(end + 76))
            .unwrap();
        assert!(
            row(&state, heard.place, end + 76).flapping,
            "{rounds} rounds"
        );
    }
}

#[test]
fn deregistering_and_registering_again_is_no_flapping() {
    let mut state = state();
    for second in 0..20 {
        register(&mut state, r#"{"name":"f"}"#, at(second)).unwrap();
        state.deregister(&name("f"), None, at(second)).unwrap();
    }

    let place = register(&mut state, r#"{"name":"f"}"#, at(20))
        .unwrap()
        .place;

    assert!(!row(&state, place, 20).flapping);
}

#[test]
fn leaving_and_coming_back_counts_and_a_long_quiet_tombstone_comes_back_unmarked() {
    let mut state = state();
    let (place, end) = flap(&mut state, 3);
    pass(&mut state, end, end + 121);
    assert!(state.row(place, at(end + 121)).is_none(), "GONE");

    state
        .heartbeat(&name("f"), None, &caller(1), at(end + 130))
        .unwrap();
    assert!(row(&state, place, end + 130).flapping);
    let back = end + 700;
    pass(&mut state, end + 131, back - 1);
    state
        .heartbeat(&name("f"), None, &caller(1), at(back))
        .unwrap();

    assert!(!row(&state, place, back).flapping);
}
