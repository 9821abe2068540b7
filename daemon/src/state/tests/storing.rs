//! What the state hands to the store, and what it forgets once that is written.

use super::*;
use crate::state::record::InstanceRecord;

#[test]
fn the_oldest_tombstone_gives_way_and_its_slot_is_freed_when_it_is_deleted() {
    let mut state = state();
    for index in 0..4 {
        register(&mut state, &format!(r#"{{"name":"s{index}"}}"#), at(index)).unwrap();
        write_all(&mut state);
        state
            .deregister(&name(&format!("s{index}")), None, at(index))
            .unwrap();
    }
    let cursor = state.cursor();
    let gone = state.gone(None, 10, at(4));
    assert_eq!(
        gone.iter().map(|t| t.name.as_str()).collect::<Vec<_>>(),
        ["s3", "s2", "s1"]
    );

    let written = write_all(&mut state);

    assert_eq!(written.batch.deleted, [1]);
    assert_eq!(
        state.heartbeat(&name("s0"), None, &caller(1), at(5)),
        Err(Refusal::Unknown)
    );
    let again = register(&mut state, r#"{"name":"s0"}"#, at(5)).unwrap();
    assert_eq!(
        state.row(again.place, at(5)).unwrap().id,
        5,
        "a stored number is never used again"
    );
    assert!(
        state.can_tell_since(&cursor),
        "it had been told that the row left"
    );
}

#[test]
fn a_registration_saves_a_tombstone_that_is_being_deleted() {
    let mut state = state();
    for index in 0..4 {
        register(&mut state, &format!(r#"{{"name":"s{index}"}}"#), at(index)).unwrap();
        state
            .deregister(&name(&format!("s{index}")), None, at(index))
            .unwrap();
    }
    let (_, places) = state.take_urgent();
    let lazy = state.take(List::Lazy, usize::MAX);
    let mut copied = Copied::default();
    state.copy(List::Lazy, &lazy, &mut copied);
    state.copy(List::Urgent, &places, &mut copied);
    assert_eq!(copied.batch.deleted, [1, 1], "the row stood on both lists");

    let back = register(&mut state, r#"{"name":"s0"}"#, at(5)).unwrap();
    state.written(&copied);

    assert_eq!(state.row(back.place, at(5)).unwrap().id, 1);
    let rows = write_all(&mut state).batch.rows;
    assert!(
        rows.iter().any(|row| row.id == 1 && row.life == Life::Up),
        "it is written again"
    );
}

#[test]
fn beats_of_a_row_that_is_not_stored_yet_wait_for_it() {
    let mut state = state();
    register(&mut state, r#"{"name":"a"}"#, at(0)).unwrap();
    state
        .heartbeat(&name("a"), None, &caller(1), at(1))
        .unwrap();

    assert!(state.take(List::Beats, 10).is_empty());
    assert_eq!(state.waiting(List::Beats), 1);
    write_all(&mut state);

    assert_eq!(state.take(List::Beats, 10).len(), 1);
}

#[test]
fn what_could_not_be_written_is_written_with_its_newest_values() {
    let mut state = state();
    register(
        &mut state,
        r#"{"name":"a","instance":"i","ip":"10.0.0.1"}"#,
        at(0),
    )
    .unwrap();
    let (_, places) = state.take_urgent();
    let mut lost = Copied::default();
    state.copy(List::Urgent, &places, &mut lost);
    register(
        &mut state,
        r#"{"name":"a","instance":"i","ip":"10.0.0.2"}"#,
        at(1),
    )
    .unwrap();
    state.put_back(List::Urgent, &places);

    let written = write_all(&mut state);

    assert!(
        written
            .batch
            .rows
            .iter()
            .all(|row| row.address.as_str() == "10.0.0.2")
    );
    let kinds: Vec<&str> = written
        .batch
        .events
        .iter()
        .map(|event| event.kind.word())
        .collect();
    assert_eq!(kinds, ["start", "registered", "changed"]);
}

#[test]
fn places_behind_a_failed_chunk_are_listed_again() {
    let mut state = state();
    for index in 0..6 {
        register(&mut state, &format!(r#"{{"name":"s{index}"}}"#), at(0)).unwrap();
    }
    let (_, places) = state.take_urgent();
    let (failed, behind) = places.split_at(2);
    let mut lost = Copied::default();
    state.copy(List::Urgent, failed, &mut lost);

    state.put_back(List::Urgent, failed);
    state.give_back(List::Urgent, behind);

    let rows = write_all(&mut state).batch.rows;
    let ids: BTreeSet<i64> = rows.iter().map(|row| row.id).collect();
    assert_eq!(ids.len(), 6, "{ids:?}");
}

#[test]
fn a_registration_is_written_once() {
    let mut state = state();
    register(&mut state, r#"{"name":"a"}"#, at(0)).unwrap();

    assert_eq!(write_all(&mut state).batch.rows.len(), 1);
}

#[test]
fn of_a_stored_row_that_goes_down_only_what_turned_is_written() {
    let mut state = state();
    register(&mut state, r#"{"name":"stored"}"#, at(0)).unwrap();
    write_all(&mut state);
    register(&mut state, r#"{"name":"new"}"#, at(0)).unwrap();
    pass(&mut state, 1, 61);

    let mut copied = Copied::default();
    let places = state.take(List::Lazy, usize::MAX);
    state.copy(List::Lazy, &places, &mut copied);

    let ids = |rows: &[InstanceRecord]| rows.iter().map(|row| row.id).collect::<Vec<_>>();
    assert_eq!(ids(&copied.batch.turned), [1]);
    assert_eq!(ids(&copied.batch.rows), [2], "of this one nothing is there");
}

#[test]
fn the_end_of_a_tombstone_is_no_news_for_readers() {
    let mut state = state();
    for index in 0..4 {
        register(&mut state, &format!(r#"{{"name":"s{index}"}}"#), at(0)).unwrap();
    }
    for index in 0..3 {
        state
            .deregister(&name(&format!("s{index}")), None, at(0))
            .unwrap();
    }
    write_all(&mut state);
    let cursor = state.cursor();

    state.deregister(&name("s3"), None, at(1)).unwrap();
    write_all(&mut state);

    assert!(state.can_tell_since(&cursor), "the oldest one made room");
}
