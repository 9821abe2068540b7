//! `GET /metrics`: every figure against a history that is known.

use std::collections::BTreeMap;
use std::time::Duration;

use lastbeat_proto::Span;

use crate::daemon::Daemon;
use crate::program::{Program, ask_for_text, until};
use crate::raw::request;
use crate::storage::hold_lock;
use crate::world::WALL_START_US;

/// Every sample of a page by its name and labels, as they are written.
pub(crate) fn samples(page: &str) -> BTreeMap<String, f64> {
    let lines = page.lines().filter(|line| !line.starts_with('#'));
    let mut all = BTreeMap::new();
    for line in lines {
        let (sample, value) = line.rsplit_once(' ').unwrap();
        let twice = all.insert(sample.to_owned(), value.parse().unwrap());
        assert_eq!(twice, None, "{sample} stands twice");
    }
    all
}

/// Compares some samples of a page, all wrong ones at once.
fn expect(page: &str, expected: &[(&str, f64)]) {
    let found = samples(page);
    let wrong: Vec<String> = expected
        .iter()
        .filter(|(sample, value)| found.get(*sample) != Some(value))
        .map(|(sample, value)| format!("{sample} is {:?}, not {value}", found.get(*sample)))
        .collect();
    assert_eq!(wrong, Vec::<String>::new(), "in\n{page}");
}

async fn page(daemon: &Daemon) -> String {
    let reply = daemon.send("GET", "/metrics", "").await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    reply.text()
}

/// Lets time pass in steps that are no stall, and has what is due acted on after each.
fn pass(daemon: &Daemon, quarters: usize) {
    for _ in 0..quarters {
        daemon.advance(Span::from_micros(250_000));
        daemon.registry.figures();
    }
}

