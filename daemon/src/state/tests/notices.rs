//! Each notice is one sentence: what, since when, what to do.

use super::*;
use crate::state::dirty::MAX_WAITING_EVENTS;

fn said(state: &State) -> Vec<(String, i64, String)> {
    let since = |notice: &Notice| (notice.since.as_micros() - WALL_US) / 1_000_000;
    let notices = state.notices();
    notices
        .into_iter()
        .map(|notice| (notice.kind.clone(), since(&notice), notice.text))
        .collect()
}

#[test]
fn an_absence_is_told_until_its_grace_is_over() {
    let mut state = state();
    register(&mut state, r#"{"name":"a"}"#, at(0)).unwrap();
    register(&mut state, r#"{"name":"b"}"#, at(0)).unwrap();
    pass(&mut state, 1, 10);
    state.sweep(at(40));
    state
        .heartbeat(&name("a"), None, &caller(1), at(41))
        .unwrap();

    let text = "the registry was away from 08:00:10 UTC to 08:00:40 UTC; 1 of 2 UP instances have \
                been heard since, the silence of that time is not counted, and nothing needs to \
                be done";
    assert_eq!(
        said(&state),
        [("start-grace".to_owned(), 40, text.to_owned())]
    );
    state
        .heartbeat(&name("b"), None, &caller(1), at(42))
        .unwrap();
    assert_eq!(said(&state), [], "everybody was heard");
}

#[test]
fn a_mass_loss_is_told_since_its_first_victim() {
    let mut state = state();
    for index in 0..6 {
        register(&mut state, &format!(r#"{{"name":"s{index}"}}"#), at(index)).unwrap();
    }
    pass(&mut state, 6, 66);

    let text = "6 instances went DOWN shortly after another from 08:01:00 UTC on, 6 still are: \
                look at the network first; their rows are kept for at least 15 minutes";
    assert_eq!(
        said(&state),
        [("mass-loss".to_owned(), 60, text.to_owned())]
    );
}

/// A registry with room for more.
fn roomy() -> State {
    let limits = Limits {
        instances: 100,
        ..LIMITS
    };
    let mut state = State::load(Loaded::default(), RULES, limits, at(0));
    state.listen(at(0));
    state
}

/// Registers so many and lets all of them fall silent.
fn lose(state: &mut State, named: &str, count: i64, from: i64) {
    for index in 0..count {
        register(state, &format!(r#"{{"name":"{named}{index}"}}"#), at(from)).unwrap();
    }
    pass(state, from, from + 61);
}

#[test]
fn a_later_loss_is_told_together_with_one_that_stands_and_as_another() {
    let mut state = roomy();
    lose(&mut state, "a", 6, 0);
    lose(&mut state, "b", 8, 62);

    let text = "14 instances went DOWN in 2 losses from 08:01:00 UTC on, 14 still are: look at \
                the network first; their rows are kept for at least 15 minutes";
    assert_eq!(
        said(&state),
        [("mass-loss".to_owned(), 60, text.to_owned())]
    );
}

#[test]
fn a_later_loss_is_told_alone_when_the_one_before_is_over() {
    let mut state = roomy();
    lose(&mut state, "a", 20, 0);
    for index in 0..17 {
        state
            .heartbeat(&name(&format!("a{index}")), None, &caller(1), at(62))
            .unwrap();
    }
    assert_eq!(said(&state), [], "three of twenty are less than a quarter");

    pass(&mut state, 62, 123);

    let text = "17 instances went DOWN shortly after another from 08:02:02 UTC on, 17 still are: \
                look at the network first; their rows are kept for at least 15 minutes";
    assert_eq!(
        said(&state),
        [("mass-loss".to_owned(), 122, text.to_owned())]
    );
}

#[test]
fn refused_rows_of_an_import_are_told() {
    let loaded = Loaded {
        refused_rows: 3,
        ..Loaded::default()
    };
    let state = State::load(loaded, RULES, LIMITS, at(7));

    let text = "3 rows of the imported database cannot be used: see the table refused_rows for \
                each reason, and let these services register anew";
    assert_eq!(
        said(&state),
        [("refused-rows".to_owned(), 7, text.to_owned())]
    );
}

#[test]
fn events_that_no_disk_took_are_told_since_the_first() {
    let mut state = state();
    register(&mut state, r#"{"name":"a","instance":"i"}"#, at(0)).unwrap();
    // The start and the registration come first, then one change a second.
    for count in 0..=MAX_WAITING_EVENTS {
        let body = format!(r#"{{"name":"a","instance":"i","port":{}}}"#, 1 + count % 2);
        register(&mut state, &body, at(1)).unwrap();
    }

    let text = "3 events from 08:00:00 UTC on are lost because they could not be stored in time: \
                see to the disk; the instances themselves are whole";
    assert_eq!(
        said(&state),
        [("history-cut".to_owned(), 0, text.to_owned())]
    );
}

#[test]
fn the_newest_rewriting_is_told_with_the_place_of_the_old_file() {
    let mut state = state();
    for (why, moved_to) in [("was damaged", None), ("was overwritten", Some("/x/old"))] {
        state.set_rewritten(Rewritten {
            why,
            moved_to: moved_to.map(str::to_owned),
            at: at(9).wall,
        });
    }

    let text = "the database was overwritten at 08:00:09 UTC and was written again from memory; \
                what was at its path is kept as /x/old; find out which program did that, and keep \
                it away from the file";
    assert_eq!(said(&state), [("rewritten".to_owned(), 9, text.to_owned())]);
}
