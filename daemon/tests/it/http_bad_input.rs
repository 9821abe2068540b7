//! What cannot be used is refused with the field and the cure, changes nothing, and harms nobody.

use crate::daemon::Daemon;
use crate::raw::request;

/// A registration of one name.
fn named(name: &str) -> Vec<u8> {
    serde_json::json!({ "name": name, "ip": "192.0.2.10" })
        .to_string()
        .into()
}

/// Each body is refused with these words, and with this field where it has one; no row is made.
async fn refuses(bodies: &[(&str, &[u8], Option<&str>, &str)]) {
    let daemon = Daemon::start();
    for (what, body, field, cure) in bodies {
        let reply = daemon.ask(&request("POST", "/register", &[], body)).await;

        assert_eq!(reply.status, 400, "{what}: {}", reply.text());
        assert_eq!(
            reply.header("content-type"),
            Some("application/problem+json"),
            "{what}"
        );
        let problem = reply.json();
        assert_eq!(
            problem["type"], "urn:lastbeat:problem:invalid-body",
            "{what}"
        );
        assert_eq!(problem["error"], problem["detail"], "{what}");
        assert!(
            problem["detail"].as_str().unwrap().contains(cure),
            "{what}: {problem}"
        );
        assert_eq!(
            problem["errors"][0]["field"].as_str(),
            *field,
            "{what}: {problem}"
        );
    }
    assert!(daemon.rows().await.is_empty());
}

#[tokio::test]
async fn a_body_that_is_no_object_is_told_what_to_send() {
    refuses(&[
        ("empty", b"", None, "send a JSON object"),
        ("blank", b" \r\n", None, "send a JSON object"),
        ("a list", b"[]", None, "not a JSON object"),
        ("a text", b"\"a\"", None, "not a JSON object"),
        ("no UTF-8", b"{\"name\":\"\xff\"}", None, "UTF-8"),
        ("half of it", br#"{"name":"a","#, None, "not JSON"),
    ])
    .await;
}

#[tokio::test]
async fn a_field_that_cannot_be_used_is_named_with_the_cure() {
    let twice = br#"{"name":"a","name":"b","ip":"192.0.2.10"}"#;
    refuses(&[
        ("a number", br#"{"name":5}"#, Some("name"), "send a text"),
        (
            "none",
            br#"{"ip":"192.0.2.10"}"#,
            Some("name"),
            "is missing",
        ),
        ("long", &named(&"x".repeat(200)), Some("name"), "128"),
        ("dots", &named(".."), Some("name"), "segment"),
        ("a control", &named("a\u{7}b"), Some("name"), "U+0007"),
        ("an inner NUL", &named("a\0b"), Some("name"), "U+0000"),
        ("twice", twice, Some("name"), "send it once"),
        (
            "no ip",
            br#"{"name":"a","ip":""}"#,
            Some("ip"),
            "leave the field out",
        ),
    ])
    .await;
}

#[tokio::test]
async fn a_body_above_the_limit_is_refused_and_its_connection_closed() {
    let daemon = Daemon::start();
    let large = vec![b' '; 20 * 1024];
    let mut chunked =
        b"POST /register HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n5000\r\n"
            .to_vec();
    chunked.extend_from_slice(&large);
    chunked.extend_from_slice(b"\r\n0\r\n\r\n");

    for (what, bytes) in [
        ("sent", request("POST", "/register", &[], &large)),
        ("chunked", chunked),
        (
            "to an endpoint without a body",
            request("POST", "/refresh_all", &[], &large),
        ),
        (
            "announced only",
            b"POST /register HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9999999999\r\n\r\n"
                .to_vec(),
        ),
        (
            "announced, and asked for first",
            b"POST /register HTTP/1.1\r\nHost: 127.0.0.1\r\nExpect: 100-continue\r\n\
              Content-Length: 20480\r\n\r\n"
                .to_vec(),
        ),
    ] {
        let mut connection = daemon.connect().await;
        let reply = connection.ask(&bytes).await;

        assert_eq!(reply.status, 413, "{what}: {}", reply.text());
        assert_eq!(reply.header("connection"), Some("close"), "{what}");
        assert!(
            reply.json()["error"].as_str().unwrap().contains("16384"),
            "{what}"
        );
        assert!(connection.is_closed().await, "{what}");
    }
    daemon.register("still-here", "192.0.2.10").await;
}

#[tokio::test]
async fn a_body_of_exactly_the_limit_is_read() {
    let daemon = Daemon::start();
    let mut body = named("exact");
    body.resize(16 * 1024, b' ');

    let reply = daemon.ask(&request("POST", "/register", &[], &body)).await;

    assert_eq!(reply.status, 200, "{}", reply.text());
}

#[tokio::test]
async fn a_query_or_path_that_cannot_be_used_is_named() {
    let daemon = Daemon::start();

    for (method, target, slug, said) in [
        (
            "GET",
            "/services?status=gone",
            "invalid-query",
            "up, late, down",
        ),
        ("GET", "/services?wait=5s", "invalid-query", "needs since"),
        ("GET", "/events?limit=0", "invalid-query", "limit is not"),
        ("GET", "/gone?before=x", "invalid-query", "before is not"),
        (
            "DELETE",
            "/services/a?instance=..",
            "invalid-query",
            "instance has",
        ),
        ("POST", "/refresh/%ff", "invalid-path", "UTF-8"),
        ("POST", "/heartbeat/a%00", "invalid-path", "U+0000"),
        ("GET", "/services/..%2Fetc", "invalid-path", "segment"),
    ] {
        let reply = daemon.send(method, target, "").await;
        let problem = reply.json();

        assert_eq!(reply.status, 400, "{target}: {problem}");
        assert_eq!(
            problem["type"],
            format!("urn:lastbeat:problem:{slug}"),
            "{target}"
        );
        assert!(
            problem["detail"].as_str().unwrap().contains(said),
            "{target}: {problem}"
        );
    }
}

#[tokio::test]
async fn an_empty_instance_does_not_mean_all_of_them() {
    let daemon = Daemon::start();
    daemon.register("a", "192.0.2.10").await;
    daemon.register("a", "192.0.2.11").await;

    for (method, target, body) in [
        ("DELETE", "/services/a?instance=", ""),
        ("POST", "/deregister/a?instance=", ""),
        ("POST", "/deregister/a", "instance="),
        ("POST", "/deregister/a", r#"{"instance":""}"#),
        ("POST", "/heartbeat/a?instance=", ""),
    ] {
        let reply = daemon.send(method, target, body).await;

        assert_eq!(reply.status, 400, "{method} {target} {body}");
        let said = reply.text();
        assert!(said.contains("instance is empty"), "{said}");
    }
    assert_eq!(daemon.rows().await.len(), 2);
}

#[tokio::test]
async fn a_deregistration_that_names_two_instances_takes_out_none() {
    let daemon = Daemon::start();
    daemon.register("a", "192.0.2.10").await;
    daemon.register("a", "192.0.2.11").await;
    let target = "/deregister/a?instance=192.0.2.10";

    for (body, status) in [
        ("instance=192.0.2.11", 400),
        (r#"{"instance":7}"#, 400),
        (r#"{"instance":"192.0.2.10"}"#, 200),
    ] {
        let reply = daemon.send("POST", target, body).await;

        assert_eq!(reply.status, status, "{body}: {}", reply.text());
        let left = if status == 200 { 1 } else { 2 };
        assert_eq!(daemon.rows().await.len(), left, "{body}");
    }
}