/// 65 s in which one stays UP, one is DOWN at the end, one timed out and one was taken out.
async fn history() -> Daemon {
    let daemon = Daemon::start_with(&[("max-connections", "100")]);
    let register = |name: &str, ttl_s: u32| {
        let body = format!(r#"{{"name":"{name}","ip":"192.0.2.1","ttl_s":{ttl_s}}}"#);
        request("POST", "/register", &[], body.as_bytes())
    };
    for (name, ttl_s) in [("steady", 3600), ("down", 60), ("gone", 2), ("taken", 60)] {
        assert_eq!(daemon.ask(&register(name, ttl_s)).await.status, 200);
    }
    let taken = daemon.send("POST", "/deregister/taken", "").await;
    assert_eq!(taken.status, 200);
    pass(&daemon, 4 * 65);
    assert_eq!(daemon.ask(&register("steady", 3600)).await.status, 200);
    assert_eq!(
        daemon.send("POST", "/heartbeat/steady", "").await.status,
        200
    );
    daemon
}

#[tokio::test]
async fn instances_and_events_are_those_of_the_history() {
    let daemon = history().await;

    expect(
        &page(&daemon).await,
        &[
            ("lastbeat_instances{status=\"UP\"}", 1.0),
            ("lastbeat_instances{status=\"DOWN\"}", 1.0),
            ("lastbeat_instances_late", 0.0),
            ("lastbeat_instances_unconfirmed", 0.0),
            ("lastbeat_instances_gone", 2.0),
            ("lastbeat_instances_limit", 100_000.0),
            ("lastbeat_heartbeats_total", 2.0),
            ("lastbeat_deregistrations_total", 1.0),
            ("lastbeat_events_total{kind=\"registered\"}", 4.0),
            ("lastbeat_events_total{kind=\"down\"}", 2.0),
            ("lastbeat_events_total{kind=\"gone\"}", 2.0),
            ("lastbeat_events_total{kind=\"start\"}", 1.0),
            ("lastbeat_events_total{kind=\"stall\"}", 0.0),
            ("lastbeat_events_total{kind=\"back\"}", 0.0),
            ("lastbeat_listening_seconds_total", 65.0),
            ("lastbeat_start_time_seconds", WALL_START_US as f64 / 1e6),
        ],
    );
}

#[tokio::test]
async fn a_transition_is_as_late_as_the_clock_was_read_behind_its_deadline() {
    let daemon = history().await;
    let delay = |rest: &str| format!("lastbeat_transition_delay_{rest}");

    expect(
        &page(&daemon).await,
        &[
            // Two went DOWN and one of them GONE, each a quarter of a second late.
            (&delay("seconds_bucket{le=\"0.1\"}"), 0.0),
            (&delay("seconds_bucket{le=\"0.25\"}"), 3.0),
            (&delay("seconds_count"), 3.0),
            (&delay("seconds_sum"), 0.75),
            (&delay("max_seconds"), 0.25),
        ],
    );
}

#[tokio::test]
async fn late_and_unconfirmed_and_a_stall_are_counted() {
    let daemon = Daemon::start();
    daemon.register("a", "192.0.2.1").await;
    daemon.register("b", "192.0.2.2").await;
    daemon.advance(Span::from_secs(6));
    daemon.registry.figures();
    daemon.register("b", "192.0.2.2").await;
    pass(&daemon, 4 * 46);

    expect(
        &page(&daemon).await,
        &[
            ("lastbeat_instances{status=\"UP\"}", 2.0),
            ("lastbeat_instances_late", 2.0),
            ("lastbeat_instances_unconfirmed", 1.0),
            ("lastbeat_events_total{kind=\"stall\"}", 1.0),
            // Of the six seconds one counts.
            ("lastbeat_listening_seconds_total", 47.0),
        ],
    );
}

#[tokio::test]
async fn requests_are_counted_by_endpoint_and_status() {
    let daemon = Daemon::start_with(&[("max-connections", "100")]);
    daemon.register("a", "192.0.2.1").await;
    daemon.register("a", "192.0.2.1").await;
    daemon.send("POST", "/register", "[]").await;
    daemon.send("POST", "/heartbeat/nobody", "").await;
    daemon.send("PUT", "/register", "").await;
    daemon.send("GET", "/nowhere", "").await;
    daemon.send("DELETE", "/services/a", "").await;
    daemon.send("HEAD", "/services/a", "").await;
    daemon
        .ask(b"GET /services HTTP/1.1\r\nHost: evil.example\r\n\r\n")
        .await;
    let requests = |method: &str, route: &str, status: u16| {
        format!(
            "lastbeat_http_requests_total{{method=\"{method}\",route=\"{route}\",status=\"{status}\"}}"
        )
    };
    let times = |rest: &str| format!("lastbeat_http_request_duration_seconds_{rest}");

    expect(
        &page(&daemon).await,
        &[
            (&requests("POST", "/register", 200), 2.0),
            (&requests("POST", "/register", 400), 1.0),
            (&requests("POST", "/heartbeat/<name>", 404), 1.0),
            (&requests("DELETE", "/services/<name>", 200), 1.0),
            (&requests("GET", "/services/<name>", 404), 1.0),
            (&requests("none", "none", 405), 1.0),
            (&requests("none", "none", 404), 1.0),
            (&requests("none", "none", 421), 1.0),
            (&times("count{method=\"POST\",route=\"/register\"}"), 3.0),
            (
                &times("bucket{method=\"POST\",route=\"/register\",le=\"0.001\"}"),
                3.0,
            ),
            ("lastbeat_connections_limit", 100.0),
            ("lastbeat_connections_accepted_total", 10.0),
            ("lastbeat_connections_refused_total", 0.0),
        ],
    );
}

#[tokio::test]
async fn who_asks_to_wait_does_not_spoil_the_times() {
    let daemon = Daemon::start();
    let cursor = daemon.cursor().await;
    let target = format!("/services?since={cursor}&wait=30s");
    let (waiting, ()) = tokio::join!(daemon.send("GET", &target, ""), async {
        daemon.until_sleepers(3).await;
        daemon.advance(Span::from_secs(4));
        daemon.register("a", "192.0.2.1").await;
    });
    assert_eq!(waiting.status, 200);
    let of_services = "{method=\"GET\",route=\"/services\"";

    expect(
        &page(&daemon).await,
        &[
            (
                &format!("lastbeat_http_requests_total{of_services},status=\"200\"}}"),
                2.0,
            ),
            (
                &format!("lastbeat_http_request_duration_seconds_count{of_services}}}"),
                1.0,
            ),
            (
                &format!("lastbeat_http_request_duration_seconds_sum{of_services}}}"),
                0.0,
            ),
        ],
    );
}

#[tokio::test]
async fn what_is_no_http_is_counted() {
    let daemon = Daemon::start();

    let bare = daemon.ask(b"nonsense\r\n\r\n").await;

    assert_eq!(bare.status, 400);
    // It is counted when the connection has ended, which its client may see first.
    let counted =
        async { while samples(&page(&daemon).await)["lastbeat_http_malformed_total"] < 1.0 {} };
    let counted = tokio::time::timeout(Duration::from_secs(20), counted).await;
    counted.expect("counted within 20 s");
}

#[tokio::test]
async fn no_text_of_a_client_stands_in_the_metrics() {
    let daemon = Daemon::start();
    let hostile = r#"evil"} 666 <script> \ lastbeat_evil"#;
    let body = serde_json::json!({
        "name": hostile, "ip": "evil.example", "instance": hostile,
        "tags": ["evil"], "metadata": {"evil": "evil"},
    });
    let reply = daemon.send("POST", "/register", &body.to_string()).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    for target in ["/evil", "/heartbeat/evil", "/services?evil=evil", "/s/evil"] {
        daemon.send("GET", target, "").await;
        daemon.send("EVIL", target, "").await;
    }
    daemon
        .ask(b"GET / HTTP/1.1\r\nHost: evil.example\r\nUser-Agent: evil\r\n\r\n")
        .await;

    let page = page(&daemon).await;

    assert!(!page.to_lowercase().contains("evil"), "{page}");
    assert!(
        !page.contains("192.0.2") && !page.contains("127.0.0.1"),
        "{page}"
    );
}

#[tokio::test]
async fn the_text_is_what_prometheus_expects() {
    let daemon = Daemon::start();

    let get = daemon.send("GET", "/metrics", "").await;
    let head = daemon.send("HEAD", "/metrics", "").await;
    let post = daemon.send("POST", "/metrics", "").await;

    let kind = Some("text/plain; version=0.0.4; charset=utf-8");
    assert_eq!((get.status, get.header("content-type")), (200, kind));
    assert_eq!((head.status, head.header("content-type")), (200, kind));
    assert_eq!(
        (post.status, post.header("allow")),
        (405, Some("GET, HEAD"))
    );
    assert_eq!(get.header("cache-control"), Some("no-store"));
    for metric in &lastbeatd::http::METRICS {
        let (name, kind) = (metric.name, metric.kind.word());
        let head = format!("# HELP {name} {}\n# TYPE {name} {kind}\n", metric.help);
        assert!(get.text().contains(&head), "{head}");
    }
}

#[test]
fn a_store_that_cannot_write_is_seen() {
    let dir = tempfile::tempdir().unwrap();
    let arguments = ["--storage-wait", "100ms", "--flush", "100ms"];
    let program = Program::start(dir.path(), &arguments);
    let metrics = || samples(&ask_for_text(program.addr, "/metrics"));
    program.register(r#"{"name":"known","ip":"192.0.2.1"}"#);
    let before = metrics();
    assert!(1.0 <= before["lastbeat_store_writing"], "{before:?}");
    assert!(
        before["lastbeat_store_write_errors_total"] < 1.0,
        "{before:?}"
    );
    assert!(2.0 <= before["lastbeat_store_writes_total"], "{before:?}");
    assert!(before["lastbeat_store_last_write_age_seconds"] < 10.0);

    let lock = hold_lock(dir.path());
    program.ask("POST", "/register", r#"{"name":"new","ip":"192.0.2.2"}"#);
    until("the metrics say that nothing is written", || {
        let now = metrics();
        now["lastbeat_store_writing"] < 1.0
            && 1.0 <= now["lastbeat_store_write_errors_total"]
            && 1.0 <= now["lastbeat_store_waiting"]
            && 1.0 < now["lastbeat_store_last_write_age_seconds"]
    });

    drop(lock);
    until("the metrics say that it is written again", || {
        let now = metrics();
        1.0 <= now["lastbeat_store_writing"]
            && now["lastbeat_store_waiting"] < 1.0
            && now["lastbeat_store_last_write_age_seconds"] < 1.0
    });
}
