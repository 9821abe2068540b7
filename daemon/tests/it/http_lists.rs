//! Lists: long ones in pieces, changes only, and waiting for a change.

use std::sync::Arc;

use lastbeat_proto::register::{Patch, Registration};
use lastbeat_proto::{Address, InstanceId, ServiceName};
use tokio::task::JoinSet;

use crate::daemon::Daemon;
use crate::raw::request;

/// One more than is sent with a length.
const MANY: usize = 10_001;

/// Registers [`MANY`] instances of one service.
async fn fill(daemon: &Daemon) {
    let mut all = JoinSet::new();
    for number in 0..MANY {
        let registry = Arc::clone(&daemon.registry);
        let mut one = Registration::bare(ServiceName::parse("swarm").unwrap());
        one.instance = Patch::Set(InstanceId::parse(&number.to_string()).unwrap());
        let caller = Address::from(daemon.addr.ip());
        all.spawn(async move { registry.register(&one, &caller).await.unwrap() });
    }
    assert_eq!(all.join_all().await.len(), MANY);
}

#[tokio::test]
async fn a_long_list_is_chunked_and_to_an_old_client_ends_with_the_close() {
    let daemon = Daemon::start();
    fill(&daemon).await;
    let mut connection = daemon.connect().await;
    let mut old = daemon.connect().await;

    let head = connection
        .ask(&request("HEAD", "/services", &[], b""))
        .await;
    let new = connection.ask(&request("GET", "/services", &[], b"")).await;
    let keep = b"GET /services HTTP/1.0\r\nConnection: keep-alive\r\n\r\n";
    let until_close = old.ask(keep).await;

    assert_eq!((head.status, head.header("content-length")), (200, None));
    assert_eq!(new.header("transfer-encoding"), Some("chunked"));
    assert_eq!(until_close.header("transfer-encoding"), None);
    assert_eq!(until_close.header("content-length"), None);
    assert_eq!(until_close.header("connection"), Some("close"));
    for reply in [new, until_close] {
        assert_eq!(reply.json()["services"].as_array().unwrap().len(), MANY);
    }
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
