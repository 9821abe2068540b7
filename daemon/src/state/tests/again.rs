//! A registration that says nothing new.

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
