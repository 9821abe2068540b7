//! The page while it stands open: what stays, how often it asks, what it says aloud.

use serde_json::{Value, json};

use super::program::Daemon;
use super::stage::{REFUSED, Stage};
use super::{link, names};

/// When each question for the live part began and was answered, in ms.
const ASKED: &str = "performance.getEntriesByType('resource')\
    .filter(one => one.name.includes('/rows')).map(one => [one.startTime, one.responseEnd])";

async fn register(daemon: &Daemon, name: &str) {
    let body = format!(r#"{{"name":"{name}","ip":"10.0.0.1","ttl_s":600,"tags":["x"]}}"#);
    daemon.post("/register", &body).await;
}

async fn run(stage: &Stage, script: &str) {
    stage.browser.execute(script, Vec::new()).await.unwrap();
}

#[tokio::test]
#[ignore = "needs chromium"]
async fn focus_selection_and_scroll_survive_what_changes_around_them() {
    let daemon = Daemon::start().await;
    for number in 0..40 {
        register(&daemon, &format!("service-{number:02}")).await;
    }
    let stage = Stage::open(&daemon.url, true).await;
    stage.sees(".conn.live").await;
    stage.presses("jjj").await;
    run(
        &stage,
        "getSelection().selectAllChildren(document.querySelector(\"[href='s/service-20']\"));\
         scrollTo(0, 300); window.row = document.activeElement.closest('tr')",
    )
    .await;

    let top = "document.querySelector(\"[href='s/service-20']\").getBoundingClientRect().top";
    let before = stage.says(top, "").await.as_f64().unwrap();

    // Before all others, and one that will be the first of all.
    register(&daemon, "another").await;
    stage.sees(&link("another")).await;
    daemon
        .post("/register", r#"{"name":"z","ip":"10.0.0.1","ttl_s":2}"#)
        .await;
    stage.sees("tbody tr.t-down:first-child").await;

    let kept = "[document.activeElement.textContent, getSelection().toString(),\
        document.activeElement.closest('tr') === window.row]";
    assert_eq!(
        stage.says(kept, "").await,
        json!(["service-02", "service-20", true])
    );
    let after = stage.says(top, "").await.as_f64().unwrap();
    assert!((before - after).abs() < 2.0, "{before} {after}");
    stage.presses("j").await;
    assert_eq!(
        stage.says("document.activeElement.textContent", "").await,
        "service-03"
    );
    stage.ends_clean().await;
}

#[tokio::test]
#[ignore = "needs chromium"]
async fn a_focus_on_a_row_that_moves_stays_on_it() {
    let daemon = Daemon::start().await;
    daemon
        .post("/register", r#"{"name":"z","ip":"10.0.0.1","ttl_s":3}"#)
        .await;
    register(&daemon, "a").await;
    let stage = Stage::open(&daemon.url, true).await;
    stage.sees(".conn.live").await;
    run(
        &stage,
        "document.querySelector(\"[formaction='refresh/z']\").focus()",
    )
    .await;

    stage.sees("tbody tr.t-down:first-child").await;

    assert_eq!(names(&stage).await, ["z", "a"]);
    stage.sees("tr.t-down [formaction='refresh/z']:focus").await;
    stage.ends_clean().await;
}

#[tokio::test]
#[ignore = "needs chromium"]
async fn the_next_question_waits_for_the_answer_to_the_last() {
    let daemon = Daemon::start().await;
    register(&daemon, "a").await;
    let stage = Stage::open(&daemon.url, true).await;
    stage.tell("Network.enable", json!({})).await;
    let slow = json!({
        "offline": false, "latency": 2_500, "downloadThroughput": -1, "uploadThroughput": -1,
    });
    stage.tell("Network.emulateNetworkConditions", slow).await;

    // A key that is held down asks each time.
    for _ in 0..5 {
        run(&stage, "dispatchEvent(new Event('online'))").await;
    }
    stage.holds(&format!("2 < {ASKED}.length")).await;

    let asked: Vec<(f64, f64)> = serde_json::from_value(stage.says(ASKED, "").await).unwrap();
    for pair in asked.windows(2) {
        assert!(pair[0].1 <= pair[1].0, "{asked:?}");
    }
    stage.ends_clean().await;
}

#[tokio::test]
#[ignore = "needs chromium"]
async fn a_hidden_tab_asks_every_thirty_seconds_and_at_once_when_it_is_shown() {
    let daemon = Daemon::start().await;
    register(&daemon, "a").await;
    let stage = Stage::open(&daemon.url, true).await;
    stage.sees(".conn.live").await;
    let hide = "window.waits = []; const real = setTimeout;\
        window.setTimeout = (run, wait) => { window.waits.push(wait); return real(run, wait) };\
        Object.defineProperty(document, 'hidden', { get: () => window.hides });\
        window.hides = true; document.dispatchEvent(new Event('visibilitychange'))";

    run(&stage, hide).await;

    stage.holds("window.waits.at(-1) === 30000").await;
    let before = stage.says(&format!("{ASKED}.length"), "").await;
    let shown = "window.hides = false; document.dispatchEvent(new Event('visibilitychange', { bubbles: true }))";
    run(&stage, shown).await;
    stage.holds("window.waits.at(-1) === 2000").await;
    let after = stage.says(&format!("{ASKED}.length"), "").await;
    assert!(before.as_u64() < after.as_u64(), "{before} {after}");
    stage.ends_clean().await;
}

#[tokio::test]
#[ignore = "needs chromium"]
async fn what_changes_is_said_in_a_sentence_every_five_seconds_at_most() {
    let daemon = Daemon::start().await;
    register(&daemon, "a").await;
    let stage = Stage::open(&daemon.url, true).await;
    stage.sees("#say[aria-live='polite']").await;
    run(
        &stage,
        "window.spoken = []; const say = document.querySelector('#say');\
         new MutationObserver(() => window.spoken.push([performance.now(), say.textContent]))\
         .observe(say, { childList: true, characterData: true, subtree: true })",
    )
    .await;

    let mut spoken: Vec<(f64, String)> = Vec::new();
    for number in 0.. {
        register(&daemon, &format!("b{number}")).await;
        stage.sees(&link(&format!("b{number}"))).await;
        let said: Value = stage.says("window.spoken", "").await;
        spoken = serde_json::from_value(said).unwrap();
        if 2 < spoken.len() {
            break;
        }
    }

    for pair in spoken.windows(2) {
        assert!(4_990.0 <= pair[1].0 - pair[0].0, "{spoken:?}");
    }
    assert!(spoken[0].1.starts_with("0 down, 0 late, "), "{spoken:?}");
    stage.ends_clean().await;
}

#[tokio::test]
#[ignore = "needs chromium"]
async fn a_lost_daemon_leaves_the_last_state_with_ages_that_go_on() {
    let mut daemon = Daemon::start().await;
    daemon
        .post("/register", r#"{"name":"a","ip":"10.0.0.1","ttl_s":2}"#)
        .await;
    let stage = Stage::open(&daemon.url, true).await;
    stage.sees("tr.t-down").await;

    daemon.kill();

    stage
        .sees_text("[role='alert']", "Lost contact since ")
        .await;
    let text = stage.sees("#alert").await.text().await.unwrap();
    let at = text.trim_start_matches("Lost contact since ");
    let (at, rest) = at.split_once(';').unwrap();
    assert_eq!(rest, " showing the last known state");
    assert_eq!(at.len(), "23:01:07".len(), "{text}");
    let look = "getComputedStyle(document.querySelector('#rest')).filter";
    assert_eq!(stage.says(look, "").await, "grayscale(1)");
    let age = "document.querySelector('tbody i').textContent";
    let before = stage.says(age, "").await;
    let left = "document.querySelector('i[data-d]').textContent";
    let stands = stage.says(left, "").await;
    stage.holds(&format!("{age} !== {before}")).await;
    assert_eq!(
        stage.says(left, "").await,
        stands,
        "nobody knows whether it listens"
    );
    stage
        .holds("document.querySelector('.conn b').textContent !== 'Live'")
        .await;
    assert_eq!(names(&stage).await, ["a"]);
    stage.ends_with(&[REFUSED]).await;
}
