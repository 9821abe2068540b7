//! Lists: long ones in pieces, changes only, and waiting for a change.

use std::collections::BTreeSet;
use std::sync::Arc;

use lastbeat_proto::register::{Patch, Registration};
use lastbeat_proto::{Address, InstanceId, ServiceName};
use serde_json::Value;
use tokio::task::JoinSet;

use crate::daemon::Daemon;
use crate::raw::request;

/// Rows of a list that is longer than 512 KiB.
const MANY: usize = 1_500;
/// Rows of one that is not, but longer than one piece.
const SOME: usize = 900;

/// Registers so many instances of one service.
async fn fill(daemon: &Daemon, count: usize) {
    let mut all = JoinSet::new();
    for number in 0..count {
        let registry = Arc::clone(&daemon.registry);
        let mut one = Registration::bare(ServiceName::parse("swarm").unwrap());
        one.instance = Patch::Set(InstanceId::parse(&number.to_string()).unwrap());
        let caller = Address::from(daemon.addr.ip());
        all.spawn(async move { registry.register(&one, &caller).await.unwrap() });
    }
    assert_eq!(all.join_all().await.len(), count);
}

/// The instance keys in a list of an answer, which must be different ones.
fn keys(list: &Value) -> BTreeSet<&str> {
    let list = list.as_array().unwrap();
    let keys: BTreeSet<&str> = list
        .iter()
        .map(|r| r["instance"].as_str().unwrap())
        .collect();
    assert_eq!(keys.len(), list.len(), "one stands twice");
    keys
}

