//! The dashboard by keyboard alone.

use serde_json::{Value, json};

use super::program::Daemon;
use super::stage::{ENTER, ESCAPE, Stage, TAB};
use super::{link, names};

const SPACE: char = ' ';
/// The name on which the focus is.
const FOCUS: &str = "document.activeElement.textContent";

/// A daemon with services of these names.
async fn with(names: &[&str]) -> Daemon {
    let daemon = Daemon::start().await;
    for name in names {
        let body = format!(r#"{{"name":"{name}","ip":"10.0.0.1","ttl_s":600}}"#);
        daemon.post("/register", &body).await;
    }
    daemon
}

/// Waits until the page has asked for this.
async fn asked(stage: &Stage, path: &str) {
    let found = format!(
        "performance.getEntriesByType('resource').some(one => one.name.endsWith('{path}'))"
    );
    stage.holds(&found).await;
}

/// How often it has asked for anything but its live part.
async fn acts(stage: &Stage) -> Value {
    let count = "performance.getEntriesByType('resource')\
        .filter(one => one.name.includes('refresh')).length";
    stage.says(count, "").await
}

#[tokio::test]
#[ignore = "needs chromium"]
async fn services_are_found_sorted_and_paged_by_keyboard_alone() {
    let daemon = with(&["alpha", "alpine", "beta"]).await;
    let stage = Stage::open(&format!("{}?size=1", daemon.url), true).await;
    stage.sees(".conn.live").await;

    stage.presses(&format!("/alp{ENTER}")).await;
    stage.holds("location.search.includes('q=alp')").await;
    stage.sees("#pager").await;
    stage.tabs_to("thead a[href*='sort=name']").await;
    stage.presses(&ENTER.to_string()).await;
    stage.sees("th[aria-sort] a[href*='sort=-name']").await;
    assert_eq!(names(&stage).await, ["alpha"]);
    stage.tabs_to("#pager a[rel='next']").await;
    stage.presses(&ENTER.to_string()).await;
    stage.holds("location.search.includes('page=2')").await;
    assert_eq!(names(&stage).await, ["alpine"]);

    stage.sees(".conn.live").await;
    stage.presses(&ESCAPE.to_string()).await;
    stage.sees(&link("beta")).await;
    assert_eq!(
        stage.browser.current_url().await.unwrap().as_str(),
        daemon.url
    );
    stage.ends_clean().await;
}

#[tokio::test]
#[ignore = "needs chromium"]
async fn the_keys_of_the_terminal_move_refresh_and_open() {
    let daemon = with(&["a", "b", "c"]).await;
    let stage = Stage::open(&daemon.url, true).await;
    stage.sees(".conn.live").await;

    stage.presses("jjj").await;
    assert_eq!(stage.says(FOCUS, "").await, "c");
    stage.presses("jk").await;
    assert_eq!(stage.says(FOCUS, "").await, "b");
    stage.presses("r").await;
    asked(&stage, "/refresh/b").await;
    stage.presses("R").await;
    asked(&stage, "/refresh_all").await;
    assert_eq!(stage.says(FOCUS, "").await, "b");
    stage.presses(&ENTER.to_string()).await;
    stage.sees_text("h1", "b").await;
    stage.sees(".conn.live").await;
    stage.presses("r").await;
    asked(&stage, "/refresh/b").await;
    stage.presses(&ESCAPE.to_string()).await;
    stage.sees(&link("c")).await;
    stage.ends_clean().await;
}

#[tokio::test]
#[ignore = "needs chromium"]
async fn keys_are_letters_inside_a_field() {
    let daemon = with(&["a"]).await;
    let stage = Stage::open(&daemon.url, true).await;
    stage.sees(".conn.live").await;

    stage.presses("/jrRk?/").await;

    assert_eq!(
        stage.says("document.querySelector('#q').value", "").await,
        "jrRk?/"
    );
    stage.sees("body:not(:has(dialog))").await;
    assert_eq!(acts(&stage).await, 0);
    stage.presses(&format!("{ESCAPE}j")).await;
    assert_eq!(stage.says(FOCUS, "").await, "a");
    stage.ends_clean().await;
}

#[tokio::test]
#[ignore = "needs chromium"]
async fn keys_are_listed_and_can_be_turned_off() {
    let daemon = with(&["a"]).await;
    let stage = Stage::open(&daemon.url, true).await;
    stage.sees(".conn.live").await;

    stage.presses("j?").await;
    for word in ["/", "j", "k", "r", "R", "Enter", "Escape", "?"] {
        let has = "[...document.querySelectorAll('dialog kbd')]\
            .some(key => key.textContent === arguments[0])";
        assert_eq!(stage.says(has, word).await, json!(true), "{word}");
    }
    stage.presses("R").await;
    stage.tabs_to("dialog input").await;
    stage.presses(&format!("{SPACE}{ESCAPE}")).await;
    stage.sees("body:not(:has(dialog))").await;
    assert_eq!(stage.says(FOCUS, "").await, "a", "back where it was");
    stage.presses("R?").await;
    stage.browser.refresh().await.unwrap();
    stage.sees(".conn.live").await;
    stage.presses("jR?").await;
    stage.sees("body:not(:has(dialog, tr:focus-within))").await;
    assert_eq!(acts(&stage).await, 0);

    stage.clicks("#help").await;
    stage.tabs_to("dialog input").await;
    stage.presses(&format!("{SPACE}{TAB}{ENTER}")).await;
    stage.sees("body:not(:has(dialog))").await;
    stage.presses("j").await;
    assert_eq!(stage.says(FOCUS, "").await, "a");
    stage.ends_clean().await;
}
