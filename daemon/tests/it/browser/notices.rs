//! What the daemon has to tell stands above the rows, and the worst state on the tab.

use super::program::Daemon as Real;
use super::stage::{REFUSED, Stage};
use crate::daemon::Daemon;
use crate::storage::hold_lock;

/// The title, and the name of the icon's file.
const TAB: &str = "[document.title.split(' lastbeat')[0], document.querySelector('#icon').href.split('/').at(-1)]";

async fn register(daemon: &Daemon, name: &str, ttl_s: u32) {
    let body = format!(r#"{{"name":"{name}","ip":"10.0.0.1","ttl_s":{ttl_s}}}"#);
    assert_eq!(daemon.send("POST", "/register", &body).await.status, 200);
}

fn url(daemon: &Daemon) -> String {
    format!("http://{}/", daemon.addr)
}

#[tokio::test]
#[ignore = "needs chromium"]
async fn title_and_icon_tell_the_worst_state() {
    let daemon = Daemon::start();
    register(&daemon, "steady", 86_400).await;
    register(&daemon, "a", 60).await;
    let stage = Stage::open(&url(&daemon), true).await;
    stage.sees("#icon[href$='up.svg']").await;
    assert_eq!(stage.says("document.title.includes('(')", "").await, false);

    daemon.pass(50);
    stage.sees("#icon[href$='late.svg']").await;
    daemon.pass(11);
    stage.sees("#icon[href$='down.svg']").await;

    let tab = stage.says(TAB, "").await;
    assert_eq!(tab, serde_json::json!(["(1 down)", "down.svg"]));
    register(&daemon, "a", 60).await;
    stage.sees("#icon[href$='up.svg']").await;
    stage.ends_clean().await;
}

#[tokio::test]
#[ignore = "needs chromium"]
async fn the_loss_of_many_at_once_stands_above_the_rows() {
    let daemon = Daemon::start();
    for number in 0..10 {
        register(&daemon, &format!("s{number}"), 30).await;
    }
    let stage = Stage::open(&url(&daemon), true).await;
    stage.sees(".conn.live").await;

    daemon.pass(31);

    stage.sees("#n-mass-loss").await;
    stage.sees_text("#n-mass-loss", "since ").await;
    stage.ends_clean().await;
}

#[tokio::test]
#[ignore = "needs chromium"]
async fn a_daemon_that_anyone_may_change_says_so() {
    let open = [("listen", "0.0.0.0:0"), ("insecure-no-auth", "true")];
    let daemon = Daemon::start_with(&open);

    for with_script in [true, false] {
        let stage = Stage::open(&url(&daemon), with_script).await;

        stage.sees_text("#n-no-auth", "--insecure-no-auth").await;
        stage.ends_clean().await;
    }
}

#[tokio::test]
#[ignore = "needs chromium"]
async fn a_disk_that_takes_nothing_is_told_until_it_does_again() {
    let daemon = Real::start().await;
    daemon
        .post("/register", r#"{"name":"a","ip":"10.0.0.1"}"#)
        .await;
    let stage = Stage::open(&daemon.url, true).await;
    stage.sees(".conn.live").await;

    let lock = hold_lock(daemon.db().parent().unwrap());
    let address = daemon
        .url
        .trim_start_matches("http://")
        .trim_end_matches('/');
    let refused = super::program::post(address, "/register", r#"{"name":"b","ip":"10.0.0.2"}"#);
    assert!(refused.await.contains(" 503 "));

    stage.sees("#n-store-not-writing.t-down").await;
    stage.sees("#rest:not(.stale) tbody").await;
    drop(lock);
    stage.sees("#top:not(:has(#n-store-not-writing))").await;
    stage.ends_clean().await;
}

#[tokio::test]
#[ignore = "needs chromium"]
async fn the_absence_of_the_registry_is_told_after_it() {
    let mut daemon = Real::start().await;
    daemon
        .post("/register", r#"{"name":"a","ip":"10.0.0.1"}"#)
        .await;
    let stage = Stage::open(&daemon.url, true).await;
    stage.sees(".conn.live").await;

    daemon.kill();
    stage.sees("#rest.stale").await;
    daemon.start_again().await;

    stage.sees("#n-start-grace").await;
    stage.sees_text("#n-start-grace", "away").await;
    stage.sees("#rest:not(.stale) tr.t-unsure").await;
    stage.ends_with(&[REFUSED]).await;
}