#[tokio::test]
async fn a_long_list_is_chunked_and_to_an_old_client_ends_with_the_close() {
    let daemon = Daemon::start();
    fill(&daemon, MANY).await;

    for (method, path, rows) in [
        ("GET", "/services", "services"),
        ("GET", "/services?sort=-name", "services"),
        ("POST", "/refresh_all", "services"),
        ("GET", "/services/swarm", "instances"),
        ("POST", "/refresh/swarm", "instances"),
    ] {
        let mut connection = daemon.connect().await;
        let new = connection.ask(&request(method, path, &[], b"")).await;
        let keep = format!("{method} {path} HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
        let mut old = daemon.connect().await;
        let until_close = old.ask(keep.as_bytes()).await;

        assert_eq!(new.header("transfer-encoding"), Some("chunked"), "{path}");
        assert_eq!(until_close.header("transfer-encoding"), None, "{path}");
        assert_eq!(until_close.header("content-length"), None, "{path}");
        assert_eq!(until_close.header("connection"), Some("close"), "{path}");
        for reply in [new, until_close] {
            assert!(512 << 10 < reply.body.len(), "{path}");
            assert_eq!(keys(&reply.json()[rows]).len(), MANY, "{path}");
        }
    }
    let mut connection = daemon.connect().await;
    let head = connection
        .ask(&request("HEAD", "/services", &[], b""))
        .await;
    assert_eq!((head.status, head.header("content-length")), (200, None));
    let next = connection.ask(&request("GET", "/readyz", &[], b"")).await;
    assert_eq!(next.status, 200, "the connection goes on");
}

#[tokio::test]
async fn a_fleet_is_told_and_deregistered_whole() {
    let daemon = Daemon::start();
    fill(&daemon, MANY).await;
    let ask = async |method, path| {
        let mut connection = daemon.connect().await;
        connection.ask(&request(method, path, &[], b"")).await
    };

    let uptime = ask("GET", "/uptime/swarm").await;
    assert_eq!(uptime.status, 200, "{}", uptime.text());
    let gone = ask("DELETE", "/services/swarm").await;

    assert_eq!(gone.status, 200);
    assert_eq!(keys(&gone.json()["removed"]).len(), MANY);
    assert_eq!(ask("POST", "/refresh/swarm").await.status, 404);
    let again = ask("DELETE", "/services/swarm").await.json();
    assert_eq!(again["message"], "swarm was deregistered already");
    assert_eq!(ask("DELETE", "/services/nobody").await.status, 404);
}

#[tokio::test]
async fn a_list_of_some_pieces_has_a_length_and_the_same_rows() {
    let daemon = Daemon::start();
    fill(&daemon, SOME).await;

    let reply = daemon.send("GET", "/services", "").await;
    let mut connection = daemon.connect().await;
    let head = connection
        .ask(&request("HEAD", "/services", &[], b""))
        .await;

    let length = reply.body.len();
    assert!((64 << 10..=512 << 10).contains(&length), "{length}");
    assert_eq!(reply.header("content-length").unwrap(), length.to_string());
    assert!(head.header("content-length").is_some());
    assert_eq!(keys(&reply.json()["services"]).len(), SOME);
}

#[tokio::test]
async fn the_page_of_a_service_with_many_instances_leads_to_the_rest() {
    let daemon = Daemon::start();
    fill(&daemon, 101).await;

    let page = daemon.send("GET", "/s/swarm", "").await.text();

    assert_eq!(page.matches("class=\"card instance").count(), 100);
    let more = "1 more instance is in <a href=\"../?name=swarm\">the list</a>";
    assert!(page.contains(more), "{page}");
}

#[tokio::test]
async fn a_delta_tells_all_that_left_however_many_they_are() {
    let daemon = Daemon::start();
    fill(&daemon, 2 * MANY).await;
    let cursor = daemon.cursor().await;
    daemon.register("stays", "192.0.2.10").await;
    assert_eq!(
        daemon.send("DELETE", "/services/swarm", "").await.status,
        200
    );

    let delta = format!("/services?since={cursor}");
    let changes = daemon.send("GET", &delta, "").await.json();

    assert_eq!(changes["full"], false);
    assert_eq!(keys(&changes["removed"]).len(), 2 * MANY);
    assert_eq!(changes["services"].as_array().unwrap().len(), 1);
    assert_eq!(changes["services"][0]["name"], "stays");
}

#[tokio::test]
async fn a_page_of_a_list_has_a_length() {
    let daemon = Daemon::start();
    for name in ["a", "b", "c"] {
        daemon.register(name, "192.0.2.10").await;
    }

    let reply = daemon
        .send("GET", "/services?size=1&page=2&sort=-name", "")
        .await;

    assert_eq!(
        reply.header("content-length").unwrap(),
        reply.body.len().to_string()
    );
    let list = reply.json();
    assert_eq!(list["matching"], 3);
    assert_eq!(list["services"].as_array().unwrap().len(), 1);
    assert_eq!(list["services"][0]["name"], "b");
}

#[tokio::test]
async fn who_waits_for_a_change_is_answered_by_it() {
    let daemon = Daemon::start();
    daemon.register("a", "192.0.2.10").await;
    let cursor = daemon.cursor().await;
    let mut waiting = daemon.connect().await;

    let wait = format!("/services?since={cursor}&wait=60s");
    waiting.send(&request("GET", &wait, &[], b"")).await;
    daemon.register("b", "192.0.2.10").await;
    let changes = waiting.reply(false).await.json();

    assert_eq!(changes["full"], false);
    assert_eq!(changes["services"].as_array().unwrap().len(), 1);
    assert_eq!(changes["services"][0]["name"], "b");
}

#[tokio::test]
async fn who_would_wait_beside_too_many_is_told_to_ask_without() {
    let daemon = Daemon::start_with(&[("max-connections", "8")]);
    let cursor = daemon.cursor().await;
    daemon.until_sleepers(2).await;
    let wait = format!("/services?since={cursor}&wait=60s");
    let mut waiting = Vec::new();
    for number in 1..=4 {
        let mut connection = daemon.connect().await;
        connection.send(&request("GET", &wait, &[], b"")).await;
        daemon.until_sleepers(2 + number).await;
        waiting.push(connection);
    }

    let fifth = daemon.send("GET", &wait, "").await;
    let without = daemon
        .send("GET", &format!("/services?since={cursor}"), "")
        .await;

    assert_eq!(fifth.status, 429, "{}", fifth.text());
    assert_eq!(fifth.header("retry-after"), Some("1"));
    assert_eq!(without.status, 200);
    daemon.register("b", "192.0.2.10").await;
    for mut connection in waiting {
        assert_eq!(connection.reply(false).await.status, 200);
    }
    let again = daemon
        .connect()
        .await
        .ask(&request("GET", &wait, &[], b""))
        .await;
    assert_eq!(again.status, 200, "there is room again");
}

#[tokio::test]
async fn who_waits_for_a_change_is_answered_when_the_daemon_stops() {
    let mut daemon = Daemon::start();
    let cursor = daemon.cursor().await;
    daemon.until_sleepers(2).await;
    let mut waiting = daemon.connect().await;

    let wait = format!("/services?since={cursor}&wait=60s");
    waiting.send(&request("GET", &wait, &[], b"")).await;
    daemon.until_sleepers(3).await;
    daemon.ask_to_stop();
    let changes = waiting.reply(false).await.json();

    assert!(changes["services"].as_array().unwrap().is_empty());
    assert!(waiting.is_closed().await);
    daemon.join();
}
