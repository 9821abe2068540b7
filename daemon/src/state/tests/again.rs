//! A registration that says nothing new.

use lastbeat_proto::register::Texts;

use super::*;

/// Whether the second registration is a heartbeat of the first one's instance.
fn is_heard_again(first: &str, second: &str) -> bool {
    let parse = |body: &str| Registration::parse(body.as_bytes()).unwrap();
    let caller = Address::from(IpAddr::from([192, 0, 2, 7]));
    let mut state = state();
    let place = state.register(&parse(first), &caller, at(0)).unwrap().place;
    let before = state.revision();

    let again = state.hear_again(&parse(second), &caller, at(1));

    let last_heartbeat = state.row(place, at(1)).unwrap().last_heartbeat;
    let is_heard = again.is_some();
    assert_eq!(last_heartbeat == at(1).wall, is_heard, "{second}");
    assert!(again.is_none_or(|heard| heard.place == place));
    assert_eq!(state.revision(), before, "{second}");
    // What is not heard again is a change, or another instance.
    state.register(&parse(second), &caller, at(1)).unwrap();
    assert_eq!(state.revision() == before, is_heard, "{second}");
    is_heard
}

#[test]
fn what_says_nothing_new_of_a_known_instance_is_heard_again() {
    let full = r#"{"name": "a", "ip": "10.0.0.1", "port": 80, "ttl_s": 30, "tags": ["x"],
        "metadata": {"k": "v"}}"#;
    for (first, second) in [
        (r#"{"name": "a"}"#, r#"{"name": "a"}"#),
        (r#"{"name": "a"}"#, r#"{"name": "a", "ip": "192.0.2.7"}"#),
        (
            r#"{"name": "a"}"#,
            r#"{"name": "a", "tags": [], "ttl_s": null}"#,
        ),
        (full, full),
        (full, r#"{"name": "a", "ip": "10.0.0.1:80"}"#),
        (
            r#"{"name": "a", "instance": "i", "port": 80}"#,
            r#"{"name": "a", "instance": "i"}"#,
        ),
    ] {
        assert!(is_heard_again(first, second), "{first} {second}");
    }
}

#[test]
fn what_changes_something_is_not() {
    let first = r#"{"name": "a", "instance": "i", "port": 80, "ttl_s": 30, "tags": ["x"],
        "metadata": {"k": "v"}}"#;
    for second in [
        r#"{"name": "b", "instance": "i"}"#,
        r#"{"name": "a"}"#,
        r#"{"name": "a", "instance": "i", "ip": "10.0.0.1"}"#,
        r#"{"name": "a", "instance": "i", "port": 81}"#,
        r#"{"name": "a", "instance": "i", "port": null}"#,
        r#"{"name": "a", "instance": "i", "ttl_s": 31}"#,
        r#"{"name": "a", "instance": "i", "ttl_s": null}"#,
        r#"{"name": "a", "instance": "i", "tags": ["y"]}"#,
        r#"{"name": "a", "instance": "i", "tags": []}"#,
        r#"{"name": "a", "instance": "i", "metadata": {"k": "w"}}"#,
        r#"{"name": "a", "instance": "i", "metadata": {}}"#,
    ] {
        assert!(!is_heard_again(first, second), "{second}");
    }
}

/// Whether the second registration is heard by its texts alone, as one of the first one's instance.
fn is_heard_by_texts(first: &str, second: &str) -> bool {
    let caller = Address::from(IpAddr::from([192, 0, 2, 7]));
    let mut state = state();
    let registration = Registration::parse(first.as_bytes()).unwrap();
    let place = state.register(&registration, &caller, at(0)).unwrap().place;
    let texts = Texts::read(second.as_bytes()).unwrap();

    let heard = state.hear_by_texts(&texts, &caller, at(1));

    let is_heard = heard.is_some();
    let last_heartbeat = state.row(place, at(1)).unwrap().last_heartbeat;
    assert_eq!(last_heartbeat == at(1).wall, is_heard, "{second}");
    assert!(heard.is_none_or(|heard| heard.place == place));
    // What is heard without judging it is what would be heard with it.
    let registration = Registration::parse(second.as_bytes()).unwrap();
    let again = state.hear_again(&registration, &caller, at(2));
    let again = again.map(|heard| heard.place);
    assert!(again == Some(place) || !is_heard, "{second}");
    is_heard
}

#[test]
fn the_very_texts_of_a_known_instance_need_no_judging() {
    for (first, second) in [
        (r#"{"name": "a"}"#, r#"{"name": "a"}"#),
        (r#"{"name": "a"}"#, r#"{"name": "a", "ip": "192.0.2.7"}"#),
        (
            r#"{"name": "a", "ip": "10.0.0.1", "tags": ["x"], "ttl_s": 30}"#,
            r#"{"ip": "10.0.0.1", "name": "a"}"#,
        ),
        (
            r#"{"name": "a", "ip": "Db.Internal.", "instance": "i", "port": 80}"#,
            r#"{"name": "a", "ip": "db.internal", "instance": "i"}"#,
        ),
    ] {
        assert!(is_heard_by_texts(first, second), "{first} {second}");
    }
}

#[test]
fn other_texts_are_judged_first() {
    for (first, second) in [
        (r#"{"name": "a"}"#, r#"{"name": "b"}"#),
        (r#"{"name": "a"}"#, r#"{"name": "a", "ip": "10.0.0.1"}"#),
        (r#"{"name": "a"}"#, r#"{"name": "a", "instance": "i"}"#),
        (
            r#"{"name": "a", "ip": "db.internal"}"#,
            r#"{"name": "a", "ip": "Db.Internal."}"#,
        ),
        (
            r#"{"name": "a", "ip": "10.0.0.1", "port": 80}"#,
            r#"{"name": "a", "ip": "10.0.0.1"}"#,
        ),
        (
            r#"{"name": "a", "ip": "10.0.0.1", "instance": "i"}"#,
            r#"{"name": "a", "ip": "10.0.0.2", "instance": "i"}"#,
        ),
    ] {
        assert!(!is_heard_by_texts(first, second), "{first} {second}");
    }
}

#[test]
fn the_texts_of_a_deregistered_instance_are_of_nobody() {
    let mut state = state();
    let caller = Address::from(IpAddr::from([192, 0, 2, 7]));
    let body = br#"{"name": "a", "ip": "10.0.0.1"}"#;
    let registration = Registration::parse(body).unwrap();
    state.register(&registration, &caller, at(0)).unwrap();
    state.deregister(&registration.name, None, at(1)).unwrap();

    let texts = Texts::read(body).unwrap();

    assert_eq!(state.hear_by_texts(&texts, &caller, at(2)), None);
}
