//! gzip: who asks for it gets the same answer in fewer bytes, and whoever does not notices nothing.

use std::io::Read;

use flate2::read::GzDecoder;

use crate::daemon::Daemon;
use crate::raw::{Raw, Reply, request};

const GZIP: &str = "Accept-Encoding: gzip, deflate, br";
/// Rows of a list that has some pieces.
const SOME: usize = 400;

async fn filled(count: usize) -> Daemon {
    let daemon = Daemon::start();
    for number in 0..count {
        daemon
            .register(&format!("service-{number:04}"), "192.0.2.10")
            .await;
    }
    daemon
}

fn unpacked(reply: &Reply) -> Vec<u8> {
    assert_eq!(reply.header("content-encoding"), Some("gzip"));
    let mut plain = Vec::new();
    GzDecoder::new(&reply.body[..])
        .read_to_end(&mut plain)
        .unwrap();
    plain
}

#[tokio::test]
async fn who_asks_for_gzip_gets_the_same_in_fewer_bytes() {
    let daemon = filled(SOME).await;
    let mut connection = daemon.connect().await;

    for (method, path, times_smaller) in [
        ("GET", "/", 4),
        ("GET", "/rows", 4),
        ("GET", "/rows?size=1000", 4),
        ("GET", "/s/service-0001", 2),
        ("GET", "/services", 4),
        ("GET", "/services?size=20", 4),
        ("GET", "/services?sort=-name", 4),
        ("POST", "/refresh_all", 4),
        ("GET", "/events?limit=300", 4),
        ("GET", "/openapi.json", 4),
        ("GET", "/assets/app.css", 2),
        ("GET", "/assets/app.js", 2),
    ] {
        let plain = connection.ask(&request(method, path, &[], b"")).await;
        let gzipped = connection.ask(&request(method, path, &[GZIP], b"")).await;

        assert_eq!(plain.header("content-encoding"), None, "{path}");
        assert!(unpacked(&gzipped) == plain.body, "{path}");
        let (few, many) = (gzipped.body.len(), plain.body.len());
        assert!(few * times_smaller < many, "{path} {few} {many}");
        for name in ["content-type", "etag", "vary", "cache-control"] {
            assert_eq!(gzipped.header(name), plain.header(name), "{path} {name}");
        }
        assert_eq!(plain.header("vary"), Some("accept-encoding"), "{path}");
    }
}

#[tokio::test]
async fn a_head_says_what_its_get_says() {
    let daemon = filled(SOME).await;
    let mut connection = daemon.connect().await;

    for path in ["/", "/rows", "/services", "/services?size=20", "/events"] {
        let get = connection.ask(&request("GET", path, &[GZIP], b"")).await;
        let head = connection.ask(&request("HEAD", path, &[GZIP], b"")).await;

        for name in ["content-encoding", "content-length", "vary"] {
            assert_eq!(head.header(name), get.header(name), "{path} {name}");
        }
        assert_eq!(head.header("content-encoding"), Some("gzip"), "{path}");
    }
}

#[tokio::test]
async fn who_has_the_live_part_is_told_so_however_it_came() {
    let daemon = filled(30).await;
    let mut connection = daemon.connect().await;

    for path in ["/rows", "/openapi.json", "/assets/app.js"] {
        let gzipped = connection.ask(&request("GET", path, &[GZIP], b"")).await;
        let known = format!("If-None-Match: {}", gzipped.header("etag").unwrap());
        for headers in [vec![known.as_str()], vec![known.as_str(), GZIP]] {
            let again = connection.ask(&request("GET", path, &headers, b"")).await;

            assert_eq!(again.status, 304, "{path}");
            assert_eq!(again.header("etag"), gzipped.header("etag"), "{path}");
            assert_eq!(again.header("content-encoding"), None, "{path}");
            assert_eq!(again.header("vary"), Some("accept-encoding"), "{path}");
        }
    }
}

#[tokio::test]
async fn heartbeats_and_other_small_answers_go_as_they_are() {
    let daemon = filled(1).await;
    let mut connection = daemon.connect().await;

    for (method, path) in [
        ("POST", "/heartbeat/service-0000"),
        ("GET", "/services"),
        ("GET", "/healthz"),
        ("GET", "/gone"),
        ("GET", "/assets/up.svg"),
        ("GET", "/nowhere"),
    ] {
        let reply = connection.ask(&request(method, path, &[GZIP], b"")).await;

        assert_eq!(reply.header("content-encoding"), None, "{path}");
        let length = reply.body.len().to_string();
        assert_eq!(reply.header("content-length").unwrap(), length, "{path}");
    }
}

#[tokio::test]
async fn a_list_in_pieces_ends_for_an_old_client_with_the_close() {
    let daemon = filled(SOME).await;
    let mut connection = daemon.connect().await;
    let plain = connection.ask(&request("GET", "/services", &[], b"")).await;

    let mut old: Raw = daemon.connect().await;
    let asked = format!("GET /services HTTP/1.0\r\n{GZIP}\r\n\r\n");
    let reply = old.ask(asked.as_bytes()).await;

    assert_eq!(reply.header("transfer-encoding"), None);
    assert_eq!(reply.header("connection"), Some("close"));
    assert!(unpacked(&reply) == plain.body);
}
