//! Requests that two readers could understand in two ways: one answer at most, then the close.

use crate::daemon::Daemon;

/// What follows a request in the same bytes: the smuggled one, which must not be answered.
const SMUGGLED: &[u8] = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";

/// A POST with these header lines and this body.
fn post(headers: &str, body: &str) -> Vec<u8> {
    format!("POST /refresh_all HTTP/1.1\r\nHost: 127.0.0.1\r\n{headers}\r\n{body}").into()
}

/// Each of these is answered with 400 and nothing else, and the daemon goes on.
async fn refuses_bare(requests: &[(&str, Vec<u8>)]) {
    let daemon = Daemon::start();
    for (what, request) in requests {
        let bytes = [request.as_slice(), SMUGGLED].concat();

        let (status, body) = last_answer(&daemon, &bytes).await;

        assert_eq!((status, body.len()), (400, 0), "{what}");
    }
    daemon.register("still-here", "192.0.2.10").await;
}

/// The one answer to `bytes`, which the connection does not survive.
async fn last_answer(daemon: &Daemon, bytes: &[u8]) -> (u16, Vec<u8>) {
    let mut connection = daemon.connect().await;
    let reply = connection.ask(bytes).await;
    let text = String::from_utf8_lossy(bytes).into_owned();
    assert!(connection.is_closed().await, "a second answer to {text:?}");
    (reply.status, reply.body)
}

#[tokio::test]
async fn a_length_that_is_not_one_plain_number_gets_a_bare_400_and_the_close() {
    refuses_bare(&[
        (
            "two",
            post("Content-Length: 4\r\nContent-Length: 5\r\n", "abcde"),
        ),
        ("signed", post("Content-Length: +3\r\n", "abc")),
        ("hexadecimal", post("Content-Length: 0x3\r\n", "abc")),
        ("a list", post("Content-Length: 3, 3\r\n", "abc")),
        (
            "huge",
            post("Content-Length: 99999999999999999999999\r\n", "abc"),
        ),
    ])
    .await;
}

#[tokio::test]
async fn a_coding_that_does_not_end_the_body_gets_a_bare_400_and_the_close() {
    let old = b"POST /refresh_all HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    refuses_bare(&[
        ("not chunked", post("Transfer-Encoding: gzip\r\n", "")),
        (
            "chunked not last",
            post("Transfer-Encoding: chunked, gzip\r\n", "0\r\n\r\n"),
        ),
        ("in HTTP/1.0", old.to_vec()),
    ])
    .await;
}

#[tokio::test]
async fn a_head_that_is_no_head_gets_a_bare_400_and_the_close() {
    let tls = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n";
    refuses_bare(&[
        ("a folded line", post("X-A: b\r\n c\r\n", "")),
        (
            "a space before the colon",
            post("Content-Length : 3\r\n", "abc"),
        ),
        ("a line without a colon", post("nonsense\r\n", "")),
        ("a NUL in a value", post("X-A: b\0c\r\n", "")),
        (
            "a NUL in the path",
            b"GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n".to_vec(),
        ),
        ("HTTP/3", b"GET / HTTP/3.0\r\n\r\n".to_vec()),
        ("HTTP/0.9", b"GET /\r\n".to_vec()),
        ("a TLS hello", tls.to_vec()),
    ])
    .await;
}

#[tokio::test]
async fn who_begins_with_http_2_is_left_without_an_answer() {
    let daemon = Daemon::start();
    let mut connection = daemon.connect().await;

    connection.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await;
    connection.send(SMUGGLED).await;

    assert!(connection.is_closed().await);
}

#[tokio::test]
async fn a_length_beside_chunks_is_ignored_and_the_connection_not_trusted() {
    let daemon = Daemon::start();
    let lines = ["Content-Length: 3\r\n", "Transfer-Encoding: chunked\r\n"];

    for headers in [lines.concat(), [lines[1], lines[0]].concat()] {
        let mut bytes = post(&headers, "0\r\n\r\n");
        bytes.extend_from_slice(SMUGGLED);

        assert_eq!(last_answer(&daemon, &bytes).await.0, 200, "{headers:?}");
    }
}

#[tokio::test]
async fn a_head_above_the_limits_is_431() {
    let daemon = Daemon::start();
    let many = "X-A: b\r\n".repeat(65);
    let long = format!("X-A: {}\r\n", "b".repeat(17 * 1024));

    for headers in [many, long] {
        let bytes = post(&headers, "");

        assert_eq!(
            last_answer(&daemon, &bytes).await.0,
            431,
            "{} bytes",
            headers.len()
        );
    }
}

#[tokio::test]
async fn the_host_is_one_and_agrees_or_the_problem_says_so() {
    let daemon = Daemon::start();

    for (head, status) in [
        ("GET /healthz HTTP/1.1\r\n\r\n", 400),
        (
            "GET /healthz HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n",
            400,
        ),
        (
            "GET /healthz HTTP/1.0\r\nHost: localhost\r\nHost: evil.example\r\n\r\n",
            400,
        ),
        ("GET /healthz HTTP/1.1\r\nHost: local host\r\n\r\n", 400),
        (
            "GET http://127.0.0.1/healthz HTTP/1.1\r\nHost: localhost\r\n\r\n",
            400,
        ),
        (
            "GET http://evil.example/healthz HTTP/1.1\r\nHost: evil.example\r\n\r\n",
            421,
        ),
        (
            "GET http://localhost/healthz HTTP/1.1\r\nHost: localhost:5001\r\n\r\n",
            200,
        ),
        ("GET /healthz HTTP/1.0\r\n\r\n", 200),
    ] {
        let reply = daemon.ask(head.as_bytes()).await;

        assert_eq!(reply.status, status, "{head}");
        if status != 200 {
            assert_eq!(
                reply.header("content-type"),
                Some("application/problem+json"),
                "{head}"
            );
        }
    }
}

#[tokio::test]
async fn odd_targets_are_no_paths_of_ours() {
    let daemon = Daemon::start();

    for (head, status) in [
        ("OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n", 404),
        (
            "CONNECT localhost:5001 HTTP/1.1\r\nHost: localhost:5001\r\n\r\n",
            404,
        ),
        (
            "GET /services?a=b?c HTTP/1.1\r\nHost: localhost\r\n\r\n",
            200,
        ),
        ("get /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n", 405),
    ] {
        assert_eq!(daemon.ask(head.as_bytes()).await.status, status, "{head}");
    }
}
