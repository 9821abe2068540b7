use super::*;

fn parse(body: &str) -> Registration {
    Registration::parse(body.as_bytes()).unwrap_or_else(|e| panic!("{body:?}: {e:?}"))
}

fn refused(body: &[u8]) -> BodyError {
    Registration::parse(body).unwrap_err()
}

#[test]
fn the_originals_body_registers() {
    let registration = parse(r#"{"name": "auth-service", "ip": "192.168.1.100"}"#);

    assert_eq!(registration.name.as_str(), "auth-service");
    assert_eq!(registration.ip.unwrap().address.as_str(), "192.168.1.100");
    assert_eq!(registration.ttl, Patch::Keep);
}

#[test]
fn a_form_registers_the_same() {
    let registration = parse("name=curl+form&ip=192.0.2.10&tags=a,b&ttl_s=5&port=80");

    assert_eq!(registration.name.as_str(), "curl form");
    assert_eq!(
        registration.tags,
        Patch::Set(vec!["a".to_owned(), "b".to_owned()])
    );
    assert_eq!(registration.ttl, Patch::Set(Span::from_secs(5)));
    assert_eq!(registration.port, Patch::Set(80));
}

#[test]
fn editors_may_leave_their_marks() {
    for body in [
        "\u{feff}{\"name\":\"a\"}",
        "{\"name\":\"a\"}\r\n\r\n",
        "\n {\n\"name\":\n\"a\"}\t",
    ] {
        assert_eq!(parse(body).name.as_str(), "a", "{body:?}");
    }
}

#[test]
fn left_out_is_kept_and_null_or_empty_clears() {
    let cleared = parse(r#"{"name":"a","instance":null,"tags":[],"metadata":{},"ttl_s":null}"#);

    assert_eq!(cleared.instance, Patch::Clear);
    assert_eq!(cleared.tags, Patch::Clear);
    assert_eq!(cleared.metadata, Patch::Clear);
    assert_eq!(cleared.ttl, Patch::Clear);
    assert_eq!(cleared.port, Patch::Keep);
}

#[test]
fn unknown_fields_are_ignored() {
    assert_eq!(
        parse(r#"{"x":[1,{"y":2}],"name":"a","x":3}"#).name.as_str(),
        "a"
    );
}

/// Body, field, what is said of it.
const WRONG_FIELDS: [(&[u8], &str, &str); 22] = [
    (br#"{"name":5}"#, "name", "is a number; send a text"),
    (br#"{"name":["a"]}"#, "name", "is a list; send a text"),
    (br"{}", "name", "is missing"),
    (br#"{"name":null}"#, "name", "is missing"),
    (br#"{"name":"a","name":"b"}"#, "name", "stands twice"),
    (br#"{"name":".."}"#, "name", "segment"),
    (br#"{"name":"a\u0000b"}"#, "name", "U+0000 at character 2"),
    (br#"{"name":"a","ip":""}"#, "ip", "is empty"),
    (
        br#"{"name":"a","ip":"999.1.1.1"}"#,
        "ip",
        "looks like a number",
    ),
    (br#"{"name":"a","port":0}"#, "port", "1 to 65535"),
    (br#"{"name":"a","port":"80"}"#, "port", "1 to 65535"),
    (
        br#"{"name":"a","ip":"1.2.3.4:80","port":81}"#,
        "port",
        "differs",
    ),
    (
        br#"{"name":"a","ttl_s":1.999999}"#,
        "ttl_s",
        "from 2 to 2592000",
    ),
    (
        br#"{"name":"a","ttl_s":2592001}"#,
        "ttl_s",
        "from 2 to 2592000",
    ),
    (
        br#"{"name":"a","ttl_s":"60"}"#,
        "ttl_s",
        "from 2 to 2592000",
    ),
    (
        br#"{"name":"a","tags":"x"}"#,
        "tags",
        "is not a list of texts",
    ),
    (br#"{"name":"a","tags":["\u202e"]}"#, "tags", "U+202E"),
    (br#"{"name":"a","tags":[""]}"#, "tags", "empty tag"),
    (
        br#"{"name":"a","metadata":{"k":1}}"#,
        "metadata",
        "object of texts",
    ),
    (
        br#"{"name":"a","metadata":{"k":"1","k":"2"}}"#,
        "metadata",
        "stands twice",
    ),
    (
        br#"{"name":"a","metadata":[]}"#,
        "metadata",
        "object of texts",
    ),
    (b"name=a&metadata=x", "metadata", "send JSON"),
];

#[test]
fn what_is_wrong_is_said_by_field() {
    for (body, field, said) in WRONG_FIELDS {
        let error = refused(body);
        let shown = String::from_utf8_lossy(body);
        assert!(
            error
                .errors
                .iter()
                .any(|e| e.field == field && e.detail.contains(said)),
            "{shown}: {error:?}"
        );
        assert!(error.detail.contains(field), "{shown}: {error:?}");
    }
}

#[test]
fn what_is_wrong_with_the_whole_says_where() {
    let cases: [(&[u8], &str); 10] = [
        (b"", "the body is empty"),
        (b" \r\n", "the body is empty"),
        (b"[]", "not a JSON object"),
        (b"\"name\"", "not a JSON object"),
        (b"hello", "neither JSON nor a form"),
        (
            b"{\"name\":\"a\"",
            "not JSON: EOF while parsing an object at byte 10",
        ),
        (
            b"{\"name\":\"c-string\"}\0",
            "unexpected byte 0x00 after the JSON, at byte 19",
        ),
        (b"{\"name\":\"a\"} x", "unexpected byte 0x78 after the JSON"),
        (b"{\"name\":\"\xff\"}", "not UTF-8 at byte 9"),
        (b"name=%FF&ip=10.0.0.3", "the form is not UTF-8"),
    ];
    for (body, said) in cases {
        let error = refused(body);
        assert!(error.detail.contains(said), "{said}: {error:?}");
    }
}

#[test]
fn limits_hold_on_both_sides() {
    let tags = |n: usize| {
        let list: Vec<String> = (0..n).map(|i| format!("\"t{i}\"")).collect();
        format!(r#"{{"name":"a","tags":[{}]}}"#, list.join(","))
    };
    assert!(Registration::parse(tags(16).as_bytes()).is_ok());
    assert!(
        refused(tags(17).as_bytes())
            .detail
            .contains("more than 16 tags")
    );

    let pairs = |n: usize| {
        let list: Vec<String> = (0..n).map(|i| format!("\"k{i}\":\"v\"")).collect();
        format!(r#"{{"name":"a","metadata":{{{}}}}}"#, list.join(","))
    };
    assert!(Registration::parse(pairs(32).as_bytes()).is_ok());
    assert!(
        refused(pairs(33).as_bytes())
            .detail
            .contains("more than 32 pairs")
    );

    for (ttl, ok) in [
        ("2", true),
        ("1.9", false),
        ("2592000", true),
        ("2592000.1", false),
    ] {
        let body = format!(r#"{{"name":"a","ttl_s":{ttl}}}"#);
        assert_eq!(Registration::parse(body.as_bytes()).is_ok(), ok, "{ttl}");
    }
}

proptest::proptest! {
    #[test]
    fn no_bytes_make_it_panic(body in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200)) {
        if let Err(error) = Registration::parse(&body) {
            proptest::prop_assert!(!error.detail.is_empty());
        }
    }
}

#[test]
fn a_very_long_host_name_needs_an_instance_key() {
    let host = ["a".repeat(60), "b".repeat(60), "c".repeat(60)].join(".");

    let error = refused(format!(r#"{{"name":"a","ip":"{host}"}}"#).as_bytes());
    assert!(
        error.detail.contains("ip has 182 bytes; send an instance"),
        "{error:?}"
    );
    parse(&format!(r#"{{"name":"a","ip":"{host}","instance":"x"}}"#));
}

#[test]
fn a_deregistration_may_name_its_instance_in_the_body() {
    assert_eq!(instance_of(b"").unwrap(), None);
    assert_eq!(
        instance_of(b"instance=a%20b").unwrap().as_deref(),
        Some("a b")
    );
    assert_eq!(
        instance_of(br#"{"instance":"x"}"#).unwrap().as_deref(),
        Some("x")
    );
    assert_eq!(instance_of(b" { } ").unwrap(), None);
    // None of these may take a whole service away.
    for body in [
        &br#"{"instance":5}"#[..],
        br#"{"instance":null}"#,
        br#"{"instnace":"x"}"#,
        br#"{"name":"a","ip":"10.0.0.1"}"#,
        b"instnace=x",
        b"x",
        b"\xff",
    ] {
        assert!(instance_of(body).is_err(), "{body:?}");
    }
}

#[test]
fn a_whole_port_may_be_written_as_a_fraction() {
    for (text, port) in [("80.0", 80), ("8e1", 80), ("65535.0", 65_535)] {
        let body = format!(r#"{{"name":"a","port":{text}}}"#);
        assert_eq!(parse(&body).port, Patch::Set(port), "{text}");
    }
    for text in ["80.5", "0.0", "-80.0", "65536.0", "1e400", "true"] {
        let body = format!(r#"{{"name":"a","port":{text}}}"#);
        assert!(Registration::parse(body.as_bytes()).is_err(), "{text}");
    }
}
