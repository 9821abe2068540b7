use std::net::IpAddr;

use lastbeat_proto::answer::{Notice, Row};
use lastbeat_proto::register::Registration;
use lastbeat_proto::{Address, InstanceId, ServiceName, Span, Status, Timestamp};

use super::dirty::{Copied, EVENTS_CHUNK, List};
use super::record::Loaded;
use super::*;
use crate::config::{Limits, Rules};

mod again;
mod flapping;
mod fleet;
mod mass;
mod notices;
mod storing;

const WALL_US: i64 = 1_800_000_000_000_000;
const LIMITS: Limits = Limits {
    instances: 10,
    tombstones: 3,
};
const RULES: Rules = Rules::SAMPLE;

fn at(seconds: i64) -> Moment {
    Moment {
        wall: Timestamp::from_micros(WALL_US + seconds * 1_000_000),
        mono: Mono::from_micros(seconds * 1_000_000),
    }
}

fn state() -> State {
    let mut state = State::load(Loaded::default(), RULES, LIMITS, at(0));
    state.listen(at(0));
    state
}

/// Lets time pass in small steps, as the sweep does.
fn pass(state: &mut State, from: i64, to: i64) {
    for second in from..=to {
        while state.sweep(at(second)) {}
    }
}

fn caller(last: u8) -> Address {
    Address::from(IpAddr::from([10, 0, 0, last]))
}

fn name(text: &str) -> ServiceName {
    ServiceName::parse(text).unwrap()
}

fn register(state: &mut State, body: &str, now: Moment) -> Result<Heard, Refusal> {
    let registration = Registration::parse(body.as_bytes()).unwrap();
    state.register(&registration, &caller(1), now)
}

fn write_all(state: &mut State) -> Copied {
    let mut copied = Copied::default();
    let (number, places) = state.take_urgent();
    state.copy(List::Urgent, &places, &mut copied);
    for list in [List::Lazy, List::Beats] {
        let places = state.take(list, usize::MAX);
        state.copy(list, &places, &mut copied);
    }
    state.copy_history(EVENTS_CHUNK, &mut copied);
    state.written(&copied);
    state.publish(number);
    copied
}

