//! The page on narrow windows, in the dark, without movement, with forced colors and on paper.

use serde_json::json;

use super::program::Daemon;
use super::stage::Stage;

/// What an element's style comes to.
fn style(css: &str, property: &str) -> String {
    format!("getComputedStyle(document.querySelector(\"{css}\")).{property}")
}

/// A page with a row of a long name and address, and one that is DOWN.
async fn stage() -> (Daemon, Stage) {
    let daemon = Daemon::start().await;
    let name = "x".repeat(120);
    let body = json!({
        "name": name, "ip": "2001:db8:1234:5678:9abc:def0:1234:5678", "port": 65_535,
        "instance": "y".repeat(120), "tags": ["z".repeat(60), "prod"], "ttl_s": 600,
    });
    daemon.post("/register", &body.to_string()).await;
    daemon
        .post("/register", r#"{"name":"brief","ip":"10.0.0.1","ttl_s":2}"#)
        .await;
    let stage = Stage::open(&daemon.url, true).await;
    stage.sees("tr.t-down").await;
    (daemon, stage)
}

#[tokio::test]
#[ignore = "needs chromium"]
async fn a_narrow_window_needs_no_sideways_scroll_and_hides_nothing() {
    let (daemon, stage) = stage().await;
    for width in [320, 360, 600, 860, 1_000] {
        stage.is_wide(width).await;
        for path in ["", "s/brief", "?q=nobody"] {
            let url = format!("{}{path}", daemon.url);
            stage.browser.goto(&url).await.unwrap();
            stage.sees(".conn.live").await;

            let over =
                "document.documentElement.scrollWidth - document.documentElement.clientWidth";
            assert_eq!(stage.says(over, "").await, json!(0), "{width} {path}");
        }
    }
    stage.is_wide(360).await;
    stage.browser.goto(&daemon.url).await.unwrap();
    let hidden = "[...document.querySelectorAll('tbody tr > *:not(:empty)')]\
        .filter(cell => !cell.checkVisibility() || cell.offsetWidth < 10).length";
    assert_eq!(stage.says(hidden, "").await, json!(0));
    stage.ends_clean().await;
}

#[tokio::test]
#[ignore = "needs chromium"]
async fn the_page_is_as_dark_as_the_system_or_as_its_reader_wants() {
    let (_daemon, stage) = stage().await;
    let color = style("body", "backgroundColor");
    let (light, dark) = (json!("rgb(246, 247, 249)"), json!("rgb(15, 19, 24)"));

    stage
        .emulates("screen", &[("prefers-color-scheme", "dark")])
        .await;
    assert_eq!(stage.says(&color, "").await, dark);
    stage.clicks("#theme").await;
    stage.sees_text("#theme", "light").await;
    assert_eq!(stage.says(&color, "").await, light);
    stage.browser.refresh().await.unwrap();
    stage.sees_text("#theme", "light").await;
    assert_eq!(stage.says(&color, "").await, light);
    stage.clicks("#theme").await;
    stage
        .emulates("screen", &[("prefers-color-scheme", "light")])
        .await;
    assert_eq!(stage.says(&color, "").await, dark);
    stage.ends_clean().await;
}

#[tokio::test]
#[ignore = "needs chromium"]
async fn nothing_moves_for_who_wants_no_movement() {
    let (_daemon, stage) = stage().await;
    stage
        .emulates("screen", &[("prefers-reduced-motion", "reduce")])
        .await;

    let moves = "[...document.querySelectorAll('*')].map(one => getComputedStyle(one))\
        .filter(style => style.animationName !== 'none' || style.transitionDuration !== '0s'\
        || style.scrollBehavior !== 'auto').length + document.getAnimations().length";
    assert_eq!(stage.says(moves, "").await, json!(0));
    stage.ends_clean().await;
}

#[tokio::test]
#[ignore = "needs chromium"]
async fn with_forced_colors_states_are_told_by_word_shape_and_frame() {
    let (_daemon, stage) = stage().await;
    stage
        .emulates("screen", &[("forced-colors", "active")])
        .await;

    let cell = "tr.t-down td b";
    assert_eq!(
        stage.says(&style(cell, "borderTopStyle"), "").await,
        "double"
    );
    assert_eq!(stage.says(&style(cell, "borderTopWidth"), "").await, "3px");
    let up = "tr:not(.t-down) td b";
    assert_eq!(stage.says(&style(up, "borderTopStyle"), "").await, "solid");
    assert_eq!(stage.says(&style(up, "borderTopWidth"), "").await, "2px");
    stage.sees_text(cell, "DOWN").await;
    let shape = "document.querySelector('tr.t-down td b svg').getBoundingClientRect().width";
    assert!(stage.says(shape, "").await.as_f64().unwrap() > 8.0);
    stage.ends_clean().await;
}

#[tokio::test]
#[ignore = "needs chromium"]
async fn paper_shows_the_registry_and_no_button() {
    let (_daemon, stage) = stage().await;
    stage.emulates("print", &[]).await;

    let shown = "[...document.querySelectorAll(arguments[0])]\
        .filter(one => one.checkVisibility()).length";
    let buttons = "button, td > a[href*='ask='], .find, .conn";
    assert_eq!(stage.says(shown, buttons).await, json!(0));
    assert_eq!(stage.says(shown, "tbody tr").await, json!(2));
    assert_eq!(stage.says(shown, ".counts li").await, json!(5));
    let fixed = style(".navbar", "position");
    assert_eq!(stage.says(&fixed, "").await, "static");
    stage.ends_clean().await;
}
