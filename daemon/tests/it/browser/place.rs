//! What readers keep: their place in the list, their filter, and a word about what they did.

use serde_json::json;

use super::program::Daemon;
use super::stage::{ENTER, ESCAPE, Stage};
use super::{link, names};

/// What is in focus, and where it is on the screen.
const FOCUS_TOP: &str = "document.activeElement.getBoundingClientRect().top";

/// A daemon with forty services, and its page with a filter that all of them pass.
async fn forty() -> (Daemon, Stage) {
    let daemon = Daemon::start().await;
    for number in 0..40 {
        let body = format!(r#"{{"name":"service-{number:02}","ip":"10.0.0.1","ttl_s":600}}"#);
        daemon.post("/register", &body).await;
    }
    let stage = Stage::open(&format!("{}?q=service", daemon.url), true).await;
    stage.sees(".conn.live").await;
    (daemon, stage)
}

/// Puts the focus on the way to the question about a row, and gives its place on the screen.
async fn goes_to_question(stage: &Stage, name: &str) -> f64 {
    let focus = format!(
        "document.querySelector(\"tr:has([href='s/{name}']) td > a\").focus() || {FOCUS_TOP}"
    );
    stage.says(&focus, "").await.as_f64().unwrap()
}

#[tokio::test]
#[ignore = "needs chromium"]
async fn a_question_is_put_and_taken_back_where_the_reader_is() {
    let (_daemon, stage) = forty().await;
    let before = goes_to_question(&stage, "service-20").await;

    stage.presses(&ENTER.to_string()).await;
    stage
        .sees("tr:has([href='s/service-20']) .confirm a:focus")
        .await;
    let question = stage.says("location.search", "").await;
    stage.presses(&ESCAPE.to_string()).await;
    stage
        .sees("tr:has([href='s/service-20']) td > a:focus")
        .await;

    assert!(question.as_str().unwrap().starts_with("?q=service&ask="));
    assert_eq!(stage.says("location.search", "").await, "?q=service");
    let after = stage.says(FOCUS_TOP, "").await.as_f64().unwrap();
    assert!((before - after).abs() < 2.0, "{before} {after}");
    assert_eq!(names(&stage).await.len(), 40);
    stage.ends_clean().await;
}

#[tokio::test]
#[ignore = "needs chromium"]
async fn who_deregisters_goes_on_with_the_next_row() {
    let (_daemon, stage) = forty().await;
    goes_to_question(&stage, "service-20").await;
    stage.presses(&ENTER.to_string()).await;

    stage.clicks(".confirm button").await;

    stage.sees(&format!("{}:focus", link("service-21"))).await;
    stage.sees_text("#done", "service-20").await;
    assert_eq!(stage.says("location.search", "").await, "?q=service");
    assert_eq!(names(&stage).await.len(), 39);
    stage.ends_clean().await;
}

#[tokio::test]
#[ignore = "needs chromium"]
async fn a_row_in_focus_stays_where_it_is_on_the_screen() {
    let (daemon, stage) = forty().await;
    let before = goes_to_question(&stage, "service-20").await;

    for name in ["service-a", "service-b", "service-c"] {
        let body = format!(r#"{{"name":"{name}","ip":"10.0.0.1","ttl_s":2}}"#);
        daemon.post("/register", &body).await;
    }
    stage.sees("tbody tr.t-down:nth-child(3)").await;

    let after = stage.says(FOCUS_TOP, "").await.as_f64().unwrap();
    assert!((before - after).abs() < 2.0, "{before} {after}");
    stage.ends_clean().await;
}

#[tokio::test]
#[ignore = "needs chromium"]
async fn what_was_done_is_said_for_a_moment() {
    let (_daemon, stage) = forty().await;

    stage.presses("jr").await;
    stage
        .sees_text("output#done", "refreshed service-00: UP")
        .await;
    stage.presses("R").await;
    stage.sees_text("#done", "refreshed all").await;

    stage.sees("#done:empty").await;
    stage.ends_clean().await;
}

#[tokio::test]
#[ignore = "needs chromium"]
async fn what_a_link_means_comes_to_rest_below_the_header() {
    let (_daemon, stage) = forty().await;
    for width in [360, 1_280] {
        stage.is_wide(width).await;
        stage
            .browser
            .execute("scrollTo(0, 0)", Vec::new())
            .await
            .unwrap();

        stage.clicks(".counts a[href='#gone']").await;

        let free = "document.querySelector('#gone h2').getBoundingClientRect().top\
            - document.querySelector('.navbar').getBoundingClientRect().bottom";
        stage.holds(&format!("0 <= {free}")).await;
    }
    stage.ends_clean().await;
}

#[tokio::test]
#[ignore = "needs chromium"]
async fn cards_are_sorted_by_links_that_a_finger_meets() {
    let (_daemon, stage) = forty().await;
    stage.is_wide(360).await;

    let height =
        "document.querySelector(\"thead a[href*='sort=name']\").getBoundingClientRect().height";
    assert!(24.0 <= stage.says(height, "").await.as_f64().unwrap());
    stage.clicks("thead a[href*='sort=name']").await;
    stage.clicks("thead a[href*='sort=-name']").await;

    stage.holds("location.search.includes('sort=-name')").await;
    stage.sees(".conn.live").await;
    assert_eq!(
        names(&stage).await.first().map(String::as_str),
        Some("service-39")
    );
    stage.ends_clean().await;
}

#[tokio::test]
#[ignore = "needs chromium"]
async fn a_page_lists_the_keys_that_mean_something_on_it() {
    let (daemon, stage) = forty().await;
    stage
        .browser
        .goto(&format!("{}s/service-00", daemon.url))
        .await
        .unwrap();
    stage.sees(".conn.live").await;

    stage.presses("?").await;

    let keys = "[...document.querySelectorAll('dialog kbd')].map(key => key.textContent)";
    assert_eq!(stage.says(keys, "").await, json!(["r", "R", "Escape", "?"]));
    stage.ends_clean().await;
}