#[test]
fn a_row_is_written_as_it_serializes() {
    let mut state = state();
    let body = r#"{"name":"kühl \"1\"","ip":"[2001:db8::7]:80","tags":["a","<b>"],"metadata":{"k":"\\"},"ttl_s":2.5}"#;
    let place = register(&mut state, body, at(0)).unwrap().place;
    let bare = register(&mut state, r#"{"name":"b"}"#, at(0))
        .unwrap()
        .place;
    pass(&mut state, 0, 5);
    for place in [place, bare] {
        let mut written = Vec::new();
        let all = Portion {
            rows: 2,
            bytes: usize::MAX,
        };
        state.write_places([place].into_iter(), all, at(5), &mut written);

        let comma = written.pop();
        let read: Row = serde_json::from_slice(&written).unwrap();
        assert_eq!(read, state.row(place, at(5)).unwrap());
        assert_eq!(comma, Some(b','));
    }
    assert_eq!(state.row(place, at(5)).unwrap().status, Status::Down);
}

#[test]
fn a_bare_registration_keeps_what_it_leaves_out() {
    let mut state = state();
    let full = r#"{"name":"a","ip":"10.0.0.1","instance":"i","port":80,"ttl_s":5,"tags":["t"],"metadata":{"k":"v"}}"#;
    let first = register(&mut state, full, at(0)).unwrap();
    let revision = state.revision();

    let again = register(
        &mut state,
        r#"{"name":"a","ip":"10.0.0.1","instance":"i"}"#,
        at(1),
    )
    .unwrap();

    let row = state.row(again.place, at(1)).unwrap();
    assert_eq!(
        (row.port, row.ttl_s, row.tags.len(), row.metadata.len()),
        (Some(80), Span::from_secs(5), 1, 1)
    );
    assert_eq!(
        (state.revision(), again.urgent),
        (revision, first.urgent),
        "a heartbeat, no change"
    );

    let cleared = r#"{"name":"a","ip":"10.0.0.1","instance":"i","port":null,"ttl_s":null,"tags":[],"metadata":{}}"#;
    let cleared = register(&mut state, cleared, at(2)).unwrap();
    let row = state.row(cleared.place, at(2)).unwrap();
    assert_eq!(
        (row.port, row.ttl_s, row.tags.len(), row.metadata.len()),
        (None, Span::from_secs(60), 0, 0)
    );
    assert!(first.urgent < cleared.urgent, "a change waits for the disk");
}

#[test]
fn a_full_registry_refuses_new_names_and_goes_on_with_the_known() {
    let mut state = state();
    for index in 0..10 {
        register(&mut state, &format!(r#"{{"name":"s{index}"}}"#), at(0)).unwrap();
    }

    assert_eq!(
        register(&mut state, r#"{"name":"one-more"}"#, at(0)),
        Err(Refusal::Full)
    );

    assert!(register(&mut state, r#"{"name":"s3"}"#, at(1)).is_ok());
    state.deregister(&name("s3"), None, at(1)).unwrap();
    assert!(register(&mut state, r#"{"name":"one-more"}"#, at(1)).is_ok());
    assert_eq!(
        register(&mut state, r#"{"name":"s3"}"#, at(1)),
        Err(Refusal::Full)
    );
}

#[test]
fn a_delta_tells_what_changed_and_what_left_and_never_one_twice() {
    let mut state = state();
    for body in [r#"{"name":"a"}"#, r#"{"name":"b"}"#, r#"{"name":"c"}"#] {
        register(&mut state, body, at(0)).unwrap();
    }
    let cursor = Cursor::parse(&state.cursor().text()).unwrap();
    let (rows, removed) = state.changed_since(&cursor);
    assert!(rows.is_empty() && removed.is_empty());
    state
        .heartbeat(&name("a"), None, &caller(1), at(1))
        .unwrap();
    assert!(!state.wakes(&cursor), "a heartbeat wakes nobody");
    state.deregister(&name("b"), None, at(1)).unwrap();
    assert!(state.wakes(&cursor));

    let (rows, removed) = state.changed_since(&cursor);

    assert_eq!(rows.len(), 1);
    assert_eq!(state.row(rows[0], at(1)).unwrap().name, "a");
    assert_eq!(removed.len(), 1);
    assert_eq!(removed[0].name.as_str(), "b");
}

#[test]
fn a_cursor_that_cannot_be_used_starts_over() {
    let mut state = state();
    register(&mut state, r#"{"name":"a"}"#, at(0)).unwrap();
    let cursor = state.cursor();
    assert!(state.can_tell_since(&cursor));
    for text in ["", "x", "other.0.5", "1.ffffffffffffffffff"] {
        let foreign = Cursor::parse(text);
        assert!(
            foreign.is_none_or(|cursor| !state.can_tell_since(&cursor)),
            "{text}"
        );
    }

    state.look(at(10)); // A stall of ten seconds: confirmations changed everywhere.

    assert!(!state.can_tell_since(&cursor));
    let cursor = state.cursor();
    let stepped = Moment {
        wall: Timestamp::from_micros(WALL_US),
        ..at(11)
    };
    state.look(stepped);
    assert!(
        !state.can_tell_since(&cursor),
        "a stepped wall clock changes every time shown"
    );
}

#[test]
fn dismissing_hides_a_tombstone_and_a_heartbeat_still_brings_it_back() {
    let mut state = state();
    register(&mut state, r#"{"name":"a"}"#, at(0)).unwrap();
    pass(&mut state, 0, 121);
    assert_eq!(state.summary().gone, 1);

    assert_eq!(
        state
            .deregister(&name("a"), None, at(122))
            .unwrap()
            .places
            .len(),
        1
    );

    assert_eq!(state.summary().gone, 0);
    assert!(
        state
            .deregister(&name("a"), None, at(122))
            .unwrap()
            .places
            .is_empty()
    );
    assert!(
        state
            .heartbeat(&name("a"), None, &caller(1), at(123))
            .is_ok()
    );
    assert_eq!(state.summary().up, 1);
}

#[test]
fn sweeping_twice_is_sweeping_once() {
    let mut state = state();
    register(&mut state, r#"{"name":"a"}"#, at(0)).unwrap();
    pass(&mut state, 0, 61);
    let (revision, cursor) = (state.revision(), state.cursor());

    assert!(!state.sweep(at(61)));

    assert_eq!((state.revision(), state.cursor()), (revision, cursor));
}

#[test]
fn a_ttl_that_goes_to_and_fro_leaves_no_deadlines_behind() {
    let mut state = state();
    for round in 0..5_000 {
        let ttl = if round % 2 == 0 { 2_592_000 } else { 2 };
        let body = format!(r#"{{"name":"a","ttl_s":{ttl}}}"#);
        register(&mut state, &body, at(round / 100)).unwrap();
        state.sweep(at(round / 100));
    }

    assert!(state.queue.len() <= 1_024 + 3, "{}", state.queue.len());
}

#[test]
fn an_old_tombstone_of_the_caller_does_not_make_its_heartbeat_ambiguous() {
    let mut state = state();
    register(&mut state, r#"{"name":"a","port":80}"#, at(0)).unwrap();
    pass(&mut state, 0, 121);
    let now = register(&mut state, r#"{"name":"a","port":81}"#, at(121)).unwrap();

    let heard = state
        .heartbeat(&name("a"), None, &caller(1), at(122))
        .unwrap();

    assert_eq!(heard.place, now.place);
}
