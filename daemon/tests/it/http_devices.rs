//! Small and old clients: HTTP/1.0, odd content types, odd whitespace, kept connections.

use crate::daemon::Daemon;
use crate::raw::request;

const BODY: &str = r#"{"name": "esp32-cellar", "ip": "192.0.2.10"}"#;

/// What an HTTP/1.0 client sends.
fn old(method: &str, target: &str, headers: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("{method} {target} HTTP/1.0\r\n{headers}Content-Length: {length}\r\n\r\n{body}").into()
}

#[tokio::test]
async fn an_http_1_0_client_gets_a_length_and_the_close_it_waits_for() {
    let daemon = Daemon::start();

    for headers in ["Host: 127.0.0.1\r\n", ""] {
        let mut connection = daemon.connect().await;
        let reply = connection
            .ask(&old("POST", "/register", headers, BODY))
            .await;

        assert_eq!(reply.status, 200, "{}", reply.text());
        assert_eq!(reply.version, "HTTP/1.0");
        assert_eq!(
            reply.header("content-length").unwrap(),
            reply.body.len().to_string()
        );
        assert_eq!(reply.header("transfer-encoding"), None);
        assert!(connection.is_closed().await);
    }
    let list = daemon.ask(&old("GET", "/services", "", "")).await;
    assert_eq!(list.json()["services"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn an_http_1_0_client_that_asks_for_it_keeps_its_connection() {
    let daemon = Daemon::start();
    let mut connection = daemon.connect().await;

    for _ in 0..2 {
        let beat = old("POST", "/register", "Connection: keep-alive\r\n", BODY);
        let reply = connection.ask(&beat).await;

        assert_eq!(reply.status, 200);
        assert_eq!(reply.header("connection"), Some("keep-alive"));
    }
}

#[tokio::test]
async fn header_names_come_in_any_case_and_without_a_space() {
    let daemon = Daemon::start();
    let length = BODY.len();

    let reply = daemon
        .ask(
            format!(
                "POST /register HTTP/1.1\r\nhost: 127.0.0.1\r\n\
                 content-type:application/json;charset=UTF-8\r\nconnection: close\r\n\
                 CONTENT-LENGTH: {length}\r\n\r\n{BODY}"
            )
            .as_bytes(),
        )
        .await;

    assert_eq!(reply.status, 200, "{}", reply.text());
}

#[tokio::test]
async fn json_is_found_whatever_the_content_type_says() {
    let daemon = Daemon::start();

    for kind in [
        "Content-Type: application/x-www-form-urlencoded",
        "Content-Type: text/plain;charset=UTF-8",
        "Content-Type: application/octet-stream",
        "Content-Type: nonsense",
        "Accept: */*",
    ] {
        let reply = daemon
            .ask(&request("POST", "/register", &[kind], BODY.as_bytes()))
            .await;

        assert_eq!(reply.status, 200, "{kind}: {}", reply.text());
        assert_eq!(
            reply.header("content-type"),
            Some("application/json"),
            "{kind}"
        );
    }
    assert_eq!(daemon.rows().await.len(), 1);
}

#[tokio::test]
async fn a_form_registers_like_json() {
    let daemon = Daemon::start();

    let reply = daemon
        .send("POST", "/register", "name=curl+form&ip=192.0.2.10")
        .await;

    assert_eq!(reply.json()["service"]["name"], "curl form");
}

#[tokio::test]
async fn a_byte_order_mark_and_blanks_around_the_json_are_fine() {
    let daemon = Daemon::start();

    for (name, body) in [
        ("bom", "\u{feff}{\"name\": \"bom\", \"ip\": \"192.0.2.10\"}"),
        ("tail", "{\"name\": \"tail\", \"ip\": \"192.0.2.10\"}\r\n"),
        (
            "pretty",
            "{\n  \"name\": \"pretty\",\n  \"ip\": \"192.0.2.10\"\n}",
        ),
    ] {
        let reply = daemon.send("POST", "/register", body).await;

        assert_eq!(reply.status, 200, "{name}: {}", reply.text());
        assert_eq!(reply.json()["service"]["name"], name);
    }
}

#[tokio::test]
async fn a_c_string_is_told_about_its_nul() {
    let daemon = Daemon::start();

    let reply = daemon.send("POST", "/register", &format!("{BODY}\0")).await;

    assert_eq!(reply.status, 400);
    let error = reply.json()["error"].as_str().unwrap().to_owned();
    assert!(
        error.contains("unexpected byte 0x00 after the JSON"),
        "{error}"
    );
}

#[tokio::test]
async fn a_slash_too_many_is_dropped_and_never_redirected() {
    let daemon = Daemon::start();

    let registered = daemon.send("POST", "/register/", BODY).await;
    let refreshed = daemon.send("POST", "/refresh/esp32-cellar/", "").await;

    assert_eq!(registered.status, 200, "{}", registered.text());
    assert_eq!(refreshed.status, 200, "{}", refreshed.text());
}

#[tokio::test]
async fn a_refresh_needs_neither_body_nor_length_nor_type() {
    let daemon = Daemon::start();
    daemon.register("a", "192.0.2.10").await;

    let known = daemon.send("POST", "/refresh/a", "").await;
    let unknown = daemon.send("POST", "/refresh/b", "").await;

    assert_eq!(known.status, 200);
    assert_eq!(known.json()["status"], "UP");
    assert_eq!(unknown.status, 404);
    assert_eq!(
        unknown.header("content-type"),
        Some("application/problem+json")
    );
}

#[tokio::test]
async fn a_chunked_body_registers() {
    let daemon = Daemon::start();

    let reply = daemon
        .ask(
            b"POST /register HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n\
              9\r\n{\"name\": \r\n1a\r\n\"c\", \"ip\": \"192.0.2.10\" } \r\n0\r\n\r\n",
        )
        .await;

    assert_eq!(reply.status, 200, "{}", reply.text());
    assert_eq!(reply.json()["service"]["name"], "c");
}

#[tokio::test]
async fn who_waits_for_100_continue_is_told_to_go_on() {
    let daemon = Daemon::start();
    let mut connection = daemon.connect().await;
    let length = BODY.len();
    let head = format!(
        "POST /register HTTP/1.1\r\nHost: 127.0.0.1\r\nExpect: 100-continue\r\n\
         Content-Length: {length}\r\n\r\n"
    );

    let go_on = connection.ask(head.as_bytes()).await;
    assert_eq!(go_on.status, 100);
    let reply = connection.ask(BODY.as_bytes()).await;

    assert_eq!(reply.status, 200, "{}", reply.text());
}

#[tokio::test]
async fn beats_on_one_kept_connection_are_all_answered() {
    let daemon = Daemon::start();
    let mut connection = daemon.connect().await;

    for _ in 0..3 {
        let reply = connection
            .ask(&request("POST", "/register", &[], BODY.as_bytes()))
            .await;

        assert_eq!(reply.status, 200);
        assert_eq!(reply.header("connection"), None);
    }
    assert_eq!(daemon.rows().await.len(), 1);
}

#[tokio::test]
async fn requests_sent_together_are_answered_in_order() {
    let daemon = Daemon::start();
    let mut connection = daemon.connect().await;
    let mut both = request("POST", "/register", &[], BODY.as_bytes());
    both.extend(request("GET", "/healthz", &[], b""));

    let first = connection.ask(&both).await;
    let second = connection.reply(false).await;

    assert_eq!(first.json()["service"]["name"], "esp32-cellar");
    assert_eq!(second.json()["status"], "ok");
}

#[tokio::test]
async fn a_client_that_ends_its_side_behind_the_request_is_still_answered() {
    let daemon = Daemon::start();
    let mut connection = daemon.connect().await;

    connection
        .send(&request("POST", "/register", &[], BODY.as_bytes()))
        .await;
    connection.end().await;

    assert_eq!(connection.reply(false).await.status, 200);
    assert!(connection.is_closed().await);
}
