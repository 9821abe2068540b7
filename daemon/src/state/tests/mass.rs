//! Many that fall together.

use super::*;

#[test]
fn many_that_fall_together_are_a_mass_loss_until_most_are_back() {
    let mut state = state();
    for index in 0..8 {
        register(&mut state, &format!(r#"{{"name":"s{index}"}}"#), at(0)).unwrap();
    }
    pass(&mut state, 0, 61);
    let said = |state: &State| {
        let notices = state.notices();
        notices
            .into_iter()
            .map(|notice| notice.kind)
            .collect::<Vec<_>>()
    };
    assert_eq!(said(&state), ["mass-loss"]);
    assert_eq!(state.summary().down, 8);

    pass(&mut state, 62, 600);
    assert_eq!(state.summary().down, 8, "kept for a quarter of an hour");
    for index in 0..7 {
        state
            .heartbeat(&name(&format!("s{index}")), None, &caller(1), at(600))
            .unwrap();
    }
    assert_eq!(said(&state), Vec::<String>::new());
}

#[test]
fn who_was_down_before_a_start_and_comes_back_hides_no_mass_loss_after_it() {
    let mut state = state();
    for index in 0..6 {
        register(&mut state, &format!(r#"{{"name":"s{index}"}}"#), at(0)).unwrap();
    }
    let instances = write_all(&mut state).batch.rows;
    let mut stretches = state.listening.stretches().to_vec();
    stretches[0].last_l = Listened::from_micros(70_000_000);
    let mut loaded = Loaded {
        instances,
        stretches,
        next_id: 7,
        ..Loaded::default()
    };
    // All but one were DOWN when it ended, and that one goes DOWN at the start.
    for row in loaded.instances.iter_mut().skip(1) {
        (row.life, row.since_l) = (Life::Down, Listened::from_micros(60_000_000));
    }

    let mut state = State::load(loaded, RULES, LIMITS, at(80));
    state.listen(at(80));
    assert_eq!(state.summary().down, 6);
    for index in 0..6 {
        register(&mut state, &format!(r#"{{"name":"s{index}"}}"#), at(80)).unwrap();
    }
    pass(&mut state, 80, 80 + 130);

    assert_eq!(state.summary().down, 6, "kept, as they fell together");
}

#[test]
fn who_fell_one_by_one_while_nobody_judged_is_no_mass_at_a_start() {
    let mut state = state();
    for index in 0..6 {
        register(&mut state, &format!(r#"{{"name":"s{index}"}}"#), at(0)).unwrap();
    }
    let mut instances = write_all(&mut state).batch.rows;
    // The first in the file was heard last; their deadlines are 50 s apart.
    for (row, n) in instances.iter_mut().rev().zip(1..) {
        row.heartbeat.l = Listened::from_micros(n * 50_000_000);
    }
    let mut stretches = state.listening.stretches().to_vec();
    stretches[0].last_l = Listened::from_micros(500_000_000);
    let loaded = Loaded {
        instances,
        stretches,
        next_id: 7,
        ..Loaded::default()
    };

    let mut state = State::load(loaded, RULES, LIMITS, at(600));
    state.listen(at(600));

    assert_eq!(state.summary().down, 6);
    assert!(
        state
            .notices()
            .iter()
            .all(|notice| notice.kind != "mass-loss")
    );
    let downs = state.events(None, u64::MAX, 100, at(600)).0;
    let downs = downs.iter().filter(|event| event.name.is_some());
    let names: Vec<_> = downs.map(|event| event.name.clone().unwrap()).collect();
    assert_eq!(names, ["s0", "s1", "s2", "s3", "s4", "s5"], "newest first");
}

#[test]
fn one_that_falls_again_and_again_is_no_mass() {
    let mut state = state();
    register(&mut state, r#"{"name":"flapper","ttl_s":2}"#, at(0)).unwrap();
    for second in 1..=30 {
        pass(&mut state, second, second);
        if second % 4 == 0 {
            state
                .heartbeat(&name("flapper"), None, &caller(1), at(second))
                .unwrap();
        }
    }

    assert!(state.notices().is_empty());
    assert_eq!(state.events(None, u64::MAX, 100, at(30)).0.len(), 2 + 7 + 7);
}

#[test]
fn four_that_fall_together_are_no_mass() {
    let mut state = state();
    for index in 0..4 {
        register(&mut state, &format!(r#"{{"name":"s{index}"}}"#), at(0)).unwrap();
    }
    pass(&mut state, 0, 121);

    assert_eq!(state.summary().total, 0);
}
